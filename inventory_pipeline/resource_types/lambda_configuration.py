"""What AWS's answers say of a Lambda function: the sources of `lambda_`'s columns.

Environment values are scanned for credentials in memory and forgotten; names are only counted.
"""

from collections.abc import Sequence

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import ChildTable, Item, field
from inventory_pipeline.resource_types.policies import policy_document
from inventory_pipeline.resource_types.secrets_scan import ScanResult, scan

POLICY = policy_document("policy", "Policy")


# -- environment -------------------------------------------------------------------------------


def environment_variables(function: Item) -> int | None:
    """How many variables it has; None where AWS could not decrypt them for the reader."""
    environment = function.get("Environment") or {}
    return None if "Error" in environment else len(environment.get("Variables") or {})


def environment_scan(function: Item) -> ScanResult | None:
    """What credentials its environment holds; None where it could not be decrypted."""
    environment = function.get("Environment") or {}
    if "Error" in environment:
        return None
    variables = environment.get("Variables") or {}
    return scan("\n".join(f"{name}={value}" for name, value in variables.items()))


def environment_secret_found(function: Item) -> bool | None:
    result = environment_scan(function)
    return None if result is None else result.found


def environment_secret_detectors(function: Item) -> Sequence[str] | None:
    result = environment_scan(function)
    return None if result is None else result.detectors


# -- code --------------------------------------------------------------------------------------


def layer_arns(function: Item) -> list[str]:
    return [layer["Arn"] for layer in function.get("Layers") or []]


def layer_accounts(function: Item) -> list[str]:
    """Accounts that own its layers: the fifth part of arn:aws:lambda:region:account:layer:…"""
    return sorted({parts[4] for arn in layer_arns(function) if len(parts := arn.split(":")) > 4})


def measured_by_insights(function: Item) -> str | None:
    """Its name where it has the layer that reports memory; CloudWatch knows nothing otherwise."""
    insights = any(":layer:LambdaInsightsExtension" in arn for arn in layer_arns(function))
    return function.get("FunctionName") if insights else None


# -- URLs --------------------------------------------------------------------------------------


def qualifier(config: Item) -> str:
    """The alias or version in a configuration's ARN; `$LATEST` where it names none."""
    parts = config.get("FunctionArn", "").split(":")
    return parts[7] if len(parts) > 7 else "$LATEST"


def url_count(function: Item) -> int | None:
    return len(function["urls"]) if "urls" in function else None


LAMBDA_FUNCTION_URLS = ChildTable(
    name="lambda_function_urls",
    meaning="URLs of Lambda functions: who may call them, and from which web origins.",
    grain="one URL of a function, or of an alias of it",
    fields=(
        field("url", T.TEXT, "The URL.", "FunctionUrl"),
        field("qualifier", T.TEXT, "Alias that it calls, or $LATEST.", qualifier),
        field("auth_type", T.TEXT, "AWS_IAM, or NONE: everyone may call it.", "AuthType"),
        field("invoke_mode", T.TEXT, "BUFFERED or RESPONSE_STREAM.", "InvokeMode"),
        field(
            "cors_origins",
            T.TEXT_LIST,
            "Web origins that may call it; empty where none.",
            "Cors.AllowOrigins || `[]`",
        ),
        field(
            "cors_methods",
            T.TEXT_LIST,
            "Methods that those may use.",
            "Cors.AllowMethods || `[]`",
        ),
        field(
            "cors_credentials",
            T.BOOLEAN,
            "Their calls may carry credentials.",
            "Cors.AllowCredentials || `false`",
        ),
        field("created_at", T.TIMESTAMP, "When it was made.", "CreationTime"),
    ),
)


# -- concurrency -------------------------------------------------------------------------------


def nothing_is_reserved(function: Item) -> bool:
    """Whether no function of the account in the region has concurrency of its own."""
    limits = function.get("account", {}).get("AccountLimit", {})
    unreserved = limits.get("UnreservedConcurrentExecutions")
    return unreserved is not None and unreserved == limits.get("ConcurrentExecutions")


def concurrency_reserved(function: Item) -> bool | None:
    if "concurrency" in function:
        return "ReservedConcurrentExecutions" in function["concurrency"]
    return False if nothing_is_reserved(function) else None


def provisioned_concurrency(function: Item) -> int | None:
    if "provisioned" not in function:
        return None
    return sum(int(c["RequestedProvisionedConcurrentExecutions"]) for c in function["provisioned"])


def provisioned_resource(function: Item) -> str | None:
    """`function:alias`, as CloudWatch names the one with most provisioned; None without any."""
    configs = function.get("provisioned") or []
    if not configs:
        return None
    most = max(configs, key=lambda c: int(c["RequestedProvisionedConcurrentExecutions"]))
    return f"{function.get('FunctionName')}:{qualifier(most)}"


# -- failures ----------------------------------------------------------------------------------


def failure_destinations(function: Item) -> list[str] | None:
    """Where events go that no asynchronous invocation could handle, of it or of an alias."""
    if "asynchronous" not in function:
        return None
    found = (
        config.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        for config in function["asynchronous"]
    )
    return sorted({destination for destination in found if destination})
