"""`erase` says what would go, and erases only on --yes; `maintain` tells of files it removes."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import boto3
import pytest

from inventory_pipeline.lake import Lake
from inventory_pipeline_tests.cli.planted import plant
from inventory_pipeline_tests.lake.stored import age, stored

DAY = date(2026, 11, 19)
PLACE = {"delivered_on": DAY, "source_bucket": "photos", "configuration_id": "daily"}
DELIVERED = datetime(2026, 11, 19, 1, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Two objects in a delivery, and a manifest for archiving one of them."""
    lake = Lake.open(str(tmp_path / "lake"))
    keys = [{**PLACE, "bucket": "photos", "key": key, "size": 1} for key in ("me/1", "b/1")]
    ledger = {**PLACE, "delivered_at": DELIVERED, "status": "ingested", "manifest_md5": "m"}
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("photos,me/1\n")
    plant(lake, "s3_objects", keys)
    plant(lake, "s3_deliveries", [ledger])
    plant(lake, "archive_candidates", [{**PLACE, "plan_id": "p", "key": "me/1"}])
    plant(lake, "archive_manifests", [{**PLACE, "plan_id": "p", "uri": manifest.as_uri()}])
    settings = {"lake": {"location": str(tmp_path / "lake")}}
    (tmp_path / "inventory.yaml").write_text(json.dumps(settings))
    return lake


def keys(lake: Lake) -> list[str]:
    return sorted(lake.read("s3_objects")["key"].to_pylist())


def test_nothing_is_erased_without_a_yes(run, lake: Lake, tmp_path: Path):
    result = run("erase", "--source", "photos", "--prefix", "me/")
    assert result.exit_code == 0, result.output
    assert "s3_objects" in result.output
    assert "manifest.csv" in result.output
    assert "nothing is erased yet" in result.output
    assert keys(lake) == ["b/1", "me/1"]
    assert lake.read("erasures").num_rows == 0
    assert (tmp_path / "manifest.csv").exists()


def test_with_a_yes_it_is_done_and_what_is_left_elsewhere_is_told(run, lake: Lake, tmp_path: Path):
    result = run("erase", "--source", "photos", "--prefix", "me/", "--yes")
    assert result.exit_code == 0, result.output
    assert "The reports in S3 still list these keys" in result.output
    assert keys(lake) == ["b/1"]
    assert not (tmp_path / "manifest.csv").exists()
    (record,) = lake.read("erasures").to_pylist()
    assert record["finished_at"] is not None
    again = run("erase", "--source", "photos", "--prefix", "me/")
    assert "s3_objects" not in again.output


def test_what_is_left_makes_it_partial(run, lake: Lake):
    (lake.scratch / "busy").mkdir()
    result = run("erase", "--source", "photos", "--yes")
    assert result.exit_code == 3
    assert "may be of a run under way" in result.stderr


def test_maintain_says_what_waits_and_what_would_go(run, lake: Lake):
    for number in range(8):
        plant(lake, "prices", [{"service": str(number)}])
    result = run("maintain", "--dry-run")
    assert result.exit_code == 0, result.output
    assert "would be removed" in result.output
    assert "prices" in result.output
    assert not (Path(lake.location) / "upkeep.json").exists()
    assert run("maintain").exit_code == 0
    assert (Path(lake.location) / "upkeep.json").exists()


def test_maintain_sweeps_a_lake_on_s3(run, s3_lake: Lake, tmp_path: Path):
    settings = {"lake": {"location": s3_lake.location, "catalog": "glue"}}
    (tmp_path / "inventory.yaml").write_text(json.dumps(settings))
    plant(s3_lake, "prices", [{"service": "s3"}])
    loose = "prod/tables/prices/data/loose.parquet"
    s3 = boto3.client("s3")
    s3.put_object(Bucket="lake-bucket", Key=loose, Body=b"x")
    age("lake-bucket", loose, 2 * 24 * 3600)
    assert run("maintain").exit_code == 0
    assert loose in stored("lake-bucket"), "its day has just begun"
    notes = json.loads(stored("lake-bucket")["prod/upkeep.json"].value)
    ago = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    body = json.dumps(dict.fromkeys(notes, ago))
    s3.put_object(Bucket="lake-bucket", Key="prod/upkeep.json", Body=body)
    result = run("maintain")
    assert result.exit_code == 0, result.output
    assert "1 B removed" in result.output
    assert loose not in stored("lake-bucket")
    assert s3_lake.read("prices").num_rows == 1
