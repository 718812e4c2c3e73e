"""A region that answers garbage: none of it is taken for "there is nothing"."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from botocore.awsrequest import AWSResponse

from inventory_pipeline_tests.faults.estate import ACCOUNTS, Estate
from inventory_pipeline_tests.faults.troubled import Fault, Sent

BAD = "eu-west-1"

HTML = b"<!DOCTYPE html><html><body><h1>Sign in to hotel wifi</h1></body></html>"
STRANGER_XML = b"<UnrelatedResponse><thing>1</thing></UnrelatedResponse>"
HUGE = "9" * 30


def _numbers(body: bytes) -> bytes:
    return re.sub(rb"(?<=[>: ])\d+(?=[<,}\]])", HUGE.encode(), body)


def _shapes(value: Any) -> Any:
    """Texts where objects were, objects where texts were."""
    match value:
        case dict():
            return {key: _shapes(inner) for key, inner in value.items()}
        case list():
            return [str(inner) if isinstance(inner, dict) else {"x": inner} for inner in value]
        case _:
            return {"unexpected": value}


def _surrogates(sent: Sent) -> bytes:
    body = sent.real_answer()
    if sent.is_json:
        return re.sub(rb'(?<=": ")([^"]+)(?=")', rb"\1\\ud800", body)
    return re.sub(rb"(?<=>)([^<>]+)(?=</)", rb"\1&#xD800;", body)


def _wrong_shapes(sent: Sent) -> bytes:
    body = sent.real_answer()
    if sent.is_json:
        return json.dumps(_shapes(json.loads(body))).encode()
    return re.sub(rb">([^<>]+)</", rb"><odd><odd>\1</odd></odd></", body)


Garble = Callable[[Sent], AWSResponse]

GARBAGE: dict[str, Garble] = {
    "HTML": lambda sent: sent.answered(HTML, "text/html"),
    "HTML that calls itself an answer": lambda sent: sent.answered(HTML),
    "nothing": lambda sent: sent.answered(b""),
    "null": lambda sent: sent.answered(b"null"),
    "half": lambda sent: sent.answered((body := sent.real_answer())[: len(body) // 2]),
    "of another operation": lambda sent: sent.answered(
        b'{"Unrelated": [1]}' if sent.is_json else STRANGER_XML
    ),
    "wrong shapes": lambda sent: sent.answered(_wrong_shapes(sent)),
    "huge numbers": lambda sent: sent.answered(_numbers(sent.real_answer())),
    "a number": lambda sent: sent.answered(b"1"),
    "lone surrogates": lambda sent: sent.answered(_surrogates(sent)),
}


def in_bad_region(garbage: Mapping[str, Garble]) -> Fault:
    """Each account gets garbage of its own there."""

    def answer(sent: Sent) -> AWSResponse | None:
        garble = garbage.get(sent.account_id or "")
        return garble(sent) if garble and sent.region == BAD else None

    return answer


def test_a_region_that_answers_garbage_is_not_believed(estate: Estate) -> None:
    """Two kinds of garbage in each snapshot, while the estate goes on changing."""
    estate.take(0)
    kinds = list(GARBAGE.values())
    for number in range(1, len(kinds) // 2 + 1):
        estate.live_on()
        pair = kinds[2 * number - 2 : 2 * number]
        after = estate.take(number, in_bad_region(dict(zip(ACCOUNTS, pair, strict=True))))
        places = {key[:2] for key in after.gaps}
        assert {(account_id, BAD) for account_id in ACCOUNTS} <= places
        assert {region for _, region in places} <= {BAD, "global"}
        assert {gap[0] for gap in after.gaps.values()} <= {"error", "not_attempted"}
        told = json.dumps([*after.ledger.values()], default=str)
        assert "hotel" not in told
        assert HUGE not in told
    assert estate.take(number + 1).status == "complete"
