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

# A bucket's plans of its newest day: a day is planned as a whole, each object in one plan. Those of
# earlier days, by whatever policy or report, would count the same objects again.
PLANS = """
SELECT policy, source_bucket, configuration_id, delivered_on, region, target_class,
  horizon_months, seen_objects, seen_bytes, matched_objects, matched_bytes, safe_objects,
  safe_bytes, profitable_objects, profitable_bytes, unpriced_objects, fee_usd,
  monthly_saving_usd, net_saving_usd, job_fee_usd,
  net_saving_usd - job_fee_usd AS net_after_job_usd, price_as_of, plan_id
FROM (
  SELECT *, RANK() OVER (PARTITION BY source_bucket ORDER BY delivered_on DESC) AS place
  FROM archive_plans WHERE {where} AND {policies}
) AS plans
WHERE place = 1
ORDER BY policy, source_bucket, configuration_id
"""

MANIFESTS = """
SELECT m.policy, m.bucket, m.delivered_on, p.route, p.target_class, m.objects, m.bytes, m.format,
  m.fields, m.uri, m.etag, m.sha256, m.written_at, m.plan_id
FROM (SELECT * FROM archive_manifests WHERE {where} AND {policies}) AS m
LEFT JOIN archive_plans AS p ON p.plan_id = m.plan_id
ORDER BY m.delivered_on DESC, m.policy, m.bucket, m.uri
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
    """The funnel of each bucket's newest plans, and their economics.

    Objects seen in the delivery, matched by the policy, safe to move, and profitable within the
    horizon. What they save over it, all fees taken off, is "net after job usd". --since and
    --until are about the delivery's day.

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
        ("policy", "bucket", *STEPS, "profitable_bytes"),
        [
            (
                p["policy"],
                p["source_bucket"],
                *(p[f"{step}_objects"] for step in STEPS),
                p["profitable_bytes"],
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
        "fee_usd",
        "job_fee_usd",
        "monthly_saving_usd",
        "net_after_job_usd",
    )
    plans_section = Section.of("rows", "Economics of the profitable objects", plans, shown)
    sections = [plans_section] if reader.form != "table" else [funnel, plans_section]
    reader.show(*sections, coverage=reader.delivery_coverage(), notes=tuple(_notes(found)))


def newest_plans(reader: Reader, policies: Sequence[str] = ()) -> pa.Table:
    """Each bucket's newest plans; raises NothingToReadError where none is."""
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

    Route copy: an S3 Copy job in place, to the target class. Route tag, in versioned buckets: a job
    that tags the objects, for a lifecycle rule on that tag to move them.

    --since and --until are about when they were written.

    \b
    Examples:
      inventory archive manifest
      inventory archive manifest --since 2026-01-01 --format csv
    """
    condition, params = _of_policies(policy)
    with reader.session("archive_manifests", "archive_plans") as session:
        manifests = reader.rows(
            session, MANIFESTS.replace("{policies}", condition), params, time="written_at"
        )
    if not manifests.num_rows and not reader.lake.files("archive_manifests"):
        raise missing("archive_manifests")
    shown = ("policy", "bucket", "delivered_on", "route", "target_class", "objects", "etag", "uri")
    section = Section.of("rows", "Manifests", manifests, shown)
    notes = tuple(_cautions(manifests.to_pylist()))
    reader.show(section, coverage=reader.delivery_coverage(), notes=notes)


def _cautions(manifests: Sequence[Plan]) -> Iterator[str]:
    """What to know before a job is made of a manifest."""
    lists = {(m["policy"], m["bucket"]) for m in manifests}
    if len(lists) < len(manifests):
        yield "Use the newest of each policy and bucket: older ones list what has changed since."
    if any(m["route"] == "tag" for m in manifests):
        yield "A job of S3 Batch Operations that sets tags replaces all tags an object has."
    if any(not m["uri"].startswith("s3://") for m in manifests):
        yield "Put a manifest from a folder into S3 by one PutObject with SSE-S3: its ETag stays."


def _of_policies(policies: Sequence[str]) -> tuple[str, dict[str, str]]:
    params = {f"policy_{n}": name for n, name in enumerate(policies)}
    names = ", ".join(f"${name}" for name in params)
    return (f"policy IN ({names})" if params else "TRUE"), params


def funnel_line(plans: Sequence[Plan]) -> str:
    """`seen 9 (1.0 KiB) → matched ... saves $1.00 a month for $2.25 of fees`, of all plans."""
    # Every plan of a bucket has seen all its objects.
    seen = list({p["source_bucket"]: p for p in plans}.values())
    steps = " → ".join(
        f"{step} {sum(p[f'{step}_objects'] for p in of):,} "
        f"({size(sum(p[f'{step}_bytes'] for p in of))})"
        for step, of in zip(STEPS, (seen, plans, plans, plans), strict=True)
    )
    unpriced = any(p["unpriced_objects"] for p in plans)
    paying = [p for p in plans if p["profitable_objects"]]
    if not paying:
        return f"{steps}; {'saving unknown' if unpriced else 'no move would pay'}"
    saving = sum(p["monthly_saving_usd"] for p in paying)
    fees = sum(p["fee_usd"] + (p["job_fee_usd"] or 0) for p in paying)
    least = "at least " if unpriced else ""
    least_fee = "at least " if any(p["job_fee_usd"] is None for p in paying) else ""
    return f"{steps}; saves {least}{dollars(saving)} a month for {least_fee}{dollars(fees)} of fees"


def _notes(plans: Sequence[Plan]) -> Iterator[str]:
    if count := sum(p["unpriced_objects"] for p in plans):
        yield f"{counted(count, 'safe object')} without a known price: not planned."
    for p in plans:
        if p["net_after_job_usd"] is not None and p["net_after_job_usd"] <= 0:
            yield f"{p['policy']} on {p['source_bucket']}: the job costs more than it saves."
