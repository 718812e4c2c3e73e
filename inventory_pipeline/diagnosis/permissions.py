"""Which IAM actions of the enabled resource types an account denies.

IAM's own simulation tells it for every action where it may be asked (iam:SimulatePrincipalPolicy);
otherwise the types' listing calls are tried, one page each, and the rest stays unknown. The answer
says which of the two it rests on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from inventory_pipeline.accounts import Account, classify
from inventory_pipeline.infrastructure.confined import CONFINED, own_resources
from inventory_pipeline.resource_types import ResourceType

SIMULATED_AT_ONCE = 100
PROBES_AT_ONCE = 4
ALLOWED = "allowed"

MakeClient = Callable[[str, str], Any]
"""A client of a service in a region, as the account."""


@dataclass(frozen=True)
class Permissions:
    """Actions by what is known of them; `denied` says why. `method` is `simulated` or `probed`."""

    method: str
    allowed: frozenset[str]
    denied: Mapping[str, str]
    unknown: frozenset[str]


def simulate(iam: Any, account: Account, principal: str, actions: Sequence[str]) -> Permissions:
    """Ask IAM what `principal` (the ARN of a role or user) may do. Raises botocore's errors."""
    decided: dict[str, str] = {}
    for confined, group in groupby(sorted(actions, key=_order), key=_place):
        names = list(group)
        for start in range(0, len(names), SIMULATED_AT_ONCE):
            request: dict[str, Any] = {
                "PolicySourceArn": principal,
                "ActionNames": names[start : start + SIMULATED_AT_ONCE],
                **(_resources(confined, account) if confined else {}),
            }
            decided |= _decisions(iam, request)
    return _sorted("simulated", actions, decided)


def _place(action: str) -> str:
    """The service on whose resources alone an action is allowed; empty where it is on all."""
    return action.partition(":")[0] if action in CONFINED else ""


def _order(action: str) -> tuple[str, str]:
    return _place(action), action


def _resources(service: str, account: Account) -> dict[str, Any]:
    """The account's own resources, as the rendered policies name them."""
    texts = [str(arn["Fn::Sub"]) for arn in own_resources(service) if isinstance(arn, dict)]
    filled = [
        text.replace("${AWS::Partition}", account.partition).replace(
            "${AWS::AccountId}", account.account_id
        )
        for text in texts
    ]
    entry = {
        "ContextKeyName": "s3:ResourceAccount",
        "ContextKeyType": "string",
        "ContextKeyValues": [account.account_id],
    }
    return {"ResourceArns": filled[:1], **({"ContextEntries": [entry]} if service == "s3" else {})}


def _decisions(iam: Any, request: Mapping[str, Any]) -> dict[str, str]:
    """Each action with `allowed` or why it is denied; without those that a condition decides."""
    pages = iam.get_paginator("simulate_principal_policy").paginate(**request)
    results = [result for page in pages for result in page["EvaluationResults"]]
    told = ((result["EvalActionName"], _reason(result)) for result in results)
    return {action: reason for action, reason in told if reason is not None}


def _reason(result: Mapping[str, Any]) -> str | None:
    if result["EvalDecision"] == "allowed":
        return ALLOWED
    if not result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations", True):
        return "a service control policy"
    boundary = result.get("PermissionsBoundaryDecisionDetail", {})
    if not boundary.get("AllowedByPermissionsBoundary", True):
        return "the permissions boundary"
    if result["EvalDecision"] == "explicitDeny":
        return "an explicit deny"
    return None if result.get("MissingContextValues") else "no policy allows it"


# -- probing -----------------------------------------------------------------------------------


def probe(
    make_client: MakeClient,
    account: Account,
    kinds: Sequence[ResourceType],
    actions: Iterable[str],
    region: str,
) -> Permissions:
    """Try one page of each type's listing in `region`; what a listing does not need is unknown."""
    listings = [kind for kind in kinds if kind.operation is not None and kind.within is None]

    def ask(kind: ResourceType) -> dict[str, str]:
        where = account.global_region if kind.scope == "global" else region
        return _attempt(make_client, account, kind, where)

    tried: dict[str, str] = {}
    # Each in a context of its own, so that the caller's watch counts and ends it.
    contexts = [copy_context() for _ in listings]
    with ThreadPoolExecutor(PROBES_AT_ONCE, "probe") as pool:
        for decided in pool.map(lambda c, kind: c.run(ask, kind), contexts, listings):
            tried |= decided
    return _sorted("probed", actions, tried)


def _attempt(
    make_client: MakeClient, account: Account, kind: ResourceType, region: str
) -> dict[str, str]:
    """What a type's listing tells of the actions that it needs."""
    place = {"account_id": account.account_id, "partition": account.partition, "region": region}
    arguments = {
        name: value(place) if callable(value) else value
        for name, value in (kind.arguments or {}).items()
    }
    try:
        getattr(make_client(kind.service, region), str(kind.operation))(**arguments)
    except Exception as error:  # what is no denial says nothing of permissions
        failure = classify(error)
        if failure.status == "denied":
            # AWS often names the action that it denies.
            named = [action for action in kind.iam_actions if action in (failure.message or "")]
            return dict.fromkeys(named or kind.iam_actions, f"AWS answers {failure.code}")
        if failure.code not in kind.absent:
            return {}
    return dict.fromkeys(kind.iam_actions, ALLOWED)


def _sorted(method: str, actions: Iterable[str], decided: Mapping[str, str]) -> Permissions:
    allowed = frozenset(action for action, word in decided.items() if word == ALLOWED)
    denied = {action: word for action, word in sorted(decided.items()) if word != ALLOWED}
    return Permissions(method, allowed, denied, frozenset(actions) - decided.keys())
