"""All that readers see of a demo's folder, told so that two of them can be held together."""

from pathlib import Path

from inventory_pipeline.lake import Lake
from inventory_pipeline.tables import tables

# When and how it went, not what was found.
WALL_CLOCK = frozenset(
    {
        *("observed_at", "collected_from", "collected_to", "recorded_at", "written_at"),
        *("seconds", "calls", "retries", "throttles"),
    }
)

Rows = dict[str, list[str]]


def rows_of(folder: Path) -> Rows:
    """Every row of every table, and every file that was written for people."""
    lake = Lake.open(str(folder / "lake"), create=False)
    found: Rows = {}
    for name in tables():
        data = lake.read(name)
        kept = data.select([c for c in data.column_names if c not in WALL_CLOCK]).to_pylist()
        found[name] = sorted(repr(row).replace(str(folder), "<folder>") for row in kept)
    for kind in ("manifests", "reports"):
        files = [path for path in (folder / kind).rglob("*") if path.is_file()]
        found[kind] = sorted(f"{p.relative_to(folder)} {p.read_bytes()!r}" for p in files)
    return found


def assert_equal_rows(found: Rows, expected: Rows) -> None:
    for name, rows in expected.items():
        missing = sorted(set(rows) - set(found[name]))[:3]
        strange = sorted(set(found[name]) - set(rows))[:3]
        assert found[name] == rows, f"{name}: missing {missing}, not expected {strange}"
