from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from inventory_pipeline.columns import Column
from inventory_pipeline.lake import Lake
from inventory_pipeline.lake.schema import arrow_schema
from inventory_pipeline.tables import tables


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(str(tmp_path / "lake"))


@pytest.fixture
def contract(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[Column, ...]]]:
    """Change a table's columns for the test; returns those it had."""

    def change(
        name: str, *, without: Sequence[str] = (), columns: tuple[Column, ...] | None = None
    ) -> tuple[Column, ...]:
        table = tables()[name]
        kept = columns or tuple(c for c in table.columns if c.name not in without)
        monkeypatch.setitem(tables(), name, replace(table, columns=kept))
        arrow_schema.cache_clear()
        return table.columns

    yield change
    monkeypatch.undo()
    arrow_schema.cache_clear()
