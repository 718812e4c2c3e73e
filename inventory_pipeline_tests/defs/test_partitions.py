"""Keys of snapshots and days: few, in UTC, and there and back again."""

import itertools
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory_pipeline.defs.partitions import (
    delivery_day,
    delivery_partitions,
    snapshot_instant,
    snapshot_key,
    snapshot_partitions,
)
from inventory_pipeline_tests.defs.graph import definitions

START = date(2026, 1, 1)
instants = st.floats(0, 34 * 365 * 86400).map(
    lambda seconds: datetime(2026, 1, 2, tzinfo=UTC) + timedelta(seconds=seconds)
)
offsets = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))


def keys_at(partitions: dg.PartitionsDefinition, now: datetime) -> list[str]:
    with dg.partition_loading_context(effective_dt=now):
        return list(partitions.get_partition_keys())


@given(instants, offsets)
def test_a_key_holds_its_instant_wherever_it_is_told(instant: datetime, zone: timezone) -> None:
    opened = snapshot_instant(snapshot_key(instant.astimezone(zone)))
    assert opened <= instant < opened + timedelta(hours=12)
    assert snapshot_key(opened) == snapshot_key(instant)


@given(instants)
def test_what_the_clock_says_is_a_partition(instant: datetime) -> None:
    """Else a schedule would ask for a key that Dagster does not know."""
    partitions = snapshot_partitions(START)
    with dg.partition_loading_context(effective_dt=instant):
        assert partitions.get_last_partition_key() == snapshot_key(instant)


@pytest.mark.parametrize(
    ("at", "key"),
    [
        ("2026-11-20T12:20:00+00:00", "2026-11-20T12:00"),
        ("2026-11-20T12:00:00+00:00", "2026-11-20T12:00"),
        ("2026-11-20T11:59:59.999999+00:00", "2026-11-20T00:00"),
        ("2026-11-20T12:20:00+13:00", "2026-11-19T12:00"),
    ],
)
def test_the_tick_belongs_to_the_window_it_falls_into(at: str, key: str) -> None:
    assert snapshot_key(datetime.fromisoformat(at)) == key


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
def test_clocks_that_change_do_not_shift_keys(zone: str) -> None:
    keys = keys_at(snapshot_partitions(START), datetime(2027, 1, 1, tzinfo=ZoneInfo(zone)))
    opened = [snapshot_instant(key) for key in keys]
    assert {b - a for a, b in itertools.pairwise(opened)} == {timedelta(hours=12)}


@given(st.dates(date(2026, 1, 2), date(2060, 1, 1)))
def test_days_and_their_keys(day: date) -> None:
    now = datetime(day.year, day.month, day.day, 0, 1, tzinfo=UTC)
    with dg.partition_loading_context(effective_dt=now):
        key = delivery_partitions(START).get_last_partition_key()
    assert key is not None
    assert delivery_day(key) == day


def test_partitions_stay_few_for_years() -> None:
    """Dagster's pages and daemon slow down at some 100,000 keys of an asset."""
    now = datetime(2029, 1, 1, tzinfo=UTC)
    nodes = [n for n in definitions().resolve_asset_graph().asset_nodes if n.partitions_def]
    counted = {
        d: len(keys_at(d, now)) for d in {n.partitions_def for n in nodes if n.partitions_def}
    }
    counts = {n.key.path[-1]: counted[n.partitions_def] for n in nodes if n.partitions_def}
    assert counts["snapshots"] == 3 * 365 * 2 + 3
    assert max(counts.values()) < 5_000
