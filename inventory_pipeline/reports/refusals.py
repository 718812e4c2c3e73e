"""Why S3 refused to give an object, and what is to be granted, from the words of its answer.

Only a key's ARN is taken over from AWS's message, never the message itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

KEY_ARN = re.compile(r"arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:(?:key|alias)/[\w/-]{1,256}", re.ASCII)

KEY_STATES: Mapping[str, str] = {
    "KMS.DisabledException": "the KMS key is disabled: enable it",
    "KMS.KMSInvalidStateException": "the KMS key is pending deletion or import: restore it",
    "KMS.InvalidKeyUsageException": "the KMS key may not decrypt: deliver with another key",
    "KMS.NotFoundException": "the KMS key is gone: the report cannot be read any more",
}


def by_sts(error: ClientError) -> bool:
    """Whether it was the role that was refused, and S3 never asked."""
    return error.operation_name == "AssumeRole"


def why_refused(error: ClientError) -> str:
    """The error's code, and what to do where that is known."""
    told = error.response.get("Error", {})
    code, message = told.get("Code", "unknown error"), told.get("Message", "")
    if by_sts(error):
        return f"{code}; let the role of the account that reads it be assumed: see its trust policy"
    if code in KEY_STATES:
        return f"{code}; {KEY_STATES[code]}"
    if code in ("AccessDenied", "403", "KMS.AccessDeniedException"):
        if "kms:" in message or code.startswith("KMS."):
            key = KEY_ARN.search(message)
            which = f"the KMS key {key[0]}" if key else "the KMS key that encrypts it"
            return f"{code}; grant kms:Decrypt on {which} to the role that reads the destination"
        return f"{code}; grant s3:GetObject and s3:ListBucket to the role that reads it"
    return code
