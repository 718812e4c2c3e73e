"""`inventory sql`: any SELECT over the lake."""

from __future__ import annotations

import click

from inventory_pipeline.cli.answer import Section
from inventory_pipeline.cli.reading import Reader, reading
from inventory_pipeline.cli.select import selected


@click.command()
@click.argument("statement", metavar="SELECT")
@reading()
def sql(reader: Reader, statement: str) -> None:
    """Run a SELECT over the lake's tables, read-only.

    Tables of a snapshot have the rows of the newest, or of --snapshot; `--snapshot all` has every
    snapshot's. `inventory list tables` names them; `resources` has the common columns of all
    resource types. Macros: gb(bytes), tag(tags, 'key').

    \b
    Examples:
      inventory sql "SELECT region, COUNT(*) FROM ec2_instances GROUP BY region"
      inventory sql "SELECT key, size FROM s3_objects ORDER BY size DESC LIMIT 10"
      inventory sql --snapshot all \\
        "SELECT snapshot_at, SUM(known_usd) FROM resource_costs GROUP BY snapshot_at"
    """
    with selected(reader, statement) as found:
        section = Section("rows", "", found.columns, found.rows, verbatim=True)
        reader.show(
            section, coverage=found.coverage, at=found.snapshot_at, notes=tuple(found.notes)
        )
