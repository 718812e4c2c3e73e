"""Running a job in this process, as the command and the demo do."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import dagster as dg

from inventory_pipeline.definitions import build_defs
from inventory_pipeline.defs.processes import alive, end_dead_runs
from inventory_pipeline.defs.resources import Inventory

# Events go to the instance, where the UI shows them; the terminal is the command's.
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

# What stands before an error's sentence: `package.module.Error: `. Built-in errors have no module.
_MODULE = re.compile(r"^(?:\w+\.)+\w+: ")


@dataclass(frozen=True)
class JobOutcome:
    """How a run ended. `partial`: it did its work, but a check found gaps, told in `messages`."""

    success: bool
    partial: bool
    run_id: str
    messages: tuple[str, ...]


def make_dagster_home(folder: Path) -> Path:
    """Make `folder` a Dagster home with the embedded configuration, unless it is one."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "dagster.yaml"
    if not target.exists():
        source = files("inventory_pipeline.infrastructure") / "dagster.yaml"
        target.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    return folder


@contextmanager
def dagster_instance(settings_path: Path | None) -> Iterator[dg.DagsterInstance]:
    """The instance that DAGSTER_HOME names, or else one beside the lake."""
    home = os.environ.get("DAGSTER_HOME")
    if home is None:
        inventory = Inventory(settings_path=str(settings_path) if settings_path else None)
        home = str(inventory.settings.lake.warehouse_path.parent.absolute() / "dagster_home")
    make_dagster_home(Path(home))
    previous = os.environ.get("DAGSTER_HOME")
    os.environ["DAGSTER_HOME"] = home
    try:
        with dg.DagsterInstance.get() as instance:
            end_dead_runs(instance)
            yield instance
    finally:
        if previous is None:
            del os.environ["DAGSTER_HOME"]


def run_job(
    job_name: str,
    settings_path: Path | None = None,
    partition_key: str | None = None,
    run_config: Mapping[str, Any] | None = None,
) -> JobOutcome:
    """Run a job of the code location to its end in this process, on the instance at hand."""
    inventory = Inventory(settings_path=str(settings_path) if settings_path else None)
    with dagster_instance(settings_path) as instance:
        return execute(
            build_defs({"inventory": inventory}), instance, job_name, partition_key, run_config
        )


def execute(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    job_name: str,
    partition_key: str | None = None,
    run_config: Mapping[str, Any] | None = None,
) -> JobOutcome:
    """Run a job of `definitions` to its end in this process."""
    with alive(instance) as tags:
        result = definitions.resolve_job_def(job_name).execute_in_process(
            instance=instance,
            partition_key=partition_key,
            run_config={**QUIET, **(run_config or {})},
            tags=tags,
            raise_on_error=False,
        )
    gaps = tuple(_failed_checks(result))
    return JobOutcome(
        success=result.success,
        partial=result.success and bool(gaps),
        run_id=result.run_id,
        messages=(*_failures(result), *gaps),
    )


def _failures(result: dg.ExecuteInProcessResult) -> Iterator[str]:
    for event in result.all_events:
        if event.is_step_failure and (error := event.step_failure_data.error):
            # The cause is the domain's own error; Dagster's wrapper only names the step.
            told = (error.cause or error).message.strip().splitlines()[0]
            yield f"{event.step_key}: {_MODULE.sub('', told)}"


def _failed_checks(result: dg.ExecuteInProcessResult) -> Iterator[str]:
    for check in result.get_asset_check_evaluations():
        if not check.passed:
            yield f"{check.asset_key.to_user_string()}: {check.description}"
