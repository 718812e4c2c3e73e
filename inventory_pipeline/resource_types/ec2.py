"""EC2: instances and EBS volumes."""

import re
from datetime import UTC, datetime

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import (
    CostComponent,
    Item,
    Metric,
    Relationship,
    ResourceType,
    field,
)

# EC2 answers everything at once where no size of a page is given, however long that takes.
PAGE = 1000

_TRANSITION_TIME = re.compile(r"\((\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:GMT|UTC)\)")


def stopped_at(instance: Item) -> datetime | None:
    """When a stopped instance was stopped; AWS tells only inside StateTransitionReason."""
    if instance.get("State", {}).get("Name") != "stopped":
        return None
    found = _TRANSITION_TIME.search(instance.get("StateTransitionReason") or "")
    return datetime.fromisoformat(found.group(1)).replace(tzinfo=UTC) if found else None


def created_at(instance: Item) -> datetime | None:
    """When the instance was made: LaunchTime is its last start, but its first interface stays."""
    times = [
        interface.get("Attachment", {}).get("AttachTime")
        for interface in instance.get("NetworkInterfaces") or []
        if interface.get("Attachment", {}).get("DeviceIndex") == 0
    ]
    return min((t for t in [instance.get("LaunchTime"), *times] if t), default=None)


def platform(instance: Item) -> str:
    """The price list's operating system: `linux`, `windows`, ... from PlatformDetails."""
    details = (instance.get("PlatformDetails") or instance.get("Platform") or "linux").lower()
    return "linux" if details in ("linux/unix", "linux") else details


def elastic_addresses(instance: Item) -> int:
    """Elastic IPs on the instance's interfaces: addresses whose owner is an account, not Amazon."""
    return sum(
        1
        for interface in instance.get("NetworkInterfaces") or []
        for address in interface.get("PrivateIpAddresses") or []
        if address.get("Association", {}).get("IpOwnerId", "amazon") != "amazon"
    )


RUNNING_HOURS = "CASE WHEN r.state = 'running' THEN 730 WHEN r.state IS NOT NULL THEN 0 END"
# The list price is of shared tenancy; dedicated ones have prices of their own.
PRICE_TENANCY = "CASE WHEN r.tenancy IN ('dedicated', 'host') THEN ':' || r.tenancy ELSE '' END"

EC2_INSTANCE = ResourceType(
    name="ec2_instance",
    table="ec2_instances",
    group="ec2",
    service="ec2",
    meaning="EC2 instances, except terminated ones.",
    operation="describe_instances",
    arguments={"MaxResults": PAGE},
    items="Reservations[].Instances[]",
    iam_actions=("ec2:DescribeInstances",),
    resource_id="InstanceId",
    arn="arn:{partition}:ec2:{region}:{account_id}:instance/{resource_id}",
    name_source="Tags[?Key=='Name'].Value | [0]",
    state="State.Name",
    created_at=created_at,
    tags="Tags || `[]`",
    keep="State.Name != 'terminated'",
    fields=(
        field("instance_type", T.TEXT, "Instance type, such as m5.large.", "InstanceType"),
        field("platform", T.TEXT, "Operating system as the price list names it.", platform),
        field("architecture", T.TEXT, "x86_64 or arm64.", "Architecture"),
        field(
            "lifecycle",
            T.TEXT,
            "NULL is on-demand; otherwise spot, scheduled, ...",
            "InstanceLifecycle",
        ),
        field("tenancy", T.TEXT, "default, dedicated or host.", "Placement.Tenancy"),
        field("launched_at", T.TIMESTAMP, "Last start.", "LaunchTime"),
        field(
            "stopped_at",
            T.TIMESTAMP,
            "Stop time of a stopped instance, where AWS tells.",
            stopped_at,
        ),
        field("image_id", T.TEXT, "AMI.", "ImageId"),
        field("vpc_id", T.TEXT, "VPC.", "VpcId"),
        field("subnet_id", T.TEXT, "Subnet.", "SubnetId"),
        field("public_ip", T.TEXT, "Public IPv4 address.", "PublicIpAddress"),
        field("elastic_ips", T.BIGINT, "Elastic IPs on its interfaces.", elastic_addresses),
        field("instance_profile_arn", T.TEXT, "Instance profile.", "IamInstanceProfile.Arn"),
        field("imds_tokens", T.TEXT, "IMDSv2: required or optional.", "MetadataOptions.HttpTokens"),
        field(
            "imds_endpoint",
            T.TEXT,
            "Metadata endpoint: enabled or disabled.",
            "MetadataOptions.HttpEndpoint",
        ),
        field(
            "auto_scaling_group",
            T.TEXT,
            "Auto Scaling group it belongs to.",
            "Tags[?Key=='aws:autoscaling:groupName'].Value | [0]",
        ),
    ),
    relationships=(
        Relationship("in_vpc", "vpc", "[VpcId]"),
        Relationship("in_subnet", "subnet", "[SubnetId]"),
        Relationship("has_security_group", "security_group", "SecurityGroups[].GroupId"),
        Relationship("has_volume", "ebs_volume", "BlockDeviceMappings[].Ebs.VolumeId"),
        Relationship(
            "has_instance_profile",
            "iam_instance_profile",
            "[IamInstanceProfile.Arn]",
        ),
    ),
    metrics=(
        Metric(
            "cpu_average",
            "Mean CPU, percent.",
            "AWS/EC2",
            "CPUUtilization",
            "Average",
            "average",
            {"InstanceId": "InstanceId"},
        ),
        Metric(
            "cpu_maximum",
            "Highest CPU, percent.",
            "AWS/EC2",
            "CPUUtilization",
            "Maximum",
            "maximum",
            {"InstanceId": "InstanceId"},
        ),
        Metric(
            "network_in_bytes",
            "Bytes received in the window.",
            "AWS/EC2",
            "NetworkIn",
            "Sum",
            "sum",
            {"InstanceId": "InstanceId"},
        ),
        Metric(
            "network_out_bytes",
            "Bytes sent in the window.",
            "AWS/EC2",
            "NetworkOut",
            "Sum",
            "sum",
            {"InstanceId": "InstanceId"},
        ),
    ),
    costs=(
        CostComponent(
            "compute",
            "ec2",
            f"r.instance_type || ':' || r.platform || {PRICE_TENANCY}",
            "hour",
            RUNNING_HOURS,
            applies="r.lifecycle IS NULL",
            unknown="'instance state not observed'",
        ),
        CostComponent(
            "compute",
            "ec2",
            "r.instance_type || ':' || r.lifecycle",
            "hour",
            "CASE WHEN r.state <> 'running' THEN 0 END",
            applies="r.lifecycle IS NOT NULL",
            unknown="'no list price for ' || r.lifecycle || ' instances'",
        ),
        CostComponent(
            "address",
            "public_ipv4",
            "CASE WHEN r.state = 'running' THEN 'in_use' ELSE 'idle' END",
            "hour",
            "730 * GREATEST(COALESCE(r.elastic_ips, 0), "
            "CASE WHEN r.public_ip IS NOT NULL AND r.state = 'running' THEN 1 ELSE 0 END)",
            applies="COALESCE(r.elastic_ips, 0) > 0 OR r.public_ip IS NOT NULL",
        ),
    ),
)

EBS_VOLUME = ResourceType(
    name="ebs_volume",
    table="ebs_volumes",
    group="ec2",
    service="ec2",
    meaning="EBS volumes.",
    operation="describe_volumes",
    arguments={"MaxResults": PAGE},
    items="Volumes[]",
    iam_actions=("ec2:DescribeVolumes",),
    resource_id="VolumeId",
    arn="arn:{partition}:ec2:{region}:{account_id}:volume/{resource_id}",
    name_source="Tags[?Key=='Name'].Value | [0]",
    state="State",
    created_at="CreateTime",
    tags="Tags || `[]`",
    fields=(
        field("volume_type", T.TEXT, "gp2, gp3, io1, io2, st1, sc1 or standard.", "VolumeType"),
        field("size_gb", T.BIGINT, "Size, GiB.", "Size"),
        field("iops", T.BIGINT, "Provisioned or baseline IOPS.", "Iops"),
        field("throughput_mbps", T.BIGINT, "Provisioned throughput, MiB/s (gp3).", "Throughput"),
        field("encrypted", T.BOOLEAN, "Encrypted at rest.", "Encrypted"),
        field("kms_key_id", T.TEXT, "KMS key.", "KmsKeyId"),
        field("availability_zone", T.TEXT, "Availability zone.", "AvailabilityZone"),
        field(
            "attached_instance_id",
            T.TEXT,
            "Instance it is attached to.",
            "Attachments[0].InstanceId",
        ),
        field("attached_at", T.TIMESTAMP, "When it was attached.", "Attachments[0].AttachTime"),
        field(
            "delete_on_termination",
            T.BOOLEAN,
            "Deleted with its instance.",
            "Attachments[0].DeleteOnTermination",
        ),
        field("snapshot_id", T.TEXT, "Snapshot it was made from.", "SnapshotId"),
    ),
    relationships=(Relationship("attached_to", "ec2_instance", "Attachments[].InstanceId"),),
    metrics=(
        Metric(
            "read_operations",
            "Read operations in the window.",
            "AWS/EBS",
            "VolumeReadOps",
            "Sum",
            "sum",
            {"VolumeId": "VolumeId"},
        ),
        Metric(
            "write_operations",
            "Write operations in the window.",
            "AWS/EBS",
            "VolumeWriteOps",
            "Sum",
            "sum",
            {"VolumeId": "VolumeId"},
        ),
    ),
    costs=(
        CostComponent("storage", "ebs", "r.volume_type", "GB-month", "r.size_gb"),
        CostComponent(
            "iops",
            "ebs",
            "r.volume_type || ':iops'",
            "IOPS-month",
            # gp3 includes 3,000 IOPS and 125 MiB/s in its storage price.
            "CASE WHEN r.volume_type <> 'gp3' THEN r.iops"
            " WHEN r.iops > 3000 THEN r.iops - 3000 WHEN r.iops IS NOT NULL THEN 0 END",
            applies="r.volume_type IN ('gp3', 'io1', 'io2')",
            unknown="'provisioned IOPS not observed'",
        ),
        CostComponent(
            "throughput",
            "ebs",
            "'gp3:throughput'",
            "MiBps-month",
            "CASE WHEN r.throughput_mbps > 125 THEN r.throughput_mbps - 125"
            " WHEN r.throughput_mbps IS NOT NULL THEN 0 END",
            applies="r.volume_type = 'gp3'",
            unknown="'provisioned throughput not observed'",
        ),
    ),
)

RESOURCE_TYPES = (EC2_INSTANCE, EBS_VOLUME)
