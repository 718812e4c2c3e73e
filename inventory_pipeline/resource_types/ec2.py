"""EC2: instances. Their volumes are in `ebs`, their images and launch templates in `ec2_images`."""

import re
from datetime import UTC, datetime
from typing import Literal

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import (
    Batch,
    CostComponent,
    Detail,
    Item,
    Metric,
    Relationship,
    ResourceType,
    Source,
    field,
)
from inventory_pipeline.resource_types.secrets_scan import VERSION
from inventory_pipeline.resource_types.user_data import (
    has_user_data,
    user_data_detectors,
    user_data_secret,
)

# EC2 answers everything at once where no size of a page is given, however long that takes.
PAGE = 1000

# Instances that earn CPU credits: t2, t3a, t4g, ...
_BURSTABLE = re.compile(r"t\d")

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


def vcpus(instance: Item) -> int | None:
    """Threads that it may run, which is what burst credits are billed by."""
    options = instance.get("CpuOptions") or {}
    cores, threads = options.get("CoreCount"), options.get("ThreadsPerCore")
    return cores * threads if cores and threads else None


def ssm_managed(instance: Item) -> bool | None:
    """Whether Systems Manager has it; None where not read, or where SSM would not say.

    SSM leaves out instances that are not running, managed or not.
    """
    if "ssm" not in instance:
        return None
    if instance["InstanceId"] in instance["ssm"]:
        return True
    return False if instance.get("State", {}).get("Name") == "running" else None


def scan_version(instance: Item) -> str | None:
    return VERSION if "user_data" in instance else None


def burstable(instance: Item) -> str | None:
    """The id of an instance that has CPU credits; others have no such metrics."""
    found = _BURSTABLE.match(instance.get("InstanceType") or "")
    return str(instance["InstanceId"]) if found else None


def _metric(
    column: str,
    meaning: str,
    name: str,
    statistic: Literal["Average", "Maximum", "Sum", "Minimum", "p99.5"],
    fold: Literal["average", "maximum", "minimum", "sum"],
    *,
    namespace: str = "AWS/EC2",
    of: Source = "InstanceId",
) -> Metric:
    return Metric(column, meaning, namespace, name, statistic, fold, {"InstanceId": of})


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
    # Instances that other services run, such as EKS Auto Mode's, are hidden by default.
    arguments={"MaxResults": PAGE, "IncludeManagedResources": True},
    items="Reservations[].Instances[]",
    iam_actions=("ec2:DescribeInstances",),
    gone=frozenset({"InvalidInstanceID.NotFound"}),
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
        field("vcpus", T.BIGINT, "Virtual CPUs.", vcpus),
        field("availability_zone", T.TEXT, "Availability zone.", "Placement.AvailabilityZone"),
        field("virtualization_type", T.TEXT, "hvm or paravirtual.", "VirtualizationType"),
        field("root_device_type", T.TEXT, "ebs or instance-store.", "RootDeviceType"),
        field("ebs_optimized", T.BOOLEAN, "Has bandwidth of its own to EBS.", "EbsOptimized"),
        field(
            "detailed_monitoring",
            T.TEXT,
            "Metrics every minute, which cost: enabled, disabled or in between.",
            "Monitoring.State",
        ),
        field(
            "managed_by",
            T.TEXT,
            "Service that runs it on the account's behalf; NULL where none does.",
            "Operator.Principal",
        ),
        field("launched_at", T.TIMESTAMP, "Last start.", "LaunchTime"),
        field(
            "stopped_at",
            T.TIMESTAMP,
            "Stop time of a stopped instance, where AWS tells.",
            stopped_at,
        ),
        field("image_id", T.TEXT, "AMI.", "ImageId"),
        field("image_name", T.TEXT, "Name of its AMI.", "image.ImageMetadata.Name"),
        field(
            "image_owner_id", T.TEXT, "Account that owns its AMI.", "image.ImageMetadata.OwnerId"
        ),
        field(
            "image_state",
            T.TEXT,
            "State of its AMI; available where it can still be launched.",
            "image.ImageMetadata.State",
        ),
        field(
            "image_created_at",
            T.TIMESTAMP,
            "When its AMI was made.",
            "image.ImageMetadata.CreationDate",
        ),
        field(
            "image_deprecated_at",
            T.TIMESTAMP,
            "When its AMI is deprecated; NULL where no date is set.",
            "image.ImageMetadata.DeprecationTime",
        ),
        field("vpc_id", T.TEXT, "VPC.", "VpcId"),
        field("subnet_id", T.TEXT, "Subnet.", "SubnetId"),
        field("public_ip", T.TEXT, "Public IPv4 address.", "PublicIpAddress"),
        field("elastic_ips", T.BIGINT, "Elastic IPs on its interfaces.", elastic_addresses),
        field(
            "public_ips",
            T.TEXT_LIST,
            "Public IPv4 addresses of all its interfaces.",
            "NetworkInterfaces[].PrivateIpAddresses[].Association.PublicIp",
        ),
        field(
            "ipv6_addresses",
            T.TEXT_LIST,
            "IPv6 addresses of all its interfaces.",
            "NetworkInterfaces[].Ipv6Addresses[].Ipv6Address",
        ),
        field("key_name", T.TEXT, "Key pair for SSH.", "KeyName"),
        field("instance_profile_arn", T.TEXT, "Instance profile.", "IamInstanceProfile.Arn"),
        field("imds_tokens", T.TEXT, "IMDSv2: required or optional.", "MetadataOptions.HttpTokens"),
        field(
            "imds_endpoint",
            T.TEXT,
            "Metadata endpoint: enabled or disabled.",
            "MetadataOptions.HttpEndpoint",
        ),
        field(
            "imds_hop_limit",
            T.BIGINT,
            "Network hops that metadata answers may go; 2 lets containers read them.",
            "MetadataOptions.HttpPutResponseHopLimit",
        ),
        field(
            "ssm_managed",
            T.BOOLEAN,
            "Systems Manager manages it; NULL where it is not running and not known there.",
            ssm_managed,
        ),
        field("user_data_present", T.BOOLEAN, "It has user data.", has_user_data),
        field("user_data_secret", T.BOOLEAN, "Credentials are in its user data.", user_data_secret),
        field(
            "user_data_detectors",
            T.TEXT_LIST,
            "What found credentials in its user data.",
            user_data_detectors,
        ),
        field("secret_scan_version", T.TEXT, "Version of the detectors.", scan_version),
        field(
            "auto_scaling_group",
            T.TEXT,
            "Auto Scaling group it belongs to.",
            "Tags[?Key=='aws:autoscaling:groupName'].Value | [0]",
        ),
    ),
    details=(
        Detail(
            "image",
            "describe_instance_image_metadata",
            {},
            "ec2:DescribeInstanceImageMetadata",
            batch=Batch("InstanceIds", "InstanceId", "InstanceImageMetadata", "InstanceId", 1000),
        ),
        Detail(
            "ssm",
            "describe_instance_information",
            {"MaxResults": 50},
            "ssm:DescribeInstanceInformation",
            service="ssm",
            items="InstanceInformationList[].InstanceId",
            per_cell=True,
        ),
        Detail(
            "user_data",
            "describe_instance_attribute",
            {"InstanceId": "InstanceId", "Attribute": "'userData'"},
            "ec2:DescribeInstanceAttribute",
        ),
    ),
    relationships=(
        Relationship("in_vpc", "vpc", "[VpcId]"),
        Relationship("in_subnet", "subnet", "[SubnetId]"),
        Relationship("has_security_group", "security_group", "SecurityGroups[].GroupId"),
        Relationship(
            "has_network_interface",
            "network_interface",
            "NetworkInterfaces[].NetworkInterfaceId",
        ),
        Relationship("made_from", "ami", "[ImageId]"),
        Relationship("has_volume", "ebs_volume", "BlockDeviceMappings[].Ebs.VolumeId"),
        Relationship(
            "has_instance_profile",
            "iam_instance_profile",
            "[IamInstanceProfile.Arn]",
        ),
    ),
    metrics=(
        _metric("cpu_average", "Mean CPU, percent.", "CPUUtilization", "Average", "average"),
        _metric("cpu_maximum", "Highest CPU, percent.", "CPUUtilization", "Maximum", "maximum"),
        _metric(
            "cpu_p99_5",
            "The 99.5th percentile of CPU on the busiest day, percent.",
            "CPUUtilization",
            "p99.5",
            "maximum",
        ),
        Metric(
            "cpu_quiet_hours",
            "Hours of the week in which CPU stayed below 5 percent throughout the window.",
            "AWS/EC2",
            "CPUUtilization",
            "Maximum",
            "quiet_hours",
            {"InstanceId": "InstanceId"},
            period_seconds=3600,
            label="hourly",
        ),
        _metric("network_in_bytes", "Bytes received in the window.", "NetworkIn", "Sum", "sum"),
        _metric("network_out_bytes", "Bytes sent in the window.", "NetworkOut", "Sum", "sum"),
        _metric(
            "surplus_credits_charged",
            "Vcpu-minutes of burst that were billed in the window.",
            "CPUSurplusCreditsCharged",
            "Sum",
            "sum",
            of=burstable,
        ),
        _metric(
            "credit_balance_minimum",
            "Fewest CPU credits left.",
            "CPUCreditBalance",
            "Minimum",
            "minimum",
            of=burstable,
        ),
        _metric(
            "memory_maximum",
            "Most memory used, percent, where the CloudWatch agent reports it by instance.",
            "mem_used_percent",
            "Maximum",
            "maximum",
            namespace="CWAgent",
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

RESOURCE_TYPES = (EC2_INSTANCE,)
