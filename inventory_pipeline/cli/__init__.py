"""The `inventory` command: one small module per command, imported when it is asked for.

Belongs here: options, reading straight from the lake, and showing. Not here: any figure that is
not a sum or a choice of rows; those are marts. `rich`, `dagster` and `duckdb` are imported inside
commands, so that `inventory --help` answers at once.
"""

import click

from inventory_pipeline.cli.group import DEBUG, LazyGroup

COMMANDS = {
    "demo": "demo:demo",
    "init": "init:init",
    "doctor": "doctor:doctor",
    "collect": "collect:collect",
    "ingest": "ingest:ingest",
    "erase": "erase:erase",
    "maintain": "maintain:maintain",
    "summary": "summary:summary",
    "cost": "cost:cost",
    "security": "security:security",
    "stale": "stale:stale",
    "storage": "storage:storage",
    "archive": "archive:archive",
    "configs": "configs:configs",
    "query": "query:query",
    "sql": "sql:sql",
    "export": "export:export",
    "prices": "prices:prices",
    "infra": "infra:infra",
    "list": "listing:listing",
}


@click.command(cls=LazyGroup, modules=COMMANDS, params=[DEBUG])
@click.version_option(package_name="inventory_pipeline")
def main() -> None:
    """What an AWS organisation has, costs, exposes, wastes and should archive.

    \b
    Start here:
      inventory demo --dir demo             a simulated organisation, no AWS account needed
      inventory init                        settings for your own
      inventory doctor                      what is missing for it
      inventory collect && inventory summary

    Exit codes: 0 all well, 1 error, 2 wrong usage, 3 done but partial (collect, ingest) or
    something missing (doctor).
    """
