"""Cells against a simulated AWS that refuses, throttles, hangs and babbles."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from inventory_pipeline.accounts import Account, Clients, Failure
from inventory_pipeline.accounts.regions import RegionScope
from inventory_pipeline.collect import Cell, CellResult, CellRunner
from inventory_pipeline.resource_types import resource_types
from inventory_pipeline_tests.simulated_aws import (
    CANARY,
    Fault,
    FaultyClients,
    ec2_error,
    json_answer,
    refused,
    settings_of,
)

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ACCOUNT = Account("111111111111", "engineering", "arn:aws:iam::111111111111:role/R")
HANGING = ReadTimeoutError(endpoint_url="https://ec2.example")


def cell(kind: str, region: str = "us-east-1", **more: Any) -> Cell:
    where = "global" if resource_types()[kind].scope == "global" else region
    return Cell(ACCOUNT, where, resource_types()[kind], **more)


def run(clients: Clients, *cells: Cell, **more: Any) -> dict[tuple[str, str], CellResult]:
    runner = CellRunner(clients, NOW, lambda: NOW, parallel=2, **more)
    return {(r.cell.kind.name, r.cell.region): r for r in runner.run(cells)}


def look(clients: Clients, one: Cell, **more: Any) -> CellResult:
    return next(iter(run(clients, one, **more).values()))


def ledger(result: CellResult) -> dict[str, str]:
    return {row["collector"]: row["status"] for row in result.coverage}


def make_volumes(aws: str, count: int = 2, region: str = "us-east-1") -> list[str]:
    ec2 = Clients(endpoint_url=aws).client(ACCOUNT, "ec2", region)
    return [
        ec2.create_volume(AvailabilityZone=f"{region}a", Size=8)["VolumeId"] for _ in range(count)
    ]


def make_bucket(aws: str, name: str, region: str = "us-east-1") -> Any:
    s3 = Clients(endpoint_url=aws).client(ACCOUNT, "s3", region)
    place = (
        {}
        if region == "us-east-1"
        else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    )
    s3.create_bucket(Bucket=name, **place)
    return s3


@pytest.mark.parametrize(
    ("effect", "status", "code"),
    [
        (
            ec2_error("UnauthorizedOperation", "You are not authorized"),
            "denied",
            "UnauthorizedOperation",
        ),
        (ec2_error("RequestLimitExceeded", status=503), "throttled", "RequestLimitExceeded"),
        (HANGING, "timeout", "ReadTimeoutError"),
        ((200, {"content-type": "text/html"}, b"<html>hunter2"), "error", "ResponseParserError"),
        ((500, {"content-type": "text/html"}, b"<html>hunter2"), "error", None),
        (RuntimeError("odd"), "error", "RuntimeError"),
    ],
)
def test_a_failing_cell_is_said_and_the_others_go_on(
    aws: str, effect: Any, status: str, code: str | None
) -> None:
    made = make_volumes(aws, region="eu-west-1")
    fault = Fault("DescribeVolumes", [effect], region="us-east-1")
    clients = FaultyClients(settings_of(aws), fault)
    results = run(clients, cell("ebs_volume"), cell("ebs_volume", "eu-west-1"))
    failed, fine = results["ebs_volume", "us-east-1"], results["ebs_volume", "eu-west-1"]
    assert failed.status == status
    if code:
        assert failed.coverage[0]["error_code"] == code
    assert ledger(failed)["ebs_volume.metrics"] == "not_attempted"
    assert "hunter2" not in str(failed.coverage)
    assert fine.status == "ok"
    assert {row["resource_id"] for row in fine.rows} == set(made)


def test_calls_and_throttles_are_counted(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    settings = settings_of(aws, collection_settings={"retry_attempts": 2})
    busy = ec2_error("RequestLimitExceeded", status=503)
    clients = FaultyClients(settings, Fault("DescribeVolumes", [busy], forever=False))
    clients.client(ACCOUNT, "sts", "us-east-1").get_caller_identity()
    row = look(clients, cell("ebs_volume")).coverage[0]
    assert (row["status"], row["calls"], row["retries"], row["throttles"]) == ("ok", 2, 1, 1)


def functions(*names: str, more: str | None = None) -> tuple[int, dict[str, str], bytes]:
    listed = [
        {
            "FunctionName": n,
            "FunctionArn": f"arn:aws:lambda:us-east-1:1:function:{n}",
            "Environment": {"Variables": {"PASSWORD": CANARY}},
        }
        for n in names
    ]
    return json_answer({"Functions": listed, **({"NextMarker": more} if more else {})})


def described(*tagged: str) -> list[Fault]:
    """What AWS says of listed functions that have nothing but, some of them, a tag."""
    arns = [f"arn:aws:lambda:us-east-1:1:function:{name}" for name in tagged]
    tags = [{"ResourceARN": arn, "Tags": [{"Key": "Dept", "Value": "Data"}]} for arn in arns]
    answers: dict[str, dict[str, Any]] = {
        "GetResources": {"ResourceTagMappingList": tags},
        "GetAccountSettings": {},
        "GetPolicy": {},
        "ListFunctionUrlConfigs": {"FunctionUrlConfigs": []},
        "ListFunctionEventInvokeConfigs": {"FunctionEventInvokeConfigs": []},
        "ListProvisionedConcurrencyConfigs": {"ProvisionedConcurrencyConfigs": []},
        "GetFunctionConcurrency": {},
    }
    return [Fault(operation, [json_answer(answer)]) for operation, answer in answers.items()]


def test_pages_seen_before_a_failure_count_but_the_cell_is_not_ok(aws: str) -> None:
    pages = Fault("ListFunctions", [functions("a", "b", more="next"), refused("AccessDenied")])
    clients = FaultyClients(settings_of(aws), pages, *described("a"))
    result = look(clients, cell("lambda_function"))
    assert [row["resource_id"] for row in result.rows] == ["a", "b"]
    assert [row["department"] for row in result.rows] == ["Data", None]
    status = ledger(result)
    assert status.pop("lambda_function") == "denied"
    assert set(status.values()) == {"ok"}
    assert result.coverage[0]["resources"] == 2
    assert len(result.metrics) == 8


def test_a_resource_that_slips_to_the_next_page_is_one_row(aws: str) -> None:
    pages = Fault("ListFunctions", [functions("a", "b", more="next"), functions("b", "c")])
    result = look(FaultyClients(settings_of(aws), pages, *described()), cell("lambda_function"))
    assert [row["resource_id"] for row in result.rows] == ["a", "b", "c"]
    keys = [(r["resource_id"], r["metric"], r["statistic"]) for r in result.metrics]
    assert len(keys) == len(set(keys))


def test_a_cell_stops_at_its_deadline_and_keeps_what_it_saw(aws: str) -> None:
    now = [0.0]

    def an_hour_passes() -> None:
        now[0] += 3600

    pages = Fault(
        "ListFunctions", [functions("a", more="next"), functions("b")], before=an_hour_passes
    )
    result = look(
        FaultyClients(settings_of(aws), pages),
        cell("lambda_function"),
        timeout_seconds=300,
        clock=lambda: now[0],
    )
    assert pages.calls == 1
    assert [row["resource_id"] for row in result.rows] == ["a"]
    assert set(ledger(result).values()) == {"timeout"}
    assert result.rows[0]["tags"] is None
    assert {row["value"] for row in result.metrics} == {None}


def test_an_element_that_makes_no_sense_does_not_hide_the_others(aws: str) -> None:
    odd = json_answer(
        {
            "Functions": [
                {"FunctionArn": "no name"},
                {"FunctionName": "fine", "FunctionArn": "arn:aws:x"},
            ]
        }
    )
    clients = FaultyClients(settings_of(aws), Fault("ListFunctions", [odd]), *described())
    result = look(clients, cell("lambda_function"))
    assert [row["resource_id"] for row in result.rows] == ["fine"]
    assert result.status == "error"
    assert "no identifier" in result.coverage[0]["message"]


def test_refused_credentials_where_a_region_may_be_off(aws: str) -> None:
    fault = Fault("ListFunctions", [refused("UnrecognizedClientException")])
    off = look(
        FaultyClients(settings_of(aws), fault), cell("lambda_function", may_be_disabled=True)
    )
    assert ledger(off) == {"lambda_function": "region_disabled"}


def test_a_cell_that_is_skipped_makes_no_call(aws: str) -> None:
    class NoClients(Clients):
        def client(self, *_: Any) -> Any:
            raise AssertionError("called")

    skip = Failure("denied", "AccessDenied", "no role")
    result = look(NoClients(), cell("s3_bucket", skip=skip))
    assert set(ledger(result).values()) == {"denied"}
    assert sum(row["calls"] for row in result.coverage) == 0


def test_who_stops_listening_does_not_wait_for_every_cell(aws: str) -> None:
    asked = Fault("DescribeVolumes", [None])
    runner = CellRunner(FaultyClients(settings_of(aws), asked), NOW, lambda: NOW, parallel=1)
    regions = [f"us-east-{n}" for n in range(1, 41)]
    results = runner.run([cell("ebs_volume", region) for region in regions])
    next(results)
    results.close()
    assert asked.calls < 10


# -- details -----------------------------------------------------------------------------------


def test_a_detail_that_is_refused_is_unknown_and_one_not_configured_is_known(aws: str) -> None:
    make_bucket(aws, "logs")
    fault = Fault("GetBucketPolicyStatus", [refused("AccessDenied")])
    result = look(FaultyClients(settings_of(aws), fault), cell("s3_bucket"))
    (row,) = result.rows
    assert row["policy_public"] is None
    assert row["encryption"] == "none"
    assert row["block_public_acls"] is False
    states = ledger(result)
    assert states.pop("s3_bucket.policy_status") == "denied"
    assert set(states.values()) == {"ok"}


def test_the_worst_of_a_details_calls_is_shown(aws: str) -> None:
    for name in ("one", "two", "three"):
        make_bucket(aws, f"bucket-{name}")
    fault = Fault("GetBucketAcl", [None, refused("SlowDown"), refused("AccessDenied")])
    result = look(FaultyClients(settings_of(aws), fault), cell("s3_bucket"))
    row = next(r for r in result.coverage if r["collector"] == "s3_bucket.acl")
    assert (row["status"], row["calls"], row["resources"]) == ("denied", 3, 1)
    assert sorted(str(r["acl_public"]) for r in result.rows) == ["False", "None", "None"]


def test_buckets_are_asked_in_their_own_region_and_the_account_once(aws: str) -> None:
    make_bucket(aws, "here")
    make_bucket(aws, "there", "eu-west-1")
    asked: list[tuple[str, str]] = []

    class Listening(Clients):
        def client(self, account: Account | None, service: str, region: str) -> Any:
            asked.append((service, region))
            return super().client(account, service, region)

    result = look(Listening(endpoint_url=aws), cell("s3_bucket"))
    assert {row["resource_id"]: row["region"] for row in result.rows} == {
        "here": "us-east-1",
        "there": "eu-west-1",
    }
    assert asked.count(("s3control", "us-east-1")) == 1
    # Thirteen settings of the bucket in Ireland; its location is asked in us-east-1.
    assert asked.count(("s3", "eu-west-1")) == 13
    assert ("cloudwatch", "eu-west-1") in asked


def test_a_bucket_in_no_known_region_is_still_a_row(aws: str) -> None:
    make_bucket(aws, "somewhere")
    fault = Fault("GetBucketLocation", [refused("AccessDenied")])
    result = look(FaultyClients(settings_of(aws), fault), cell("s3_bucket"))
    assert [row["region"] for row in result.rows] == ["unknown"]
    assert ledger(result)["s3_bucket.metrics"] == "not_attempted"


def test_buckets_of_excluded_regions_are_left_alone(aws: str) -> None:
    make_bucket(aws, "here")
    make_bucket(aws, "there", "eu-west-1")
    scope = RegionScope((), ("eu-*",))
    result = look(Clients(endpoint_url=aws), cell("s3_bucket"), scope=scope)
    assert [row["resource_id"] for row in result.rows] == ["here"]
    acl = next(r for r in result.coverage if r["collector"] == "s3_bucket.acl")
    assert acl["calls"] == 1


# -- metrics -----------------------------------------------------------------------------------


def test_refused_metrics_are_unknown_and_said(aws: str) -> None:
    make_volumes(aws)
    fault = Fault("GetMetricData", [refused("AccessDenied")])
    result = look(FaultyClients(settings_of(aws), fault), cell("ebs_volume"))
    assert ledger(result) == {"ebs_volume": "ok", "ebs_volume.metrics": "denied"}
    assert len(result.metrics) == 2 * len(resource_types()["ebs_volume"].metrics)
    assert {(row["value"], row["datapoints"]) for row in result.metrics} == {(None, 0)}


def test_one_failed_batch_leaves_the_others_known(aws: str) -> None:
    listed = functions(*(f"f-{n}" for n in range(126)))
    faults = [
        Fault("ListFunctions", [listed]),
        *described(),
        Fault("GetMetricData", [refused("InternalFailure"), None]),
    ]
    result = look(FaultyClients(settings_of(aws), *faults), cell("lambda_function"))
    row = result.coverage[-1]
    assert (row["collector"], row["status"], row["calls"]) == (
        "lambda_function.metrics",
        "error",
        2,
    )
    values = [r["value"] for r in result.metrics]
    assert len(values) == 504
    # Silence is 0 of three of a function's four statistics.
    assert values.count(0.0) in (3, 375)


def test_metrics_are_those_of_the_resource(aws: str) -> None:
    busy, idle = make_volumes(aws)
    cloudwatch = Clients(endpoint_url=aws).client(ACCOUNT, "cloudwatch", "us-east-1")
    for day, value in ((18, 5.0), (19, 7.0), (20, 1000.0)):
        cloudwatch.put_metric_data(
            Namespace="AWS/EBS",
            MetricData=[
                {
                    "MetricName": "VolumeReadOps",
                    "Value": value,
                    "Timestamp": datetime(2026, 11, day, 6, tzinfo=UTC),
                    "Dimensions": [{"Name": "VolumeId", "Value": busy}],
                }
            ],
        )
    result = look(Clients(endpoint_url=aws), cell("ebs_volume"))
    found = {(r["resource_id"], r["metric"]): (r["value"], r["datapoints"]) for r in result.metrics}
    # The day of the snapshot itself is not over.
    assert found[busy, "VolumeReadOps"] == (12.0, 2)
    assert found[idle, "VolumeReadOps"] == (None, 0)


def test_a_function_that_was_never_called_has_zero_invocations(aws: str) -> None:
    fault = Fault("ListFunctions", [functions("unused")])
    result = look(FaultyClients(settings_of(aws), fault, *described()), cell("lambda_function"))
    found = {r["metric"]: (r["value"], r["datapoints"]) for r in result.metrics}
    assert found["Invocations"] == (0.0, 0)


def test_environment_values_are_never_in_a_row(aws: str) -> None:
    fault = Fault("ListFunctions", [functions("secretive")])
    result = look(FaultyClients(settings_of(aws), fault, *described()), cell("lambda_function"))
    assert len(result.rows) == 1
    assert CANARY not in str((result.rows, result.edges, result.metrics, result.coverage))
