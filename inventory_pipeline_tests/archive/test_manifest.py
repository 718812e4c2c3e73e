"""Manifests as Batch Operations reads them, for keys of any characters."""

import csv
import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from inventory_pipeline.archive.manifest import Manifest, write_manifest
from inventory_pipeline.lake import DuckDBEngine, Lake
from inventory_pipeline_tests.archive.planted import DAY, obj, open_lake, rows

PART = {"delivered_on": DAY, "source_bucket": "data-1", "configuration_id": "daily"}
AWKWARD = (
    "plain/a.txt",
    "with space",
    "plus+and%2Bpercent",
    "comma,quote\"'",
    "line\nbreak\r\n\ttab",
    "100%",
    "%2F",
    "ünïcödé/測試/🚀",
    "a//b/",
    "\x00\x01\x7f",
    "é" * 512,
    "\\N",
    "=1+1",
    "'; DROP TABLE s3_objects; --",
    "null",
    "",
)


@pytest.fixture
def lake(tmp_path: Path) -> tuple[Lake, DuckDBEngine]:
    return open_lake(tmp_path)


def manifest_of(
    lake: tuple[Lake, DuckDBEngine], candidates: list[dict[str, Any]], plan_id: str = "p"
) -> Manifest:
    common = {
        **PART,
        "plan_id": "p",
        "policy": "old",
        "bucket": "data-1",
        "decision": "archive",
        "reason": "saves",
        "target_class": "GLACIER",
    }
    ledger = {**PART, "delivered_at": None, "status": "ingested"}
    lake[0].replace("s3_deliveries", [{"delivered_on": DAY}], rows("s3_deliveries", [ledger]))
    lake[0].replace(
        "archive_candidates",
        [PART],
        rows("archive_candidates", [{**common, **_columns(c)} for c in candidates]),
    )
    with lake[1].session({"archive_candidates": PART}) as db:
        return write_manifest(db, plan_id, lake[0].scratch / "manifest.csv")


def _columns(candidate: dict[str, Any]) -> dict[str, Any]:
    dropped = {"is_latest", "is_delete_marker", "encryption_status"}
    return {name: value for name, value in candidate.items() if name not in dropped}


def read(manifest: Manifest) -> list[list[str]]:
    with manifest.path.open(newline="", encoding="ascii") as file:
        return list(csv.reader(file))


def test_awkward_keys_come_back_in_the_order_of_their_bytes(
    lake: tuple[Lake, DuckDBEngine],
) -> None:
    written = manifest_of(lake, [obj(key, 7) for key in AWKWARD])
    found = [(bucket, unquote(key)) for bucket, key in read(written)]
    assert found == [("data-1", key) for key in sorted(AWKWARD, key=str.encode)]
    assert (written.fields, written.objects) == ("Bucket,Key", len(AWKWARD))
    assert written.bytes == 7 * len(AWKWARD)
    content = written.path.read_bytes()
    assert hashlib.md5(content).hexdigest() == written.md5
    assert hashlib.sha256(content).hexdigest() == written.sha256
    assert content.count(b"\n") == len(AWKWARD)
    assert b'"' not in content
    assert b"data-1,plain/a.txt\n" in content
    assert b"with%20space" in content
    assert b"plus%2Band%252Bpercent" in content


def test_every_row_has_a_version_or_none_has(lake: tuple[Lake, DuckDBEngine]) -> None:
    versions = {"a": "3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY", "b": None, "c,": "v,2"}
    written = manifest_of(lake, [obj(key, version_id=v) for key, v in versions.items()])
    assert written.fields == "Bucket,Key,VersionId"
    found = {unquote(key): unquote(version) for _, key, version in read(written)}
    assert found == {**versions, "b": "null"}


def test_only_the_plans_chosen_objects_are_listed(lake: tuple[Lake, DuckDBEngine]) -> None:
    others = [
        obj("unsafe") | {"decision": "unsafe", "version_id": "v"},
        obj("other plan") | {"plan_id": "q", "version_id": "v"},
    ]
    written = manifest_of(lake, [obj("chosen"), *others])
    assert read(written) == [["data-1", "chosen"]]


def test_batches_join_without_a_seam(
    lake: tuple[Lake, DuckDBEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inventory_pipeline.archive.manifest._ROWS_PER_BATCH", 10)
    keys = [f"{n:06}" for n in range(10_000)]
    written = manifest_of(lake, [obj(key) for key in reversed(keys)])
    assert [key for _, key in read(written)] == keys


# A key is any UTF-8 text of at most 1,024 bytes; a lone surrogate is no text.
KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=250)


@settings(
    max_examples=25,
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(keys=st.lists(KEYS, unique=True, min_size=1, max_size=40))
def test_any_key_survives(lake: tuple[Lake, DuckDBEngine], keys: list[str]) -> None:
    written = manifest_of(lake, [obj(key) for key in keys])
    found = [unquote(key) for _, key in read(written)]
    assert found == sorted(keys, key=str.encode)
