"""Jobs run in the command's own process, and what is left when that process is killed."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import dagster as dg
import pytest

from inventory_pipeline.defs.launch import dagster_instance, execute, make_dagster_home, run_job
from inventory_pipeline.defs.processes import alive, end_dead_runs
from inventory_pipeline_tests.defs.conftest import House

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def definitions(*assets: dg.AssetsDefinition) -> dg.Definitions:
    return dg.Definitions(
        assets=assets, jobs=[dg.define_asset_job("all")], executor=dg.in_process_executor
    )


class Told(dg.Config):
    passed: bool = True
    fail: bool = False


def test_outcomes(instance: dg.DagsterInstance) -> None:
    class OurError(Exception):
        pass

    @dg.asset(check_specs=[dg.AssetCheckSpec("gaps", asset="checked")])
    def checked(config: Told) -> dg.MaterializeResult:
        if config.fail:
            try:
                raise ValueError("a cause")
            except ValueError as error:
                raise OurError("line 3: what is wrong\nmore of it") from error
        check = dg.AssetCheckResult(passed=config.passed, description="2 of 3 seen")
        return dg.MaterializeResult(check_results=[check])

    def run(**config: bool) -> tuple[bool, bool, tuple[str, ...]]:
        told = {"ops": {"checked": {"config": config}}}
        outcome = execute(definitions(checked), instance, "all", run_config=told)
        assert instance.get_run_by_id(outcome.run_id)
        return outcome.success, outcome.partial, outcome.messages

    assert run() == (True, False, ())
    assert run(passed=False) == (True, True, ("checked: 2 of 3 seen",))
    (message,) = run(fail=True)[2]
    assert run(fail=True)[:2] == (False, False)
    assert message.startswith("checked: ")
    assert message.endswith("line 3: what is wrong")
    assert "Traceback" not in message


def test_a_run_of_our_own_is_kept_in_the_instance_beside_the_lake(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    house.inventory.settings  # noqa: B018 - writes the file
    outcome = run_job("storage_analysis", house.settings_path, partition_key="2026-01-20")
    assert outcome.success, outcome.messages
    assert "DAGSTER_HOME" not in os.environ
    with dagster_instance(house.settings_path) as instance:
        assert instance.root_directory == str(house.folder / "dagster_home")
        assert [run.job_name for run in instance.get_runs()] == ["storage_analysis"]


def test_settings_that_are_wrong_are_told_before_anything_runs(tmp_path: Path) -> None:
    path = tmp_path / "inventory.yaml"
    path.write_text("lake: {locatoin: x}")
    with pytest.raises(Exception, match=r"lake\.locatoin.*location"):
        run_job("collect", path, partition_key="2026-01-20T12:00")
    assert sorted(tmp_path.iterdir()) == [path]


def test_the_home_that_is_made_is_a_valid_one(home: Path) -> None:
    make_dagster_home(home)
    assert (home / "dagster.yaml").read_text() == (ROOT / "dagster.yaml").read_text()
    with dg.DagsterInstance.get() as instance:
        assert instance.root_directory == str(home)
        assert type(instance.run_coordinator).__name__ == "QueuedRunCoordinator"
        assert not instance.telemetry_enabled
        assert instance.run_monitoring_enabled
        assert instance.run_retries_enabled
        assert instance.global_op_concurrency_default_limit == 1


def test_a_home_of_ones_own_is_left_as_it_is(home: Path) -> None:
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    make_dagster_home(home)
    assert (home / "dagster.yaml").read_text() == "telemetry: {enabled: false}\n"


KILLED = """
    import os, sys, time
    import dagster as dg
    from inventory_pipeline.defs.launch import execute, make_dagster_home

    @dg.asset(pool="one")
    def held():
        open("reached", "w").close()
        while True:
            time.sleep(1)

    definitions = dg.Definitions(assets=[held], jobs=[dg.define_asset_job("all")],
                                 executor=dg.in_process_executor)
    with dg.DagsterInstance.get() as instance:
        execute(definitions, instance, "all")
"""


def test_a_killed_run_holds_nothing_up(home: Path, tmp_path: Path) -> None:
    """It had a pool's only slot, and stood as started: the next run would wait for ever."""
    make_dagster_home(home)
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(KILLED)], cwd=tmp_path)
    while not (tmp_path / "reached").exists():
        assert process.poll() is None
    with dagster_instance(None) as instance:
        (run,) = instance.get_runs()
        assert run.status == dg.DagsterRunStatus.STARTED, "it lives: nobody may end it"
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert end_dead_runs(instance) == [run.run_id]
        assert end_dead_runs(instance) == []
        ended = instance.get_run_by_id(run.run_id)
        assert ended is not None
        assert ended.status == dg.DagsterRunStatus.CANCELED

        @dg.asset(pool="one")
        def held() -> None: ...

        assert execute(definitions(held), instance, "all").success


def test_runs_of_other_machines_and_of_the_daemon_are_left_alone(
    instance: dg.DagsterInstance,
) -> None:
    @dg.asset
    def some() -> None: ...

    job = definitions(some).resolve_job_def("all")
    for tags in ({}, {"inventory/process": "of-another-machine"}):
        instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=tags)
    with alive(instance) as tags:
        instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=tags)
        assert end_dead_runs(instance) == []
