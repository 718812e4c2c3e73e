"""Reports as JSON files: one of each review, and the newest under a stable name.

With a client they are copied to a bucket as well. Not here: what they say (`marts`).
"""

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol


class S3Client(Protocol):
    """What is used of boto3's S3 client."""

    def put_object(self, **arguments: Any) -> Any: ...


def write_report(folder: Path, name: str, at: datetime, content: Mapping[str, Any]) -> Path:
    """Write `<name>-<instant>.json` and `<name>-latest.json`, each whole or not at all.

    Money (Decimal) is written as text with all its digits; times as ISO 8601.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, indent=2, default=str, ensure_ascii=False) + "\n"
    dated = folder / f"{name}-{at.strftime('%Y-%m-%dT%H%MZ')}.json"
    for path in (dated, folder / f"{name}-latest.json"):
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        aside.write_text(text, encoding="utf-8")
        os.replace(aside, path)
    return dated


def copy_report(path: Path, name: str, bucket: str, s3: S3Client) -> str:
    """Copy a report to `reports/` of a bucket, dated and as the newest; gives its address."""
    for key in (f"reports/{path.name}", f"reports/{name}-latest.json"):
        s3.put_object(
            Bucket=bucket,
            Key=key,
            Body=path.read_bytes(),
            ContentType="application/json",
            ServerSideEncryption="AES256",
        )
    return f"s3://{bucket}/reports/{path.name}"
