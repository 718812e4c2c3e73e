"""API Gateway: two generations of APIs whose stages share a table."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from inventory_pipeline.accounts import Account, Clients
from inventory_pipeline.collect import Cell, CellResult, CellRunner
from inventory_pipeline.resource_types import apigateway, resource_types
from inventory_pipeline_tests.resource_types.test_declarations import seen
from inventory_pipeline_tests.simulated_aws import CANARY

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ACCOUNT = Account("111111111111", "engineering", "arn:aws:iam::111111111111:role/R")
# As GetRestApis answers: the inside of a JSON string.
ESCAPED = (
    '{\\"Version\\":\\"2012-10-17\\",\\"Statement\\":[{\\"Effect\\":\\"Allow\\",'
    '\\"Principal\\":\\"*\\",\\"Action\\":\\"execute-api:Invoke\\",\\"Resource\\":'
    '\\"arn:aws:execute-api:eu-west-1:1:a\\/*\\"}]}'
)


def look(aws: str, kind: str) -> CellResult:
    runner = CellRunner(Clients(endpoint_url=aws), NOW, lambda: NOW, parallel=2)
    return next(iter(runner.run([Cell(ACCOUNT, "eu-west-1", resource_types()[kind])])))


def test_an_escaped_policy_is_read() -> None:
    kind = resource_types()["api_gateway_rest_api"]
    for policy in (ESCAPED, ESCAPED.replace("\\/", "/").replace('\\"', '"')):
        observation = seen(kind, {"id": "a", "policy": policy})
        assert observation.problems == []
        assert observation.row["policy_statements"] == 1
    assert seen(kind, {"id": "a"}).row["policy_statements"] == 0


def test_a_rest_stage_with_a_cache() -> None:
    stage = {
        "stageName": "prod",
        "cacheClusterEnabled": True,
        "cacheClusterSize": "1.6",
        "methodSettings": {
            "*/*": {"loggingLevel": "INFO", "throttlingRateLimit": -1.0, "dataTraceEnabled": False},
            "orders/GET": {"cachingEnabled": True, "cacheDataEncrypted": False},
            "orders/POST": {"dataTraceEnabled": True},
        },
        "variables": {"password": CANARY},
        "tracingEnabled": True,
    }
    row = apigateway.rest_stage(stage)
    assert (row["cache"], row["cache_gb"], row["cache_encrypted"]) == (True, 1.6, False)
    assert (row["log_level"], row["data_trace"], row["tracing"]) == ("INFO", True, True)
    assert (row["throttle_rate"], row["access_log_arn"], row["web_acl_arn"]) == (None, "", "")
    assert row["variables"] == 1
    assert CANARY not in str(row)


def test_a_stage_that_says_nothing() -> None:
    columns = {f.column.name for f in apigateway.API_GATEWAY_STAGES.fields}
    for row in (
        apigateway.rest_stage({"stageName": "s"}),
        apigateway.http_stage({"StageName": "s"}),
    ):
        assert set(row) == columns
        assert (row["stage"], row["log_level"], row["cache"]) == ("s", "OFF", False)
        assert (row["data_trace"], row["cache_gb"], row["throttle_rate"]) == (False, None, None)


def test_stages_that_were_not_read_are_not_none() -> None:
    assert apigateway.stage_count({}) is None
    assert apigateway.rest_stages({}) is None
    assert apigateway.http_stages({}) is None
    assert apigateway.stage_count({"stages": {}}) == 0
    assert apigateway.stage_count({"stages": []}) == 0


def test_rest_apis_and_their_stages(aws: str) -> None:
    client = Clients(endpoint_url=aws).client(ACCOUNT, "apigateway", "eu-west-1")
    api = client.create_rest_api(
        name="shop", tags={"Team": "shop"}, endpointConfiguration={"types": ["REGIONAL"]}
    )["id"]
    root = client.get_resources(restApiId=api)["items"][0]["id"]
    client.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
    client.put_integration(
        restApiId=api, resourceId=root, httpMethod="GET", type="MOCK", integrationHttpMethod="GET"
    )
    client.create_deployment(restApiId=api, stageName="prod", variables={"password": CANARY})
    result = look(aws, "api_gateway_rest_api")
    assert {row["status"] for row in result.coverage} == {"ok"}
    (row,) = result.rows
    assert (row["name"], row["stages"], row["endpoint_types"]) == ("shop", 1, ["REGIONAL"])
    assert row["arn"] == f"arn:aws:apigateway:eu-west-1::/restapis/{api}"
    assert row["default_endpoint"] is True
    (stage,) = result.children["api_gateway_stages"]
    assert (stage["stage"], stage["variables"], stage["resource_id"]) == ("prod", 1, api)
    assert CANARY not in str(result)


def test_http_apis_and_their_stages(aws: str) -> None:
    client = Clients(endpoint_url=aws).client(ACCOUNT, "apigatewayv2", "eu-west-1")
    cors: dict[str, Any] = {"AllowOrigins": ["*"], "AllowCredentials": True}
    api = client.create_api(Name="web", ProtocolType="HTTP", CorsConfiguration=cors)["ApiId"]
    client.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    result = look(aws, "api_gateway_http_api")
    assert {row["status"] for row in result.coverage} == {"ok"}
    (row,) = result.rows
    assert (row["protocol"], row["stages"], row["cors_origins"]) == ("HTTP", 1, ["*"])
    (stage,) = result.children["api_gateway_stages"]
    assert (stage["stage"], stage["resource_type"]) == ("$default", "api_gateway_http_api")
