"""How AWS words the simulated resources: each one as its Describe or List call answers it.

Belongs here: shapes of AWS answers, by their API names. Not here: transport (`simulation`) or
metrics (`cloudwatch`).
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from inventory_pipeline.demo.estate import (
    DISABLED_REGION,
    ENABLED_REGIONS,
    UNPRICED_REGION,
    Cluster,
    Database,
    Function,
    Instance,
    Resource,
    Volume,
)

Answer = dict[str, Any]

IMAGE = "ami-0a1b2c3d4e5f60718"
"""What every instance was made from."""


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


def _network(resource: Resource) -> dict[str, str]:
    home = hashlib.sha256(f"{resource.account_id}/{resource.region}".encode()).hexdigest()
    return {
        "vpc": f"vpc-{home[:17]}",
        "subnet": f"subnet-{home[17:34]}",
        "group": f"sg-{home[34:51]}",
    }


def _public_address(instance: Instance) -> str | None:
    """An Elastic IP stays with a stopped instance; a public address does not."""
    if instance.address == "none" or (instance.address == "public" and not instance.running):
        return None
    number = _number(instance, 256**2)
    return f"203.0.{number // 256}.{number % 256}"


def instance(it: Instance, volumes: Sequence[Volume]) -> Answer:
    """One element of DescribeInstances; `volumes` are those attached to it."""
    network = _network(it)
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
        "VpcId": network["vpc"],
        "SubnetId": network["subnet"],
        "SecurityGroups": [{"GroupId": network["group"], "GroupName": "default"}],
        "NetworkInterfaces": [_interface(it)],
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
    if address := _public_address(it):
        answer["PublicIpAddress"] = address
    if it.windows:
        answer["Platform"] = "windows"
    if it.spot:
        answer["InstanceLifecycle"] = "spot"
    return answer


def image_metadata(it: Instance) -> Answer:
    """One element of DescribeInstanceImageMetadata."""
    return {
        "InstanceId": it.id,
        "ImageMetadata": {
            "ImageId": IMAGE,
            "Name": "golden",
            "OwnerId": it.account_id,
            "State": "available",
            "CreationDate": f"{it.created_at:%Y-%m-%dT%H:%M:%S}.000Z",
        },
    }


def _device(number: int) -> str:
    return "/dev/xvda" if number == 0 else f"/dev/sd{'fghijklmnop'[number - 1]}"


def _interface(it: Instance) -> Answer:
    network = _network(it)
    number = _number(it, 256**2)
    private = f"10.0.{number // 256}.{number % 256}"
    address: Answer = {"Primary": True, "PrivateIpAddress": private}
    if public := _public_address(it):
        owner = it.account_id if it.address == "elastic" else "amazon"
        address["Association"] = {"PublicIp": public, "IpOwnerId": owner}
    return {
        "NetworkInterfaceId": it.id.replace("i-", "eni-"),
        "Status": "in-use",
        "OwnerId": it.account_id,
        "VpcId": network["vpc"],
        "SubnetId": network["subnet"],
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
    network = _network(it)
    postgres = it.engine == "postgres"
    answer: Answer = {
        "DBInstanceIdentifier": it.id,
        "DBInstanceArn": f"arn:aws:rds:{it.region}:{it.account_id}:db:{it.id}",
        "DBInstanceClass": it.instance_class,
        "DBInstanceStatus": "available",
        "Engine": it.engine,
        "EngineVersion": "16.4" if postgres else "8.0.39",
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
        "DBSubnetGroup": {"DBSubnetGroupName": "default", "VpcId": network["vpc"]},
        "VpcSecurityGroups": [{"VpcSecurityGroupId": network["group"], "Status": "active"}],
        "TagList": tag_list(it.tags),
    }
    if it.iops:
        answer["Iops"] = it.iops
    if it.encrypted:
        answer["KmsKeyId"] = _key(it)
    if it.cluster_id:
        answer["DBClusterIdentifier"] = it.cluster_id
    return answer


def engine_version(engine: tuple[str, str]) -> Answer:
    """One element of DescribeDBEngineVersions."""
    name, version = engine
    return {"Engine": name, "EngineVersion": version, "Status": "available"}


def cluster(it: Cluster) -> Answer:
    """One element of DescribeDBClusters; Aurora says that it has 1 GiB allocated."""
    answer: Answer = {
        "DBClusterIdentifier": it.id,
        "DBClusterArn": f"arn:aws:rds:{it.region}:{it.account_id}:cluster:{it.id}",
        "Status": "available",
        "Engine": it.engine,
        "EngineVersion": "8.0.mysql_aurora.3.08.0",
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
            {"VpcSecurityGroupId": _network(it)["group"], "Status": "active"},
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
        "CodeSize": 120_000,
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
