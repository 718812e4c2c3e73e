"""Actions that AWS can confine to the account's own resources, and how a service names them.

Belongs here: actions that read one named resource of the account at a time. An action that is not
here is allowed on `*`, which is right for all that list (most of them know no resource) and for
what is also asked of others' resources. Which ARNs an action knows is in AWS's service
authorization reference, by which the tests check this list.
"""

from collections.abc import Mapping
from typing import Any

from inventory_pipeline.infrastructure.policies import sub

_NAMES: Mapping[str, tuple[str, ...]] = {
    "apigateway": ("GET",),
    "acm": (
        "DescribeCertificate",
        "ListTagsForCertificate",
    ),
    "cloudtrail": (
        "GetEventSelectors",
        "GetInsightSelectors",
        "GetTrailStatus",
        "ListTags",
    ),
    "config": ("DescribeConfigurationRecorderStatus",),
    "dynamodb": (
        "DescribeContinuousBackups",
        "DescribeTable",
        "GetResourcePolicy",
    ),
    "ecr": (
        "BatchGetRepositoryScanningConfiguration",
        "DescribeImageScanFindings",
        "GetLifecyclePolicy",
        "GetRepositoryPolicy",
        "ListTagsForResource",
    ),
    "ecs": ("DescribeClusters",),
    "eks": (
        "DescribeCluster",
        "DescribeNodegroup",
    ),
    "elasticfilesystem": (
        "DescribeBackupPolicy",
        "DescribeFileSystemPolicy",
        "DescribeLifecycleConfiguration",
    ),
    "guardduty": ("GetDetector",),
    "iam": (
        "GetAccessKeyLastUsed",
        "GetInstanceProfile",
    ),
    "kms": (
        "DescribeKey",
        "GetKeyLastUsage",
        "GetKeyPolicy",
        "GetKeyRotationStatus",
    ),
    "lambda": (
        "GetFunctionConcurrency",
        "GetPolicy",
    ),
    "redshift": ("DescribeLoggingStatus",),
    "s3": (
        "GetAccessPointPolicy",
        "GetAccessPointPolicyStatus",
        "GetBucketAcl",
        "GetBucketLocation",
        "GetBucketLogging",
        "GetBucketObjectLockConfiguration",
        "GetBucketOwnershipControls",
        "GetBucketPolicy",
        "GetBucketPolicyStatus",
        "GetBucketPublicAccessBlock",
        "GetBucketTagging",
        "GetBucketVersioning",
        "GetEncryptionConfiguration",
        "GetInventoryConfiguration",
        "GetLifecycleConfiguration",
        "GetMultiRegionAccessPointPolicy",
        "GetMultiRegionAccessPointPolicyStatus",
        "GetReplicationConfiguration",
    ),
    "secretsmanager": ("GetResourcePolicy",),
    "sns": (
        "GetTopicAttributes",
        "ListTagsForResource",
    ),
    "sqs": (
        "GetQueueAttributes",
        "ListQueueTags",
    ),
    "states": ("DescribeStateMachine",),
}

CONFINED = frozenset(f"{service}:{name}" for service, names in _NAMES.items() for name in names)
"""Such actions, as IAM writes them."""

CONDITIONS: Mapping[str, Mapping[str, Any]] = {
    # An ARN of S3 does not say whose a bucket is.
    "s3": {"StringEquals": {"s3:ResourceAccount": {"Ref": "AWS::AccountId"}}},
}

_ARNS: Mapping[str, tuple[str, ...]] = {
    # Its one reading action also gives the values of API keys, elsewhere.
    "apigateway": tuple(
        f"arn:${{AWS::Partition}}:apigateway:*::/{path}"
        for path in ("apis", "apis/*/stages", "restapis", "restapis/*/stages")
    ),
    # The ARNs of images and snapshots have no account.
    "ec2": (
        "arn:${AWS::Partition}:ec2:*::*",
        "arn:${AWS::Partition}:ec2:*:${AWS::AccountId}:*",
    ),
    # Roles and users of the account also have AWS's own policies.
    "iam": (
        "arn:${AWS::Partition}:iam::${AWS::AccountId}:*",
        "arn:${AWS::Partition}:iam::aws:policy/*",
    ),
    # Buckets, and access points.
    "s3": ("arn:${AWS::Partition}:s3:::*", "arn:${AWS::Partition}:s3:*:${AWS::AccountId}:*"),
}


def own_resources(service: str) -> list[object]:
    """The resources of a service that confined actions may be used on."""
    regional = f"arn:${{AWS::Partition}}:{service}:*:${{AWS::AccountId}}:*"
    return [sub(arn) for arn in _ARNS.get(service, (regional,))]
