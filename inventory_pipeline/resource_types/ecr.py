"""ECR: repositories with their images, how these are scanned and what was found; no layers."""

from collections.abc import Callable
from typing import Any

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import (
    Batch,
    Children,
    ChildTable,
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

POLICY = policy_document("policy", "policyText")

SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW")

ECR_IMAGES = ChildTable(
    name="ecr_images",
    meaning="Images of ECR repositories.",
    grain="one image of a repository",
    fields=(
        field("digest", T.TEXT, "Digest of its manifest.", "imageDigest"),
        field("image_tags", T.TEXT_LIST, "Its tags; empty for an untagged one.", "tags"),
        field("bytes", T.BIGINT, "Compressed size; layers may be other images' too.", "bytes"),
        field("pushed_at", T.TIMESTAMP, "Last push.", "imagePushedAt"),
        field(
            "last_pulled_at",
            T.TIMESTAMP,
            "Last pull that ECR recorded; NULL where none.",
            "lastRecordedPullTime",
        ),
        field("status", T.TEXT, "ACTIVE, ARCHIVED or ACTIVATING.", "imageStatus"),
        field("scan_status", T.TEXT, "COMPLETE, ACTIVE, FAILED, …", "imageScanStatus.status"),
        *(
            field(
                f"findings_{severity.lower()}",
                T.BIGINT,
                f"Vulnerabilities found: {severity}; NULL where ECR lists none with the image.",
                f"findings.{severity}",
            )
            for severity in SEVERITIES
        ),
    ),
)


def images(repository: Item) -> list[dict[str, Any]] | None:
    """Rows of `ecr_images`; None where they were not read."""
    if "images" not in repository:
        return None
    return [
        {
            **image,
            "tags": image.get("imageTags") or [],
            "bytes": image.get("imageSizeInBytes"),
            "findings": findings_of(image),
        }
        for image in repository["images"]
    ]


def findings_of(image: Item) -> dict[str, int] | None:
    """Vulnerabilities by severity; None where the image was not scanned, or ECR says it elsewhere.

    What was scanned has a summary; of a severity that it leaves out there are none.
    """
    summary = image.get("imageScanFindingsSummary")
    if summary is None:
        return None
    counts = summary.get("findingSeverityCounts") or {}
    return {severity: counts.get(severity, 0) for severity in SEVERITIES}


def image_count(repository: Item) -> int | None:
    found = images(repository)
    return None if found is None else len(found)


def image_bytes(repository: Item) -> int | None:
    found = images(repository)
    return None if found is None else sum(image["bytes"] or 0 for image in found)


def scanned_images(repository: Item) -> int | None:
    found = images(repository)
    return None if found is None else sum(image["findings"] is not None for image in found)


def findings(severity: str) -> Callable[[Item], int | None]:
    """A source: a severity's vulnerabilities in all images; None where no image has a summary."""

    def count(repository: Item) -> int | None:
        summaries = [image["findings"] for image in images(repository) or []]
        counts = [summary[severity] for summary in summaries if summary is not None]
        return sum(counts) if counts else None

    return count


def latest_image(repository: Item) -> dict[str, str] | None:
    """The image that was pushed last, as DescribeImageScanFindings wants it; None where none."""
    pushed = [image for image in repository.get("images") or [] if image.get("imagePushedAt")]
    if not pushed:
        return None
    latest = max(pushed, key=lambda image: image["imagePushedAt"])
    return {"imageDigest": latest["imageDigest"]}


def nothing_pushed(repository: Item) -> bool:
    return "images" in repository and latest_image(repository) is None


def latest_findings(severity: str) -> Callable[[Item], int | None]:
    """A source: a severity's vulnerabilities in the latest image; None where it has no result."""

    def count(repository: Item) -> int | None:
        # Every page of a scan's findings has the whole scan's counts.
        found = repository.get("latest_findings") or [None]
        return None if found[0] is None else int(found[0].get(severity, 0))

    return count


def has_lifecycle_policy(repository: Item) -> bool | None:
    if "lifecycle" not in repository:
        return None
    return bool(repository["lifecycle"].get("lifecyclePolicyText"))


_REPOSITORY = {"repositoryName": "repositoryName"}

ECR_REPOSITORY = ResourceType(
    name="ecr_repository",
    table="ecr_repositories",
    group="ecr",
    service="ecr",
    meaning="ECR repositories of the private registry.",
    operation="describe_repositories",
    arguments={"maxResults": 1000},
    items="repositories[]",
    iam_actions=("ecr:DescribeRepositories",),
    resource_id="repositoryName",
    arn="repositoryArn",
    name_source="repositoryName",
    created_at="createdAt",
    tags="tags.tags",
    gone=frozenset({"RepositoryNotFoundException"}),
    fields=(
        field("uri", T.TEXT, "Where images are pulled from.", "repositoryUri"),
        field(
            "tag_mutability",
            T.TEXT,
            "MUTABLE, IMMUTABLE, or either …_WITH_EXCLUSION.",
            "imageTagMutability",
        ),
        field(
            "scan_on_push",
            T.BOOLEAN,
            "The repository's own setting, which the registry's overrides.",
            "imageScanningConfiguration.scanOnPush",
        ),
        field(
            "scan_frequency",
            T.TEXT,
            "In force, by the registry's rules: SCAN_ON_PUSH, CONTINUOUS_SCAN or MANUAL.",
            "scanning.scanFrequency",
        ),
        field(
            "registry_scan_type",
            T.TEXT,
            "How the registry scans: BASIC or ENHANCED (Inspector).",
            "registry.scanningConfiguration.scanType",
        ),
        field(
            "encryption", T.TEXT, "AES256, KMS, KMS_DSSE.", "encryptionConfiguration.encryptionType"
        ),
        field("kms_key_id", T.TEXT, "KMS key; NULL for AES256.", "encryptionConfiguration.kmsKey"),
        field(
            "lifecycle_policy", T.BOOLEAN, "It has rules that expire images.", has_lifecycle_policy
        ),
        field("images", T.BIGINT, "Images.", image_count),
        field(
            "image_bytes",
            T.BIGINT,
            "Sizes of images in sum: at least what is billed, since images share layers.",
            image_bytes,
        ),
        field(
            "scanned_images",
            T.BIGINT,
            "Images that are listed with a scan's result.",
            scanned_images,
        ),
        *(
            field(
                f"findings_{severity.lower()}",
                T.BIGINT,
                f"Vulnerabilities in scanned images in sum: {severity}; NULL where none is.",
                findings(severity),
            )
            for severity in SEVERITIES
        ),
        *(
            field(
                f"latest_findings_{severity.lower()}",
                T.BIGINT,
                f"Vulnerabilities in the image pushed last: {severity}; NULL without a result.",
                latest_findings(severity),
            )
            for severity in SEVERITIES
        ),
        policy_statement_count(POLICY),
    ),
    volatile=frozenset({"images", "image_bytes", "scanned_images"}),
    details=(
        Detail(
            "registry",
            "get_registry_scanning_configuration",
            {},
            "ecr:GetRegistryScanningConfiguration",
            per_cell=True,
        ),
        Detail(
            "scanning",
            "batch_get_repository_scanning_configuration",
            {},
            "ecr:BatchGetRepositoryScanningConfiguration",
            batch=Batch(
                "repositoryNames",
                "repositoryName",
                "scanningConfigurations[]",
                "repositoryName",
                size=25,
            ),
        ),
        Detail(
            "policy",
            "get_repository_policy",
            _REPOSITORY,
            "ecr:GetRepositoryPolicy",
            frozenset({"RepositoryPolicyNotFoundException"}),
        ),
        Detail(
            "lifecycle",
            "get_lifecycle_policy",
            _REPOSITORY,
            "ecr:GetLifecyclePolicy",
            frozenset({"LifecyclePolicyNotFoundException"}),
        ),
        Detail(
            "images",
            "describe_images",
            {**_REPOSITORY, "maxResults": 1000},
            "ecr:DescribeImages",
            items="imageDetails[]",
        ),
        # Basic scanning no longer lists its results with images; asked for each it would be a call
        # an image.
        Detail(
            "latest_findings",
            "describe_image_scan_findings",
            {**_REPOSITORY, "imageId": latest_image, "maxResults": 1000},
            "ecr:DescribeImageScanFindings",
            frozenset({"ScanNotFoundException", "ImageNotFoundException"}),
            items="[imageScanFindings.findingSeverityCounts]",
            unless=nothing_pushed,
        ),
        Detail(
            "tags",
            "list_tags_for_resource",
            {"resourceArn": "repositoryArn"},
            "ecr:ListTagsForResource",
        ),
    ),
    children=(policy_children(POLICY), Children(ECR_IMAGES, images)),
    relationships=(Relationship("encrypted_by", "kms_key", "[encryptionConfiguration.kmsKey]"),),
)

RESOURCE_TYPES = (ECR_REPOSITORY,)
