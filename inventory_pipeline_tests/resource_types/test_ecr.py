"""ECR: sums over images, results of scans that are not there, and a simulated registry."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from inventory_pipeline.resource_types import ecr
from inventory_pipeline_tests.resource_types.collected import (
    children_of,
    client_of,
    collected,
    row_of,
)


def image(digest: str, day: int = 1, **more: Any) -> dict[str, Any]:
    pushed = datetime(2026, 1, day, tzinfo=UTC)
    return {"imageDigest": digest, "imagePushedAt": pushed, "imageSizeInBytes": 10, **more}


def scanned(**counts: int) -> dict[str, Any]:
    return {"imageScanFindingsSummary": {"findingSeverityCounts": counts}}


def test_findings_are_summed_over_images_that_have_results() -> None:
    images = [image("a", **scanned(CRITICAL=2, HIGH=1)), image("b", **scanned()), image("c")]
    repository = {"images": images}
    assert ecr.scanned_images(repository) == 2
    assert (ecr.findings("CRITICAL")(repository), ecr.findings("LOW")(repository)) == (2, 0)
    assert (ecr.image_count(repository), ecr.image_bytes(repository)) == (3, 30)


def test_no_result_is_not_no_finding() -> None:
    assert ecr.findings("CRITICAL")({"images": [image("a")]}) is None
    assert ecr.findings("CRITICAL")({"images": []}) is None
    assert ecr.latest_findings("HIGH")({}) is None
    assert ecr.latest_findings("HIGH")({"latest_findings": []}) is None
    assert ecr.latest_findings("HIGH")({"latest_findings": [{"HIGH": 3}, {"HIGH": 3}]}) == 3
    assert ecr.latest_findings("HIGH")({"latest_findings": [{"LOW": 3}]}) == 0


def test_images_not_read_are_unknown() -> None:
    for read in (ecr.images, ecr.image_count, ecr.image_bytes, ecr.scanned_images):
        assert read({"repositoryName": "r"}) is None
    assert ecr.has_lifecycle_policy({}) is None
    assert ecr.has_lifecycle_policy({"lifecycle": {}}) is False


def test_the_latest_image_is_the_one_pushed_last() -> None:
    assert ecr.latest_image({"images": [image("a", 2), image("b", 3), image("c", 1)]}) == {
        "imageDigest": "b"
    }
    assert ecr.latest_image({"images": []}) is None
    assert ecr.latest_image({}) is None
    assert ecr.nothing_pushed({"images": []})
    assert not ecr.nothing_pushed({"images": [image("a", 2)]})
    assert not ecr.nothing_pushed({})


def test_repositories(aws: str) -> None:
    client = client_of(aws, "ecr")
    made = client.create_repository(
        repositoryName="team/app",
        imageTagMutability="IMMUTABLE",
        imageScanningConfiguration={"scanOnPush": True},
        tags=[{"Key": "team", "Value": "x"}],
    )["repository"]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}
    client.set_repository_policy(
        repositoryName="team/app", policyText=json.dumps({"Statement": [statement]})
    )
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"mediaType": "x", "size": 7, "digest": "sha256:" + "0" * 64},
        "layers": [{"mediaType": "x", "size": 100, "digest": "sha256:" + "1" * 64}],
    }
    client.put_image(repositoryName="team/app", imageManifest=json.dumps(manifest), imageTag="v1")
    client.create_repository(repositoryName="empty")
    result = collected(aws, "ecr_repository")
    row = row_of(result, "team/app")
    assert row["arn"] == made["repositoryArn"]
    assert (row["tag_mutability"], row["scan_on_push"], row["images"]) == ("IMMUTABLE", True, 1)
    assert (row["registry_scan_type"], row["lifecycle_policy"]) == ("BASIC", False)
    assert row["tags"]["team"] == "x"
    (policy,) = children_of(result, "policy_statements", "team/app")
    assert (policy["public"], policy["resources"]) == (True, [])
    (found,) = children_of(result, "ecr_images", "team/app")
    assert found["image_tags"] == ["v1"]
    assert found["bytes"] == row["image_bytes"]
    assert found["last_pulled_at"] is None
    empty = row_of(result, "empty")
    assert (empty["images"], empty["image_bytes"], empty["policy_statements"]) == (0, 0, 0)
    assert empty["latest_findings_critical"] is None
