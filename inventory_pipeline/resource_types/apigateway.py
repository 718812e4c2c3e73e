"""API Gateway: REST APIs, HTTP and WebSocket APIs, and the stages of both.

Values of stage variables are not kept: they may be secrets.
"""

import json
from collections.abc import Mapping
from typing import Any

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import (
    Children,
    ChildTable,
    Detail,
    Item,
    Relationship,
    ResourceType,
    field,
)
from inventory_pipeline.resource_types.policies import policy_children, policy_statement_count

_GONE = frozenset({"NotFoundException"})
# Settings of a REST API's stage for all methods that have none of their own.
_ALL_METHODS = "*/*"

API_GATEWAY_STAGES = ChildTable(
    name="api_gateway_stages",
    meaning="Stages of API Gateway APIs, of REST APIs and of HTTP and WebSocket APIs.",
    grain="one stage of an API",
    fields=tuple(
        field(name, kind, meaning, name)
        for name, kind, meaning in (
            ("stage", T.TEXT, "Name."),
            ("created_at", T.TIMESTAMP, "When it was made."),
            ("updated_at", T.TIMESTAMP, "Last change."),
            (
                "access_log_arn",
                T.TEXT,
                "Log group or delivery stream of its access log; empty where it has none.",
            ),
            ("log_level", T.TEXT, "What of its runs is logged by default: OFF, ERROR or INFO."),
            ("data_trace", T.BOOLEAN, "Some method logs whole requests and answers."),
            ("metrics", T.BOOLEAN, "Metrics of each method, which are billed, are on."),
            ("tracing", T.BOOLEAN, "X-Ray traces it; HTTP and WebSocket APIs cannot."),
            ("throttle_rate", T.DOUBLE, "Requests a second by default; NULL is the account's."),
            ("throttle_burst", T.BIGINT, "Requests at once by default; NULL is the account's."),
            ("web_acl_arn", T.TEXT, "Its web ACL; empty where none, NULL where not readable here."),
            ("client_certificate", T.BOOLEAN, "It shows backends a certificate."),
            ("cache", T.BOOLEAN, "It has a cache, billed by the hour; REST APIs alone can."),
            ("cache_gb", T.DOUBLE, "Size of the cache; NULL where it has none."),
            ("cache_encrypted", T.BOOLEAN, "All that it caches is encrypted; NULL without cache."),
            ("variables", T.BIGINT, "Number of stage variables."),
        )
    ),
)


def policy(api: Item) -> str | None:
    """A REST API's policy; AWS sends it as the inside of a JSON string, quotes escaped."""
    text = api.get("policy") or ""
    if "\\" not in text or text.startswith('{"'):
        return text
    return str(json.loads(f'"{text}"'))


def rest_stage(stage: Item) -> Mapping[str, Any]:
    """A REST API's stage as a row of `api_gateway_stages`."""
    methods = stage.get("methodSettings") or {}
    default = methods.get(_ALL_METHODS, {})
    cached = bool(stage.get("cacheClusterEnabled"))
    caching = [m for m in methods.values() if m.get("cachingEnabled")]
    return {
        "stage": stage.get("stageName"),
        "created_at": stage.get("createdDate"),
        "updated_at": stage.get("lastUpdatedDate"),
        "access_log_arn": stage.get("accessLogSettings", {}).get("destinationArn", ""),
        "log_level": default.get("loggingLevel", "OFF"),
        "data_trace": any(method.get("dataTraceEnabled") for method in methods.values()),
        "metrics": any(method.get("metricsEnabled") for method in methods.values()),
        "tracing": bool(stage.get("tracingEnabled")),
        "throttle_rate": _limit(default.get("throttlingRateLimit")),
        "throttle_burst": _limit(default.get("throttlingBurstLimit")),
        "web_acl_arn": stage.get("webAclArn", ""),
        "client_certificate": bool(stage.get("clientCertificateId")),
        "cache": cached,
        "cache_gb": float(stage["cacheClusterSize"]) if cached else None,
        "cache_encrypted": all(m.get("cacheDataEncrypted") for m in caching) if cached else None,
        "variables": len(stage.get("variables") or {}),
    }


def _limit(value: float | None) -> float | None:
    """AWS says -1 where the account's limit is all there is."""
    return None if value is None or value < 0 else value


def http_stage(stage: Item) -> Mapping[str, Any]:
    """An HTTP or WebSocket API's stage as a row of `api_gateway_stages`."""
    default = stage.get("DefaultRouteSettings") or {}
    routes = [default, *(stage.get("RouteSettings") or {}).values()]
    return {
        "stage": stage.get("StageName"),
        "created_at": stage.get("CreatedDate"),
        "updated_at": stage.get("LastUpdatedDate"),
        "access_log_arn": stage.get("AccessLogSettings", {}).get("DestinationArn", ""),
        "log_level": default.get("LoggingLevel", "OFF"),
        "data_trace": any(route.get("DataTraceEnabled") for route in routes),
        "metrics": any(route.get("DetailedMetricsEnabled") for route in routes),
        "tracing": False,
        "throttle_rate": _limit(default.get("ThrottlingRateLimit")),
        "throttle_burst": _limit(default.get("ThrottlingBurstLimit")),
        "web_acl_arn": None,
        "client_certificate": bool(stage.get("ClientCertificateId")),
        "cache": False,
        "cache_gb": None,
        "cache_encrypted": None,
        "variables": len(stage.get("StageVariables") or {}),
    }


def rest_stages(api: Item) -> list[Mapping[str, Any]] | None:
    """The stages of a REST API; None where they were not read."""
    if "stages" not in api:
        return None
    return [rest_stage(stage) for stage in api["stages"].get("item") or []]


def http_stages(api: Item) -> list[Mapping[str, Any]] | None:
    """The stages of an HTTP or WebSocket API; None where they were not read."""
    return [http_stage(stage) for stage in api["stages"]] if "stages" in api else None


def stage_count(api: Item) -> int | None:
    if "stages" not in api:
        return None
    stages = api["stages"]
    return len(stages.get("item") or []) if isinstance(stages, Mapping) else len(stages)


_STAGES = field(
    "stages", T.BIGINT, "Number of stages; NULL where they could not be read.", stage_count
)

API_GATEWAY_REST_API = ResourceType(
    name="api_gateway_rest_api",
    table="api_gateway_rest_apis",
    group="apigateway",
    service="apigateway",
    meaning="REST APIs of API Gateway.",
    operation="get_rest_apis",
    arguments={"limit": 500},
    items="items[]",
    # API Gateway's actions are the verbs of HTTP.
    iam_actions=("apigateway:GET",),
    resource_id="id",
    arn="arn:{partition}:apigateway:{region}::/restapis/{resource_id}",
    name_source="name",
    created_at="createdDate",
    tags="tags || `{}`",
    gone=_GONE,
    fields=(
        field(
            "endpoint_types",
            T.TEXT_LIST,
            "EDGE, REGIONAL or PRIVATE.",
            "endpointConfiguration.types",
        ),
        field(
            "vpc_endpoint_ids",
            T.TEXT_LIST,
            "VPC endpoints that a private API is bound to.",
            "endpointConfiguration.vpcEndpointIds || `[]`",
        ),
        field(
            "default_endpoint",
            T.BOOLEAN,
            "Reachable at API Gateway's own host name, not at a domain of yours alone.",
            "disableExecuteApiEndpoint != `true`",
        ),
        field(
            "security_policy",
            T.TEXT,
            "Oldest TLS that its own endpoint takes; NULL where AWS does not say.",
            "securityPolicy",
        ),
        field("api_key_source", T.TEXT, "HEADER or AUTHORIZER.", "apiKeySource"),
        policy_statement_count(policy),
        _STAGES,
    ),
    details=(Detail("stages", "get_stages", {"restApiId": "id"}, "apigateway:GET"),),
    children=(Children(API_GATEWAY_STAGES, rest_stages), policy_children(policy)),
    relationships=(
        Relationship("has_vpc_endpoint", "vpc_endpoint", "endpointConfiguration.vpcEndpointIds"),
    ),
)

API_GATEWAY_HTTP_API = ResourceType(
    name="api_gateway_http_api",
    table="api_gateway_http_apis",
    group="apigateway",
    service="apigatewayv2",
    meaning="HTTP and WebSocket APIs of API Gateway.",
    operation="get_apis",
    items="Items[]",
    iam_actions=("apigateway:GET",),
    resource_id="ApiId",
    arn="arn:{partition}:apigateway:{region}::/apis/{resource_id}",
    name_source="Name",
    created_at="CreatedDate",
    tags="Tags || `{}`",
    gone=_GONE,
    fields=(
        field("protocol", T.TEXT, "HTTP or WEBSOCKET.", "ProtocolType"),
        field(
            "default_endpoint",
            T.BOOLEAN,
            "Reachable at API Gateway's own host name, not at a domain of yours alone.",
            "DisableExecuteApiEndpoint != `true`",
        ),
        field(
            "cors_origins",
            T.TEXT_LIST,
            "Web origins that may call it; empty where none.",
            "CorsConfiguration.AllowOrigins || `[]`",
        ),
        field(
            "cors_credentials",
            T.BOOLEAN,
            "Those origins' calls may carry credentials.",
            "CorsConfiguration.AllowCredentials || `false`",
        ),
        field("managed", T.BOOLEAN, "API Gateway made it for you.", "ApiGatewayManaged || `false`"),
        _STAGES,
    ),
    details=(
        Detail("stages", "get_stages", {"ApiId": "ApiId"}, "apigateway:GET", items="Items[]"),
    ),
    children=(Children(API_GATEWAY_STAGES, http_stages),),
)

RESOURCE_TYPES = (API_GATEWAY_REST_API, API_GATEWAY_HTTP_API)
