"""Lambda: what AWS's answers say of functions, their environment above all."""

from __future__ import annotations

from typing import Any

import pytest

from inventory_pipeline.accounts import Account, Clients
from inventory_pipeline.collect import Cell, CellResult, CellRunner
from inventory_pipeline.resource_types import lambda_configuration as of
from inventory_pipeline.resource_types import lambda_events, resource_types
from inventory_pipeline.resource_types.secrets_scan import VERSION
from inventory_pipeline_tests.resource_types.test_declarations import NOW, seen
from inventory_pipeline_tests.simulated_aws import (
    CANARY,
    Fault,
    FaultyClients,
    json_answer,
    refused,
    settings_of,
)

FUNCTION = resource_types()["lambda_function"]
MAPPING = resource_types()["lambda_event_source_mapping"]
ARN = "arn:aws:lambda:us-east-1:111111111111:function:checkout"
ACCOUNT = Account("111111111111", "engineering", "arn:aws:iam::111111111111:role/R")


def function(**more: Any) -> dict[str, Any]:
    return {"FunctionName": "checkout", "FunctionArn": ARN, **more}


def row(**more: Any) -> dict[str, Any]:
    observation = seen(FUNCTION, function(**more))
    assert observation.problems == []
    found: dict[str, Any] = observation.row
    return found


# -- environment -------------------------------------------------------------------------------


def test_a_secret_in_the_environment_is_named_by_its_kind_alone() -> None:
    found = row(Environment={"Variables": {"STAGE": "prod", "DB_PASSWORD": CANARY}})
    assert found["environment_variables"] == 2
    assert found["environment_secret_found"] is True
    assert found["environment_secret_detectors"] == ["assigned_password"]
    assert found["environment_secret_scanner"] == VERSION
    assert CANARY not in str(found)
    assert "DB_PASSWORD" not in str(found)


def test_no_environment_is_known_to_be_harmless() -> None:
    for found in (row(), row(Environment={"Variables": {}}), row(Environment={})):
        assert found["environment_variables"] == 0
        assert found["environment_secret_found"] is False
        assert found["environment_secret_detectors"] == []


def test_an_environment_that_could_not_be_decrypted_is_unknown() -> None:
    error = {"ErrorCode": "AccessDeniedException", "Message": "kms:Decrypt"}
    found = row(Environment={"Error": error})
    assert found["environment_variables"] is None
    assert found["environment_secret_found"] is None
    assert found["environment_secret_detectors"] is None


# -- what is not set, and what is not read -----------------------------------------------------


def test_what_is_not_set_is_told_from_what_was_not_read() -> None:
    unread = row()
    read = row(
        policy={},
        urls=[],
        asynchronous=[],
        provisioned=[],
        concurrency={},
        tags=[],
    )
    told = {
        "policy_statements": 0,
        "function_urls": 0,
        "failure_destinations": [],
        "provisioned_concurrency": 0,
        "concurrency_reserved": False,
        "tags": {},
    }
    assert {name: read[name] for name in told} == told
    assert {name: unread[name] for name in told} == dict.fromkeys(told)


def test_a_function_outside_a_vpc_has_no_subnets() -> None:
    # AWS answers with an empty VpcConfig where a function left its VPC.
    for config in ({}, {"VpcConfig": {"SubnetIds": [], "SecurityGroupIds": [], "VpcId": ""}}):
        found = row(**config)
        assert (found["vpc_id"], found["subnet_ids"]) == ("", [])
        assert seen(FUNCTION, function(**config)).edges == []


def test_nothing_reserved_in_the_account_needs_no_call() -> None:
    def account(limit: int, unreserved: int) -> dict[str, Any]:
        limits = {"ConcurrentExecutions": limit, "UnreservedConcurrentExecutions": unreserved}
        return function(account={"AccountLimit": limits})

    assert of.nothing_is_reserved(account(1000, 1000))
    assert not of.nothing_is_reserved(account(1000, 900))
    assert not of.nothing_is_reserved(function())
    assert not of.nothing_is_reserved(function(account={"AccountLimit": {}}))
    assert of.concurrency_reserved(account(1000, 1000)) is False
    assert of.concurrency_reserved(account(1000, 900)) is None


def test_a_function_that_is_stopped_by_its_concurrency() -> None:
    found = row(concurrency={"ReservedConcurrentExecutions": 0})
    assert (found["concurrency_reserved"], found["reserved_concurrency"]) == (True, 0)


# -- elements ----------------------------------------------------------------------------------


def test_provisioned_concurrency_is_measured_where_most_of_it_is() -> None:
    configs = [
        {"FunctionArn": f"{ARN}:blue", "RequestedProvisionedConcurrentExecutions": 2},
        {"FunctionArn": f"{ARN}:green", "RequestedProvisionedConcurrentExecutions": 5},
    ]
    assert row(provisioned=configs)["provisioned_concurrency"] == 7
    assert of.provisioned_resource(function(provisioned=configs)) == "checkout:green"
    assert of.provisioned_resource(function(provisioned=[])) is None
    assert of.provisioned_resource(function()) is None


def test_layers_of_others_and_insights() -> None:
    layers = [
        {"Arn": "arn:aws:lambda:us-east-1:580247275435:layer:LambdaInsightsExtension:53"},
        {"Arn": "arn:aws:lambda:us-east-1:111111111111:layer:shared:1"},
    ]
    found = row(Layers=layers)
    assert found["layer_accounts"] == ["111111111111", "580247275435"]
    assert found["layer_arns"] == [layer["Arn"] for layer in layers]
    assert of.measured_by_insights(function(Layers=layers)) == "checkout"
    assert of.measured_by_insights(function(Layers=layers[1:])) is None


def test_failures_of_an_alias_go_somewhere() -> None:
    destination = "arn:aws:sqs:us-east-1:111111111111:failed"
    configs = [
        {"FunctionArn": f"{ARN}:$LATEST", "DestinationConfig": {"OnSuccess": {}, "OnFailure": {}}},
        {
            "FunctionArn": f"{ARN}:live",
            "DestinationConfig": {"OnFailure": {"Destination": destination}},
        },
        {"FunctionArn": f"{ARN}:old", "MaximumRetryAttempts": 0},
    ]
    assert row(asynchronous=configs)["failure_destinations"] == [destination]


def test_urls_of_the_function_and_of_aliases() -> None:
    assert of.qualifier({"FunctionArn": ARN}) == "$LATEST"
    assert of.qualifier({"FunctionArn": f"{ARN}:live"}) == "live"
    assert of.qualifier({}) == "$LATEST"


# -- event sources -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "service", "edges"),
    [
        ("arn:aws:sqs:us-east-1:1:orders", "sqs", [("sqs_queue", "orders")]),
        (
            "arn:aws:dynamodb:us-east-1:1:table/orders/stream/2026-01-01T00:00:00.000",
            "dynamodb",
            [("dynamodb_table", "orders")],
        ),
        ("arn:aws:kinesis:us-east-1:1:stream/clicks", "kinesis", []),
        (None, "self-managed", []),
    ],
)
def test_what_a_mapping_polls(
    source: str | None, service: str, edges: list[tuple[str, str]]
) -> None:
    mapping = {"UUID": "u", "FunctionArn": f"{ARN}:live", "EventSourceArn": source}
    observation = seen(MAPPING, mapping)
    assert observation.problems == []
    assert observation.row["source_service"] == service
    assert {(e["target_type"], e["target_id"]) for e in observation.edges} == {
        ("lambda_function", "checkout"),
        *edges,
    }


def test_an_invoked_alias_is_its_function() -> None:
    assert lambda_events.function_names({"FunctionArn": f"{ARN}:live"}) == ["checkout"]
    assert lambda_events.function_names({}) == []


# -- collected ---------------------------------------------------------------------------------

OPEN_TO_ALL = (
    '{"Version":"2012-10-17","Statement":[{"Sid":"s","Effect":"Allow","Principal":"*",'
    '"Action":"lambda:InvokeFunctionUrl","Resource":"*"}]}'
)
LIMITS = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000}


def collected(aws: str, *faults: Fault) -> CellResult:
    listed = function(Environment={"Variables": {"PASSWORD": CANARY}})
    said = {
        "ListFunctions": {"Functions": [listed]},
        "GetResources": {
            "ResourceTagMappingList": [
                {"ResourceARN": ARN, "Tags": [{"Key": "Team", "Value": "shop"}]}
            ]
        },
        "GetAccountSettings": {"AccountLimit": LIMITS},
        "GetPolicy": {"Policy": OPEN_TO_ALL},
        "ListFunctionUrlConfigs": {
            "FunctionUrlConfigs": [
                {
                    "FunctionUrl": "https://x.lambda-url.us-east-1.on.aws/",
                    "FunctionArn": ARN,
                    "AuthType": "NONE",
                    "InvokeMode": "BUFFERED",
                    "CreationTime": "2026-01-02T03:04:05.678Z",
                    "LastModifiedTime": "2026-01-02T03:04:05.678Z",
                    "Cors": {"AllowOrigins": ["*"]},
                }
            ]
        },
        "ListFunctionEventInvokeConfigs": {"FunctionEventInvokeConfigs": []},
        "ListProvisionedConcurrencyConfigs": {"ProvisionedConcurrencyConfigs": []},
        "GetFunctionConcurrency": {"ReservedConcurrentExecutions": 3},
    }
    clients = FaultyClients(
        settings_of(aws),
        *faults,
        *(Fault(operation, [json_answer(answer)]) for operation, answer in said.items()),
    )
    return look(clients)


def look(clients: Clients, kind: Any = FUNCTION) -> CellResult:
    runner = CellRunner(clients, NOW, lambda: NOW, parallel=2)
    return next(iter(runner.run([Cell(ACCOUNT, "us-east-1", kind)])))


def test_a_function_with_all_that_is_said_of_it(aws: str) -> None:
    result = collected(aws)
    assert {row["status"] for row in result.coverage} == {"ok"}
    (found,) = result.rows
    assert (found["policy_statements"], found["function_urls"]) == (1, 1)
    assert found["tags"]["Team"] == "shop"
    # GetAccountSettings said that none is reserved: the other call was not made.
    assert found["concurrency_reserved"] is False
    (url,) = result.children["lambda_function_urls"]
    assert (url["auth_type"], url["cors_origins"], url["resource_id"]) == (
        "NONE",
        ["*"],
        "checkout",
    )
    (statement,) = result.children["policy_statements"]
    assert statement["public"] is True
    assert CANARY not in str(result)


def test_a_refused_detail_leaves_its_columns_unknown(aws: str) -> None:
    denied = [refused("AccessDeniedException")]
    result = collected(
        aws, Fault("GetPolicy", denied), Fault("GetResources", denied), Fault("ListTags", denied)
    )
    (found,) = result.rows
    assert found["policy_statements"] is None
    assert found["tags"] is None
    assert found["function_urls"] == 1
    ledger = {row["collector"]: row["status"] for row in result.coverage}
    assert ledger["lambda_function.policy"] == ledger["lambda_function.tags"] == "denied"
    assert ledger["lambda_function"] == "ok"


def test_a_function_that_vanished_is_no_resource(aws: str) -> None:
    gone = Fault("ListFunctionUrlConfigs", [refused("ResourceNotFoundException")])
    result = collected(aws, gone)
    assert result.rows == []
    assert result.status == "ok"


def test_no_policy_is_no_vanished_function(aws: str) -> None:
    result = collected(aws, Fault("GetPolicy", [refused("ResourceNotFoundException")]))
    assert result.rows[0]["policy_statements"] == 0
