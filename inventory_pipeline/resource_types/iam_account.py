"""What an account has once in IAM: its counts, root's protection, the password policy, support.

Not here: single users, roles and credentials (`iam`, `iam_role`, `iam_credentials`).
"""

from collections.abc import Callable

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import Detail, Field, Item, ResourceType, field

# Answers that mean "off", or "ask the management account".
_NO_FEATURES = frozenset(
    {
        "AccountNotManagementOrDelegatedAdministratorException",
        "OrganizationNotFoundException",
        "OrganizationNotInAllFeaturesModeException",
        "ServiceAccessNotEnabledException",
    }
)


def summary_count(key: str) -> Callable[[Item], int | None]:
    """A figure of the account summary; None where not read, or not told."""

    def read(account: Item) -> int | None:
        figure: int | None = account.get("summary", {}).get("SummaryMap", {}).get(key)
        return figure

    return read


def summary_flag(key: str) -> Callable[[Item], bool | None]:
    def read(account: Item) -> bool | None:
        figure = summary_count(key)(account)
        return None if figure is None else figure > 0

    return read


def password_policy_set(account: Item) -> bool | None:
    return "PasswordPolicy" in account["passwords"] if "passwords" in account else None


def password_rule(key: str, off: int | bool) -> Callable[[Item], int | bool | None]:
    """A rule of the password policy; `off` where the policy, or the rule, is not set."""

    def read(account: Item) -> int | bool | None:
        if "passwords" not in account:
            return None
        rule: int | bool = account["passwords"].get("PasswordPolicy", {}).get(key, off)
        return rule

    return read


def root_virtual_mfa_devices(account: Item) -> int | None:
    """Root's MFA devices that are apps. A device may have any name, so its user tells."""
    if "virtual_mfa" not in account:
        return None
    owners = [(device["User"] or {}).get("Arn", "") for device in account["virtual_mfa"]]
    return len([arn for arn in owners if arn.endswith(":root")])


def organization_text(key: str) -> Callable[[Item], str | None]:
    """What the organisation says; empty where the account is in none."""

    def read(account: Item) -> str | None:
        if "organization" not in account:
            return None
        return str(account["organization"].get("Organization", {}).get(key, ""))

    return read


def organization_feature(name: str) -> Callable[[Item], bool | None]:
    """Whether IAM's feature for the organisation is on; only some accounts are told."""

    def read(account: Item) -> bool | None:
        answer = account.get("features")
        if answer:
            return name in (answer.get("EnabledFeatures") or [])
        manages = organization_text("MasterAccountId")(account) == account["account_id"]
        return False if answer is not None and manages else None

    return read


def support_roles(account: Item) -> list[str] | None:
    if "support" not in account:
        return None
    return [entity["RoleName"] for entity in account["support"] if "RoleName" in entity]


def support_entities(account: Item) -> int | None:
    return len(account["support"]) if "support" in account else None


def _counts() -> tuple[Field, ...]:
    figures = {
        "users": ("Users", "Users."),
        "groups": ("Groups", "Groups."),
        "roles": ("Roles", "Roles."),
        "customer_policies": ("Policies", "Managed policies of its own."),
        "instance_profiles": ("InstanceProfiles", "Instance profiles."),
        "server_certificates": ("ServerCertificates", "Certificates kept in IAM."),
        "identity_providers": ("Providers", "SAML and OpenID Connect providers."),
        "mfa_devices": ("MFADevices", "MFA devices."),
        "mfa_devices_in_use": ("MFADevicesInUse", "MFA devices that somebody has."),
    }
    return tuple(
        field(name, T.BIGINT, meaning, summary_count(key))
        for name, (key, meaning) in figures.items()
    )


def _password_rules() -> tuple[Field, ...]:
    required = {
        "symbols": "RequireSymbols",
        "numbers": "RequireNumbers",
        "uppercase": "RequireUppercaseCharacters",
        "lowercase": "RequireLowercaseCharacters",
    }
    return (
        field(
            "password_policy_set",
            T.BOOLEAN,
            "Has a password policy of its own; what the others say is off without one.",
            password_policy_set,
        ),
        field(
            "password_min_length",
            T.BIGINT,
            "Least characters; 0 where not set.",
            password_rule("MinimumPasswordLength", 0),
        ),
        field(
            "password_reuse_prevention",
            T.BIGINT,
            "Former passwords that may not come back; 0 where not set.",
            password_rule("PasswordReusePrevention", 0),
        ),
        field(
            "password_max_age_days",
            T.BIGINT,
            "Days until a password expires; 0 where it does not.",
            password_rule("MaxPasswordAge", 0),
        ),
        *(
            field(
                f"password_requires_{name}",
                T.BOOLEAN,
                f"A password needs {name}{' letters' if 'case' in name else ''}.",
                password_rule(key, off=False),
            )
            for name, key in required.items()
        ),
    )


IAM_ACCOUNT = ResourceType(
    name="iam_account",
    table="iam_accounts",
    group="iam",
    service="iam",
    meaning="What an account has once in IAM: counts, root's protection, password policy.",
    operation=None,
    items="@",
    iam_actions=(),
    scope="global",
    resource_id="account_id",
    arn="arn:{partition}:iam::{account_id}:root",
    name_source="account_id",
    fields=(
        *_counts(),
        field("root_mfa", T.BOOLEAN, "Root has MFA.", summary_flag("AccountMFAEnabled")),
        field(
            "root_virtual_mfa_devices",
            T.BIGINT,
            "Root's MFA devices that are apps, not hardware.",
            root_virtual_mfa_devices,
        ),
        field(
            "root_access_key",
            T.BOOLEAN,
            "Root has access keys.",
            summary_flag("AccountAccessKeysPresent"),
        ),
        field(
            "root_signing_certificate",
            T.BOOLEAN,
            "Root has a signing certificate.",
            summary_flag("AccountSigningCertificatesPresent"),
        ),
        field(
            "root_password",
            T.BOOLEAN,
            "Root has a password.",
            summary_flag("AccountPasswordPresent"),
        ),
        *_password_rules(),
        field(
            "organization_id",
            T.TEXT,
            "The organisation it is in; empty where in none.",
            organization_text("Id"),
        ),
        field(
            "management_account_id",
            T.TEXT,
            "The organisation's management account; empty where in none.",
            organization_text("MasterAccountId"),
        ),
        field(
            "root_credentials_management",
            T.BOOLEAN,
            "IAM manages the root credentials of the organisation's member accounts; NULL where "
            "AWS tells other accounts alone.",
            organization_feature("RootCredentialsManagement"),
        ),
        field(
            "root_sessions",
            T.BOOLEAN,
            "The management account may do root's tasks in member accounts; NULL as before.",
            organization_feature("RootSessions"),
        ),
        field(
            "support_roles", T.TEXT_LIST, "Roles with the policy AWSSupportAccess.", support_roles
        ),
        field(
            "support_entities",
            T.BIGINT,
            "Roles, users and groups with the policy AWSSupportAccess.",
            support_entities,
        ),
    ),
    details=(
        Detail("summary", "get_account_summary", {}, "iam:GetAccountSummary"),
        Detail(
            "passwords",
            "get_account_password_policy",
            {},
            "iam:GetAccountPasswordPolicy",
            frozenset({"NoSuchEntity"}),
        ),
        Detail(
            "virtual_mfa",
            "list_virtual_mfa_devices",
            {"AssignmentStatus": "'Assigned'", "MaxItems": 1000},
            "iam:ListVirtualMFADevices",
            # Nothing else of a device, since its seed has a place in the same shape.
            items="VirtualMFADevices[].{User: User}",
        ),
        Detail(
            "organization",
            "describe_organization",
            {},
            "organizations:DescribeOrganization",
            frozenset({"AWSOrganizationsNotInUseException"}),
            service="organizations",
        ),
        Detail(
            "features",
            "list_organizations_features",
            {},
            "iam:ListOrganizationsFeatures",
            _NO_FEATURES,
        ),
        Detail(
            "support",
            "list_entities_for_policy",
            {
                "PolicyArn": "join('', ['arn:', partition, ':iam::aws:policy/AWSSupportAccess'])",
                "MaxItems": 1000,
            },
            "iam:ListEntitiesForPolicy",
            items="[PolicyRoles || `[]`, PolicyUsers || `[]`, PolicyGroups || `[]`][]",
        ),
    ),
    free=True,
)

RESOURCE_TYPES = (IAM_ACCOUNT,)
