"""How AWS words the simulated resources: each one as its Describe or List call answers it.

Belongs here: shapes of AWS answers, by their API names. Not here: transport (`simulation`) or
metrics (`cloudwatch`).
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from inventory_pipeline.demo.estate import (
    DISABLED_REGION,
    ENABLED_REGIONS,
    UNPRICED_REGION,
    Cluster,
    Database,
    Estate,
    Function,
    Instance,
    Resource,
    Volume,
)
from inventory_pipeline.demo.ground import ROOT
from inventory_pipeline.demo.network import network

Answer = dict[str, Any]

IMAGE = "ami-0a1b2c3d4e5f60718"
CODE_SIZE = 120_000

ENGINES = {
    "mysql": ("8.0.39", "8.0", date(2026, 7, 31)),
    "postgres": ("16.4", "16", date(2029, 2, 28)),
    "aurora-mysql": ("8.0.mysql_aurora.3.08.0", "8.0", date(2028, 4, 30)),
}
"""Of each engine: the version, its major version, and when AWS's standard support of that ends."""

ENGINE_VERSIONS = [
    {"Engine": engine, "EngineVersion": version, "Status": "available"}
    for engine, (version, _, _) in ENGINES.items()
]

MAJOR_ENGINE_VERSIONS = [
    {
        "Engine": engine,
        "MajorEngineVersion": major,
        "SupportedEngineLifecycles": [
            {
                "LifecycleSupportName": "open-source-rds-standard-support",
                "LifecycleSupportEndDate": datetime.combine(end, time(0), UTC),
            }
        ],
    }
    for engine, (_, major, end) in ENGINES.items()
]


def tag_list(tags: Mapping[str, str]) -> list[Answer]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def region(name: str) -> Answer:
    status = "opt-in-not-required"
    if name == UNPRICED_REGION:
        status = "opted-in"
    if name == DISABLED_REGION:
        status = "not-opted-in"
    return {
        "RegionName": name,
        "Endpoint": f"ec2.{name}.amazonaws.com",
        "OptInStatus": status,
    }


REGIONS = tuple(region(name) for name in (*ENABLED_REGIONS, DISABLED_REGION))


def _number(resource: Resource, of: int) -> int:
    """A number below `of` that belongs to the resource."""
    name = f"{resource.account_id}/{resource.region}/{resource.id}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % of


def public_address(instance: Instance) -> str | None:
    """An Elastic IP stays with a stopped instance; a public address does not."""
    if instance.address == "none" or (instance.address == "public" and not instance.running):
        return None
    return address_of(instance)


def address_of(resource: Resource) -> str:
    """A public address that belongs to the resource."""
    number = _number(resource, 256**2)
    return f"203.0.{number // 256}.{number % 256}"


def instance(it: Instance, volumes: Sequence[Volume]) -> Answer:
    """One element of DescribeInstances; `volumes` are those attached to it."""
    home = network(it)
    stopped = it.stopped_at
    answer: Answer = {
        "InstanceId": it.id,
        "ImageId": IMAGE,
        "InstanceType": it.type,
        "State": {"Code": 80, "Name": "stopped"} if stopped else {"Code": 16, "Name": "running"},
        "StateTransitionReason": f"User initiated ({stopped:%Y-%m-%d %H:%M:%S} GMT)"
        if stopped
        else "",
        "LaunchTime": it.created_at,
        "Architecture": it.architecture,
        "PlatformDetails": "Windows" if it.windows else "Linux/UNIX",
        "Placement": {"AvailabilityZone": f"{it.region}a", "Tenancy": "default"},
        "Monitoring": {"State": "disabled"},
        "VpcId": home.vpc,
        "SubnetId": home.subnet,
        "SecurityGroups": [{"GroupId": home.group, "GroupName": "default"}],
        "NetworkInterfaces": [interface(it)],
        "RootDeviceName": "/dev/xvda",
        "BlockDeviceMappings": [
            {"DeviceName": _device(n), "Ebs": _attachment(v)} for n, v in enumerate(volumes)
        ],
        "MetadataOptions": {
            "State": "applied",
            "HttpTokens": "required",
            "HttpEndpoint": "enabled",
        },
        "Tags": tag_list(it.tags),
    }
    if address := public_address(it):
        answer["PublicIpAddress"] = address
    if it.windows:
        answer["Platform"] = "windows"
    if it.spot:
        answer["InstanceLifecycle"] = "spot"
    return answer


def user_data(it: Instance) -> Answer:
    """DescribeInstanceAttribute's answer for userData."""
    if not it.user_data:
        return {"InstanceId": it.id, "UserData": {}}
    encoded = base64.b64encode(it.user_data.encode()).decode()
    return {"InstanceId": it.id, "UserData": {"Value": encoded}}


def image_of(it: Instance) -> Answer:
    """One element of DescribeInstanceImageMetadata."""
    return {
        "InstanceId": it.id,
        "ImageMetadata": {
            "ImageId": IMAGE,
            "Name": "al2023-ami-2023.6.20241010.0-kernel-6.1-x86_64",
            "OwnerId": "137112412989",
            "State": "available",
            "ImageOwnerAlias": "amazon",
            "CreationDate": "2024-10-10T20:14:02.000Z",
            "DeprecationTime": "2025-01-08T20:15:00.000Z",
            "ImageAllowed": True,
            "IsPublic": True,
        },
    }


def _device(number: int) -> str:
    return "/dev/xvda" if number == 0 else f"/dev/sd{'fghijklmnop'[number - 1]}"


def interface(it: Instance) -> Answer:
    home = network(it)
    number = _number(it, 256**2)
    private = f"10.0.{number // 256}.{number % 256}"
    address: Answer = {"Primary": True, "PrivateIpAddress": private}
    if public := public_address(it):
        owner = it.account_id if it.address == "elastic" else "amazon"
        address["Association"] = {"PublicIp": public, "IpOwnerId": owner}
    return {
        "NetworkInterfaceId": it.id.replace("i-", "eni-"),
        "Status": "in-use",
        "OwnerId": it.account_id,
        "VpcId": home.vpc,
        "SubnetId": home.subnet,
        "PrivateIpAddress": private,
        "PrivateIpAddresses": [address],
        **({"Association": address["Association"]} if "Association" in address else {}),
    }


def _attachment(volume: Volume) -> Answer:
    return {
        "VolumeId": volume.id,
        "AttachTime": volume.created_at,
        "DeleteOnTermination": True,
        "Status": "attached",
    }


def volume(it: Volume, device: int = 0) -> Answer:
    """One element of DescribeVolumes; `device` numbers the instance's volumes."""
    answer: Answer = {
        "VolumeId": it.id,
        "VolumeType": it.type,
        "Size": it.size_gb,
        "Encrypted": it.encrypted,
        "CreateTime": it.created_at,
        "AvailabilityZone": f"{it.region}a",
        "State": "in-use" if it.instance_id else "available",
        "Attachments": [],
        "SnapshotId": "",
        "Tags": tag_list(it.tags),
    }
    if it.instance_id:
        attachment = {**_attachment(it), "InstanceId": it.instance_id, "Device": _device(device)}
        attachment["State"] = attachment.pop("Status")
        answer["Attachments"] = [attachment]
    if it.iops or it.type == "gp2":
        answer["Iops"] = it.iops or min(max(100, 3 * it.size_gb), 16_000)
    if it.throughput:
        answer["Throughput"] = it.throughput
    if it.encrypted:
        answer["KmsKeyId"] = _key(it)
    return answer


def _key(resource: Resource) -> str:
    place = f"{resource.region}:{resource.account_id}"
    return f"arn:aws:kms:{place}:key/00000000-0000-4000-8000-000000000001"


def database(it: Database) -> Answer:
    """One element of DescribeDBInstances."""
    home = network(it)
    postgres = it.engine == "postgres"
    answer: Answer = {
        "DBInstanceIdentifier": it.id,
        "DBInstanceArn": f"arn:aws:rds:{it.region}:{it.account_id}:db:{it.id}",
        "DBInstanceClass": it.instance_class,
        "DBInstanceStatus": "available",
        "Engine": it.engine,
        "EngineVersion": ENGINES[it.engine][0],
        "LicenseModel": "postgresql-license" if postgres else "general-public-license",
        "InstanceCreateTime": it.created_at,
        "AllocatedStorage": it.storage_gb,
        "StorageType": it.storage_type,
        "StorageEncrypted": it.encrypted,
        "MultiAZ": it.multi_az,
        "PubliclyAccessible": it.public,
        "BackupRetentionPeriod": it.backup_days,
        "DeletionProtection": False,
        "AutoMinorVersionUpgrade": True,
        "IAMDatabaseAuthenticationEnabled": False,
        "Endpoint": {
            "Address": f"{it.id}.c0ffee.{it.region}.rds.amazonaws.com",
            "Port": 5432 if postgres else 3306,
        },
        "DBSubnetGroup": {"DBSubnetGroupName": "default", "VpcId": home.vpc},
        "VpcSecurityGroups": [{"VpcSecurityGroupId": home.group, "Status": "active"}],
        "TagList": tag_list(it.tags),
    }
    if it.iops:
        answer["Iops"] = it.iops
    if it.encrypted:
        answer["KmsKeyId"] = _key(it)
    if it.cluster_id:
        answer["DBClusterIdentifier"] = it.cluster_id
    return answer


def cluster(it: Cluster) -> Answer:
    """One element of DescribeDBClusters; Aurora says that it has 1 GiB allocated."""
    answer: Answer = {
        "DBClusterIdentifier": it.id,
        "DBClusterArn": f"arn:aws:rds:{it.region}:{it.account_id}:cluster:{it.id}",
        "Status": "available",
        "Engine": it.engine,
        "EngineVersion": ENGINES[it.engine][0],
        "EngineMode": "provisioned",
        "ClusterCreateTime": it.created_at,
        "AllocatedStorage": 1,
        "StorageType": "aurora",
        "StorageEncrypted": it.encrypted,
        "MultiAZ": len(it.members) > 1,
        "BackupRetentionPeriod": it.backup_days,
        "DeletionProtection": True,
        "IAMDatabaseAuthenticationEnabled": False,
        "DBClusterMembers": [
            {"DBInstanceIdentifier": m, "IsClusterWriter": n == 0} for n, m in enumerate(it.members)
        ],
        "VpcSecurityGroups": [
            {"VpcSecurityGroupId": network(it).group, "Status": "active"},
        ],
        "TagList": tag_list(it.tags),
    }
    if it.encrypted:
        answer["KmsKeyId"] = _key(it)
    return answer


def function_arn(it: Function) -> str:
    return f"arn:aws:lambda:{it.region}:{it.account_id}:function:{it.id}"


def function(it: Function) -> Answer:
    """One element of ListFunctions, environment and all, as AWS answers it."""
    return {
        "FunctionName": it.id,
        "FunctionArn": function_arn(it),
        "Runtime": "python3.13",
        "PackageType": "Zip",
        "Role": f"arn:aws:iam::{it.account_id}:role/lambda",
        "Handler": "main.handler",
        "CodeSize": CODE_SIZE,
        "Description": "",
        "Timeout": 30,
        "MemorySize": it.memory_mb,
        "LastModified": f"{it.created_at:%Y-%m-%dT%H:%M:%S}.000+0000",
        "Version": "$LATEST",
        "Architectures": [it.architecture],
        "EphemeralStorage": {"Size": 512},
        "TracingConfig": {"Mode": "PassThrough"},
        "Environment": {"Variables": dict(it.environment)},
        "State": "Active",
    }


def function_urls(it: Function) -> list[Answer]:
    """ListFunctionUrlConfigs of a function."""
    if not it.open_url:
        return []
    created = f"{it.created_at:%Y-%m-%dT%H:%M:%S}.000000Z"
    return [
        {
            "FunctionUrl": f"https://{_number(it, 10**9):033d}.lambda-url.{it.region}.on.aws/",
            "FunctionArn": function_arn(it),
            "CreationTime": created,
            "LastModifiedTime": created,
            "AuthType": "NONE",
            "InvokeMode": "BUFFERED",
        }
    ]


def lambda_settings(functions: Sequence[Function]) -> Answer:
    """GetAccountSettings: nothing is reserved for any function."""
    return {
        "AccountLimit": {
            "TotalCodeSize": 80_530_636_800,
            "CodeSizeUnzipped": 262_144_000,
            "CodeSizeZipped": 52_428_800,
            "ConcurrentExecutions": 1_000,
            "UnreservedConcurrentExecutions": 1_000,
        },
        "AccountUsage": {
            "TotalCodeSize": CODE_SIZE * len(functions),
            "FunctionCount": len(functions),
        },
    }


def root_credentials(estate: Estate, account_id: str) -> str:
    """The root user's line of a credential report."""
    made = f"{estate.ago(days=1_500):%Y-%m-%dT%H:%M:%S}+00:00"
    mfa = str(estate.account(account_id).root_mfa).lower()
    unknown = ["not_supported", "no_information", "not_supported", "not_supported"]
    keys = ["false", "N/A", "N/A", "N/A", "N/A"]
    certificates = ["false", "N/A"]
    cells = [ROOT, f"arn:aws:iam::{account_id}:root", made, *unknown, mfa]
    return ",".join([*cells, *keys, *keys, *certificates, *certificates])
