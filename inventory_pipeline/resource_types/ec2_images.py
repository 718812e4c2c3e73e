"""EC2: what instances are made from: AMIs and launch templates."""

from collections.abc import Callable

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.ec2 import PAGE
from inventory_pipeline.resource_types.model import (
    Detail,
    Item,
    Relationship,
    ResourceType,
    field,
)

TEMPLATE_PAGE = 200


def _launch_data(template: Item) -> Item | None:
    """What the template's default version launches; None where it was not read."""
    template_id = template["LaunchTemplateId"]
    for version in template.get("default_versions") or []:
        if version["LaunchTemplateId"] == template_id:
            return version.get("LaunchTemplateData") or {}
    return None


def launch_value(name: str) -> Callable[[Item], str | None]:
    """A source: one text of what the default version launches."""

    def read(template: Item) -> str | None:
        found: str | None = (_launch_data(template) or {}).get(name)
        return found

    return read


def images(template: Item) -> list[str]:
    """Its AMI; none where it names an SSM parameter that has the AMI."""
    image = launch_value("ImageId")(template) or ""
    return [image] if image.startswith("ami-") else []


def has_user_data(template: Item) -> bool | None:
    """Whether its default version has user data, of which nothing is kept."""
    data = _launch_data(template)
    return None if data is None else bool(data.get("UserData"))


def associates_public_ip(template: Item) -> bool | None:
    """Whether any of its interfaces is told to take a public address."""
    data = _launch_data(template)
    if data is None:
        return None
    interfaces = data.get("NetworkInterfaces") or []
    return any(interface.get("AssociatePublicIpAddress") for interface in interfaces)


def metadata_tokens(template: Item) -> str | None:
    """required, optional, or none where the template leaves it to others."""
    return _metadata_option(template, "HttpTokens")


def metadata_endpoint(template: Item) -> str | None:
    return _metadata_option(template, "HttpEndpoint")


def _metadata_option(template: Item, name: str) -> str | None:
    data = _launch_data(template)
    if data is None:
        return None
    return str((data.get("MetadataOptions") or {}).get(name) or "none")


def security_groups(template: Item) -> list[str] | None:
    data = _launch_data(template)
    if data is None:
        return None
    groups = list(data.get("SecurityGroupIds") or [])
    for interface in data.get("NetworkInterfaces") or []:
        groups += interface.get("Groups") or []
    return list(dict.fromkeys(groups))


AMI = ResourceType(
    name="ami",
    table="amis",
    group="ec2",
    service="ec2",
    meaning="AMIs that the account owns, deprecated and disabled ones included.",
    operation="describe_images",
    arguments={
        "Owners": ["self"],
        "IncludeDeprecated": True,
        "IncludeDisabled": True,
        "MaxResults": PAGE,
    },
    items="Images[]",
    iam_actions=("ec2:DescribeImages",),
    resource_id="ImageId",
    # AWS leaves the account out of images' ARNs.
    arn="arn:{partition}:ec2:{region}::image/{resource_id}",
    name_source="Name",
    state="State",
    created_at="CreationDate",
    tags="Tags || `[]`",
    # Its snapshots are billed, and are resources of their own.
    free=True,
    fields=(
        field("description", T.TEXT, "Description.", "Description"),
        field("public", T.BOOLEAN, "Everyone may launch it.", "Public"),
        field(
            "deprecated_at",
            T.TIMESTAMP,
            "When it is deprecated; NULL where no date is set.",
            "DeprecationTime",
        ),
        field(
            "last_launched_at",
            T.TIMESTAMP,
            "Last launch that AWS knows of, a day late; NULL where there was none.",
            "LastLaunchedTime",
        ),
        field("architecture", T.TEXT, "x86_64, arm64, ...", "Architecture"),
        field("platform", T.TEXT, "Operating system, as AWS bills it.", "PlatformDetails"),
        field("virtualization_type", T.TEXT, "hvm or paravirtual.", "VirtualizationType"),
        field("root_device_type", T.TEXT, "ebs or instance-store.", "RootDeviceType"),
        field("imds_support", T.TEXT, "v2.0 where its instances demand IMDSv2.", "ImdsSupport"),
        field("source_image_id", T.TEXT, "AMI it was copied from.", "SourceImageId"),
        field("source_instance_id", T.TEXT, "Instance it was made of.", "SourceInstanceId"),
        field(
            "snapshot_ids",
            T.TEXT_LIST,
            "Snapshots of its volumes.",
            "BlockDeviceMappings[].Ebs.SnapshotId",
        ),
    ),
    volatile=frozenset({"last_launched_at"}),
    relationships=(
        Relationship("has_snapshot", "ebs_snapshot", "BlockDeviceMappings[].Ebs.SnapshotId"),
    ),
)

LAUNCH_TEMPLATE = ResourceType(
    name="launch_template",
    table="launch_templates",
    group="ec2",
    service="ec2",
    meaning="EC2 launch templates, by what their default version launches.",
    operation="describe_launch_templates",
    arguments={"MaxResults": TEMPLATE_PAGE, "IncludeManagedResources": True},
    items="LaunchTemplates[]",
    iam_actions=("ec2:DescribeLaunchTemplates",),
    resource_id="LaunchTemplateId",
    arn="arn:{partition}:ec2:{region}:{account_id}:launch-template/{resource_id}",
    name_source="LaunchTemplateName",
    created_at="CreateTime",
    tags="Tags || `[]`",
    free=True,
    fields=(
        field(
            "default_version", T.BIGINT, "Number of its default version.", "DefaultVersionNumber"
        ),
        field("latest_version", T.BIGINT, "Number of its latest version.", "LatestVersionNumber"),
        field(
            "image_id",
            T.TEXT,
            "AMI, or the SSM parameter that names it.",
            launch_value("ImageId"),
        ),
        field(
            "instance_type",
            T.TEXT,
            "Instance type.",
            launch_value("InstanceType"),
        ),
        field(
            "imds_tokens",
            T.TEXT,
            "IMDSv2: required, optional or none (left to the account and the AMI).",
            metadata_tokens,
        ),
        field(
            "imds_endpoint",
            T.TEXT,
            "Metadata endpoint: enabled, disabled or none.",
            metadata_endpoint,
        ),
        field(
            "associates_public_ip",
            T.BOOLEAN,
            "Gives public addresses to instances.",
            associates_public_ip,
        ),
        field("user_data_present", T.BOOLEAN, "It has user data.", has_user_data),
        field("security_group_ids", T.TEXT_LIST, "Security groups.", security_groups),
        field(
            "managed_by",
            T.TEXT,
            "Service that runs it on the account's behalf; NULL where none does.",
            "Operator.Principal",
        ),
    ),
    details=(
        Detail(
            "default_versions",
            "describe_launch_template_versions",
            {
                "Versions": ["$Default"],
                "MaxResults": TEMPLATE_PAGE,
                "IncludeManagedResources": True,
            },
            "ec2:DescribeLaunchTemplateVersions",
            items="LaunchTemplateVersions[]",
            per_cell=True,
        ),
    ),
    relationships=(
        Relationship("launches", "ami", images),
        Relationship("has_security_group", "security_group", security_groups),
    ),
)

RESOURCE_TYPES = (AMI, LAUNCH_TEMPLATE)
