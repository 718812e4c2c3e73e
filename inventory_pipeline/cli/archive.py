"""`inventory archive`: the funnel of each policy's newest plans, and the manifests written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from inventory_pipeline.cli.answer import Section
from inventory_pipeline.cli.output import counted, dollars, size
from inventory_pipeline.cli.reading import Reader, missing, reading

if TYPE_CHECKING:
    import pyarrow as pa

Plan = Mapping[str, Any]

STEPS = ("seen", "matched", "safe", "profitable")

PLANS = """
SELECT policy, source_bucket, configuration_id, delivered_on, region, target_class,
  horizon_months, seen_objects, seen_bytes, matched_objects, matched_bytes, safe_objects,
  safe_bytes, profitable_objects, profitable_bytes, unpriced_objects, fee_usd,
  monthly_saving_usd, net_saving_usd, price_as_of, plan_id
FROM (
  SELECT *, ROW_NUMBER() OVER (
    PARTITION BY policy, source_bucket, configuration_id ORDER BY delivered_on DESC, plan_id
  ) AS place
  FROM archive_plans WHERE {where} AND {policies}
) AS plans
WHERE place = 1
ORDER BY policy, source_bucket, configuration_id
"""

MANIFESTS = """
SELECT policy, bucket, delivered_on, objects, bytes, format, fields, uri, etag, sha256,
  written_at, plan_id
FROM archive_manifests WHERE {where} AND {policies}
ORDER BY written_at DESC, policy, bucket, uri
"""

policy_option = click.option("--policy", multiple=True, help="Policy.")


@click.group()
def archive() -> None:
    """What should be archived, and the manifests to do it.

    \b
    Examples:
      inventory archive plan
      inventory archive manifest --policy old-logs --format json
    """


@archive.command()
@policy_option
@reading("region", "since", "until", snapshot=False)
def plan(reader: Reader, policy: Sequence[str]) -> None:
    """The funnel of each policy's newest plan on each bucket, and its economics.

    Objects seen in the delivery, matched by the policy, safe to move, and profitable within the
    horizon. --since and --until are about the delivery's day.

    \b
    Examples:
      inventory archive plan
      inventory archive plan --policy old-logs --format json
    """
    plans = newest_plans(reader, policy)
    found = plans.to_pylist()
    funnel = Section(
        "funnel",
        "Funnel",
        ("policy", "bucket", *STEPS),
        [
            (
                p["policy"],
                p["source_bucket"],
                *(f"{p[f'{s}_objects']:,} ({size(p[f'{s}_bytes'])})" for s in STEPS),
            )
            for p in found
        ],
    )
    shown = (
        "policy",
        "source_bucket",
        "delivered_on",
        "target_class",
        "horizon_months",
        "unpriced_objects",
        "fee_usd",
        "monthly_saving_usd",
        "net_saving_usd",
    )
    plans_section = Section.of("rows", "Economics of the profitable objects", plans, shown)
    sections = [plans_section] if reader.form != "table" else [funnel, plans_section]
    reader.show(*sections, coverage=reader.delivery_coverage(), notes=tuple(_unpriced(found)))


def newest_plans(reader: Reader, policies: Sequence[str] = ()) -> pa.Table:
    """Each policy's newest plan on each bucket; raises NothingToReadError where none is."""
    condition, params = _of_policies(policies)
    with reader.session("archive_plans") as session:
        plans = reader.rows(
            session, PLANS.replace("{policies}", condition), params, time="delivered_on"
        )
    if not plans.num_rows and not reader.lake.files("archive_plans"):
        raise missing("archive_plans")
    return plans


@archive.command()
@policy_option
@reading("since", "until", snapshot=False)
def manifest(reader: Reader, policy: Sequence[str]) -> None:
    """Manifests written for S3 Batch Operations, each with the ETag that its job must name.

    --since and --until are about when they were written.

    \b
    Examples:
      inventory archive manifest
      inventory archive manifest --since 2026-01-01 --format csv
    """
    condition, params = _of_policies(policy)
    with reader.session("archive_manifests") as session:
        manifests = reader.rows(
            session, MANIFESTS.replace("{policies}", condition), params, time="written_at"
        )
    if not manifests.num_rows and not reader.lake.files("archive_manifests"):
        raise missing("archive_manifests")
    shown = ("policy", "bucket", "delivered_on", "objects", "bytes", "etag", "uri")
    section = Section.of("rows", "Manifests", manifests, shown)
    reader.show(section, coverage=reader.delivery_coverage())


def _of_policies(policies: Sequence[str]) -> tuple[str, dict[str, str]]:
    params = {f"policy_{n}": name for n, name in enumerate(policies)}
    names = ", ".join(f"${name}" for name in params)
    return (f"policy IN ({names})" if params else "TRUE"), params


def funnel_line(plans: Sequence[Plan]) -> str:
    """`seen 9 (1.0 KiB) → matched ... saves $1.00 a month for a fee of $2.00`, of all plans."""
    steps = " → ".join(
        f"{step} {sum(p[f'{step}_objects'] for p in plans):,} "
        f"({size(sum(p[f'{step}_bytes'] for p in plans))})"
        for step in STEPS
    )
    saving, fee = (
        sum(p[name] for p in plans if p[name] is not None)
        for name in ("monthly_saving_usd", "fee_usd")
    )
    known = [p for p in plans if p["monthly_saving_usd"] is not None]
    if not known:
        return f"{steps}; saving unknown"
    whole = len(known) == len(plans) and not any(p["unpriced_objects"] for p in plans)
    least = "" if whole else "at least "
    return f"{steps}; saves {least}{dollars(saving)} a month for a fee of {dollars(fee)}"


def _unpriced(plans: Sequence[Plan]) -> Iterator[str]:
    if count := sum(p["unpriced_objects"] for p in plans):
        yield f"{counted(count, 'safe object')} without a known price: not planned."
