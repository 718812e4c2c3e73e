"""Collecting a snapshot: enter accounts, run the cells that are to be asked, commit what they saw.

Belongs here: the order of things. Not here: which cells are asked (`asking`), how rows come to the
lake (`commits`, `spool`, `merge`), making the snapshot visible (`publication`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from inventory_pipeline.accounts import Account, Clients, Entry, Watch, enter, roster_of
from inventory_pipeline.accounts.regions import RegionScope
from inventory_pipeline.accounts.watch import Clock
from inventory_pipeline.collect.accounts import account_rows, discovery_rows, known_accounts
from inventory_pipeline.collect.asking import cells_to_ask
from inventory_pipeline.collect.cells import Cell, plan
from inventory_pipeline.collect.commits import Commits
from inventory_pipeline.collect.look import CellResult, Row
from inventory_pipeline.collect.merge import merge_accounts
from inventory_pipeline.collect.publication import SEEN
from inventory_pipeline.collect.runner import CellRunner
from inventory_pipeline.lake.schema import arrow_schema
from inventory_pipeline.resource_types import (
    ResourceType,
    action_names,
    selected_types,
    type_names,
)
from inventory_pipeline.settings import SettingsError, require_known

if TYPE_CHECKING:
    import pyarrow as pa

    from inventory_pipeline.lake import Lake
    from inventory_pipeline.settings import Settings
    from inventory_pipeline.settings.model import CollectionSettings

SNAPSHOT_EVERY = timedelta(hours=12)

Progress = Callable[[str], None]
"""Told of each finished cell, in a line of text."""


class PastSnapshotError(Exception):
    """A snapshot was asked for at an instant at which AWS can no longer, or not yet, be seen."""


@dataclass(frozen=True)
class CollectionResult:
    """What a collection saw, before it joined the snapshot.

    `rows` counts rows by table, `statuses` the ledger's rows by status. `asked` of the `planned`
    cells were looked at; the others had been seen already.
    """

    snapshot_at: datetime
    rows: dict[str, int]
    statuses: dict[str, int]
    planned: int
    asked: int

    @property
    def complete(self) -> bool:
        return self.statuses.keys() <= SEEN


def collect(
    settings: Settings,
    lake: Lake,
    snapshot_at: datetime,
    now: Callable[[], datetime],
    *,
    accounts: Sequence[str] | None = None,
    regions: Sequence[str] | None = None,
    resource_types: Sequence[str] | None = None,
    failed: bool = False,
    progress: Progress | None = None,
    clients: Clients | None = None,
    clock: Clock = time.monotonic,
) -> CollectionResult:
    """Look at everything (or a subset) now, and join it to the snapshot `snapshot_at`.

    `accounts` are ids or names, `regions` may include `global`, `resource_types` are groups or
    names; none means all. A snapshot cut short is carried on with; with `failed`, only cells that
    the snapshot has not seen are asked. The snapshot is not visible before `publish_snapshot`.
    Raises PastSnapshotError, NotCollectedError, SettingsError, NoAccountsError and
    CredentialsError; whatever AWS refuses is in the ledger instead.
    """
    require_current(snapshot_at, now())
    kinds = _kinds(settings, resource_types or ())
    clients = clients or Clients.of(settings)
    wanted = settings.collection_settings
    asked_at = now()
    roster = roster_of(settings, clients, known_accounts(lake))
    chosen = _chosen(roster.accounts, accounts or ())

    entries = _entries(chosen, clients, wanted, clock)
    scope = RegionScope(tuple(settings.regions), tuple(settings.excluded_regions))
    planned = _cells(plan(entries, kinds, scope, clients.known_regions), regions or ())
    cells = cells_to_ask(lake, snapshot_at, planned, failed=failed)
    _commit_accounts(lake, snapshot_at, account_rows(entries, roster.absences, snapshot_at))
    runner = CellRunner(
        clients,
        snapshot_at,
        now,
        scope,
        wanted.parallel_regions,
        wanted.timeout_seconds,
        clock,
        wanted.batch_size,
    )
    with Commits(lake, snapshot_at, wanted.commit_seconds, clock) as commits:
        commits.add_ledger(discovery_rows(roster.discovery, snapshot_at, asked_at))
        for done, result in enumerate(runner.run(cells), start=1):
            commits.add(result)
            if progress is not None:
                progress(f"{done}/{len(cells)} {_told(result)}")
    return CollectionResult(
        snapshot_at, dict(commits.rows), dict(commits.statuses), len(planned), len(cells)
    )


def _entries(
    accounts: Sequence[Account], clients: Clients, wanted: CollectionSettings, clock: Clock
) -> list[Entry]:
    def entered(account: Account) -> Entry:
        with Watch(clock() + wanted.timeout_seconds, clock):
            return enter(account, clients)

    with ThreadPoolExecutor(wanted.parallel_regions, "account") as pool:
        return list(pool.map(entered, accounts))


def _commit_accounts(lake: Lake, snapshot_at: datetime, rows: Iterable[Row]) -> None:
    new = _arrow("accounts", rows)
    lake.merge(
        "accounts", {"snapshot_at": snapshot_at}, lambda earlier: merge_accounts(earlier, new)
    )


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


def _told(result: CellResult) -> str:
    account, region, kind = result.cell.account.name, *result.cell.key[1:]
    return f"{account} {region} {kind}: {result.status}, {len(result.rows)} resources"


def _kinds(settings: Settings, names: Sequence[str]) -> list[ResourceType]:
    """The types that the settings want, and of these the ones asked for."""
    off = settings.collection_settings.actions_off
    require_known("resource_types", [*settings.resource_types, *names], type_names())
    require_known("collection_settings.actions_off", off, action_names())
    chosen = {kind.name for kind in selected_types(names)}
    return [kind for kind in selected_types(settings.resource_types, off) if kind.name in chosen]


def _chosen(known: Sequence[Account], names: Sequence[str]) -> list[Account]:
    """Of the accounts that are looked at, those asked for by name or id."""
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


def _arrow(table: str, rows: Iterable[Row]) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_pylist(list(rows), schema=arrow_schema(table))
