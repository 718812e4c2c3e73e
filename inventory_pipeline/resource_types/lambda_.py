"""Lambda: functions, by their configuration; of their environment only how much there is.

The calls are those that AWS's SecurityAudit allows: GetFunction could replace some, but whoever may
call it gets the code. AWS allows 15 calls a second for all of them together but policies, hence
no call of its own for a function's tags or, mostly, its reserved concurrency. Not here: what the
answers mean (`lambda_configuration`), event sources and the region's limits (`lambda_events`).
"""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types import lambda_configuration as of
from inventory_pipeline.resource_types.cell_tags import cell_tags, tags_of
from inventory_pipeline.resource_types.model import (
    Children,
    CostComponent,
    Detail,
    Metric,
    Relationship,
    ResourceType,
    field,
)
from inventory_pipeline.resource_types.policies import policy_children, policy_statement_count
from inventory_pipeline.resource_types.secrets_scan import VERSION

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
    tags=tags_of("FunctionArn"),
    gone=frozenset({"ResourceNotFoundException"}),
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
        field(
            "kms_key_arn",
            T.TEXT,
            "Key for environment variables; empty where AWS's own is used.",
            "KMSKeyArn || ''",
        ),
        field(
            "environment_variables",
            T.BIGINT,
            "Environment variables; NULL where the key refused to decrypt them.",
            of.environment_variables,
        ),
        field(
            "environment_secret_found",
            T.BOOLEAN,
            "Some environment value looks like a credential.",
            of.environment_secret_found,
        ),
        field(
            "environment_secret_detectors",
            T.TEXT_LIST,
            "Kinds of credential in its environment.",
            of.environment_secret_detectors,
        ),
        field(
            "environment_secret_scanner",
            T.TEXT,
            "Version of the detectors that looked.",
            lambda _: VERSION,
        ),
        field("vpc_id", T.TEXT, "VPC; empty outside any.", "VpcConfig.VpcId || ''"),
        field(
            "subnet_ids",
            T.TEXT_LIST,
            "Subnets in its VPC; their zones are its.",
            "VpcConfig.SubnetIds || `[]`",
        ),
        field("layer_arns", T.TEXT_LIST, "Layer versions.", of.layer_arns),
        field("layer_accounts", T.TEXT_LIST, "Accounts that own its layers.", of.layer_accounts),
        field(
            "dead_letter_arn",
            T.TEXT,
            "Queue or topic for events that failed; empty where none.",
            "DeadLetterConfig.TargetArn || ''",
        ),
        field(
            "failure_destinations",
            T.TEXT_LIST,
            "Where else events go that no asynchronous invocation could handle.",
            of.failure_destinations,
        ),
        field("tracing", T.TEXT, "Active or PassThrough.", "TracingConfig.Mode"),
        field(
            "function_urls",
            T.BIGINT,
            "Number of its URLs; NULL where they could not be read.",
            of.url_count,
        ),
        policy_statement_count(of.POLICY),
        field(
            "concurrency_reserved",
            T.BOOLEAN,
            "Some of the account's concurrency is kept for it.",
            of.concurrency_reserved,
        ),
        field(
            "reserved_concurrency",
            T.BIGINT,
            "How much, which is its limit as well; NULL where none is.",
            "concurrency.ReservedConcurrentExecutions",
        ),
        field(
            "provisioned_concurrency",
            T.BIGINT,
            "Instances kept warm for its aliases and versions, billed while they are.",
            of.provisioned_concurrency,
        ),
    ),
    details=(
        cell_tags("lambda:function"),
        Detail("account", "get_account_settings", {}, "lambda:GetAccountSettings", per_cell=True),
        Detail(
            "policy",
            "get_policy",
            {"FunctionName": "FunctionName"},
            "lambda:GetPolicy",
            absent=frozenset({"ResourceNotFoundException"}),
        ),
        Detail(
            "urls",
            "list_function_url_configs",
            {"FunctionName": "FunctionName"},
            "lambda:ListFunctionUrlConfigs",
            items="FunctionUrlConfigs[]",
        ),
        Detail(
            "asynchronous",
            "list_function_event_invoke_configs",
            {"FunctionName": "FunctionName"},
            "lambda:ListFunctionEventInvokeConfigs",
            items="FunctionEventInvokeConfigs[]",
        ),
        Detail(
            "provisioned",
            "list_provisioned_concurrency_configs",
            {"FunctionName": "FunctionName"},
            "lambda:ListProvisionedConcurrencyConfigs",
            items="ProvisionedConcurrencyConfigs[]",
        ),
        Detail(
            "concurrency",
            "get_function_concurrency",
            {"FunctionName": "FunctionName"},
            "lambda:GetFunctionConcurrency",
            unless=of.nothing_is_reserved,
        ),
    ),
    children=(Children(of.LAMBDA_FUNCTION_URLS, "urls"), policy_children(of.POLICY)),
    relationships=(
        Relationship("has_role", "iam_role", "[Role]"),
        Relationship("in_vpc", "vpc", "[VpcConfig.VpcId]"),
        Relationship("in_subnet", "subnet", "VpcConfig.SubnetIds"),
        Relationship("has_security_group", "security_group", "VpcConfig.SecurityGroupIds"),
        Relationship("logs_to", "log_group", "[LoggingConfig.LogGroup]"),
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
        Metric(
            "duration_maximum_ms",
            "Longest run in the window, milliseconds.",
            "AWS/Lambda",
            "Duration",
            "Maximum",
            "maximum",
            {"FunctionName": "FunctionName"},
            window_days=30,
        ),
        Metric(
            "memory_maximum_percent",
            "Most memory used, percent of what it has; only Lambda Insights tells.",
            "LambdaInsights",
            "memory_utilization",
            "Maximum",
            "maximum",
            {"function_name": of.measured_by_insights},
        ),
        Metric(
            "provisioned_maximum",
            "Highest share of provisioned concurrency in use, 0 to 1, of the alias with most.",
            "AWS/Lambda",
            "ProvisionedConcurrencyUtilization",
            "Maximum",
            "maximum",
            {"FunctionName": "FunctionName", "Resource": of.provisioned_resource},
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
