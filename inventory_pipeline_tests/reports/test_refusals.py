"""What to grant where S3 refuses, without a word of AWS's message but the key's ARN."""

import pytest
from botocore.exceptions import ClientError

from inventory_pipeline.reports.errors import NotReadyError
from inventory_pipeline.reports.refusals import why_refused
from inventory_pipeline.reports.storage import s3_errors

KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ROLE = "arn:aws:sts::444455556666:assumed-role/Reader/inventory"


def told(code: str, message: str = "") -> str:
    return why_refused(ClientError({"Error": {"Code": code, "Message": message}}, "GetObject"))


def test_a_key_that_may_not_be_used_is_named() -> None:
    said = told(
        "AccessDenied",
        f"User: {ROLE} is not authorized to perform: kms:Decrypt on resource: {KEY} because no "
        "resource-based policy allows the kms:Decrypt action",
    )
    assert said == (
        f"AccessDenied; grant kms:Decrypt on the KMS key {KEY} to the role that reads the "
        "destination"
    )
    assert "the KMS key that encrypts it" in told("KMS.AccessDeniedException", "no")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("AccessDenied", "grant s3:GetObject and s3:ListBucket"),
        ("KMS.DisabledException", "enable it"),
        ("KMS.NotFoundException", "cannot be read any more"),
    ],
)
def test_what_to_do(code: str, words: str) -> None:
    assert told(code).startswith(f"{code}; ")
    assert words in told(code)


def test_other_codes_stand_for_themselves() -> None:
    assert told("SlowDown", "<script>") == "SlowDown"


def test_a_role_that_may_not_be_assumed_says_nothing_of_the_report() -> None:
    refused = ClientError({"Error": {"Code": "AccessDenied", "Message": ROLE}}, "AssumeRole")
    with pytest.raises(NotReadyError, match="trust policy"), s3_errors("s3://reports/a"):
        raise refused
    assert "s3:GetObject" not in why_refused(refused)
