"""`inventory demo`: a simulated organisation through the whole pipeline, then planted beside found.

The pipeline runs through Dagster, as it would anywhere; only AWS is simulated. Not here: what the
organisation is and what should be found in it (`demo`).
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from inventory_pipeline.cli.safe import safe

if TYPE_CHECKING:
    import dagster as dg
    from rich.console import Console
    from rich.progress import Progress

    from inventory_pipeline.defs.resources import Inventory
    from inventory_pipeline.demo import Simulation
    from inventory_pipeline.demo.estate import Day, Estate
    from inventory_pipeline.demo.fact import Fact, Rows

STATE = "demo.json"
"""Marks a folder as a demo's, and says of which organisation: only such a folder is made anew."""


@click.command()
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("inventory-demo"),
    show_default=True,
    help="Where everything goes.",
)
@click.option("--serve", is_flag=True, help="Open the Dagster UI on the result.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another organisation.")
@click.option(
    "--scale",
    type=click.Choice(["tiny", "small", "medium", "large"]),
    default="small",
    show_default=True,
    help="How big it is.",
)
@click.option("--port", type=int, default=3000, show_default=True, help="Port of the UI.")
def demo(folder: Path, serve: bool, seed: int, scale: str, port: int) -> None:
    """Run the whole pipeline on a simulated organisation; needs no AWS account.

    \b
    Examples:
      inventory demo
      inventory demo --dir /somewhere/demo --scale medium
      inventory demo --serve
    """
    from rich.console import Console

    console = Console(stderr=True)
    started = time.monotonic()
    try:
        from inventory_pipeline.demo import Estate, Simulation
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"the simulation needs {error.name}: pip install 'inventory_pipeline[demo]'"
        ) from error
    folder = folder.absolute()
    estate = Estate.build(seed, scale, _resume_or_start(folder, seed, scale))
    with _environment(estate, folder):
        with console.status("starting the simulated AWS"):
            simulation = Simulation.start(estate)
        try:
            _write_settings(simulation, folder)
            _run_days(simulation, folder, console)
            agree = _compare(estate, folder)
            _farewell(folder, time.monotonic() - started, console)
            if serve:
                _serve(folder, port, console)
        finally:
            simulation.stop()
    if not agree:
        raise click.ClickException("what was found differs from what was planted: see the ✗ above")


def _resume_or_start(folder: Path, seed: int, scale: str) -> datetime:
    """The organisation's now: that of a demo cut short in this window, or else the real now.

    A run that was killed goes on where it was; anything else in the folder is an older demo.
    """
    from inventory_pipeline.defs.partitions import snapshot_key

    now = datetime.now(UTC).replace(microsecond=0)
    state = folder / STATE
    if state.exists():
        before: dict[str, Any] = json.loads(state.read_text(encoding="utf-8"))
        then = datetime.fromisoformat(before["now"])
        same = (before["seed"], before["scale"]) == (seed, scale)
        if same and snapshot_key(then) == snapshot_key(now):
            return then
        shutil.rmtree(folder)
    elif folder.exists() and any(folder.iterdir()):
        raise click.ClickException(
            f"{folder} is not empty and not a demo's: name another folder with --dir"
        )
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".{STATE}"
    aside.write_text(json.dumps({"seed": seed, "scale": scale, "now": now.isoformat()}))
    os.replace(aside, state)
    return now


@contextmanager
def _environment(estate: Estate, folder: Path) -> Iterator[None]:
    """The process's environment as the demo needs it: its settings, its Dagster home, no AWS."""
    from inventory_pipeline.demo import environment_for

    wanted = {
        **environment_for(estate),
        "INVENTORY_SETTINGS": str(folder / "inventory.yaml"),
        "DAGSTER_HOME": str(folder / "dagster_home"),
    }
    unwanted = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "INVENTORY_LAKE", "AWS_ENDPOINT_URL")
    before = dict(os.environ)
    for name in unwanted:
        os.environ.pop(name, None)
    os.environ.update(wanted)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _write_settings(simulation: Simulation, folder: Path) -> None:
    import yaml

    from inventory_pipeline.demo import settings_for

    content = yaml.safe_dump(settings_for(simulation, folder), sort_keys=False)
    (folder / "inventory.yaml").write_text(content, encoding="utf-8")


def _run_days(simulation: Simulation, folder: Path, console: Console) -> None:
    """Both days through Dagster: the first in a simulated past, the second at the real now."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from inventory_pipeline.defs.launch import dagster_instance, make_dagster_home

    make_dagster_home(folder / "dagster_home")
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with (
        dagster_instance(folder / "inventory.yaml") as instance,
        Progress(*columns, console=console) as progress,
    ):
        for day in (1, 2):
            with _shown(progress, f"day {day}: the organisation moves on, reports arrive"):
                simulation.apply(day)
                simulation.write_deliveries(day)
            _run_day(simulation.estate, day, instance, progress)


def _run_day(estate: Estate, day: Day, instance: dg.DagsterInstance, progress: Progress) -> None:
    from inventory_pipeline.definitions import build_defs
    from inventory_pipeline.defs.launch import execute
    from inventory_pipeline.defs.partitions import DAY_FORMAT, snapshot_key
    from inventory_pipeline.defs.resources import Clock, Inventory

    seen_at = estate.now if day == 2 else estate.ago(days=1)
    clock = Clock() if day == 2 else Clock(instant=seen_at.isoformat())
    inventory = Inventory()
    definitions = build_defs({"clock": clock, "inventory": inventory})
    snapshot, delivered = snapshot_key(seen_at), estate.delivered_on(day).strftime(DAY_FORMAT)

    def run(title: str, job: str, partition: str | None, config: Any = None) -> None:
        with _shown(progress, f"day {day}: {title}"):
            outcome = execute(definitions, instance, job, partition, config)
        if not outcome.success:
            raise click.ClickException(f"{job}: " + "; ".join(outcome.messages))

    run("collect every account and region", "collect", snapshot)
    for request in _sensor_requests(inventory, instance, clock.now()):
        run(
            "ingest S3 Inventory deliveries",
            "ingest_deliveries",
            request.partition_key,
            request.run_config,
        )
    run("price it, find what is idle", "cost_analysis", snapshot)
    run("check encryption, exposure and backups", "security_check", snapshot)
    run("usage and cost of storage", "storage_analysis", delivered)
    run("plan the archive, write manifests", "archive_plan", delivered)
    run("review stale resources", "cleanup", snapshot)


def _sensor_requests(
    inventory: Inventory, instance: dg.DagsterInstance, now: datetime
) -> list[dg.RunRequest]:
    """What the delivery sensor asks for at one tick."""
    import dagster as dg

    from inventory_pipeline.defs.delivery_sensor import TICK_SECONDS, tick

    context = dg.build_sensor_context(instance=instance)
    result = tick(context, inventory, time.monotonic() + TICK_SECONDS, now)
    return list(result.run_requests or []) if isinstance(result, dg.SensorResult) else []


@contextmanager
def _shown(progress: Progress, description: str) -> Iterator[None]:
    task = progress.add_task(description, total=1)
    yield
    progress.update(task, completed=1)


def _compare(estate: Estate, folder: Path) -> bool:
    """Print what was planted beside what was found; whether all of it agrees."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    title = "Planted beside found"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, expand=True)
    table.add_column(width=1)
    table.add_column("what", ratio=5)
    table.add_column("planted", ratio=3, no_wrap=True)
    table.add_column("found", ratio=3, no_wrap=True)
    differ: list[tuple[Fact, Rows]] = []
    section = None
    for fact, found in _found(estate, folder):
        ok = fact.agrees(found)
        if not ok:
            differ.append((fact, found))
        if fact.section != section:
            table.add_row("", Text(fact.section, style="bold"))
            section = fact.section
        table.add_row(
            Text("✓", style="green") if ok else Text("✗", style="bold red"),
            Text(safe(fact.title)),
            Text(_in_a_line(fact.planted)),
            Text(_in_a_line(found)),
        )
    console = Console()
    console.print(table)
    for fact, found in differ:
        console.print(Text(f"✗ {fact.section}: {safe(fact.title)}", style="bold red"))
        console.print(Text(f"  only planted: {_in_a_line(_without(fact.planted, found))}"))
        console.print(Text(f"  only found:   {_in_a_line(_without(found, fact.planted))}"))
    return not differ


def _found(estate: Estate, folder: Path) -> Iterator[tuple[Fact, Rows]]:
    """Each planted fact, with what its query finds in the lake."""
    from inventory_pipeline.demo import facts
    from inventory_pipeline.lake import DuckDBEngine, Lake
    from inventory_pipeline.tables import SNAPSHOT, tables

    lake = Lake.open(str(folder / "lake"), create=False)
    engine = DuckDBEngine(lake)
    snapshots = lake.snapshots()
    # Neighbours that read the same share a session: opening one costs more than most queries.
    for (names, day), group in groupby(facts(estate, (1, 2)), lambda fact: (fact.tables, fact.day)):
        pinned = {} if day is None else {"snapshot_at": snapshots[day - 1]}
        reads = {
            name: pinned if tables()[name].partitioned_by == SNAPSHOT else {} for name in names
        }
        with engine.session(reads) as db:
            for fact in group:
                columns = [column.to_pylist() for column in db.query(fact.sql, fact.params).columns]
                yield fact, tuple(zip(*columns, strict=True))


def _without(rows: Rows, others: Rows) -> Rows:
    return tuple((Counter(rows) - Counter(others)).elements())


def _in_a_line(rows: Rows) -> str:
    """A fact's rows in a line, which the table cuts where it ends: long lists by their number."""
    shown = [" ".join("-" if v is None else str(v) for v in row) for row in sorted(rows, key=str)]
    counted = f"{len(rows)}: " if len(rows) > 1 else ""
    return safe(counted + ", ".join(shown)) if shown else "none"


def _farewell(folder: Path, seconds: float, console: Console) -> None:
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    console.print(
        f"{seconds:.0f} s, at most {peak} MB of memory. Look around:\n"
        f"  inventory summary --lake {folder / 'lake'}\n"
        f'  inventory sql --lake {folder / "lake"} "SELECT * FROM cost_by_service"\n'
        f"  {folder / 'warehouse.duckdb'} in any DuckDB client",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _serve(folder: Path, port: int, console: Console) -> None:
    """The Dagster UI and daemon over the demo, until interrupted."""
    import subprocess
    import sys

    module = ["-m", "inventory_pipeline.definitions"]
    commands = (
        [sys.executable, "-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(port), *module],
        [sys.executable, "-m", "dagster._daemon", "run", *module],
    )
    children = [subprocess.Popen(command, cwd=folder) for command in commands]  # noqa: S603 - ours
    console.print(f"Dagster is at http://127.0.0.1:{port}; Ctrl-C ends it.", highlight=False)
    try:
        children[0].wait()
    except KeyboardInterrupt:
        pass
    finally:
        for child in children:
            child.terminate()
        for child in children:
            try:
                child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                child.kill()
