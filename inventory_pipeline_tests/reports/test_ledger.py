"""The ledger's commits: each touches the rows it is about, and a day stays in few files."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from inventory_pipeline.lake import DuckDBEngine, Lake
from inventory_pipeline.lake.contract import violations
from inventory_pipeline.reports import Delivery, parse_delivery
from inventory_pipeline.reports.ledger import (
    MANY_FILES,
    TABLE,
    hide_partitions,
    quarantine_reason,
    read_ledger,
    record_news,
)
from inventory_pipeline_tests.reports.conftest import NOW, Place

DAY = date(2026, 11, 1)
AT = datetime(2026, 11, 1, 1, tzinfo=UTC)


def row(source: str, md5: str = "m", status: str = "ingested", **more: Any) -> dict[str, Any]:
    return {
        "delivered_on": DAY,
        "source_bucket": source,
        "configuration_id": "daily",
        "delivered_at": AT,
        "manifest_uri": f"s3://reports/{source}",
        "manifest_md5": md5,
        "status": status,
        "recorded_at": NOW,
    } | more


def known(lake: Lake) -> dict[tuple[str, str], str]:
    rows = lake.read(TABLE).to_pylist()
    found = {(r["source_bucket"], r["manifest_md5"]): r["status"] for r in rows}
    assert len(found) == len(rows)
    return found


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(str(tmp_path / "lake"))


def test_a_days_rows_lie_in_few_files_and_none_is_lost(lake: Lake) -> None:
    names = [f"bucket{n}" for n in range(MANY_FILES + 5)]
    files: list[int] = []
    for name in names:
        record_news(lake, [row(name)])
        files.append(len(lake.files(TABLE)))
    assert max(files) <= MANY_FILES + 1
    assert files[-1] < MANY_FILES
    assert known(lake) == {(name, "m"): "ingested" for name in names}


def test_only_files_with_such_rows_are_written_anew(lake: Lake) -> None:
    for name in ("a", "b", "c"):
        record_news(lake, [row(name)])
    before = {file.path for file in lake.files(TABLE)}
    record_news(lake, [row("b", md5="later")])
    assert len(before & {file.path for file in lake.files(TABLE)}) == 2
    assert known(lake) == {
        ("a", "m"): "ingested",
        ("b", "m"): "superseded",
        ("b", "later"): "ingested",
        ("c", "m"): "ingested",
    }


def test_hiding_concerns_what_readers_see(lake: Lake) -> None:
    record_news(lake, [row("a"), row("b"), row("c", status="quarantined")])
    hide_partitions(lake, {(DAY, name, "daily") for name in ("a", "c", "unheard-of")})
    assert known(lake) == {("a", "m"): "seen", ("b", "m"): "ingested", ("c", "m"): "quarantined"}


def test_a_ledger_of_some_buckets(lake: Lake) -> None:
    record_news(lake, [row("a", status="erased"), row("b")])
    delivery = parse_delivery(Place(), "inventory/a/daily/2026-11-01T01-00Z/manifest.json")
    assert delivery
    assert read_ledger(lake, [DAY], sources=["a"]).is_erased(delivery)
    assert not read_ledger(lake, [DAY], sources=["b"]).is_erased(delivery)
    assert not read_ledger(lake, [DAY], sources=[]).statuses


def copy_of(bucket: str) -> Delivery:
    """A delivery as another bucket has it."""
    key = "inventory/a/daily/2026-11-01T01-00Z/manifest.json"
    delivery = parse_delivery(Place(bucket), key)
    assert delivery
    return delivery


def copied(bucket: str, status: str, md5: str | None = "m") -> dict[str, Any]:
    return row("a", status=status, manifest_md5=md5, manifest_uri=copy_of(bucket).manifest_uri)


@pytest.mark.parametrize("md5", ["m", None])
def test_each_bad_copy_of_a_report_stays_quarantined(lake: Lake, md5: str | None) -> None:
    """Else each would be tried again for ever, because the other had taken its place."""
    record_news(lake, [copied("one", "quarantined", md5), copied("two", "quarantined", md5)])
    record_news(lake, [copied("one", "quarantined", md5)])
    with DuckDBEngine(lake).session({TABLE: {}}) as db:
        assert violations(db, TABLE) == []
    ledger = read_ledger(lake, [DAY])
    assert [ledger.is_settled(copy_of(name), md5) for name in ("one", "two", "three")] == [
        True, True, False
    ]  # fmt: skip


def test_a_bad_copy_is_not_tried_again_while_a_good_one_cannot_be_read(lake: Lake) -> None:
    record_news(lake, [copied("one", "quarantined"), copied("two", "seen")])
    ledger = read_ledger(lake, [DAY])
    assert ledger.is_settled(copy_of("one"), "m")
    assert not ledger.is_settled(copy_of("two"), "m")
    record_news(lake, [copied("two", "ingested")])
    assert known(lake) == {("a", "m"): "ingested"}
    ledger = read_ledger(lake, [DAY])
    assert ledger.is_settled(copy_of("one"), "m")


def test_the_command_in_a_reason_is_safe_to_paste() -> None:
    key = "inventory/a b;$(reboot)/daily/2026-11-01T01-00Z/manifest.json"
    delivery = parse_delivery(Place(), key)
    assert delivery
    reason = quarantine_reason(delivery, ValueError("odd"))
    assert reason == f"odd; once mended: inventory ingest --delivery 's3://reports/{key}'"
