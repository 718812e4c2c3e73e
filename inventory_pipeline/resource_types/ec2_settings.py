"""EC2: what an account has set for itself in a region, whatever resources it has there."""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import Detail, Item, ResourceType, field


def metadata_tokens(place: Item) -> str | None:
    """required, optional, or none where the account has no default."""
    return _metadata_default(place, "HttpTokens")


def metadata_endpoint(place: Item) -> str | None:
    return _metadata_default(place, "HttpEndpoint")


def _metadata_default(place: Item, name: str) -> str | None:
    if "metadata_defaults" not in place:
        return None
    return str((place["metadata_defaults"].get("AccountLevel") or {}).get(name) or "none")


def metadata_hop_limit(place: Item) -> int | None:
    """0 where the account has no default; AWS answers -1 for that in places."""
    if "metadata_defaults" not in place:
        return None
    level = place["metadata_defaults"].get("AccountLevel") or {}
    return max(level.get("HttpPutResponseHopLimit") or 0, 0)


def vpc_block(place: Item) -> str | None:
    if "vpc_block" not in place:
        return None
    options = place["vpc_block"].get("VpcBlockPublicAccessOptions") or {}
    return str(options.get("InternetGatewayBlockMode") or "off")


EC2_REGION_SETTINGS = ResourceType(
    name="ec2_region_settings",
    table="ec2_region_settings",
    group="ec2",
    service="ec2",
    meaning="Defaults and public access blocks of EC2 that an account has in a region.",
    operation=None,
    items="@",
    iam_actions=(),
    resource_id="region",
    # They have no ARN of their own; they are the account's.
    arn="arn:{partition}:iam::{account_id}:root",
    name_source="region",
    free=True,
    fields=(
        field(
            "ebs_encryption_by_default",
            T.BOOLEAN,
            "New volumes are encrypted.",
            "ebs_encryption.EbsEncryptionByDefault",
        ),
        field(
            "ebs_default_kms_key_id",
            T.TEXT,
            "Key of volumes for which none is named.",
            "ebs_key.KmsKeyId",
        ),
        field(
            "snapshot_block_public_access",
            T.TEXT,
            "Sharing snapshots with everyone: block-all-sharing, block-new-sharing or unblocked.",
            "snapshot_block.State",
        ),
        field(
            "image_block_public_access",
            T.TEXT,
            "Sharing AMIs with everyone: block-new-sharing or unblocked.",
            "image_block.ImageBlockPublicAccessState",
        ),
        field(
            "vpc_block_public_access",
            T.TEXT,
            "Internet gateways: off (they work), block-ingress or block-bidirectional.",
            vpc_block,
        ),
        field(
            "imds_tokens",
            T.TEXT,
            "IMDSv2 of new instances: required, optional or none (no default set).",
            metadata_tokens,
        ),
        field(
            "imds_endpoint",
            T.TEXT,
            "Metadata endpoint of new instances: enabled, disabled or none.",
            metadata_endpoint,
        ),
        field(
            "imds_hop_limit",
            T.BIGINT,
            "Hops of metadata answers of new instances; 0 where no default is set.",
            metadata_hop_limit,
        ),
        field(
            "serial_console_access",
            T.BOOLEAN,
            "Instances' serial consoles may be opened.",
            "serial_console.SerialConsoleAccessEnabled",
        ),
    ),
    details=(
        Detail(
            "ebs_encryption",
            "get_ebs_encryption_by_default",
            {},
            "ec2:GetEbsEncryptionByDefault",
        ),
        Detail("ebs_key", "get_ebs_default_kms_key_id", {}, "ec2:GetEbsDefaultKmsKeyId"),
        Detail(
            "snapshot_block",
            "get_snapshot_block_public_access_state",
            {},
            "ec2:GetSnapshotBlockPublicAccessState",
        ),
        Detail(
            "image_block",
            "get_image_block_public_access_state",
            {},
            "ec2:GetImageBlockPublicAccessState",
        ),
        Detail(
            "vpc_block",
            "describe_vpc_block_public_access_options",
            {},
            "ec2:DescribeVpcBlockPublicAccessOptions",
        ),
        Detail(
            "metadata_defaults",
            "get_instance_metadata_defaults",
            {},
            "ec2:GetInstanceMetadataDefaults",
        ),
        Detail(
            "serial_console",
            "get_serial_console_access_status",
            {},
            "ec2:GetSerialConsoleAccessStatus",
        ),
    ),
)

RESOURCE_TYPES = (EC2_REGION_SETTINGS,)
