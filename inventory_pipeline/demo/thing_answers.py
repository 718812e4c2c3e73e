"""How AWS words those of the further resources that moto does not keep, or not like this.

Belongs here: shapes of AWS answers, by their API names. Not here: instances, databases and
functions (`answers`), what moto keeps (`stock`).
"""

from datetime import timedelta

from inventory_pipeline.demo import answers
from inventory_pipeline.demo.answers import Answer
from inventory_pipeline.demo.estate import Instance, Thing
from inventory_pipeline.demo.network import network

ONE_YEAR = timedelta(days=365)


def interface(it: Thing) -> Answer:
    """One element of DescribeNetworkInterfaces: an instance's."""
    instance: Instance = it.about["instance"]
    return {
        **answers.interface(instance),
        "Attachment": {
            "AttachTime": it.created_at,
            "DeleteOnTermination": True,
            "DeviceIndex": 0,
            "InstanceId": instance.id,
            "InstanceOwnerId": instance.account_id,
            "Status": "attached",
        },
        "AvailabilityZone": f"{it.region}a",
        "Description": "",
        "Groups": [{"GroupId": network(it).group, "GroupName": "default"}],
        "InterfaceType": "interface",
        "RequesterManaged": False,
        "SourceDestCheck": True,
        "TagSet": [],
    }


def address(it: Thing) -> Answer:
    """One element of DescribeAddresses: an instance's, a NAT gateway's or nobody's."""
    answer: Answer = {
        "AllocationId": it.id,
        "Domain": "vpc",
        "PublicIp": answers.address_of(it),
        "NetworkBorderGroup": it.region,
        "PublicIpv4Pool": "amazon",
        "Tags": answers.tag_list(it.tags),
    }
    instance: Instance | None = it.about.get("instance")
    if instance:
        shown = answers.interface(instance)
        answer |= {
            "AssociationId": it.id.replace("eipalloc-", "eipassoc-"),
            "InstanceId": instance.id,
            "NetworkInterfaceId": shown["NetworkInterfaceId"],
            "NetworkInterfaceOwnerId": it.account_id,
            "PrivateIpAddress": shown["PrivateIpAddress"],
            "PublicIp": answers.public_address(instance),
        }
    elif it.about.get("nat"):
        answer |= {
            "AssociationId": it.id.replace("eipalloc-", "eipassoc-"),
            "NetworkInterfaceId": it.id.replace("eipalloc-", "eni-"),
            "NetworkInterfaceOwnerId": it.account_id,
            "ServiceManaged": "nat",
        }
    return answer


def nat_gateway(it: Thing) -> Answer:
    """One element of DescribeNatGateways."""
    home = network(it)
    return {
        "NatGatewayId": it.id,
        "State": "available",
        "ConnectivityType": "public",
        "CreateTime": it.created_at,
        "VpcId": home.vpc,
        "SubnetId": home.subnet,
        "NatGatewayAddresses": [
            {"PublicIp": answers.address_of(it), "PrivateIp": "10.0.255.1", "IsPrimary": True}
        ],
        "Tags": answers.tag_list(it.tags),
    }


def snapshot(it: Thing) -> Answer:
    """One element of DescribeSnapshots."""
    return {
        "SnapshotId": it.id,
        "VolumeId": it.id.replace("snap-", "vol-"),
        "VolumeSize": 8,
        "FullSnapshotSizeInBytes": 3 * 2**30,
        "State": "completed",
        "Progress": "100%",
        "StartTime": it.created_at,
        "OwnerId": it.account_id,
        "Description": "",
        "Encrypted": False,
        "StorageTier": "standard",
        "Tags": answers.tag_list(it.tags),
    }


def reservation(it: Thing) -> Answer:
    """One element of DescribeReservedInstances: an m5.large for a year, half of it over."""
    start = it.created_at
    return {
        "ReservedInstancesId": it.id,
        "InstanceType": "m5.large",
        "InstanceCount": 1,
        "ProductDescription": "Linux/UNIX",
        "InstanceTenancy": "default",
        "OfferingClass": "standard",
        "OfferingType": "No Upfront",
        "Scope": "Region",
        "State": "active",
        "Start": start,
        "End": start + ONE_YEAR,
        "Duration": int(ONE_YEAR.total_seconds()),
        "CurrencyCode": "USD",
        "FixedPrice": 0.0,
        "UsagePrice": 0.0,
        "RecurringCharges": [{"Amount": 0.06, "Frequency": "Hourly"}],
        "Tags": answers.tag_list(it.tags),
    }


def savings_plan(it: Thing) -> Answer:
    """One element of DescribeSavingsPlans: a dollar every ten hours for a year."""
    start = it.created_at
    return {
        "savingsPlanId": it.id,
        "savingsPlanArn": f"arn:aws:savingsplans::{it.account_id}:savingsplan/{it.id}",
        "savingsPlanType": "Compute",
        "productTypes": ["EC2", "Fargate", "Lambda"],
        "paymentOption": "No Upfront",
        "state": "active",
        "start": f"{start:%Y-%m-%dT%H:%M:%S}.000Z",
        "end": f"{start + ONE_YEAR:%Y-%m-%dT%H:%M:%S}.000Z",
        "termDurationInSeconds": int(ONE_YEAR.total_seconds()),
        "currency": "USD",
        "commitment": "0.10000000",
        "upfrontPaymentAmount": "0.0",
        "recurringPaymentAmount": "73.0",
        "tags": dict(it.tags),
    }


def analyzer(it: Thing) -> Answer:
    """One element of ListAnalyzers."""
    return {
        "name": it.id,
        "arn": f"arn:aws:access-analyzer:{it.region}:{it.account_id}:analyzer/{it.id}",
        "type": "ACCOUNT",
        "status": "ACTIVE",
        "createdAt": it.created_at,
        "tags": dict(it.tags),
    }


def certificate(it: Thing) -> Answer:
    """What ListCertificates and DescribeCertificate say of one that has expired."""
    number = it.created_at.toordinal()
    return {
        "CertificateArn": f"arn:aws:acm:{it.region}:{it.account_id}:certificate/"
        f"c0ffee00-0000-4000-8000-{number:012d}",
        "DomainName": it.id,
        "SubjectAlternativeNames": [it.id],
        "Status": "EXPIRED",
        "Type": "IMPORTED",
        "KeyAlgorithm": "RSA_2048",
        "SignatureAlgorithm": "SHA256WITHRSA",
        "NotBefore": it.created_at,
        "NotAfter": it.about["expired_at"],
        "CreatedAt": it.created_at,
        "ImportedAt": it.created_at,
        "InUse": False,
        "InUseBy": [],
        "RenewalEligibility": "INELIGIBLE",
        "Options": {"CertificateTransparencyLoggingPreference": "ENABLED"},
    }
