"""Log groups, stacks and state machines: settings, and nothing of what they hold."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from inventory_pipeline.accounts import Account, Clients
from inventory_pipeline.collect import Cell, CellResult, CellRunner
from inventory_pipeline.resource_types import cloudformation, resource_types, stepfunctions
from inventory_pipeline_tests.resource_types.test_declarations import seen
from inventory_pipeline_tests.simulated_aws import CANARY

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ACCOUNT = Account("111111111111", "engineering", "arn:aws:iam::111111111111:role/R")


def client(aws: str, service: str) -> Any:
    return Clients(endpoint_url=aws).client(ACCOUNT, service, "eu-west-1")


def look(aws: str, kind: str) -> CellResult:
    runner = CellRunner(Clients(endpoint_url=aws), NOW, lambda: NOW, parallel=2)
    return next(iter(runner.run([Cell(ACCOUNT, "eu-west-1", resource_types()[kind])])))


# -- log groups --------------------------------------------------------------------------------


def test_a_log_group_that_never_expires_and_one_that_does() -> None:
    kind = resource_types()["log_group"]
    plain = {"logGroupName": "/a", "creationTime": 1767323045678, "storedBytes": 5 * 10**12}
    observation = seen(kind, plain)
    assert observation.problems == []
    row = observation.row
    assert (row["retention_days"], row["log_class"], row["kms_key_arn"]) == (0, "STANDARD", "")
    assert row["stored_bytes"] == 5 * 10**12
    assert row["created_at"] == datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    assert row["arn"] == "arn:aws:logs:eu-west-1:123456789012:log-group:/a"
    assert seen(kind, plain | {"retentionInDays": 30}).row["retention_days"] == 30


def test_log_groups_are_collected(aws: str) -> None:
    logs = client(aws, "logs")
    for number in range(60):
        logs.create_log_group(logGroupName=f"/app/{number:02}")
    logs.put_retention_policy(logGroupName="/app/07", retentionInDays=14)
    result = look(aws, "log_group")
    assert {row["status"] for row in result.coverage} == {"ok"}
    assert len(result.rows) == 60
    kept = {row["name"]: row["retention_days"] for row in result.rows}
    assert (kept["/app/07"], kept["/app/08"]) == (14, 0)


# -- stacks ------------------------------------------------------------------------------------


def test_parameters_and_outputs_of_a_stack_are_not_kept(aws: str) -> None:
    template = {
        "Description": CANARY,
        "Parameters": {"Password": {"Type": "String", "Default": CANARY}},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {"Password": {"Value": {"Ref": "Password"}}},
    }
    client(aws, "cloudformation").create_stack(
        StackName="shop",
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": "Password", "ParameterValue": CANARY}],
        Tags=[{"Key": "Team", "Value": "shop"}],
    )
    result = look(aws, "cloudformation_stack")
    assert result.status == "ok"
    (row,) = result.rows
    assert (row["resource_id"], row["state"], row["drift_status"]) == (
        "shop",
        "CREATE_COMPLETE",
        "NOT_CHECKED",
    )
    assert row["tags"]["Team"] == "shop"
    assert row["nested"] is False
    assert CANARY not in str(result)


def test_a_nested_stack_belongs_to_its_parent() -> None:
    parent = "arn:aws:cloudformation:eu-west-1:1:stack/shop/6a2f-1b"
    assert cloudformation.parent_stack({"ParentId": parent}) == ["shop"]
    assert cloudformation.parent_stack({}) == []
    observation = seen(
        resource_types()["cloudformation_stack"],
        {"StackName": "shop-Nested-1", "StackId": parent, "ParentId": parent},
    )
    assert observation.row["nested"] is True
    assert [e["target_id"] for e in observation.edges] == ["shop"]


# -- state machines ----------------------------------------------------------------------------


def test_a_definition_is_not_asked_for(aws: str) -> None:
    states = client(aws, "stepfunctions")
    group = "arn:aws:logs:eu-west-1:111111111111:log-group:/states/shop:*"
    states.create_state_machine(
        name="shop",
        definition=json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}),
        roleArn="arn:aws:iam::111111111111:role/states",
        loggingConfiguration={
            "level": "ERROR",
            "includeExecutionData": True,
            "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": group}}],
        },
        tags=[{"key": "Team", "value": "shop"}],
    )
    result = look(aws, "step_function")
    assert {row["status"] for row in result.coverage} == {"ok"}
    (row,) = result.rows
    assert (row["machine_type"], row["log_level"], row["tracing"]) == ("STANDARD", "ERROR", False)
    assert row["logs_execution_data"] is True
    assert row["tags"]["Team"] == "shop"
    assert "StartAt" not in str(result)
    assert ("log_group", "/states/shop") in {
        (e["target_type"], e["target_id"]) for e in result.edges
    }
    (described,) = (d for d in resource_types()["step_function"].details if d.name == "described")
    assert described.arguments["includedData"]({}) == "METADATA_ONLY"


def test_logging_that_is_off_and_logging_that_was_not_read() -> None:
    kind = resource_types()["step_function"]
    listed = {"name": "shop", "stateMachineArn": "arn:aws:states:x", "type": "EXPRESS"}
    off = seen(kind, listed | {"described": {"loggingConfiguration": {"level": "OFF"}}}).row
    silent = seen(kind, listed | {"described": {"status": "ACTIVE"}}).row
    unread = seen(kind, listed).row
    assert (off["log_level"], silent["log_level"], unread["log_level"]) == ("OFF", "OFF", None)
    assert (silent["tracing"], unread["tracing"]) == (False, None)
    assert stepfunctions.log_groups(listed) == []
