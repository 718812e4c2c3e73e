"""IAM: users, groups and customer managed policies, with what they allow, and what hangs on them.

Not here: roles (`iam_role`), credentials (`iam_credentials`), an account's own settings
(`iam_account`).
"""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.iam_documents import (
    ATTACHED_POLICIES,
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

AUTHORIZATION = ("iam:GetAccountAuthorizationDetails",)
PATH = field("path", T.TEXT, "Path, / where it has none.", "Path")
GONE = frozenset({"NoSuchEntity"})


def default_document(policy: Item) -> list[tuple[str, object]]:
    """The version of a managed policy that is in force."""
    return [
        ("managed", version.get("Document"))
        for version in policy.get("PolicyVersionList") or []
        if version.get("IsDefaultVersion")
    ]


def policy_name(policy: Item) -> str:
    """Names of managed policies are unique in an account, whatever their paths."""
    return str(policy["Arn"]).rpartition("/")[2]


IAM_USER = ResourceType(
    name="iam_user",
    table="iam_users",
    group="iam",
    service="iam",
    meaning="IAM users and their policies; their passwords and MFA are in `iam_credentials`.",
    operation="get_account_authorization_details",
    arguments={"Filter": ["User"], "MaxItems": 1000},
    items=with_documents("UserDetailList", lambda user: inline(user.get("UserPolicyList"))),
    iam_actions=AUTHORIZATION,
    scope="global",
    resource_id="UserName",
    arn="Arn",
    name_source="UserName",
    created_at="CreateDate",
    tags="Tags || `[]`",
    fields=(
        PATH,
        field("groups", T.TEXT_LIST, "Groups that it is in.", "GroupList || `[]`"),
        ATTACHED_POLICIES,
        field(
            "inline_policies",
            T.TEXT_LIST,
            "Names of its inline policies.",
            "UserPolicyList[].PolicyName || `[]`",
        ),
        PERMISSIONS_BOUNDARY,
        *permission_fields("inline_", "Its inline policies"),
    ),
    children=(STATEMENTS,),
    relationships=(
        Relationship("member_of", "iam_group", "GroupList"),
        Relationship("has_policy", "iam_policy", "AttachedManagedPolicies[].PolicyArn"),
        Relationship("bounded_by", "iam_policy", "[PermissionsBoundary.PermissionsBoundaryArn]"),
    ),
    free=True,
)

IAM_GROUP = ResourceType(
    name="iam_group",
    table="iam_groups",
    group="iam",
    service="iam",
    meaning="IAM groups and their policies; who is in them, `relationships` tell.",
    operation="get_account_authorization_details",
    arguments={"Filter": ["Group"], "MaxItems": 1000},
    items=with_documents("GroupDetailList", lambda group: inline(group.get("GroupPolicyList"))),
    iam_actions=AUTHORIZATION,
    scope="global",
    resource_id="GroupName",
    arn="Arn",
    name_source="GroupName",
    created_at="CreateDate",
    fields=(
        PATH,
        ATTACHED_POLICIES,
        field(
            "inline_policies",
            T.TEXT_LIST,
            "Names of its inline policies.",
            "GroupPolicyList[].PolicyName || `[]`",
        ),
        *permission_fields("inline_", "Its inline policies"),
    ),
    children=(STATEMENTS,),
    relationships=(
        Relationship("has_policy", "iam_policy", "AttachedManagedPolicies[].PolicyArn"),
    ),
    free=True,
)

IAM_POLICY = ResourceType(
    name="iam_policy",
    table="iam_policies",
    group="iam",
    service="iam",
    meaning="Customer managed IAM policies, by the version that is in force.",
    operation="get_account_authorization_details",
    arguments={"Filter": ["LocalManagedPolicy"], "MaxItems": 1000},
    items=with_documents("Policies", default_document),
    iam_actions=AUTHORIZATION,
    scope="global",
    resource_id=policy_name,
    arn="Arn",
    name_source=policy_name,
    created_at="CreateDate",
    tags="tags",
    fields=(
        PATH,
        field("default_version", T.TEXT, "The version in force.", "DefaultVersionId"),
        field("versions", T.BIGINT, "Versions kept.", "length(PolicyVersionList || `[]`)"),
        field("updated_at", T.TIMESTAMP, "When its newest version was made.", "UpdateDate"),
        field("attachments", T.BIGINT, "Identities it is attached to.", "AttachmentCount"),
        field(
            "boundary_uses",
            T.BIGINT,
            "Identities whose rights it bounds.",
            "PermissionsBoundaryUsageCount",
        ),
        *permission_fields("", "Its statements"),
    ),
    children=(STATEMENTS,),
    details=(
        Detail(
            "tags", "list_policy_tags", {"PolicyArn": "Arn"}, "iam:ListPolicyTags", items="Tags[]"
        ),
    ),
    gone=GONE,
    free=True,
)

IAM_INSTANCE_PROFILE = ResourceType(
    name="iam_instance_profile",
    table="iam_instance_profiles",
    group="iam",
    service="iam",
    meaning="Instance profiles: what gives an EC2 instance a role.",
    operation="list_instance_profiles",
    arguments={"MaxItems": 1000},
    items="InstanceProfiles[]",
    iam_actions=("iam:ListInstanceProfiles",),
    scope="global",
    resource_id="InstanceProfileName",
    arn="Arn",
    name_source="InstanceProfileName",
    created_at="CreateDate",
    tags="profile && (profile.InstanceProfile.Tags || `[]`)",
    fields=(
        PATH,
        field("role_name", T.TEXT, "Its role; empty where it has none.", "Roles[0].RoleName || ''"),
    ),
    details=(
        # ListInstanceProfiles has no tags.
        Detail(
            "profile",
            "get_instance_profile",
            {"InstanceProfileName": "InstanceProfileName"},
            "iam:GetInstanceProfile",
        ),
    ),
    gone=GONE,
    relationships=(Relationship("has_role", "iam_role", "Roles[].Arn"),),
    free=True,
)

IAM_SERVER_CERTIFICATE = ResourceType(
    name="iam_server_certificate",
    table="iam_server_certificates",
    group="iam",
    service="iam",
    meaning="TLS certificates kept in IAM, the way of before ACM.",
    operation="list_server_certificates",
    arguments={"MaxItems": 1000},
    items="ServerCertificateMetadataList[]",
    iam_actions=("iam:ListServerCertificates",),
    scope="global",
    resource_id="ServerCertificateName",
    arn="Arn",
    name_source="ServerCertificateName",
    created_at="UploadDate",
    tags="tags",
    fields=(PATH, field("expires_at", T.TIMESTAMP, "When it expires.", "Expiration")),
    details=(
        Detail(
            "tags",
            "list_server_certificate_tags",
            {"ServerCertificateName": "ServerCertificateName"},
            "iam:ListServerCertificateTags",
            items="Tags[]",
        ),
    ),
    gone=GONE,
    free=True,
)

RESOURCE_TYPES = (
    IAM_USER,
    IAM_GROUP,
    IAM_POLICY,
    IAM_INSTANCE_PROFILE,
    IAM_SERVER_CERTIFICATE,
)
