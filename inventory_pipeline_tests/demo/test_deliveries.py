import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from inventory_pipeline.demo.deliveries import delivery
from inventory_pipeline.demo.estate import DAYS, Day, Estate
from inventory_pipeline.demo.objects import reports
from inventory_pipeline_tests.demo.conftest import NOW


@dataclass(frozen=True)
class Delivered:
    """Everything written for a delivery, in order, and its parsed manifest."""

    bodies: Mapping[str, bytes]
    manifest: Mapping[str, Any]


def delivered(estate: Estate, ending: str, day: Day) -> Delivered:
    report = next(r for r in reports(estate) if r.bucket.endswith(ending))
    bodies = dict(delivery(estate, report, day))
    text = next(body for key, body in bodies.items() if key.endswith("manifest.json"))
    return Delivered(bodies, json.loads(text))


def md5(body: bytes) -> str:
    return hashlib.md5(body).hexdigest()


def test_a_delivery_is_written_in_the_order_and_places_of_s3(estate: Estate) -> None:
    written = list(delivered(estate, "-logs", 1).bodies)
    root = "inventory/example-platform-logs/daily"
    assert all(key.startswith(f"{root}/data/") and key.endswith(".csv.gz") for key in written[:-3])
    assert len(written[:-3]) == 3, "several files"
    assert written[-3:] == [
        f"{root}/2026-11-18T01-00Z/manifest.json",
        f"{root}/hive/dt=2026-11-18-01-00/symlink.txt",
        f"{root}/2026-11-18T01-00Z/manifest.checksum",
    ]


def test_the_manifest_says_what_was_written(estate: Estate) -> None:
    found = delivered(estate, "-lake", 2)
    m = found.manifest
    assert m["sourceBucket"] == "example-analytics-lake"
    assert m["destinationBucket"] == "arn:aws:s3:::example-inventory-reports-eu-west-1"
    assert m["version"] == "2016-11-30"
    assert m["creationTimestamp"] == str(int(estate.delivered_at(2).timestamp() * 1000))
    assert m["fileFormat"] == "Parquet"
    data = {key: body for key, body in found.bodies.items() if "/data/" in key}
    assert [f["key"] for f in m["files"]] == list(data)
    for file in m["files"]:
        assert (file["size"], file["MD5checksum"]) == (
            len(data[file["key"]]),
            md5(data[file["key"]]),
        )


def test_checksum_and_symlink_are_spelt_to_the_byte(estate: Estate) -> None:
    bodies = delivered(estate, "-backups", 1).bodies
    by_name = {key.rsplit("/", 1)[1]: body for key, body in bodies.items()}
    checksum = by_name["manifest.checksum"]
    assert len(checksum) == 33
    assert checksum == md5(by_name["manifest.json"]).encode() + b"\n"
    data = [key for key in bodies if "/data/" in key]
    lines = [f"s3://example-inventory-reports-us-east-1/{key}" for key in data]
    assert by_name["symlink.txt"].decode() == "\n".join(lines)
    assert by_name["manifest.json"].startswith(
        b'{\n  "sourceBucket" : "example-finance-backups",\n'
    )
    assert by_name["manifest.json"].endswith(b"  } ]\n}\n")


def test_an_empty_bucket_delivers_no_file_and_then_one_without_rows(estate: Estate) -> None:
    assert delivered(estate, "-empty", 1).manifest["files"] == []
    assert len(delivered(estate, "-empty", 2).manifest["files"]) == 1


def test_the_broken_delivery_has_one_wrong_checksum_and_an_honest_manifest(
    estate: Estate,
) -> None:
    found = delivered(estate, "-broken", 2)
    wrong = [
        file
        for file in found.manifest["files"]
        if file["MD5checksum"] != md5(found.bodies[file["key"]])
    ]
    assert len(wrong) == 1
    manifest, _, checksum = list(found.bodies.values())[-3:]
    assert checksum.decode().strip() == md5(manifest)
    assert all(
        f["MD5checksum"] == md5(delivered(estate, "-broken", 1).bodies[f["key"]])
        for f in delivered(estate, "-broken", 1).manifest["files"]
    )


def test_the_late_delivery_has_no_checksum_yet(estate: Estate) -> None:
    assert any(key.endswith(".checksum") for key in delivered(estate, "-late", 1).bodies)
    assert not any(key.endswith(".checksum") for key in delivered(estate, "-late", 2).bodies)


@pytest.mark.parametrize("day", DAYS)
def test_deliveries_are_the_same_to_the_byte_when_made_again(estate: Estate, day: Day) -> None:
    again = Estate.build(7, "tiny", NOW)
    for one, two in zip(reports(estate), reports(again), strict=True):
        assert list(delivery(estate, one, day)) == list(delivery(again, two, day))


def test_deliveries_go_to_the_region_of_their_source(estate: Estate) -> None:
    for report in reports(estate):
        assert report.destination.endswith(report.region)
    assert {r.format for r in reports(estate)} == {"CSV", "ORC", "Parquet"}
