"""Conditions of policy statements: whom they let through, and what may be kept of them.

Belongs here: what a condition block means. Not here: statements as a whole (`policies`). A block's
conditions must all hold, of a condition's values one; a negated operator holds for a missing key,
one with IfExists or ForAllValues as well: none of those keeps a stranger out.
"""

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

_ACCOUNT = re.compile(r"[0-9]{12}")
_WILDCARD = re.compile(r"[*?]")
_VARIABLE = "${"
# Variables that are the resource's own, not the caller's.
_OWN = frozenset(
    {"${aws:resourceaccount}", "${aws:resourceorgid}", "${aws:resourceorgpaths}"},
)

_ACCOUNT_KEYS = frozenset(
    {
        "aws:principalaccount",
        "aws:sourceaccount",
        "aws:sourceowner",
        "aws:vpceaccount",
        "kms:calleraccount",
        "s3:dataaccesspointaccount",
    }
)
_ARN_KEYS = frozenset(
    {"aws:principalarn", "aws:sourcearn", "aws:sourcevpcarn", "s3:dataaccesspointarn"}
)
_ADDRESS_KEYS = frozenset({"aws:sourceip", "aws:vpcsourceip"})
_FIXED_KEYS = frozenset(
    {
        *_ACCOUNT_KEYS,
        "aws:principalorgid",
        "aws:principalservicename",
        "aws:sourceorgid",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:vpceorgid",
        "elasticfilesystem:accesspointarn",
    }
)
# Everything after the organisation, or after the unique id of a role, may be a wildcard.
_LEADING = {
    "aws:principalorgpaths": "/",
    "aws:sourceorgpaths": "/",
    "aws:vpceorgpaths": "/",
    "aws:userid": ":",
}
_SWITCHES = frozenset(
    {"aws:principalisawsservice", "elasticfilesystem:accessedviamounttarget"},
)
_SHOWN_KEYS = frozenset(
    {
        *_ARN_KEYS,
        *_ADDRESS_KEYS,
        *_FIXED_KEYS,
        *_SWITCHES,
        *(_LEADING.keys() - {"aws:userid"}),
        "aws:calledvia",
        "aws:multifactorauthage",
        "aws:multifactorauthpresent",
        "aws:requestedregion",
        "aws:resourceaccount",
        "aws:resourceorgid",
        "aws:securetransport",
        "aws:viaawsservice",
        "kms:grantisforawsresource",
        "kms:viaservice",
        "lambda:functionurlauthtype",
        "s3:tlsversion",
        "s3:x-amz-acl",
        "s3:x-amz-server-side-encryption",
    }
)
"""Keys whose values are identities, networks or switches; values of all others are not kept."""

# The largest networks that are not everyone: those of S3's own meaning of "public".
_LARGEST_V4 = 8
_LARGEST_V6 = 32


@dataclass(frozen=True)
class Condition:
    """One key of one operator, as spelt in the policy; a value of any of them will do."""

    operator: str
    key: str
    values: tuple[str, ...]

    @property
    def _words(self) -> list[str]:
        """The operator in lower case without ForAnyValue, ForAllValues and IfExists."""
        return self.operator.lower().removesuffix("ifexists").split(":")

    @property
    def name(self) -> str:
        return self.key.lower()

    @property
    def test(self) -> str:
        return self._words[-1]

    @property
    def negated(self) -> bool:
        return "not" in self.test

    @property
    def holds_without_key(self) -> bool:
        """Whether a request that lacks the key passes, apart from negation."""
        return self.operator.lower().endswith("ifexists") or self._words[0] == "forallvalues"

    def shown(self) -> Iterator[str]:
        """`Operator key=value` for each value that may be kept, otherwise `Operator key`."""
        if self.name in _SHOWN_KEYS or self.test == "null":
            yield from (f"{self.operator} {self.key}={value}" for value in self.values)
        else:
            yield f"{self.operator} {self.key}"


def restricted(conditions: Sequence[Condition]) -> bool:
    """Whether only fixed accounts, organisations, identities or networks meet the conditions."""
    return any(_restricts(condition) for condition in _required(conditions))


def spares_known_callers(conditions: Sequence[Condition]) -> bool:
    """Whether all but fixed accounts, organisations and the like meet a Deny's conditions."""
    return all(map(_met_by_strangers, conditions))


def needs_external_id(conditions: Sequence[Condition]) -> bool:
    """Whether a caller must give an external id that is not any."""
    return any(
        condition.name == "sts:externalid"
        and condition.test.startswith("string")
        and condition.values
        and all(value.strip("*?") for value in condition.values)
        for condition in _required(conditions)
    )


def insecure(conditions: Sequence[Condition]) -> bool:
    """Whether every request without TLS meets the conditions, so that a Deny stops all of them."""
    return bool(conditions) and all(_met_without_tls(condition) for condition in conditions)


def accounts(conditions: Sequence[Condition]) -> Iterator[str]:
    """Account ids that the conditions demand."""
    for condition in _required(conditions):
        if condition.name in _ACCOUNT_KEYS:
            yield from filter(_ACCOUNT.fullmatch, condition.values)
        elif condition.name in _ARN_KEYS:
            yield from filter(None, map(account_of, condition.values))


def account_of(arn: str) -> str | None:
    """The account in an ARN, where it has one."""
    parts = arn.split(":", 5)
    whole = len(parts) == 6 and parts[0] == "arn"
    return parts[4] if whole and _ACCOUNT.fullmatch(parts[4]) else None


def _required(conditions: Sequence[Condition]) -> Iterator[Condition]:
    """Conditions that a request without their key cannot meet."""
    present = {
        condition.name
        for condition in conditions
        if condition.test == "null" and [v.lower() for v in condition.values] == ["false"]
    }
    for condition in conditions:
        missing_passes = condition.holds_without_key and condition.name not in present
        if not condition.negated and not missing_passes and condition.test != "null":
            yield condition


def _restricts(condition: Condition) -> bool:
    name, values = condition.name, condition.values
    if not values:
        return False
    if name in _SWITCHES:
        return condition.test == "bool" and all(value.lower() == "true" for value in values)
    if name in _ADDRESS_KEYS:
        return _few_addresses(values) if condition.test == "ipaddress" else _fixed(condition)
    if name in _ARN_KEYS:
        return all(_fixed_value(condition, value) or _fixed_arn(value) for value in values)
    if name in _LEADING:
        separator = _LEADING[name]
        return all(
            separator in value and not _WILDCARD.search(value.split(separator)[0])
            for value in values
            if _VARIABLE not in value
        ) and all(_VARIABLE not in value or value.lower() in _OWN for value in values)
    return name in _FIXED_KEYS and _fixed(condition)


def _fixed(condition: Condition) -> bool:
    return all(_fixed_value(condition, value) for value in condition.values)


def _fixed_value(condition: Condition, value: str) -> bool:
    """Whether a value is one value: a wildcard is only a character to StringEquals."""
    if _VARIABLE in value:
        return value.lower() in _OWN
    literal = condition.test in ("stringequals", "stringequalsignorecase", "numericequals")
    return literal or not _WILDCARD.search(value)


def _fixed_arn(value: str) -> bool:
    """Whether a pattern names one account, or a bucket, whose names are unique in a partition."""
    if _VARIABLE in value:
        return False
    if account_of(value):
        return True
    parts = value.split(":", 5)
    return (
        len(parts) == 6
        and parts[2] == "s3"
        and "/" not in parts[4]
        and bool(parts[5])
        and not _WILDCARD.search(parts[5].split("/")[0])
    )


def _few_addresses(values: Sequence[str]) -> bool:
    """Whether networks are not everyone's; many that together are one large one are that one."""
    try:
        networks = [ipaddress.ip_network(value.strip(), strict=False) for value in values]
    except ValueError:
        return False
    v4 = [network for network in networks if isinstance(network, ipaddress.IPv4Network)]
    v6 = [network for network in networks if isinstance(network, ipaddress.IPv6Network)]
    return all(
        network.prefixlen >= _LARGEST_V4 for network in ipaddress.collapse_addresses(v4)
    ) and all(network.prefixlen >= _LARGEST_V6 for network in ipaddress.collapse_addresses(v6))


def _met_by_strangers(condition: Condition) -> bool:
    if condition.name == "aws:principalisawsservice":
        return condition.test == "bool" and [v.lower() for v in condition.values] == ["false"]
    # A negated operator holds for a missing key, but with ForAnyValue.
    if not condition.negated or condition.operator.lower().startswith("foranyvalue"):
        return False
    return _restricts(replace(condition, operator=condition.test.replace("not", "", 1)))


def _met_without_tls(condition: Condition) -> bool:
    """`aws:SecureTransport` is in every request; `s3:TlsVersion` only in those with TLS."""
    values = [value.lower() for value in condition.values]
    if condition.name == "aws:securetransport":
        return condition.test == "bool" and "false" in values
    return (
        condition.name == "s3:tlsversion"
        and condition.operator.lower() == "numericlessthanifexists"
    )
