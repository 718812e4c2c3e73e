"""What a snapshot says of accounts: its rows of `accounts`, and how they were found.

Not here: finding and entering them (`accounts`), what is seen in them (`look`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from inventory_pipeline.accounts import Absence, Account, Discovery, Entry, Failure, Watch
from inventory_pipeline.accounts.discovery import ACCOUNTS
from inventory_pipeline.collect.cells import GLOBAL

if TYPE_CHECKING:
    from inventory_pipeline.lake import Lake

Row = dict[str, Any]


def known_accounts(lake: Lake) -> list[Row]:
    """The rows of `accounts` of the newest snapshot that readers may see."""
    published = lake.snapshots()
    if not published:
        return []
    rows: list[Row] = lake.read("accounts", {"snapshot_at": published[-1]}).to_pylist()
    return rows


def account_rows(
    entries: Iterable[Entry], absences: Iterable[Absence], snapshot_at: datetime
) -> list[Row]:
    """Rows of `accounts`: of those that were entered or were to be, and of those that were not."""
    rows = [
        {
            **_row(entry.account, snapshot_at, entry.status),
            "message": entry.failure.message if entry.failure else entry.notice,
            "regions": list(entry.regions.enabled) if entry.regions else None,
        }
        for entry in entries
    ]
    rows += (
        {**_row(a.account, snapshot_at, a.status), "message": a.message, "regions": None}
        for a in absences
    )
    return rows


def _row(account: Account, snapshot_at: datetime, status: str) -> Row:
    return {
        "snapshot_at": snapshot_at,
        "account_id": account.account_id,
        "account_name": account.name,
        "department": account.department,
        "cost_center": account.cost_center,
        "environment": account.environment,
        "role_arn": account.role_arn,
        "organizational_unit": account.organizational_unit,
        "status": status,
        "tags": dict(account.tags),
    }


def discovery_rows(
    discovery: Discovery | None, snapshot_at: datetime, observed_at: datetime
) -> Iterator[Row]:
    """Rows of `coverage`: how much of the organisation's list of accounts was read."""
    if discovery is None:
        return
    for collector, failure in discovery.failures.items():
        told = failure or Failure("ok")
        watch = discovery.watch if collector == ACCOUNTS else Watch()
        yield {
            "snapshot_at": snapshot_at,
            "account_id": discovery.asked_as,
            "region": GLOBAL,
            "collector": collector,
            "status": told.status,
            "error_code": told.code,
            "message": told.message,
            "resources": len(discovery.members or ()),
            "calls": watch.calls,
            "retries": watch.retries,
            "throttles": watch.throttles,
            "seconds": round(watch.seconds, 3),
            "observed_at": observed_at,
        }
