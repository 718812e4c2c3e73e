"""Why an account's role cannot be assumed, and the exact thing to change.

AWS answers an absent role, a trust policy that names someone else and a wrong external id with the
same words; where it says more, in `because ...` or `with an explicit deny in ...`, that decides.
"""

from __future__ import annotations

from inventory_pipeline.accounts import Account, Failure
from inventory_pipeline.diagnosis.caller import Caller

_DENIERS = (
    ("service control policy", "a service control policy (SCP) of the organisation"),
    ("resource control policy", "a resource control policy (RCP) of the organisation"),
    ("permissions boundary", "the permissions boundary of the collector"),
    ("session policy", "the session policy of the collector's credentials"),
    ("VPC endpoint policy", "the policy of the VPC endpoint of STS"),
)


def fix_of(account: Account, failure: Failure, caller: Caller) -> str:
    """What to change so that the account can be entered."""
    said = failure.message or ""
    code = failure.code or ""
    role = account.role_arn or "the account"
    if code == "WrongAccount":
        return f"correct account_id or role_name of {account.name!r} in the settings"
    if code == "SettingsError":
        return "set what the reference names"
    if code == "RegionDisabledException":
        return "set AWS_REGION to a region in which the account has STS switched on"
    if code in ("ExpiredToken", "ExpiredTokenException"):
        return "renew the collector's credentials"
    if "DurationSeconds" in said:
        return "lower credentials.duration_seconds to what the role allows (3600 always does)"
    if failure.status == "timeout":
        return "see whether the network lets STS through, then try again"
    for words, what in _DENIERS:
        if words in said:
            return f"let {what} allow sts:AssumeRole on {role}"
    if "sts:TagSession" in said:
        return f"allow sts:TagSession beside sts:AssumeRole in the trust policy of {role}"
    if "no identity-based policy allows" in said or "explicit deny in an identity-based" in said:
        return f"let {caller.principal} do sts:AssumeRole on {role} (`inventory infra render`)"
    if failure.status == "denied" and account.role_arn is not None:
        return _trust(account, caller)
    return "see what AWS says; `inventory collect` meets the same"


def _trust(account: Account, caller: Caller) -> str:
    """AWS does not say which it is, so the fix covers the three."""
    setting = account.external_id_setting or f"accounts.{account.name}.external_id"
    name = (account.role_arn or "").partition(":role/")[2]
    external_id = (
        f"asking for the external id of {setting}, character by character"
        if account.external_id is not None
        else f"asking for no external id, or set {setting} to the one that it asks for"
    )
    return (
        f"account {account.account_id} needs a role {name} (`inventory infra render`) whose trust "
        f"policy allows sts:AssumeRole to {caller.principal}, {external_id}"
    )
