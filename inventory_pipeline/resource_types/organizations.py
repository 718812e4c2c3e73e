"""AWS Organizations: the organisation, as its accounts see it.

Not here: which accounts it has and whom of them we look at (`accounts`).
"""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import Detail, Item, ResourceType, field


def told_elsewhere(organization: Item) -> bool:
    """Whether the account is known not to be the management account, which alone is told more."""
    own = organization.get("caller", {}).get("Account")
    return own is not None and own != organization["MasterAccountId"]


def enabled_policy_types(organization: Item) -> list[str] | None:
    if "roots" not in organization:
        return None
    types = [t for root in organization["roots"] for t in root.get("PolicyTypes") or []]
    return sorted({t["Type"] for t in types if t.get("Status") == "ENABLED"})


def trusted_services(organization: Item) -> list[str] | None:
    if "trusted_services" not in organization:
        return None
    return sorted(service["ServicePrincipal"] for service in organization["trusted_services"])


def delegated_administrators(organization: Item) -> list[str] | None:
    if "delegated" not in organization:
        return None
    return sorted(account["Id"] for account in organization["delegated"])


ORGANIZATION = ResourceType(
    name="organization",
    table="organizations",
    group="organizations",
    service="organizations",
    meaning="The organisation that an account is in, as this account sees it; a row for each. "
    "What only the management account is told, is NULL in the others' rows.",
    operation="describe_organization",
    items="[Organization]",
    iam_actions=("organizations:DescribeOrganization",),
    scope="global",
    absent=frozenset({"AWSOrganizationsNotInUseException"}),
    resource_id="Id",
    arn="Arn",
    name_source="Id",
    fields=(
        field("feature_set", T.TEXT, "ALL or CONSOLIDATED_BILLING.", "FeatureSet"),
        field("management_account_id", T.TEXT, "The management account.", "MasterAccountId"),
        field(
            "enabled_policy_types",
            T.TEXT_LIST,
            "Types of policies that are on, such as SERVICE_CONTROL_POLICY.",
            enabled_policy_types,
        ),
        field(
            "trusted_services",
            T.TEXT_LIST,
            "AWS services that may work in all accounts.",
            trusted_services,
        ),
        field(
            "delegated_administrators",
            T.TEXT_LIST,
            "Accounts that administer a service for the organisation.",
            delegated_administrators,
        ),
    ),
    details=(
        Detail(
            "caller",
            "get_caller_identity",
            {},
            "sts:GetCallerIdentity",
            service="sts",
            per_cell=True,
        ),
        Detail(
            "roots",
            "list_roots",
            {},
            "organizations:ListRoots",
            items="Roots[]",
            unless=told_elsewhere,
        ),
        Detail(
            "trusted_services",
            "list_aws_service_access_for_organization",
            {},
            "organizations:ListAWSServiceAccessForOrganization",
            items="EnabledServicePrincipals[]",
            unless=told_elsewhere,
        ),
        Detail(
            "delegated",
            "list_delegated_administrators",
            {},
            "organizations:ListDelegatedAdministrators",
            items="DelegatedAdministrators[]",
            unless=told_elsewhere,
        ),
    ),
    free=True,
)

RESOURCE_TYPES = (ORGANIZATION,)
