"""Reports as files and in a bucket."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from inventory_pipeline.accounts import Clients
from inventory_pipeline.outputs import copy_report, write_report

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_a_report_is_dated_and_newest_and_money_keeps_its_digits(tmp_path: Path) -> None:
    content = {"saving": Decimal("0.100000"), "at": AT, "names": ["Größe"]}
    path = write_report(tmp_path / "reports", "security", AT, content)
    assert path.name == "security-2026-11-20T1200Z.json"
    newest = path.with_name("security-latest.json")
    assert path.read_bytes() == newest.read_bytes()
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "saving": "0.100000",
        "at": "2026-11-20 12:00:00+00:00",
        "names": ["Größe"],
    }


def test_a_report_cut_short_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_report(tmp_path, "security", AT, {"n": 1})

    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space"):
        write_report(tmp_path, "security", AT, {"n": 2})
    assert json.loads((tmp_path / "security-latest.json").read_text()) == {"n": 1}


def test_a_copy_is_encrypted_and_the_newest_as_well(tmp_path: Path, aws: str) -> None:
    s3: Any = Clients(endpoint_url=aws).client(None, "s3", "us-east-1")
    s3.create_bucket(Bucket="example-reports")
    path = write_report(tmp_path, "security", AT, {"n": 1})
    address = copy_report(path, "security", "example-reports", s3)
    assert address == "s3://example-reports/reports/security-2026-11-20T1200Z.json"
    for key in ("security-2026-11-20T1200Z.json", "security-latest.json"):
        copied = s3.get_object(Bucket="example-reports", Key=f"reports/{key}")
        assert copied["Body"].read() == path.read_bytes()
        assert copied["ServerSideEncryption"] == "AES256"
