"""Whether the Dagster instance is there and at work: home, storage, daemon, schedules.

Looks only; makes no home and starts nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import dagster as dg

from inventory_pipeline.diagnosis import Check
from inventory_pipeline.settings import Settings
from inventory_pipeline.settings.schedules import Schedule

SUBJECT = "dagster"
NO_DAEMON = "start `dagster-daemon run` (or `dagster dev`) with this DAGSTER_HOME"


def instance_checks(settings: Settings, environ: Mapping[str, str] = os.environ) -> list[Check]:
    """What was found of the instance that DAGSTER_HOME names, or the one beside the lake."""
    named = environ.get("DAGSTER_HOME")
    beside_lake = settings.lake.warehouse_path.parent.absolute() / "dagster_home"
    home = Path(named) if named else beside_lake
    if not (home / "dagster.yaml").exists():
        fix = f"export DAGSTER_HOME={home}; any `inventory collect` then makes it"
        return [Check(SUBJECT, "home", "missing", f"no dagster.yaml in {home}", fix)]
    if named:
        found = Check(SUBJECT, "home", "ok", named)
    else:
        said = f"DAGSTER_HOME is not set; commands use {home}"
        fix = f"export DAGSTER_HOME={home}, so that `dagster dev` uses it as well"
        found = Check(SUBJECT, "home", "warning", said, fix)
    try:
        with dg.DagsterInstance.from_config(str(home)) as instance:
            return [found, *_at_work(instance, settings)]
    except Exception as error:  # of any storage and launcher that dagster.yaml may name
        first = (str(error).splitlines() or [""])[0]
        said = f"{type(error).__name__}: {first}"
        fix = f"see storage in {home / 'dagster.yaml'}"
        return [found, Check(SUBJECT, "storage", "missing", said, fix)]


def _at_work(instance: dg.DagsterInstance, settings: Settings) -> Iterator[Check]:
    runs = instance.get_runs_count()
    yield Check(SUBJECT, "storage", "ok", f"{runs:,} runs")
    wanted = [name for name, timing in _schedules(settings).items() if timing]
    yield _daemon(instance, needed=bool(wanted))
    yield from _stopped(instance, wanted)


def _schedules(settings: Settings) -> dict[str, bool]:
    """Whether the settings want each schedule, by its name in Dagster."""
    timings = dict(settings.schedules).items()
    return {f"{job}_schedule": t.enabled for job, t in timings if isinstance(t, Schedule)}


def _daemon(instance: dg.DagsterInstance, *, needed: bool) -> Check:
    statuses = instance.get_daemon_statuses()
    silent = sorted(name for name, status in statuses.items() if status.healthy is False)
    if not silent:
        return Check(SUBJECT, "daemon", "ok", f"{len(statuses)} parts are alive")
    found = f"no recent heartbeat of {', '.join(name.lower() for name in silent)}"
    if not needed:
        return Check(SUBJECT, "daemon", "warning", f"{found}; no schedule is enabled")
    return Check(SUBJECT, "daemon", "missing", f"{found}: schedules do not run", NO_DAEMON)


def _stopped(instance: dg.DagsterInstance, wanted: list[str]) -> Iterator[Check]:
    # A schedule that the instance has never seen runs as the code says.
    states = {s.instigator_name: s.status.value for s in instance.all_instigator_state()}
    stopped = [name for name in wanted if states.get(name) == "STOPPED"]
    for name in stopped:
        fix = f"`dagster schedule start {name}`, or switch it on in the UI"
        yield Check(SUBJECT, "schedule", "missing", f"{name} is stopped in the instance", fix)
    if not stopped:
        off = "" if wanted else ": the settings enable none"
        yield Check(SUBJECT, "schedule", "ok", f"{len(wanted)} running{off}")
