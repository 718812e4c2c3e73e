"""S3 Inventory deliveries of the simulated buckets: every object of a delivery, in S3's order.

Layout `<prefix>/<source>/<configuration>/<instant>/manifest.json`, data files shared under
`data/`, symlinks for Hive, and `manifest.checksum` last. Belongs here: what a delivery consists of,
and how one fails. Not here: the files' encoding (`report_files`) or where they are stored
(`simulation`).
"""

import hashlib
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from inventory_pipeline.demo.estate import Day, Estate
from inventory_pipeline.demo.objects import Report, population
from inventory_pipeline.demo.report_files import SUFFIXES, encode, file_schema

PREFIX = "inventory"


@dataclass(frozen=True)
class ReportFile:
    """A data file as the manifest lists it."""

    key: str
    size: int
    md5: str


def delivery(estate: Estate, report: Report, day: Day) -> Iterator[tuple[str, bytes]]:
    """(key, body) of every object that S3 writes for the delivery, in its order."""
    root = f"{PREFIX}/{report.bucket}/{report.configuration_id}"
    files: list[ReportFile] = []
    for number, body in enumerate(_bodies(estate, report, day)):
        name = _uuid(report, day, number)
        key = f"{root}/data/{name}.{SUFFIXES[report.format]}"
        files.append(ReportFile(key, len(body), _md5(body)))
        yield key, body
    at = estate.delivered_at(day)
    if report.broken and day == 2:
        files[-1] = ReportFile(files[-1].key, files[-1].size, files[-1].md5[::-1])
    document = manifest(estate, report, day, files)
    yield f"{root}/{at:%Y-%m-%dT%H-%MZ}/manifest.json", document
    if report.late and day == 2:
        return
    links = "\n".join(f"s3://{report.destination}/{f.key}" for f in files)
    yield f"{root}/hive/dt={at:%Y-%m-%d-%H-%M}/symlink.txt", links.encode()
    checksum = _md5(document) + "\n"
    yield f"{root}/{at:%Y-%m-%dT%H-%MZ}/manifest.checksum", checksum.encode()


def manifest(estate: Estate, report: Report, day: Day, files: list[ReportFile]) -> bytes:
    """manifest.json, laid out as S3's own (Jackson's pretty print)."""
    at = estate.delivered_at(day)
    fields = {
        "sourceBucket": report.bucket,
        "destinationBucket": f"arn:aws:s3:::{report.destination}",
        "version": "2016-11-30",
        "creationTimestamp": str(int(at.timestamp()) * 1000),
        "fileFormat": report.format,
        "fileSchema": file_schema(report),
    }
    head = "".join(f"  {json.dumps(k)} : {json.dumps(v)},\n" for k, v in fields.items())
    listed = ", ".join(
        f'{{\n    "key" : {json.dumps(f.key)},\n    "size" : {f.size},\n'
        f'    "MD5checksum" : "{f.md5}"\n  }}'
        for f in files
    )
    return f'{{\n{head}  "files" : [ {listed + " " if listed else ""}]\n}}\n'.encode()


def _bodies(estate: Estate, report: Report, day: Day) -> Iterator[bytes]:
    """Data files; an empty bucket has none on day one and one without rows on day two."""
    if not report.slots and day == 2:
        yield encode(report, None)
    for versions in population(estate, report, day):
        yield encode(report, versions)


def _uuid(report: Report, day: Day, number: int) -> uuid.UUID:
    name = f"{report.seed}/{report.bucket}/{day}/{number}"
    return uuid.UUID(bytes=hashlib.sha256(name.encode()).digest()[:16], version=4)


def _md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()
