"""Lambda: functions, by their configuration; environment values are never read out of an answer."""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import (
    CostComponent,
    Detail,
    Metric,
    Relationship,
    ResourceType,
    field,
)

# The metrics' window is 30 days of 24 hours; a month is 730 hours.
_MONTH_PER_WINDOW = "1.013888888889"


def gb_seconds(megabytes: str) -> str:
    """GB-seconds a month of so many MiB held while the function runs; 1 / 1,024,000 is exact."""
    # Wider than 18 digits, since DuckDB multiplies narrower decimals in 64 bits.
    return (
        f"CAST(CAST(r.duration_ms AS DECIMAL(19,3)) * CAST({megabytes} AS DECIMAL(5,0))"
        f" * 0.0000009765625 AS DECIMAL(18,6)) * {_MONTH_PER_WINDOW}"
    )


LAMBDA_FUNCTION = ResourceType(
    name="lambda_function",
    table="lambda_functions",
    group="lambda",
    service="lambda",
    meaning="Lambda functions.",
    operation="list_functions",
    items="Functions[]",
    iam_actions=("lambda:ListFunctions",),
    resource_id="FunctionName",
    arn="FunctionArn",
    name_source="FunctionName",
    # ListFunctions leaves State out of AWS's answers (GetFunction has it), so it is often NULL.
    state="State",
    tags="tags.Tags",
    fields=(
        field("runtime", T.TEXT, "Runtime; NULL for container images.", "Runtime"),
        field("package_type", T.TEXT, "Zip or Image.", "PackageType"),
        field("architecture", T.TEXT, "x86_64 or arm64.", "Architectures[0]"),
        field("memory_mb", T.BIGINT, "Memory, MiB.", "MemorySize"),
        field("timeout_seconds", T.BIGINT, "Time limit.", "Timeout"),
        field(
            "ephemeral_storage_mb",
            T.BIGINT,
            "Size of its scratch disk, MiB.",
            "EphemeralStorage.Size",
        ),
        field("code_bytes", T.BIGINT, "Size of the code package.", "CodeSize"),
        field(
            "last_modified_at", T.TIMESTAMP, "Last change of code or configuration.", "LastModified"
        ),
        field("role_arn", T.TEXT, "Execution role.", "Role"),
        field("kms_key_arn", T.TEXT, "Key for environment variables.", "KMSKeyArn"),
        field("vpc_id", T.TEXT, "VPC.", "VpcConfig.VpcId || `null`"),
        field("dead_letter_arn", T.TEXT, "Dead-letter target.", "DeadLetterConfig.TargetArn"),
        field("tracing", T.TEXT, "Active or PassThrough.", "TracingConfig.Mode"),
    ),
    details=(Detail("tags", "list_tags", {"Resource": "FunctionArn"}, "lambda:ListTags"),),
    relationships=(
        Relationship("has_role", "iam_role", "[Role]"),
        Relationship("in_vpc", "vpc", "[VpcConfig.VpcId]"),
    ),
    metrics=(
        Metric(
            "invocations",
            "Invocations in the window.",
            "AWS/Lambda",
            "Invocations",
            "Sum",
            "sum",
            {"FunctionName": "FunctionName"},
            window_days=30,
            period_seconds=86400,
            absent_is_zero=True,
        ),
        Metric(
            "errors",
            "Failed invocations in the window.",
            "AWS/Lambda",
            "Errors",
            "Sum",
            "sum",
            {"FunctionName": "FunctionName"},
            window_days=30,
            period_seconds=86400,
            absent_is_zero=True,
        ),
        Metric(
            "duration_ms",
            "Milliseconds run in the window, in all.",
            "AWS/Lambda",
            "Duration",
            "Sum",
            "sum",
            {"FunctionName": "FunctionName"},
            window_days=30,
            period_seconds=86400,
            absent_is_zero=True,
        ),
    ),
    costs=(
        CostComponent(
            "requests",
            "lambda",
            "'requests'",
            "request",
            f"CAST(r.invocations AS DECIMAL(18,6)) * {_MONTH_PER_WINDOW}",
            unknown="'invocations not observed'",
            tiered_over="account",
        ),
        CostComponent(
            "duration",
            "lambda",
            "'duration:' || r.architecture",
            "GB-second",
            gb_seconds("r.memory_mb"),
            unknown="'duration not observed'",
            tiered_over="account",
        ),
        CostComponent(
            "scratch_disk",
            "lambda",
            "'ephemeral_storage'",
            "GB-second",
            # The first 512 MiB are free.
            gb_seconds("r.ephemeral_storage_mb - 512"),
            applies="r.ephemeral_storage_mb > 512",
            unknown="'duration not observed'",
        ),
    ),
)

RESOURCE_TYPES = (LAMBDA_FUNCTION,)
