"""Ingestion: exactly once, all or nothing, the bad beside the good."""

import contextlib
import errno
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from inventory_pipeline.lake import Lake
from inventory_pipeline.reports import DeliveryResult, find_deliveries, read_ledger
from inventory_pipeline.reports.ledger import Ledger
from inventory_pipeline_tests.reports.conftest import NOW, House, Place
from inventory_pipeline_tests.reports.writer import (
    ALL,
    BUCKET,
    Row,
    Writer,
    body,
    gzipped,
    orc_body,
)

DAY = timedelta(days=1)
T0 = datetime(2026, 11, 1, 1, tzinfo=UTC)


def objects(*keys: str) -> list[Row]:
    return [{"key": key, "size": 10, "last_modified_date": T0 - DAY} for key in keys]


def keys(house: House) -> dict[date, list[str]]:
    """Keys that readers see, by day."""
    seen: dict[date, list[str]] = {}
    for row in house.rows("s3_objects"):
        seen.setdefault(row["delivered_on"], []).append(row["key"])
    return {day: sorted(found) for day, found in sorted(seen.items())}


def ledger(house: House) -> list[tuple[datetime, str]]:
    rows = house.rows("s3_deliveries")
    return sorted((row["delivered_at"], row["status"]) for row in rows)


def statuses(results: list[DeliveryResult]) -> list[str]:
    return [result.status for result in results]


@pytest.mark.parametrize("format_", ["CSV", "ORC", "Parquet"])
def test_a_delivery_becomes_objects_usage_and_a_row_in_the_ledger(
    house: House, writer: Writer, format_: str
) -> None:
    bodies = [
        body(format_, [{"bucket": "photos"} | row for row in objects(*part)], ALL)
        for part in (("a/1", "a/2"), (), ("b+ é",))
    ]
    writer.deliver(T0, format=format_, bodies=bodies)
    (result,) = house.ingest()
    assert (result.status, result.rows, result.files) == ("ingested", 3, 3)
    assert result.error is None
    assert keys(house) == {T0.date(): ["a/1", "a/2", "b+ é"]}
    usage = house.rows("s3_usage")
    assert {row["prefix"]: (row["objects"], row["bytes"]) for row in usage} == {
        "a/": (2, 20),
        "": (1, 10),
    }
    (row,) = house.rows("s3_deliveries")
    assert row["status"] == "ingested"
    assert row["format"] == format_
    assert (row["rows"], row["files"], row["bytes"]) == (3, 3, sum(map(len, bodies)))
    assert (row["delivered_at"], row["recorded_at"]) == (T0, NOW)
    assert row["manifest_md5"] == result.manifest_md5
    assert row["manifest_uri"].startswith("s3://reports/inventory/photos/daily/2026-11-01T01-00Z/")
    bucket, _, key = row["manifest_uri"].removeprefix("s3://").partition("/")
    assert row["arrived_at"] == writer.s3.head_object(Bucket=bucket, Key=key)["LastModified"]


def test_many_deliveries_of_many_days_in_one_commit(
    house: House, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for source in ("photos", "it's-odd"):
        for day in range(4):
            Writer(s3, source=source).deliver(T0 + day * DAY, objects(f"{source}{day}"))
    commits: Counter[str] = Counter()
    original = Lake.replace
    monkeypatch.setattr(
        Lake, "replace", lambda *a: (commits.update([a[1]]), original(*a))[1]
    )  # fmt: skip
    assert statuses(house.ingest()) == ["ingested"] * 8
    assert commits == {"s3_objects": 1, "s3_usage": 1}
    assert {len(found) for found in keys(house).values()} == {2}


def test_a_second_run_changes_nothing(house: House, writer: Writer) -> None:
    writer.deliver(T0, objects("a"))
    house.ingest()
    before = (house.rows("s3_objects"), house.rows("s3_usage"), house.rows("s3_deliveries"))
    assert statuses(house.ingest(now=NOW + DAY)) == ["skipped"]
    assert (house.rows("s3_objects"), house.rows("s3_usage"), house.rows("s3_deliveries")) == before
    assert not list(house.lake.scratch.iterdir())


def test_a_delivery_given_twice_is_ingested_once(house: House, writer: Writer) -> None:
    writer.deliver(T0, objects("a"))
    found = find_deliveries(house.s3, Place()).deliveries
    assert statuses(house.ingest(deliveries=[*found, *found])) == ["ingested"]
    assert keys(house) == {T0.date(): ["a"]}


def test_a_copy_in_another_destination_is_ingested_once(house: House, writer: Writer) -> None:
    """A replicated destination bucket has the same report a second time."""
    writer.deliver(T0, objects("a"))
    (delivery,) = find_deliveries(house.s3, Place()).deliveries
    copy = replace(delivery, destination=Place(prefix="inventory/"))
    assert statuses(house.ingest(deliveries=[delivery, copy])) == ["ingested", "skipped"]
    assert keys(house) == {T0.date(): ["a"]}
    assert ledger(house) == [(T0, "ingested")]


def test_no_files_and_files_without_rows(house: House, writer: Writer) -> None:
    writer.deliver(T0, bodies=[])
    writer.deliver(T0 + DAY, [])
    results = house.ingest()
    assert [(r.status, r.rows, r.files) for r in results] == [
        ("ingested", 0, 0),
        ("ingested", 0, 1),
    ]
    assert [row["rows"] for row in house.rows("s3_deliveries")] == [0, 0]
    assert len(house.lake.deliveries()) == 2
    assert not house.rows("s3_objects")
    assert not list(house.lake.scratch.iterdir())


def test_an_emptied_bucket_leaves_no_rows_behind(house: House, writer: Writer) -> None:
    writer.deliver(T0, objects("a"))
    house.ingest()
    writer.deliver(T0, [])
    assert statuses(house.ingest()) == ["ingested"]
    assert not house.rows("s3_objects")
    assert not house.rows("s3_usage")


# -- what is new, late, or changed -----------------------------------------------------------------


@pytest.mark.parametrize("format_", ["CSV", "ORC", "Parquet"])
def test_an_unknown_field_becomes_a_column(house: House, writer: Writer, format_: str) -> None:
    writer.deliver(T0, objects("a"), format=format_)
    rows = [row | {"object_mood": "blue"} for row in objects("b")]
    writer.deliver(T0 + DAY, rows, format=format_, fields=(*ALL, "ObjectMood"))
    assert [(r.status, r.notes) for r in house.ingest()] == [("ingested", ())] * 2
    moods = {row["key"]: row["object_mood"] for row in house.rows("s3_objects")}
    assert moods == {"a": None, "b": "blue"}


def test_a_field_that_can_be_no_column_is_noted_and_does_no_harm(
    house: House, writer: Writer
) -> None:
    content = gzipped(b'"photos","a","blue"\n')
    writer.deliver(T0, bodies=[content], fileSchema='Bucket, Key, x"; DROP')
    (result,) = house.ingest()
    assert result.status == "ingested"
    assert result.notes == ("fields not read, by their names: 'x\"; drop'",)
    assert keys(house) == {T0.date(): ["a"]}


def test_incomplete_then_completed(house: House, writer: Writer) -> None:
    folder = writer.deliver(T0, objects("a"), complete=False)
    assert house.ingest() == []
    writer.complete(folder)
    assert statuses(house.ingest()) == ["ingested"]


def test_a_manifest_that_does_not_fit_its_checksum_is_not_delivered_yet(
    house: House, writer: Writer
) -> None:
    folder = writer.deliver(T0, objects("a"))
    writer.put(f"{folder}manifest.checksum", b"79b5fbb876087dad174038b271b9cfba\n")
    (result,) = house.ingest()
    assert result.status == "seen"
    assert "manifest.checksum says '79b5fbb876087dad174038b271b9cfba'" in (result.error or "")
    assert not house.lake.deliveries()
    writer.complete(folder)
    assert statuses(house.ingest()) == ["ingested"]
    assert ledger(house) == [(T0, "ingested")]


def test_a_changed_delivery_is_ingested_again(house: House, writer: Writer) -> None:
    writer.deliver(T0, objects("old"))
    house.ingest()
    writer.deliver(T0, objects("new"))
    assert statuses(house.ingest()) == ["ingested"]
    assert keys(house) == {T0.date(): ["new"]}
    assert ledger(house) == [(T0, "ingested"), (T0, "superseded")]


def test_a_delivery_changed_back_is_ingested_again(house: House, writer: Writer) -> None:
    folder = writer.deliver(T0, objects("old"))
    old = house.s3.get_object(Bucket=BUCKET, Key=f"{folder}manifest.json")["Body"].read()
    house.ingest()
    writer.deliver(T0, objects("new"))
    house.ingest()
    writer.deliver_manifest(T0, old)
    assert statuses(house.ingest()) == ["ingested"]
    assert keys(house) == {T0.date(): ["old"]}
    assert ledger(house) == [(T0, "ingested"), (T0, "superseded")]


def test_a_bad_change_leaves_the_good_one_readable(house: House, writer: Writer) -> None:
    writer.deliver(T0, objects("good"))
    house.ingest()
    writer.deliver(T0, bodies=[gzipped(b"nonsense\n")])
    assert statuses(house.ingest()) == ["quarantined"]
    assert keys(house) == {T0.date(): ["good"]}
    assert ledger(house) == [(T0, "ingested"), (T0, "quarantined")]


LATER = T0 + timedelta(hours=20)


@pytest.mark.parametrize("order", ["together", "in order", "out of order"])
def test_the_newest_delivery_of_a_day_wins(house: House, writer: Writer, order: str) -> None:
    early = lambda: writer.deliver(T0, objects("early"))  # noqa: E731
    late = lambda: writer.deliver(LATER, objects("late"))  # noqa: E731
    for deliver in (late, early) if order == "out of order" else (early, late):
        deliver()
        if order != "together":
            house.ingest()
    house.ingest()
    assert keys(house) == {T0.date(): ["late"]}
    assert sum(row["objects"] for row in house.rows("s3_usage")) == 1
    assert ledger(house) == [(T0, "superseded"), (LATER, "ingested")]


def test_where_the_newest_is_bad_the_one_before_it_stands(house: House, writer: Writer) -> None:
    writer.deliver(T0, objects("early"))
    writer.deliver(LATER, objects("late"), fileFormat="Avro")
    assert sorted(statuses(house.ingest())) == ["ingested", "quarantined"]
    assert keys(house) == {T0.date(): ["early"]}


def test_late_and_out_of_order_days(house: House, writer: Writer) -> None:
    for day in (2, 0, 1):
        writer.deliver(T0 + day * DAY, objects(f"day{day}"))
        house.ingest()
    assert list(keys(house).values()) == [["day0"], ["day1"], ["day2"]]


# -- what is wrong ---------------------------------------------------------------------------------


def manifest_of(writer: Writer, folder: str) -> dict[str, Any]:
    import json

    stored = writer.s3.get_object(Bucket=BUCKET, Key=f"{folder}manifest.json")
    document: dict[str, Any] = json.loads(stored["Body"].read())
    return document


def spoil_md5(writer: Writer) -> None:
    folder = writer.deliver(T0, objects("a"))
    file = manifest_of(writer, folder)["files"][0]
    content = writer.s3.get_object(Bucket=BUCKET, Key=file["key"])["Body"].read()
    writer.put(file["key"], content[:-1] + bytes([content[-1] ^ 1]))


def spoil_size(writer: Writer) -> None:
    folder = writer.deliver(T0, objects("a"))
    file = manifest_of(writer, folder)["files"][0]
    writer.deliver(T0, objects("a"), files=[file | {"size": file["size"] + 1}])


def spoil_missing(writer: Writer) -> None:
    folder = writer.deliver(T0, objects("a"))
    writer.s3.delete_object(Bucket=BUCKET, Key=manifest_of(writer, folder)["files"][0]["key"])


def spoil_second_file(writer: Writer) -> None:
    good = body("CSV", objects("a"), ALL)
    writer.deliver(T0, bodies=[gzipped(b'"photos","a"' + 19 * b',""' + b"\n"), good[:-9]])


FAULTS = {
    "wrong md5": (spoil_md5, "has MD5"),
    "wrong size": (spoil_size, "bytes; the manifest says"),
    "missing file": (spoil_missing, "does not exist"),
    "truncated gzip": (spoil_second_file, "Unexpected end of GZIP stream"),
    "not json": (lambda w: w.deliver_manifest(T0, b"<html>"), "manifest.json is not JSON"),
    "no files": (lambda w: w.deliver(T0, files=None), "has no list of files"),
    "no schema": (lambda w: w.deliver(T0, fileSchema=None), "has no fileSchema"),
    "unknown format": (lambda w: w.deliver(T0, fileFormat="Avro"), "unknown fileFormat 'Avro'"),
    "corrupt orc": (
        lambda w: w.deliver(T0, format="ORC", bodies=[orc_body(objects("a"), ALL)[:-20]]),
        "is not readable as ORC",
    ),
    "bad value": (
        lambda w: w.deliver(T0, bodies=[gzipped(b'"photos","a","","maybe"' + 17 * b',""' + b"\n")]),
        "column is_latest: maybe",
    ),
    "impossible size": (
        lambda w: w.deliver(T0, files=[{"key": "k", "size": 10**30, "MD5checksum": "0" * 32}]),
        "its files have more than",
    ),
    "no text": (
        lambda w: w.deliver(T0, files=[{"key": "\ud800", "size": 1, "MD5checksum": "0" * 32}]),
        "unprintable text",
    ),
    "another bucket's": (lambda w: w.deliver(T0, sourceBucket="other"), "of bucket 'other'"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_delivery_is_quarantined_and_the_others_go_on(
    house: House, s3: Any, writer: Writer, fault: str
) -> None:
    spoil, words = FAULTS[fault]
    spoil(writer)
    Writer(s3, source="alpha").deliver(T0, objects("a"))
    Writer(s3, source="zulu").deliver(T0, objects("z"))
    results = house.ingest()
    assert statuses(results) == ["ingested", "quarantined", "ingested"]
    (row,) = (r for r in house.rows("s3_deliveries") if r["source_bucket"] == "photos")
    assert row["status"] == "quarantined"
    assert words in row["error"]
    assert "\n" not in row["error"]
    assert results[1].error == row["error"]
    assert keys(house) == {T0.date(): ["a", "z"]}


def test_a_mended_delivery_is_ingested_when_given_again(house: House, writer: Writer) -> None:
    folder = writer.deliver(T0, objects("a"))
    key = manifest_of(writer, folder)["files"][0]["key"]
    content = writer.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    writer.s3.delete_object(Bucket=BUCKET, Key=key)
    assert statuses(house.ingest()) == ["quarantined"]
    writer.put(key, content)
    assert statuses(house.ingest()) == ["ingested"]
    assert ledger(house) == [(T0, "ingested")]


@pytest.mark.parametrize(
    ("code", "status"), [("SlowDown", "seen"), ("AccessDenied", "quarantined"),
                         ("KMS.DisabledException", "quarantined"), ("InternalError", "seen"),
                         ("KMS.ThrottlingException", "seen"), ("KeyTooLongError", "quarantined")],
)  # fmt: skip
def test_s3_that_refuses_and_s3_that_is_busy(
    house: House, writer: Writer, code: str, status: str
) -> None:
    from botocore.exceptions import ClientError

    writer.deliver(T0, objects("a"))

    class Refusing:
        def get_object(self, **request: str) -> Any:
            if "/data/" in request["Key"]:
                raise ClientError({"Error": {"Code": code}}, "GetObject")
            return house.s3.get_object(**request)

    found = find_deliveries(house.s3, Place()).deliveries
    broken = replace(house, s3=Refusing())
    (result,) = broken.ingest(deliveries=found)
    assert result.status == status
    assert code in (result.error or "")
    assert statuses(house.ingest()) == ["ingested"]


def test_a_manifest_is_not_read_beyond_all_measure(
    house: House, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = writer.deliver(T0, objects("a"))
    monkeypatch.setattr("inventory_pipeline.reports.storage.MANIFEST_LIMIT", 400)
    (result,) = house.ingest()
    assert result.status == "quarantined"
    assert f"{folder}manifest.json has more than 400 bytes" in (result.error or "")


def test_a_full_disk_is_no_fault_of_the_report(
    house: House, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.deliver(T0, objects("a"))

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("inventory_pipeline.reports.formats.write_batches", full)
        with pytest.raises(OSError, match="No space left"):
            house.ingest()
    assert ledger(house) == []
    assert statuses(house.ingest()) == ["ingested"]


def test_a_trailing_slash_in_the_destination_prefix(house: House, s3: Any) -> None:
    """AWS then writes under `x//`, and the manifest speaks of `x/`."""
    writer = Writer(s3, root="x//")
    folder = writer.deliver(T0, objects("a"))
    files = manifest_of(writer, folder)["files"]
    writer.deliver(T0, files=[f | {"key": f["key"].replace("//", "/")} for f in files])
    assert statuses(house.ingest(place=Place(prefix="x/"))) == ["ingested"]
    assert keys(house) == {T0.date(): ["a"]}


# -- cut short -------------------------------------------------------------------------------------


class Killed(BaseException):
    """Stands for SIGKILL between two commits."""


@pytest.mark.parametrize("survived", range(4))
@pytest.mark.parametrize("before", ["nothing", "older content"])
def test_killed_between_commits(
    house: House, writer: Writer, monkeypatch: pytest.MonkeyPatch, survived: int, before: str
) -> None:
    """Readers see the state before, or nothing, never a part; the next run mends it."""
    if before == "older content":
        writer.deliver(T0, objects("old", "older"))
        house.ingest()
    writer.deliver(T0, objects("new"))
    done = 0

    def dying(method: Any) -> Any:
        def call(*arguments: Any) -> Any:
            nonlocal done
            if done == survived:
                raise Killed
            done += 1
            return method(*arguments)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "replace", dying(Lake.replace))
        patch.setattr(Lake, "merge", dying(Lake.merge))
        with contextlib.suppress(Killed):
            house.ingest()
    states = {"nothing": [[], ["new"]], "older content": [["old", "older"], [], ["new"]]}
    found = keys(house).get(T0.date(), [])
    assert found in states[before]
    assert sum(row["objects"] for row in house.rows("s3_usage")) == len(found)
    house.ingest()
    assert keys(house) == {T0.date(): ["new"]}
    assert sum(row["objects"] for row in house.rows("s3_usage")) == 1
    assert Counter(status for _, status in ledger(house))["ingested"] == 1


def test_a_run_that_fails_leaves_no_scratch_files(
    house: House, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.deliver(T0, objects("a"))

    def full(*_: Any) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(Lake, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        house.ingest()
    assert not list(house.lake.scratch.iterdir())
    assert not house.rows("s3_deliveries")


def test_memory_that_runs_out_here_is_not_the_reports_fault(house: House, writer: Writer) -> None:
    import duckdb

    writer.deliver(T0, objects(*map(str, range(1000))))
    house.engine.memory_limit = "1MB"
    with pytest.raises(duckdb.OutOfMemoryException):
        house.ingest()
    assert not house.rows("s3_deliveries")


# -- progress and ledger ---------------------------------------------------------------------------


def test_progress_is_told_of_each_delivery(house: House, writer: Writer) -> None:
    for day in range(3):
        writer.deliver(T0 + day * DAY, objects("a"))
    told: list[DeliveryResult] = []
    results = house.ingest(progress=told.append)
    assert sorted(told, key=lambda r: r.delivery.delivered_at) == results


def test_the_ledger_knows_what_is_settled(house: House, writer: Writer) -> None:
    writer.deliver(T0, objects("a"))
    writer.deliver(T0 + DAY, fileFormat="Avro")
    results = house.ingest()
    known = read_ledger(house.lake, {T0.date(), (T0 + DAY).date()})
    for result in results:
        assert known.is_settled(result.delivery, result.manifest_md5)
        assert known.is_settled(result.delivery, result.delivery.manifest_etag)
        assert not known.is_settled(result.delivery, "0" * 32)
    assert read_ledger(house.lake, set()) == Ledger.of(())
