"""Whether an answer that says nothing is AWS's.

botocore takes a page of HTML, half of a JSON text or another operation's answer for one with
nothing in it, which would read as "there is none". An answer that is empty after all is looked at
again. Not here: answers that botocore cannot read, nor what becomes of a failure (`failures`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.awsrequest import AWSResponse
    from botocore.model import OperationModel, StructureShape

_NOT_IN_THE_BODY = frozenset({"header", "headers", "statusCode"})


def require_answer(
    http_response: AWSResponse, parsed: Mapping[str, Any], model: OperationModel, **_: Any
) -> None:
    """As botocore's event `after-call`. Raises ResponseParserError; its text quotes nothing."""
    from botocore.parsers import ResponseParserError

    whole = model.output_shape
    if http_response.status_code >= 300 or whole is None:
        return
    # The body is one member of some answers, and only a structure of it can look like another.
    payload = whole.serialization.get("payload")
    shape: Any = whole if payload is None else whole.members[payload]
    if payload is not None:
        parsed = parsed.get(payload) or {}
    if shape.type_name != "structure" or parsed.keys() - {"ResponseMetadata"}:
        return
    names = _names(shape)
    if names and not _says_so(http_response.content, model, names):
        raise ResponseParserError(f"what came is no answer to {model.name}")


def _names(shape: StructureShape) -> set[str]:
    """The elements that an answer may have."""
    serialized = {name: member.serialization for name, member in shape.members.items()}
    return {
        how.get("name", name)
        for name, how in serialized.items()
        if how.get("location") not in _NOT_IN_THE_BODY
    }


def _says_so(body: bytes, model: OperationModel, names: set[str]) -> bool:
    """Whether the body is an answer of this operation that says nothing."""
    protocol = model.service_model.resolved_protocol
    if protocol.endswith("json"):
        return _is_empty_json(body, names)
    return (not protocol.endswith("xml") and protocol != "ec2") or _is_empty_xml(body, model)


def _is_empty_json(body: bytes, names: set[str]) -> bool:
    """Elements that are null are none."""
    try:
        said = json.loads(body)
    except ValueError:
        return False
    return isinstance(said, dict) and (not said or not names.isdisjoint(said))


def _is_empty_xml(body: bytes, model: OperationModel) -> bool:
    from xml.etree import ElementTree

    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - botocore has read the same bytes
    except ElementTree.ParseError:
        return False
    if model.service_model.resolved_protocol in ("ec2", "query"):
        return root.tag.rpartition("}")[2] == f"{model.name}Response"
    return not len(root)
