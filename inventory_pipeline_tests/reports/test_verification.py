"""Reports whose content S3 vouches for without their being read."""

from collections.abc import Mapping
from typing import Any

import pytest

from inventory_pipeline.reports.manifest import ReportFile
from inventory_pipeline.reports.verification import etag_proves

MD5 = "0123456789abcdef0123456789abcdef"
FILE = ReportFile("data/1.parquet", 42, MD5)
PLAIN = {"ETag": f'"{MD5}"', "ContentLength": 42}


@pytest.mark.parametrize("more", [{}, {"ServerSideEncryption": "AES256"}])
def test_an_etag_that_is_the_md5_proves_a_file(more: Mapping[str, Any]) -> None:
    assert etag_proves(PLAIN | more, FILE)


@pytest.mark.parametrize(
    "more",
    [
        {"ETag": f'"{MD5[::-1]}"'},
        {"ETag": f'"{MD5}-2"'},
        {"ETag": ""},
        {"ContentLength": 43},
        {"ServerSideEncryption": "aws:kms"},
        {"ServerSideEncryption": "aws:kms:dsse"},
        {"SSECustomerAlgorithm": "AES256"},
    ],
    ids=str,
)
def test_another_etag_proves_nothing(more: Mapping[str, Any]) -> None:
    assert not etag_proves(PLAIN | more, FILE)


def test_no_answer_proves_nothing() -> None:
    assert not etag_proves({}, FILE)
