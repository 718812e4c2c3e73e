"""S3 Control: access points, multi-region access points, and the account's own settings of S3."""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import (
    Detail,
    Item,
    Relationship,
    ResourceType,
    field,
)
from inventory_pipeline.resource_types.policies import (
    policy_children,
    policy_document,
    policy_statement_count,
)
from inventory_pipeline.resource_types.s3 import PUBLIC_ACCESS_FLAGS, public_access_fields
from inventory_pipeline.resource_types.s3 import policy_public as access_point_policy_public

S3_ACCOUNT_SETTINGS = ResourceType(
    name="s3_account_settings",
    table="s3_account_settings",
    group="s3",
    service="s3control",
    meaning="What an account has set for all its buckets; its settings are NULL if not read.",
    operation=None,
    items="@",
    iam_actions=(),
    scope="global",
    resource_id="account_id",
    # AWS gives an account's settings no ARN of their own; this is the form that scanners use.
    arn="arn:{partition}:s3::{account_id}:account",
    name_source="account_id",
    free=True,
    fields=public_access_fields("", "public_access_block", "Account's"),
    details=(
        Detail(
            "public_access_block",
            "get_public_access_block",
            {"AccountId": "account_id"},
            "s3:GetAccountPublicAccessBlock",
            frozenset({"NoSuchPublicAccessBlockConfiguration"}),
        ),
    ),
)


def account_id(access_point: Item) -> str:
    """The account of `arn:aws:s3:eu-west-1:111122223333:accesspoint/name`."""
    return str(access_point["AccessPointArn"].split(":")[4])


_ACCESS_POINT = {"AccountId": account_id, "Name": "Name"}
_POLICY = policy_document("policy", "Policy")

S3_ACCESS_POINT = ResourceType(
    name="s3_access_point",
    table="s3_access_points",
    group="s3",
    service="s3control",
    meaning="S3 access points: further doors to a bucket, each with a policy of its own.",
    operation="list_access_points",
    arguments={"AccountId": lambda place: place["account_id"], "MaxResults": 1000},
    items="AccessPointList[]",
    iam_actions=("s3:ListAccessPoints",),
    resource_id="Name",
    arn="AccessPointArn",
    name_source="Name",
    created_at="access_point.CreationDate",
    gone=frozenset({"NoSuchAccessPoint"}),
    free=True,
    fields=(
        field("bucket", T.TEXT, "Bucket that it opens.", "Bucket"),
        field("bucket_account_id", T.TEXT, "Account of the bucket.", "BucketAccountId"),
        field("alias", T.TEXT, "Name that may be used instead of a bucket's.", "Alias"),
        field("network_origin", T.TEXT, "Internet or VPC.", "NetworkOrigin"),
        field("vpc_id", T.TEXT, "VPC that requests must come from.", "VpcConfiguration.VpcId"),
        *public_access_fields("", "access_point", "Access point's"),
        field(
            "policy_public",
            T.BOOLEAN,
            "AWS calls the access point's policy public.",
            access_point_policy_public,
        ),
        policy_statement_count(_POLICY),
    ),
    details=(
        Detail("access_point", "get_access_point", _ACCESS_POINT, "s3:GetAccessPoint"),
        Detail(
            "policy",
            "get_access_point_policy",
            _ACCESS_POINT,
            "s3:GetAccessPointPolicy",
            frozenset({"NoSuchAccessPointPolicy"}),
        ),
        Detail(
            "policy_status",
            "get_access_point_policy_status",
            _ACCESS_POINT,
            "s3:GetAccessPointPolicyStatus",
            frozenset({"NoSuchAccessPointPolicy"}),
        ),
    ),
    children=(policy_children(_POLICY),),
    relationships=(
        Relationship("opens", "s3_bucket", "[Bucket]"),
        Relationship("in_vpc", "vpc", "[VpcConfiguration.VpcId]"),
    ),
)


def established_policy(access_point: Item) -> object:
    """The policy in force, not one that was proposed; None where it was not read."""
    if "policy" not in access_point:
        return None
    established = (access_point["policy"].get("Policy") or {}).get("Established") or {}
    return established.get("Policy") or ""


def established_public(access_point: Item) -> bool | None:
    if "policy_status" not in access_point:
        return None
    return bool((access_point["policy_status"].get("Established") or {}).get("IsPublic", False))


_MULTI_REGION = {"AccountId": "account.Account", "Name": "Name"}

S3_MULTI_REGION_ACCESS_POINT = ResourceType(
    name="s3_multi_region_access_point",
    table="s3_multi_region_access_points",
    group="s3",
    service="s3control",
    meaning="S3 multi-region access points: one door to buckets of several regions.",
    operation="list_multi_region_access_points",
    # AWS takes requests about them in Oregon alone, and has them in no other partition.
    asked_in={"aws": "us-west-2"},
    # At most 100 an account, in one answer.
    arguments={"AccountId": lambda place: place["account_id"]},
    items="AccessPoints[]",
    iam_actions=("s3:ListMultiRegionAccessPoints",),
    scope="global",
    resource_id="Alias",
    arn="arn:{partition}:s3::{account_id}:accesspoint/{resource_id}",
    name_source="Name",
    state="Status",
    created_at="CreatedAt",
    gone=frozenset({"NoSuchMultiRegionAccessPoint"}),
    fields=(
        field("buckets", T.TEXT_LIST, "Buckets that it opens.", "Regions[].Bucket"),
        field("regions", T.TEXT_LIST, "Regions of these buckets.", "Regions[].Region"),
        *(
            field(
                name,
                T.BOOLEAN,
                f"Access point's public access block: {flag}.",
                f"PublicAccessBlock.{flag}",
            )
            for name, flag in PUBLIC_ACCESS_FLAGS.items()
        ),
        field(
            "policy_public",
            T.BOOLEAN,
            "AWS calls the policy in force public.",
            established_public,
        ),
        policy_statement_count(established_policy),
    ),
    details=(
        # The listing does not say whose they are, which the other calls want to know.
        Detail(
            "account",
            "get_caller_identity",
            {},
            "sts:GetCallerIdentity",
            service="sts",
            per_cell=True,
        ),
        Detail(
            "policy",
            "get_multi_region_access_point_policy",
            _MULTI_REGION,
            "s3:GetMultiRegionAccessPointPolicy",
            frozenset({"NoSuchMultiRegionAccessPointPolicy"}),
        ),
        Detail(
            "policy_status",
            "get_multi_region_access_point_policy_status",
            _MULTI_REGION,
            "s3:GetMultiRegionAccessPointPolicyStatus",
            frozenset({"NoSuchMultiRegionAccessPointPolicy"}),
        ),
    ),
    children=(policy_children(established_policy),),
    relationships=(Relationship("opens", "s3_bucket", "Regions[].Bucket"),),
)

RESOURCE_TYPES = (S3_ACCOUNT_SETTINGS, S3_ACCESS_POINT, S3_MULTI_REGION_ACCESS_POINT)
