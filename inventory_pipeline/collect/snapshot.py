"""Collecting a snapshot: enter accounts, run the cells, join what they saw to the lake.

Belongs here: the order of things and what is committed. Tables of resources come first and the
ledger last, so that it never claims what is not there. Not here: making it visible
(`publication`), how rows are joined (`merge`).
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from inventory_pipeline.accounts import Account, Clients, Entry, accounts_of, enter, own_account
from inventory_pipeline.accounts.regions import RegionScope
from inventory_pipeline.accounts.watch import Clock
from inventory_pipeline.collect.cells import Cell, CellKey, plan
from inventory_pipeline.collect.look import CellResult, Row
from inventory_pipeline.collect.merge import Joining, joinings
from inventory_pipeline.collect.merge import merge_accounts as join_accounts
from inventory_pipeline.collect.merge import merge_coverage as join_coverage
from inventory_pipeline.collect.merge import merge_rows as join_rows
from inventory_pipeline.collect.publication import SEEN, ledger_of
from inventory_pipeline.collect.runner import CellRunner
from inventory_pipeline.lake.schema import arrow_schema
from inventory_pipeline.resource_types import (
    ResourceType,
    resource_types,
    selected_types,
    type_names,
)
from inventory_pipeline.settings import SettingsError, require_known

if TYPE_CHECKING:
    import pyarrow as pa

    from inventory_pipeline.lake import Lake
    from inventory_pipeline.settings import Settings

SNAPSHOT_EVERY = timedelta(hours=12)

Progress = Callable[[str], None]
"""Told of each finished cell, in a line of text."""


class PastSnapshotError(Exception):
    """A snapshot was asked for at an instant at which AWS can no longer, or not yet, be seen."""


@dataclass(frozen=True)
class CollectionResult:
    """What a collection saw, before it joined the snapshot. `rows` counts rows by table."""

    snapshot_at: datetime
    rows: dict[str, int]
    accounts: list[Row]
    coverage: list[Row]

    @property
    def complete(self) -> bool:
        return all(row["status"] in SEEN for row in self.coverage)


@dataclass
class _Found:
    """Rows by table, as cells finish; Arrow, since a row as a dict is many times larger."""

    tables: defaultdict[str, list[pa.Table]] = field(
        default_factory=lambda: defaultdict[str, "list[pa.Table]"](list)
    )
    coverage: list[Row] = field(default_factory=list[Row])

    def add(self, result: CellResult) -> None:
        kind = result.cell.kind
        parts = (
            (kind.table, result.rows),
            ("relationships", result.edges),
            ("metrics", result.metrics),
        )
        for table, rows in parts:
            if rows:
                self.tables[table].append(_arrow(table, rows))
        self.coverage += result.coverage

    def table(self, name: str) -> pa.Table:
        import pyarrow as pa

        return pa.concat_tables([arrow_schema(name).empty_table(), *self.tables[name]])


def collect(
    settings: Settings,
    lake: Lake,
    snapshot_at: datetime,
    now: Callable[[], datetime],
    *,
    accounts: Sequence[str] | None = None,
    regions: Sequence[str] | None = None,
    resource_types: Sequence[str] | None = None,
    progress: Progress | None = None,
    clients: Clients | None = None,
    clock: Clock = time.monotonic,
) -> CollectionResult:
    """Look at everything (or a subset) now, and join it to the snapshot `snapshot_at`.

    `accounts` are ids or names, `regions` may include `global`, `resource_types` are groups or
    names; none means all. Raises PastSnapshotError, SettingsError and NoAccountsError; whatever
    AWS refuses is in the ledger instead. The snapshot is not visible before `publish_snapshot`.
    """
    require_current(snapshot_at, now())
    kinds = _kinds(settings, resource_types or ())
    clients = clients or Clients.of(settings)
    wanted = settings.collection_settings
    with ThreadPoolExecutor(wanted.parallel_regions, "account") as pool:
        chosen = _accounts(settings, clients, accounts or ())
        entries = list(pool.map(lambda account: enter(account, clients), chosen))
    scope = RegionScope(tuple(settings.regions), tuple(settings.excluded_regions))
    cells = _cells(plan(entries, kinds, scope, clients.known_regions), regions or ())
    runner = CellRunner(
        clients, snapshot_at, now, scope, wanted.parallel_regions, wanted.timeout_seconds, clock
    )
    found = _run(runner, cells, progress)
    entered = [_account_row(entry, snapshot_at) for entry in entries]
    _join(lake, snapshot_at, kinds, found, entered)
    counted = ["relationships", "metrics", *(kind.table for kind in kinds)]
    rows = {name: found.table(name).num_rows for name in counted}
    return CollectionResult(snapshot_at, rows, entered, found.coverage)


def require_current(snapshot_at: datetime, now: datetime) -> None:
    """Raises PastSnapshotError unless `now` is in the 12 hours that begin at `snapshot_at`."""
    if now < snapshot_at:
        raise PastSnapshotError(
            f"the future cannot be collected: snapshot {snapshot_at:%Y-%m-%d %H:%M} UTC has not "
            f"come yet, it is {now:%Y-%m-%d %H:%M}"
        )
    if now >= snapshot_at + SNAPSHOT_EVERY:
        raise PastSnapshotError(
            f"the past cannot be collected: snapshot {snapshot_at:%Y-%m-%d %H:%M} UTC ended at "
            f"{snapshot_at + SNAPSHOT_EVERY:%Y-%m-%d %H:%M}, it is {now:%Y-%m-%d %H:%M}; collect "
            "the current snapshot, or backfill only the tables that are computed from it"
        )


def _run(runner: CellRunner, cells: Sequence[Cell], progress: Progress | None) -> _Found:
    found = _Found()
    for done, result in enumerate(runner.run(cells), start=1):
        found.add(result)
        if progress is not None:
            account, region, kind = result.cell.account.name, *result.cell.key[1:]
            progress(
                f"{done}/{len(cells)} {account} {region} {kind}: {result.status}, "
                f"{len(result.rows)} resources"
            )
    return found


def _join(
    lake: Lake,
    snapshot_at: datetime,
    kinds: Sequence[ResourceType],
    found: _Found,
    entered: list[Row],
) -> None:
    """Commit each table; also those without rows, so that "none" differs from "not looked"."""
    partition = {"snapshot_at": snapshot_at}
    coverage = _arrow("coverage", found.coverage)
    decided = joinings(ledger_of(lake, snapshot_at), coverage)
    for kind in kinds:
        lake.merge(kind.table, partition, _joiner(found.table(kind.table), decided))
    lake.merge(
        "relationships", partition, _joiner(found.table("relationships"), decided, prefix="source")
    )
    lake.merge("metrics", partition, _joiner(found.table("metrics"), decided))
    new_accounts = _arrow("accounts", entered)
    lake.merge("accounts", partition, lambda earlier: join_accounts(earlier, new_accounts))
    lake.merge("coverage", partition, lambda earlier: join_coverage(earlier, coverage))


def _joiner(
    new: pa.Table, decided: dict[CellKey, Joining], prefix: str = "resource"
) -> Callable[[pa.Table], pa.Table]:
    wide = [kind.name for kind in resource_types().values() if kind.scope == "global"]
    return lambda earlier: join_rows(earlier, new, decided, wide, prefix=prefix)


def _kinds(settings: Settings, names: Sequence[str]) -> list[ResourceType]:
    """The types that the settings want, and of these the ones asked for."""
    require_known("resource_types", [*settings.resource_types, *names], type_names())
    chosen = {kind.name for kind in selected_types(names)}
    return [kind for kind in selected_types(settings.resource_types) if kind.name in chosen]


def _accounts(settings: Settings, clients: Clients, names: Sequence[str]) -> list[Account]:
    """The accounts of the settings (or the caller's own), and of these the ones asked for."""
    known = accounts_of(settings, clients.partition) or [own_account(clients)]
    require_known("accounts", names, [n for a in known for n in (a.name, a.account_id)])
    return [a for a in known if not names or {a.name, a.account_id} & set(names)]


def _cells(planned: list[Cell], regions: Sequence[str]) -> list[Cell]:
    """The cells of the regions asked for. No cell at all would look like an empty organisation."""
    if not planned:
        raise SettingsError(
            "regions: no region of any account is left to be looked at; correct `regions` and "
            "`excluded_regions` in the settings"
        )
    require_known("regions", regions, {cell.region for cell in planned})
    return [cell for cell in planned if not regions or cell.region in regions]


def _account_row(entry: Entry, snapshot_at: datetime) -> Row:
    account = entry.account
    return {
        "snapshot_at": snapshot_at,
        "account_id": account.account_id,
        "account_name": account.name,
        "department": account.department,
        "cost_center": account.cost_center,
        "environment": account.environment,
        "role_arn": account.role_arn,
        "status": entry.status,
        "message": entry.failure.message if entry.failure else entry.notice,
        "regions": list(entry.regions.enabled) if entry.regions else None,
        "tags": dict(account.tags),
    }


def _arrow(table: str, rows: Iterable[Row]) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_pylist(list(rows), schema=arrow_schema(table))
