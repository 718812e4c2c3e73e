"""What reading commands share: where the lake is, which snapshot, which rows, in what form.

A command is given a `Reader`; it names its tables, runs its SELECT and shows an answer. Nothing
here writes to a lake or makes one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from inventory_pipeline.cli.answer import Answer, Section, instant
from inventory_pipeline.cli.coverage import Coverage, of_cells, of_deliveries
from inventory_pipeline.cli.filters import OPTIONS, Filters
from inventory_pipeline.cli.output import Format, emit

if TYPE_CHECKING:
    from inventory_pipeline.lake import DuckDBEngine, Lake, Session
    from inventory_pipeline.settings import Settings

ALL = "all"
FORMATS = ("table", "json", "csv")
"""Of reading commands; the first is the default."""

SETTINGS_OPTION = click.option(
    "--settings",
    "settings_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings file; otherwise $INVENTORY_SETTINGS or inventory.yaml.",
)
LAKE_OPTION = click.option(
    "--lake", "location", metavar="FOLDER|s3://...", help="Lake; otherwise that of the settings."
)
OUTPUT_OPTION = click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file."
)
SNAPSHOT_OPTION = click.option(
    "--snapshot", metavar="TIME", help="Snapshot (2026-01-31, or to the minute); default newest."
)

NEXT_STEP = {
    "snapshots": "run `inventory collect`",
    "s3_inventory": "run `inventory ingest`",
    "cost": "run the Dagster job `cost_analysis`",
    "security": "run the Dagster job `security_check`",
    "storage": "run the Dagster job `storage_analysis`",
    "archive": "run the Dagster job `archive_plan`",
}
"""How the tables of a group come to have rows."""


class NothingToReadError(Exception):
    """The lake has no such rows; the message says what fills it."""


@dataclass
class Reader:
    """One reading of the lake: opens it on first use and shows an answer."""

    location: str | None = None
    settings_path: Path | None = None
    form: Format = "table"
    output: Path | None = None
    snapshot: str | None = None
    filters: Filters = field(default_factory=Filters)

    @cached_property
    def settings(self) -> Settings:
        from inventory_pipeline.settings import load_settings

        return load_settings(self.settings_path)

    @cached_property
    def lake(self) -> Lake:
        from inventory_pipeline.lake import Lake

        if self.location:
            catalog = "glue" if self.location.startswith("s3://") else "sqlite"
            return Lake.open(self.location, catalog=catalog, create=False)
        chosen = self.settings.lake
        return Lake.open(chosen.location, catalog=chosen.catalog, create=False)

    @cached_property
    def engine(self) -> DuckDBEngine:
        from inventory_pipeline.lake import DuckDBEngine

        if self.location:
            return DuckDBEngine(self.lake)
        return DuckDBEngine(self.lake, memory_limit=self.settings.lake.memory_limit)

    # -- which snapshot ------------------------------------------------------------------------

    @cached_property
    def snapshots(self) -> list[datetime]:
        """Published snapshots that were asked for, oldest first; never empty."""
        published = self.lake.snapshots()
        if not published:
            raise NothingToReadError(
                f"the lake {self.lake.location} has no snapshot yet: {NEXT_STEP['snapshots']}"
            )
        if self.snapshot in (None, ALL):
            return published
        wanted = str(self.snapshot).replace(" ", "T").removesuffix("Z")
        found = [
            at
            for at in published
            if at.astimezone(UTC).replace(tzinfo=None).isoformat().startswith(wanted)
        ]
        if not found:
            known = ", ".join(instant(at) for at in published[-3:])
            raise NothingToReadError(f"no snapshot {self.snapshot}: the newest are {known}")
        return found

    def newest(self, *marts: str) -> datetime:
        """The newest snapshot, of those asked for, in which these marts have rows."""
        filled = [{f.partition["snapshot_at"] for f in self.lake.files(mart)} for mart in marts]
        for at in reversed(self.snapshots):
            if all(at in instants for instants in filled):
                return at
        newest = self.snapshots[-1]
        empty = next(m for m, instants in zip(marts, filled, strict=True) if newest not in instants)
        raise missing(empty, newest)

    # -- rows ----------------------------------------------------------------------------------

    @contextmanager
    def session(self, *names: str, at: datetime | None = None) -> Iterator[Session]:
        """SQL over these tables: rows of the snapshot `at`, or all visible ones."""
        needed = {*names, "resources"} if self.filters.tag else {*names}
        with self.engine.session({name: _rows_of(name, at) for name in needed}) as session:
            yield session

    def rows(
        self,
        session: Session,
        sql: str,
        params: Mapping[str, Any] | None = None,
        *,
        time: str = "",
        tagged: bool = False,
    ) -> Any:
        """Run a SELECT whose `{where}` is this reader's filters."""
        where, values = self.filters.where(time=time, tagged=tagged)
        return session.query(sql.replace("{where}", where), {**values, **(params or {})})

    def snapshot_coverage(self, at: datetime | None) -> Coverage:
        """The ledger of a snapshot, or of all of them, as far as the filters reach."""
        with self.session("coverage", "accounts", at=at) as session:
            return of_cells(session, self.filters)

    def delivery_coverage(self) -> Coverage:
        """Deliveries, and the newest snapshot's buckets that have one."""
        newest = (self.lake.snapshots() or [datetime.min.replace(tzinfo=UTC)])[-1]
        reads = {"s3_deliveries": {}, "s3_buckets": {"snapshot_at": newest}}
        with self.engine.session(reads) as session:
            return of_deliveries(session)

    # -- the answer ----------------------------------------------------------------------------

    def show(
        self,
        *sections: Section,
        coverage: Coverage | None,
        at: datetime | None = None,
        notes: tuple[str, ...] = (),
        facts: Mapping[str, object] | None = None,
    ) -> None:
        emit(
            Answer(sections, facts or {}, (*notes, *self.overtaken(at)), coverage, at),
            self.form,
            self.output,
        )

    def overtaken(self, at: datetime | None) -> Iterator[str]:
        """That there is a newer snapshot, where nobody asked for this one."""
        if at and self.snapshot is None and at != self.snapshots[-1]:
            newer = instant(self.snapshots[-1])
            yield f"The snapshot {newer} is newer, but this is not computed for it yet."


def missing(table: str, at: datetime | None = None) -> NothingToReadError:
    """The error that a table (or its snapshot) has no rows, and what fills it."""
    from inventory_pipeline.tables import tables

    where = f" of the snapshot {instant(at)}" if at else ""
    return NothingToReadError(f"no {table}{where} yet: {NEXT_STEP[tables()[table].group]}")


def _rows_of(table: str, at: datetime | None) -> Mapping[str, Any]:
    """Rows of a table at a snapshot; all visible ones of a table that has none."""
    return {"snapshot_at": at} if at and of_snapshots(table) else {}


def of_snapshots(table: str) -> bool:
    from inventory_pipeline.tables import SNAPSHOT, tables

    return tables()[table].partitioned_by == SNAPSHOT


def chosen_format(form: str | None, output: Path | None, formats: Sequence[str]) -> Any:
    """The format asked for, or that of the file's ending, or the default."""
    ending = output.suffix.removeprefix(".").lower() if output else ""
    return form or (ending if ending in formats else formats[0])


def reading(
    *filters: str, snapshot: bool = True, formats: Sequence[str] = FORMATS
) -> Callable[[Callable[..., None]], Any]:
    """Give a command a `Reader` as its first argument, and the options that make one."""
    format_option = click.option(
        "--format",
        "form",
        type=click.Choice(formats),
        help=f"Otherwise by the ending of --output, or {formats[0]}.",
    )
    options = [
        *(OPTIONS[name] for name in filters),
        *([SNAPSHOT_OPTION] if snapshot else []),
        format_option,
        OUTPUT_OPTION,
        LAKE_OPTION,
        SETTINGS_OPTION,
    ]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def run(
            *,
            location: str | None,
            settings_path: Path | None,
            form: str | None,
            output: Path | None,
            snapshot: str | None = None,
            **rest: Any,
        ) -> None:
            chosen = Filters(**{name: rest.pop(name) for name in filters})
            reader = Reader(
                location,
                settings_path,
                chosen_format(form, output, formats),
                output,
                snapshot,
                chosen,
            )
            command(reader, **rest)

        for option in reversed(options):
            run = option(run)
        return run

    return decorate
