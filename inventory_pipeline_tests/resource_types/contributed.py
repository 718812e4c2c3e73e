"""The `inventory` command of a build that has one more folder of resource types.

`python -m inventory_pipeline_tests.resource_types.contributed FOLDER COMMANDS`, in a process of its
own since a build's types never change. COMMANDS is JSON, a list of arguments for each command; its
answers are printed as a list of texts. `snapshot` stands for a collection with its costs, without
the events that Dagster would keep of a hundred tables.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from inventory_pipeline import resource_types

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


def answer(arguments: Sequence[str]) -> str:
    """What a command writes to standard output. Raises RuntimeError unless it does all its work."""
    from click.testing import CliRunner

    from inventory_pipeline.cli import main

    if arguments == ["snapshot"]:
        return take_snapshot()
    result = CliRunner().invoke(main, arguments)
    if result.exit_code:
        raise RuntimeError(f"{arguments} exits with {result.exit_code}: {result.output}")
    return result.stdout


def take_snapshot() -> str:
    from inventory_pipeline.collect import collect, publish_snapshot
    from inventory_pipeline.lake import DuckDBEngine, Lake
    from inventory_pipeline.marts import build_mart, marts
    from inventory_pipeline.settings import load_settings

    settings = load_settings()
    lake = Lake.open(settings.lake.location)
    collect(settings, lake, AT, lambda: AT)
    publish_snapshot(lake, AT)
    engine = DuckDBEngine(lake)
    for name in ("cost_components", "resource_costs"):
        build_mart(engine, marts()[name], AT, {})
    return ""


if __name__ == "__main__":
    folder, commands = sys.argv[1:]
    resource_types.__path__.append(folder)
    print(json.dumps([answer(arguments) for arguments in json.loads(commands)]))
