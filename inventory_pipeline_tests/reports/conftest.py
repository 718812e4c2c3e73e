"""A destination bucket on moto, and a lake with its engine."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from inventory_pipeline.lake import DuckDBEngine, Lake
from inventory_pipeline.reports import DeliveryResult, find_deliveries, ingest
from inventory_pipeline_tests.reports.writer import BUCKET, Writer

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Place:
    """A destination, as settings would give it."""

    bucket: str = BUCKET
    prefix: str = "inventory"


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    import boto3
    from moto import mock_aws

    with mock_aws():
        yield boto3.client(
            "s3", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
        )


@pytest.fixture
def s3(client: Any) -> Iterator[Any]:
    client.create_bucket(Bucket=BUCKET)
    yield client
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    for page in list(pages):
        keys = [{"Key": item["Key"]} for item in page.get("Contents", ())]
        if keys:
            client.delete_objects(Bucket=BUCKET, Delete={"Objects": keys})
    client.delete_bucket(Bucket=BUCKET)


@pytest.fixture
def writer(s3: Any) -> Writer:
    return Writer(s3)


@dataclass(frozen=True)
class House:
    """A lake, and everything delivered brought into it."""

    s3: Any
    lake: Lake
    engine: DuckDBEngine

    def ingest(self, *, place: Place = Place(), **options: Any) -> list[DeliveryResult]:
        settings: dict[str, Any] = {"prefix_depth": 2, "prefix_limit": 1000, "now": NOW} | options
        found = settings.pop("deliveries", None)
        if found is None:
            found = find_deliveries(self.s3, place).deliveries
        return ingest(self.lake, self.engine, lambda _: self.s3, found, **settings)

    def rows(self, table: str) -> list[dict[str, Any]]:
        return self.lake.read(table).to_pylist()


@pytest.fixture
def house(s3: Any, tmp_path: Path) -> House:
    lake = Lake.open(str(tmp_path / "lake"))
    return House(s3, lake, DuckDBEngine(lake, memory_limit="512MB", threads=2))
