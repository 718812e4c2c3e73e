"""The graph as a whole: what it is made of, and that every asset says what it is."""

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from inventory_pipeline.tables import tables
from inventory_pipeline_tests.defs.graph import FILE, definitions, graph_text

BY_COMMAND = {"erasures"}
"""Tables that no run fills: the command `erase` does."""

GROUPS = ["snapshots", "s3_inventory", "cost", "security", "storage", "archive", "publication"]


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    return definitions()


@pytest.fixture(scope="module")
def specs(defs: dg.Definitions) -> list[dg.AssetSpec]:
    return list(defs.resolve_all_asset_specs())


def test_the_graph_is_the_one_written_down(defs: dg.Definitions) -> None:
    assert graph_text(defs) == FILE.read_text(encoding="utf-8"), (
        "the Dagster graph has changed; if that is wanted, write it down anew: "
        "python -m inventory_pipeline_tests.defs.graph"
    )


def test_every_asset_says_what_it_is(specs: list[dg.AssetSpec]) -> None:
    for spec in specs:
        assert spec.owners, spec.key
        assert spec.kinds, spec.key
        assert spec.description, spec.key
    assert {spec.group_name for spec in specs} == set(GROUPS)


def test_every_table_is_an_asset_with_its_columns(specs: list[dg.AssetSpec]) -> None:
    schemas = {
        spec.key.path[-1]: spec.metadata["dagster/column_schema"]
        for spec in specs
        if spec.group_name != "publication"
    }
    assert schemas.keys() == tables().keys()
    for name, schema in schemas.items():
        assert [c.name for c in schema.columns] == [c.name for c in tables()[name].columns]
        assert all(c.description and c.type for c in schema.columns), name


def test_every_table_is_checked_before_others_read_it(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    for name in tables():
        key = next(k for k in graph.get_all_asset_keys() if k.path[-1] == name)
        checks = graph.get_check_keys_for_assets({key})
        blocking = [graph.get_check_spec(check).blocking for check in checks]
        # `snapshots` is one row, made by the step that publishes it.
        assert any(blocking) == (name not in {"snapshots", *BY_COMMAND}), name


def test_every_asset_is_built_by_some_job(defs: dg.Definitions, specs: list[dg.AssetSpec]) -> None:
    jobs = [job for job in defs.resolve_all_job_defs() if not job.name.startswith("__")]
    built = {key for job in jobs for key in job.asset_layer.selected_asset_keys}
    assert built == {spec.key for spec in specs if spec.key.path[-1] not in BY_COMMAND}


def test_what_takes_memory_waits_in_a_pool(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    made = [asset.node_def for asset in graph.assets_defs if asset.is_executable]
    pools = {op.name: op.pool for op in made if op.pool}
    assert pools == {"collect_resources": "collect", "ingest_reports": "ingest"}


def python(code: str, folder: Path) -> Iterator[str]:
    """The lines that a new Python prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    yield from done.stdout.split()


def test_import_is_light_and_touches_nothing(tmp_path: Path) -> None:
    """Dagster loads the module in every process; what it does not need is loaded where used."""
    (tmp_path / "inventory.yaml").write_text("not: [settings")
    loaded = python(
        """
        import sys

        import dagster  # what Dagster itself opens is its own affair

        def watch(event, arguments):
            path = str(arguments[0]) if arguments else ""
            ours = event == "open" and not path.endswith((".py", ".pyc", ".pyi", ".so"))
            if event.startswith(("socket.connect", "sqlite3", "subprocess")) or (
                ours and ("inventory" in path and "dist-info" not in path)
            ):
                raise RuntimeError(f"{event} {path} at import")

        sys.addaudithook(watch)
        import inventory_pipeline.definitions
        heavy = "pandas moto boto3 botocore duckdb pyiceberg pyarrow sqlglot rich".split()
        print(*(name for name in heavy if name in sys.modules))
        """,
        tmp_path,
    )
    assert list(loaded) == []


def test_building_the_definitions_loads_no_client_nor_engine(tmp_path: Path) -> None:
    """`dg list defs` and each reload of the code location do this."""
    loaded = python(
        """
        import sys
        from inventory_pipeline.definitions import build_defs
        build_defs().resolve_asset_graph()
        heavy = "pandas moto boto3 botocore duckdb pyiceberg pyarrow".split()
        print(*(name for name in heavy if name in sys.modules))
        """,
        tmp_path,
    )
    assert list(loaded) == []
    assert list(tmp_path.iterdir()) == []


def test_the_workspace_names_the_code_location() -> None:
    from dagster._core.workspace.load import location_origins_from_yaml_paths

    root = Path(__file__).parents[2]
    origins = location_origins_from_yaml_paths([str(root / "workspace.yaml")])
    (origin,) = origins
    assert origin.loadable_target_origin.module_name == "inventory_pipeline.definitions"
