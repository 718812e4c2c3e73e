"""What a reading command says: named sections of rows, and what they rest on.

Not here: how it is written (`output`), where rows come from (`reading`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from inventory_pipeline.cli.coverage import Coverage

Row = Sequence[object]


@dataclass(frozen=True)
class Section:
    """Rows under a title. `name` is its member in JSON; `shown` the columns of a narrow table.

    `verbatim` shows values as they are stored, without units (a user's own SQL). `first` is how
    many rows a terminal gets, where all would be too many.
    """

    name: str
    title: str
    columns: Sequence[str]
    rows: Iterable[Row]
    shown: Sequence[str] = ()
    verbatim: bool = False
    first: int | None = None

    @classmethod
    def of(cls, name: str, title: str, table: pa.Table, shown: Sequence[str] = ()) -> Section:
        return cls(name, title, table.column_names, list(rows(table)), shown)


@dataclass(frozen=True)
class Answer:
    """`sections[0]` is what CSV writes and what JSON has as `rows`.

    `facts` are further members of the JSON; `notes` lines under the tables; `coverage` is None
    where the rows rest on no observation.
    """

    sections: Sequence[Section]
    facts: Mapping[str, object] = field(default_factory=dict)
    notes: Sequence[str] = ()
    coverage: Coverage | None = None
    snapshot_at: datetime | None = None

    def lines(self) -> Iterator[str]:
        """What a reader must know about the rows, one sentence a line."""
        yield from self.notes
        about = [f"snapshot {instant(self.snapshot_at)}"] if self.snapshot_at else []
        if self.coverage:
            about.append(self.coverage.line)
        if about:
            yield " · ".join(about)


def rows(table: pa.Table | pa.RecordBatch) -> Iterator[Row]:
    """The rows of Arrow data, as Python values; maps are dicts."""
    columns = (column.to_pylist(maps_as_pydicts="strict") for column in table.columns)
    yield from zip(*columns, strict=True)


def instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
