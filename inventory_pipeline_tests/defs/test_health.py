"""The Dagster instance as the doctor finds it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus
from dagster._daemon.types import DaemonHeartbeat

from inventory_pipeline.definitions import build_defs
from inventory_pipeline.defs.health import instance_checks
from inventory_pipeline.defs.launch import make_dagster_home
from inventory_pipeline.diagnosis import Check
from inventory_pipeline.settings import Settings

SCHEDULES = [name for name in type(Settings().schedules).model_fields if name != "snapshots_start"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_dagster_home(tmp_path / "home")


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield instance


def checks(home: Path, **settings: object) -> dict[str, Check]:
    wanted = Settings.model_validate(settings)
    return {check.check: check for check in instance_checks(wanted, {"DAGSTER_HOME": str(home)})}


def beat(instance: dg.DagsterInstance, seconds_ago: float = 0) -> None:
    """Heartbeats of every part of the daemon."""
    for kind in instance.get_required_daemon_types():
        instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - seconds_ago, kind, "d", []))


def test_an_instance_at_work(home: Path, instance: dg.DagsterInstance) -> None:
    beat(instance)
    found = checks(home)
    assert {name: check.status for name, check in found.items()} == {
        "home": "ok",
        "storage": "ok",
        "daemon": "ok",
        "schedule": "ok",
    }
    assert found["schedule"].found == f"{len(SCHEDULES)} running"


def test_a_daemon_that_is_silent_runs_no_schedule(home: Path, instance: dg.DagsterInstance) -> None:
    beat(instance, seconds_ago=3600)
    daemon = checks(home)["daemon"]
    assert daemon.status == "missing"
    assert "scheduler" in daemon.found
    off = {name: {"enabled": False} for name in SCHEDULES}
    assert checks(home, schedules=off)["daemon"].status == "warning"


def test_a_schedule_that_was_stopped_in_the_instance(
    home: Path, instance: dg.DagsterInstance
) -> None:
    beat(instance)
    stop(instance, "collect_schedule")
    schedule = checks(home)["schedule"]
    assert (schedule.status, schedule.found) == (
        "missing",
        "collect_schedule is stopped in the instance",
    )
    wanted_off = {"collect": {"enabled": False}}
    running = f"{len(SCHEDULES) - 1} running"
    assert checks(home, schedules=wanted_off)["schedule"].found == running


def stop(instance: dg.DagsterInstance, name: str) -> None:
    """Leave the state that the UI's switch leaves."""
    from dagster._core.definitions.run_request import InstigatorType
    from dagster._core.remote_origin import (
        InProcessCodeLocationOrigin,
        RemoteInstigatorOrigin,
        RemoteRepositoryOrigin,
    )
    from dagster._core.scheduler.instigation import ScheduleInstigatorData
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

    location = InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name="m"))
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "r"), name)
    data = ScheduleInstigatorData("0 8 * * *")
    instance.add_instigator_state(
        InstigatorState(origin, InstigatorType.SCHEDULE, InstigatorStatus.STOPPED, data)
    )


def test_the_schedules_are_those_of_the_code() -> None:
    names = {schedule.name for schedule in build_defs().schedules or ()}
    assert names == {f"{name}_schedule" for name in SCHEDULES}


def test_without_a_home_it_says_where_to_make_one(tmp_path: Path) -> None:
    settings = Settings.model_validate({"lake": {"location": str(tmp_path / "lake")}})
    [check] = instance_checks(settings, {})
    assert check.status == "missing"
    assert check.fix == (
        f"export DAGSTER_HOME={tmp_path / 'dagster_home'}; any `inventory collect` then makes it"
    )
    assert not (tmp_path / "dagster_home").exists()


def test_a_home_beside_the_lake_is_not_the_one_of_dagster_dev(tmp_path: Path) -> None:
    make_dagster_home(tmp_path / "dagster_home")
    settings = Settings.model_validate({"lake": {"location": str(tmp_path / "lake")}})
    home, *_ = instance_checks(settings, {})
    assert (home.check, home.status) == ("home", "warning")


def test_storage_that_cannot_be_reached(home: Path) -> None:
    (home / "dagster.yaml").write_text("storage: {sqlite: {base_dir: /dev/null/nowhere}}\n")
    found = checks(home)
    assert found["storage"].status == "missing"
