"""User data as EC2 and cloud-init pack it: what is found in it, and that nothing else comes out."""

from __future__ import annotations

import base64
import gzip
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from typing import Any

import pytest

from inventory_pipeline.resource_types.user_data import (
    has_user_data,
    user_data_detectors,
    user_data_secret,
)

SECRET = "export PGPASSWORD=hunter2-of-the-canary"  # the words of a test, not anybody's
SCRIPT = f"#!/bin/bash\n{SECRET}\n"


def instance(data: bytes) -> dict[str, Any]:
    return {"user_data": {"UserData": {"Value": base64.b64encode(data).decode()}}}


def archive(text: str, *, charset: str = "utf-8") -> bytes:
    """A cloud-init archive; a charset of utf-8 has its parts encoded as base64."""
    whole = MIMEMultipart()
    whole.attach(MIMEText("#cloud-config\npackages: [nginx]\n", "cloud-config"))
    whole.attach(MIMEText(text, "x-shellscript", charset))
    return whole.as_bytes()


@pytest.mark.parametrize(
    "data",
    [
        SCRIPT.encode(),
        gzip.compress(SCRIPT.encode()),
        archive(SCRIPT),
        archive(SCRIPT, charset="us-ascii"),
        gzip.compress(archive(SCRIPT)),
        SCRIPT.encode() + b"\xff\xfe",
        gzip.compress(SCRIPT.encode() + b" " * 5000)[:-6],
    ],
    ids=["plain", "gzip", "archive", "archive-plain", "gzip-archive", "no-utf-8", "torn-gzip"],
)
def test_a_password_is_found_however_it_is_packed(data: bytes) -> None:
    assert has_user_data(instance(data)) is True
    assert user_data_secret(instance(data)) is True
    detectors = user_data_detectors(instance(data))
    assert detectors
    assert "hunter2" not in str(detectors)


def test_the_archive_of_this_test_hides_its_text() -> None:
    assert SECRET.encode() not in archive(SCRIPT)


@pytest.mark.parametrize("data", [b"#!/bin/bash\nyum update -y\n", b"\x1f\x8bno gzip", b"\x00" * 9])
def test_without_credentials_it_is_said_that_there_are_none(data: bytes) -> None:
    assert user_data_secret(instance(data)) is False
    assert user_data_detectors(instance(data)) == []


def test_what_unpacks_to_gigabytes_is_read_to_a_limit() -> None:
    bomb = gzip.compress(b"\n" * 50_000_000)
    assert user_data_secret(instance(bomb)) is False


@pytest.mark.parametrize("answer", [{}, {"UserData": {}}, {"UserData": None}])
def test_an_instance_without_user_data_has_none(answer: dict[str, Any]) -> None:
    assert has_user_data({"user_data": answer}) is False
    assert user_data_secret({"user_data": answer}) is False


def test_user_data_not_read_is_unknown() -> None:
    assert has_user_data({}) is None
    assert user_data_secret({}) is None
    assert user_data_detectors({}) is None
