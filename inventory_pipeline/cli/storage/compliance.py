"""`inventory storage compliance`: how many objects fail each rule, and which."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from inventory_pipeline.cli.answer import Section
from inventory_pipeline.cli.output import counted
from inventory_pipeline.cli.reading import Reader, reading
from inventory_pipeline.cli.storage.newest import newest_rows

DIMENSIONS = {
    "rule": "rule_id",
    "bucket": "rule_id, source_bucket",
    "prefix": "rule_id, source_bucket, prefix",
    "account": "rule_id, account_id, account_name",
    "department": "rule_id, department",
}
COUNTS = (
    "failing_objects",
    "failing_bytes",
    "unknown_objects",
    "passing_objects",
    "exempt_objects",
)

COMPLIANCE = f"""
SELECT {{by}}, {", ".join(f"CAST(SUM({name}) AS BIGINT) AS {name}" for name in COUNTS)},
  MIN(first_key) AS first_key, MAX(last_key) AS last_key, MIN(unknown_reason) AS reason
FROM {{table}}
GROUP BY {{by}} ORDER BY failing_objects DESC, unknown_objects DESC, {{by}}
"""


def _rules(
    _ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    if values:
        from inventory_pipeline.marts.storage.compliance import RULES
        from inventory_pipeline.settings import near

        known = [rule.id for rule in RULES]
        for value in values:
            if value not in known:
                meant = " or ".join(near(value, known)) or "see `inventory list object-rules`"
                raise click.BadParameter(f"no rule {value!r}: {meant}")
    return values


@click.command("compliance")
@click.option("--by", type=click.Choice(list(DIMENSIONS)), default="rule", show_default=True)
@click.option("--rule", "rules", multiple=True, callback=_rules, metavar="RULE", help="Rule.")
@click.option(
    "--extract",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.csv|FILE.parquet",
    help="Write every failing object to this file, a row for each rule.",
)
@reading("account", "department", "region", "since", "until", snapshot=False)
def view(reader: Reader, by: str, rules: Sequence[str], extract: Path | None) -> None:
    """How many objects fail, pass or cannot be judged by each rule.

    What a report does not tell is unknown and never passes; reason says what is missing. Objects
    that a rule asks nothing of are exempt. An extract is judged anew, by the rules of the settings
    or those given; a CSV has an apostrophe before what a spreadsheet would run.

    \b
    Examples:
      inventory storage compliance
      inventory storage compliance --by bucket --rule public_acl
      inventory storage compliance --extract failing.parquet --rule unencrypted
    """
    if extract:
        from inventory_pipeline.cli.storage.extract import write_extract

        written = write_extract(reader, rules, extract)
        click.echo(f"{counted(written, 'row')} written to {extract}", err=True)
        return
    select = COMPLIANCE.replace("{by}", DIMENSIONS[by])
    found = newest_rows(reader, "object_compliance", select)
    rows = [row for row in found.to_pylist() if row["rule_id"] in (rules or (row["rule_id"],))]
    names = [name for name in DIMENSIONS[by].split(", ") if name != "account_id"]
    section = Section(
        "rows",
        f"Compliance by {by}",
        found.column_names,
        [tuple(row.values()) for row in rows],
        (*names, *COUNTS, "first_key", "reason"),
    )
    reader.show(section, coverage=reader.delivery_coverage(), facts={"by": by})
