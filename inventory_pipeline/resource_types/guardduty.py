"""GuardDuty: what looks for threats, in each region, and at what."""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import Detail, Item, ResourceType, field


def enabled_features(detector: Item) -> list[str] | None:
    """Features that are on, and parts of them as FEATURE/PART."""
    if "detector" not in detector:
        return None
    found: list[str] = []
    for feature in detector["detector"].get("Features") or []:
        if feature.get("Status") == "ENABLED":
            found.append(feature["Name"])
            parts = feature.get("AdditionalConfiguration") or []
            found += [f"{feature['Name']}/{p['Name']}" for p in parts if p["Status"] == "ENABLED"]
    return found


GUARDDUTY_DETECTOR = ResourceType(
    name="guardduty_detector",
    table="guardduty_detectors",
    group="guardduty",
    service="guardduty",
    meaning="GuardDuty's detectors; a region has one or none.",
    operation="list_detectors",
    items="DetectorIds[].{DetectorId: @}",
    iam_actions=("guardduty:ListDetectors",),
    resource_id="DetectorId",
    arn="arn:{partition}:guardduty:{region}:{account_id}:detector/{resource_id}",
    name_source="DetectorId",
    state="detector.Status",
    created_at="detector.CreatedAt",
    tags="detector && (detector.Tags || `{}`)",
    fields=(
        field(
            "enabled_features",
            T.TEXT_LIST,
            "What it looks at: FLOW_LOGS, S3_DATA_EVENTS, RUNTIME_MONITORING, …",
            enabled_features,
        ),
        field(
            "publishing_frequency",
            T.TEXT,
            "How often findings that repeat are told.",
            "detector.FindingPublishingFrequency",
        ),
        field("role_arn", T.TEXT, "Role that it looks with.", "detector.ServiceRole"),
    ),
    details=(
        Detail("detector", "get_detector", {"DetectorId": "DetectorId"}, "guardduty:GetDetector"),
    ),
)

RESOURCE_TYPES = (GUARDDUTY_DETECTOR,)
