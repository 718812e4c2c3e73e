"""The Dagster graph as text, to be read in a diff: `python -m inventory_pipeline_tests.defs.graph`
writes it anew."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from inventory_pipeline.definitions import build_defs
from inventory_pipeline.defs.resources import Inventory
from inventory_pipeline.settings import Settings

FILE = Path(__file__).with_name("graph.txt")


class DefaultInventory(Inventory):
    """Settings as they are without a file, wherever this runs."""

    @property
    def settings(self) -> Settings:
        return Settings()


def definitions() -> dg.Definitions:
    return build_defs({"inventory": DefaultInventory()})


def graph_text(defs: dg.Definitions) -> str:
    return "\n".join([*_assets(defs), *_jobs(defs), *_schedules(defs), *_sensors(defs)]) + "\n"


def _assets(defs: dg.Definitions) -> Iterator[str]:
    graph = defs.resolve_asset_graph()
    for key in sorted(graph.get_all_asset_keys(), key=lambda k: (graph.get(k).group_name, k)):
        node = graph.get(key)
        checks = graph.get_check_keys_for_assets({key})
        blocking = {c for c in checks if graph.get_check_spec(c).blocking}
        yield f"asset {key.to_user_string()}"
        yield f"  group {node.group_name}, owners {', '.join(sorted(node.owners))}"
        yield f"  kinds {', '.join(sorted(node.kinds))}"
        yield f"  partitions {_partitions(node.partitions_def)}"
        yield from (f"  from {parent}" for parent in sorted(_parents(node)))
        yield from sorted(
            f"  check {c.name}{' (blocking)' if c in blocking else ''}" for c in checks
        )


def _parents(node: Any) -> Iterator[str]:
    for parent in node.parent_keys:
        mapping = node.partition_mappings.get(parent)
        how = "" if mapping is None else f" ({type(mapping).__name__})"
        yield parent.to_user_string() + how


def _partitions(definition: dg.PartitionsDefinition | None) -> str:
    if not isinstance(definition, dg.TimeWindowPartitionsDefinition):
        return "none" if definition is None else repr(definition)
    d = definition
    return f"{d.cron_schedule} {d.timezone} as {d.fmt} from {d.start:%Y-%m-%d}, +{d.end_offset}"


def _jobs(defs: dg.Definitions) -> Iterator[str]:
    for job in sorted(defs.resolve_all_job_defs(), key=lambda job: job.name):
        if job.name.startswith("__"):
            continue
        yield f"job {job.name}"
        yield from sorted(
            f"  {key.to_user_string()}" for key in job.asset_layer.selected_asset_keys
        )


def _schedules(defs: dg.Definitions) -> Iterator[str]:
    for schedule in sorted(defs.schedules or (), key=lambda s: s.name):
        yield f"schedule {schedule.name}"
        yield f"  {schedule.cron_schedule} {schedule.execution_timezone}"
        yield f"  {schedule.default_status.value}, starts {schedule.job_name}"


def _sensors(defs: dg.Definitions) -> Iterator[str]:
    for sensor in sorted(defs.sensors or (), key=lambda s: s.name):
        yield f"sensor {sensor.name}"
        starts = "".join(f", starts {target.job_name}" for target in sensor.targets)
        yield f"  every {sensor.minimum_interval_seconds} s, {sensor.default_status.value}{starts}"


if __name__ == "__main__":
    FILE.write_text(graph_text(definitions()), encoding="utf-8")
