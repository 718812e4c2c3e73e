"""IAM roles: who may become them, what they may do, and when they last did something."""

from collections.abc import Iterator

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.iam_documents import (
    ATTACHED_POLICIES,
    DOCUMENTS,
    PERMISSIONS_BOUNDARY,
    STATEMENTS,
    inline,
    permission_fields,
    with_documents,
)
from inventory_pipeline.resource_types.model import (
    Detail,
    Item,
    Relationship,
    ResourceType,
    field,
)
from inventory_pipeline.resource_types.policies import Statement, covers_action
from inventory_pipeline.resource_types.policy_documents import EVERYONE

_BECOMING = ("sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity")
_MFA = ("bool aws:multifactorauthpresent=true", "numericlessthan aws:multifactorauthage=")
_ORGANIZATION = ("aws:principalorgid=", "aws:principalorgpaths=")


def documents(role: Item) -> list[tuple[str, object]]:
    trust = role.get("AssumeRolePolicyDocument")
    return [("trust", trust), *inline(role.get("RolePolicyList"))]


def trusted_accounts(role: Item) -> list[str]:
    """Other accounts that may become it; `*` is everyone."""
    found = [account for row in _trusting(role) for account in _strangers(role, row)]
    return list(dict.fromkeys(found))


def unguarded_accounts(role: Item) -> list[str]:
    """Those of them of whom nothing more is demanded: external id, MFA or organisation."""
    found = [
        account
        for row in _trusting(role)
        if not (row["has_external_id"] or _demands_mfa(row) or _demands_organization(row))
        for account in _strangers(role, row)
    ]
    return list(dict.fromkeys(found))


def trusted_services(role: Item) -> list[str]:
    return list(dict.fromkeys(_principals(_trusting(role), "Service")))


def unguarded_services(role: Item) -> list[str]:
    """Services that may become it on anyone's behalf: their source is not fixed."""
    rows = [row for row in _trusting(role) if not row["restricted"]]
    return list(dict.fromkeys(_principals(rows, "Service")))


def identity_providers(role: Item) -> list[str]:
    return list(dict.fromkeys(_principals(_trusting(role), "Federated")))


def max_session_seconds(role: Item) -> int | None:
    """Only ListRoles tells it of all roles at once."""
    name = role["RoleName"]
    told = (other["seconds"] for other in role.get("sessions", ()) if other["name"] == name)
    return next(told, None)


def _trusting(role: Item) -> list[Statement]:
    return [
        row
        for row in role[DOCUMENTS].trust
        if row["effect"] == "Allow" and any(covers_action(row, action) for action in _BECOMING)
    ]


def _strangers(role: Item, row: Statement) -> Iterator[str]:
    own = role["Arn"].split(":")[4]
    if row["public"]:
        yield EVERYONE
    yield from (account for account in row["accounts"] if account != own)


def _demands_mfa(row: Statement) -> bool:
    return any(text.lower().startswith(_MFA) for text in row["conditions"])


def _demands_organization(row: Statement) -> bool:
    return row["restricted"] and any(
        key in text.lower() for text in row["conditions"] for key in _ORGANIZATION
    )


def _principals(rows: list[Statement], kind: str) -> Iterator[str]:
    for row in rows:
        for principal in row["principals"]:
            found, _, name = principal.partition(":")
            if found == kind:
                yield name


IAM_ROLE = ResourceType(
    name="iam_role",
    table="iam_roles",
    group="iam",
    service="iam",
    meaning="IAM roles, their policies and whom they trust.",
    operation="get_account_authorization_details",
    arguments={"Filter": ["Role"], "MaxItems": 1000},
    items=with_documents("RoleDetailList", documents),
    iam_actions=("iam:GetAccountAuthorizationDetails",),
    scope="global",
    resource_id="RoleName",
    arn="Arn",
    name_source="RoleName",
    created_at="CreateDate",
    tags="Tags || `[]`",
    fields=(
        field("path", T.TEXT, "Path, / where it has none.", "Path"),
        field(
            "service_linked",
            T.BOOLEAN,
            "Made by an AWS service, which alone can change it.",
            "starts_with(Path, '/aws-service-role/')",
        ),
        field(
            "last_used_at",
            T.TIMESTAMP,
            "When it last did something; NULL where not in AWS's tracking period of 400 days.",
            "RoleLastUsed.LastUsedDate",
        ),
        field("last_used_region", T.TEXT, "Region where it did.", "RoleLastUsed.Region"),
        field("max_session_seconds", T.BIGINT, "Longest session, seconds.", max_session_seconds),
        field(
            "trusted_accounts",
            T.TEXT_LIST,
            "Other accounts that may become it; * is everyone.",
            trusted_accounts,
        ),
        field(
            "unguarded_accounts",
            T.TEXT_LIST,
            "Those of them that need no external id, no MFA and to be in no organisation.",
            unguarded_accounts,
        ),
        field(
            "trusted_services", T.TEXT_LIST, "AWS services that may become it.", trusted_services
        ),
        field(
            "unguarded_services",
            T.TEXT_LIST,
            "Those of them that may on anyone's behalf: no account, organisation or ARN of the "
            "source is demanded.",
            unguarded_services,
        ),
        field(
            "identity_providers",
            T.TEXT_LIST,
            "SAML and OpenID Connect providers whose users may become it.",
            identity_providers,
        ),
        ATTACHED_POLICIES,
        field(
            "inline_policies",
            T.TEXT_LIST,
            "Names of its inline policies.",
            "RolePolicyList[].PolicyName || `[]`",
        ),
        PERMISSIONS_BOUNDARY,
        *permission_fields("inline_", "Its inline policies"),
    ),
    volatile=frozenset({"last_used_at", "last_used_region"}),
    children=(STATEMENTS,),
    details=(
        Detail(
            "sessions",
            "list_roles",
            {"MaxItems": 1000},
            "iam:ListRoles",
            items="Roles[].{name: RoleName, seconds: MaxSessionDuration}",
            per_cell=True,
        ),
    ),
    relationships=(
        Relationship("has_policy", "iam_policy", "AttachedManagedPolicies[].PolicyArn"),
        Relationship("bounded_by", "iam_policy", "[PermissionsBoundary.PermissionsBoundaryArn]"),
    ),
    free=True,
)

RESOURCE_TYPES = (IAM_ROLE,)
