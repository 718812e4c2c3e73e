"""Load balancers: attributes, listeners of both generations, targets, and what is measured."""

from __future__ import annotations

from typing import Any

import pytest

from inventory_pipeline.collect.sources import find
from inventory_pipeline.resource_types import elb, elb_classic
from inventory_pipeline.resource_types.elb_listeners import (
    LOAD_BALANCER_LISTENERS,
    classic_listeners,
    has_tls,
    listeners,
)
from inventory_pipeline_tests.resource_types.collected import (
    children_of,
    client_of,
    collected,
    edges_of,
    row_of,
)

ARN = "arn:aws:elasticloadbalancing:us-east-1:111111111111"


def listener(protocol: str, *actions: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "ListenerArn": "l",
        "Port": 80,
        "Protocol": protocol,
        "DefaultActions": list(actions),
        **more,
    }


def listened(one: dict[str, Any]) -> dict[str, Any]:
    (row,) = listeners({"listeners": [one]}) or []
    return row


@pytest.mark.parametrize(
    ("action", "redirects"),
    [
        ({"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS"}}, True),
        # From HTTP to HTTP at another host: still no encryption.
        ({"Type": "redirect", "RedirectConfig": {"Protocol": "#{protocol}"}}, False),
        ({"Type": "redirect", "RedirectConfig": {"Protocol": "HTTP"}}, False),
        ({"Type": "forward", "TargetGroupArn": "t"}, False),
        ({"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}, False),
    ],
)
def test_redirects_to_https(action: dict[str, Any], redirects: bool) -> None:
    assert listened(listener("HTTP", action))["redirects_to_https"] is redirects


def test_actions_stand_in_their_order_and_without_their_secrets() -> None:
    login = {
        "Type": "authenticate-oidc",
        "Order": 1,
        "AuthenticateOidcConfig": {"ClientId": "c", "ClientSecret": "hunter2"},
    }
    row = listened(listener("HTTPS", {"Type": "forward", "Order": 2}, login))
    assert row["default_actions"] == ["authenticate-oidc", "forward"]
    assert "hunter2" not in str(row)


def test_tls_of_a_listener() -> None:
    secure = listened(
        listener(
            "TLS",
            SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06",
            Certificates=[{"CertificateArn": "arn:cert"}],
            MutualAuthentication={"Mode": "verify"},
        )
    )
    assert secure["ssl_policy"] == "ELBSecurityPolicy-TLS13-1-2-2021-06"
    assert (secure["certificate_arn"], secure["mutual_tls"]) == ("arn:cert", "verify")
    plain = listened(listener("TCP"))
    assert (plain["ssl_policy"], plain["certificate_arn"], plain["mutual_tls"]) == ("", "", "off")


def test_a_gateway_load_balancers_listener_has_neither_protocol_nor_port() -> None:
    row = listened({"ListenerArn": "l", "DefaultActions": [{"Type": "forward"}]})
    assert (row["protocol"], row["port"], row["ssl_policy"]) == (None, None, "")


def test_listeners_that_were_not_read_are_unknown() -> None:
    assert listeners({"LoadBalancerName": "web"}) is None
    assert listeners({"LoadBalancerName": "web", "listeners": []}) == []
    assert classic_listeners({"LoadBalancerName": "old"}) is None


CLASSIC: dict[str, Any] = {
    "LoadBalancerName": "old",
    "ListenerDescriptions": [
        {"Listener": {"Protocol": "http", "LoadBalancerPort": 80, "InstancePort": 8080}},
        {
            "Listener": {
                "Protocol": "HTTPS",
                "LoadBalancerPort": 443,
                "InstanceProtocol": "HTTP",
                "InstancePort": 8080,
                "SSLCertificateId": "arn:cert",
            },
            "PolicyNames": ["sticky", "tls"],
        },
    ],
}


def policies(*attributes: tuple[str, str]) -> dict[str, Any]:
    return {
        "PolicyDescriptions": [
            {"PolicyName": "sticky", "PolicyTypeName": "LBCookieStickinessPolicyType"},
            {
                "PolicyName": "tls",
                "PolicyTypeName": "SSLNegotiationPolicyType",
                "PolicyAttributeDescriptions": [
                    {"AttributeName": name, "AttributeValue": value} for name, value in attributes
                ],
            },
        ]
    }


@pytest.mark.parametrize(
    ("more", "policy"),
    [
        (
            {
                "policies": policies(
                    ("Protocol-TLSv1", "true"),
                    ("Reference-Security-Policy", "ELBSecurityPolicy-2016-08"),
                )
            },
            "ELBSecurityPolicy-2016-08",
        ),
        ({"policies": policies(("Protocol-TLSv1", "true"))}, "custom"),
        ({"policies": {"PolicyDescriptions": []}}, None),
        ({}, None),
    ],
)
def test_security_policies_of_a_classic_load_balancer(
    more: dict[str, Any], policy: str | None
) -> None:
    plain, secure = classic_listeners(CLASSIC | more) or []
    assert (plain["protocol"], plain["ssl_policy"], plain["redirects_to_https"]) == (
        "HTTP",
        "",
        False,
    )
    assert (secure["ssl_policy"], secure["certificate_arn"]) == (policy, "arn:cert")


def test_policies_are_asked_for_only_where_there_is_tls() -> None:
    assert has_tls(CLASSIC)
    assert not has_tls({"ListenerDescriptions": CLASSIC["ListenerDescriptions"][:1]})


def test_each_value_of_a_listener_has_its_column() -> None:
    columns = {field.source for field in LOAD_BALANCER_LISTENERS.fields}
    rows = [listened(listener("HTTP")), *(classic_listeners(CLASSIC) or [])]
    assert {key for row in rows for key in row} <= columns


def test_an_attribute_that_was_not_read_is_unknown_and_one_not_set_is_off() -> None:
    read = elb.attribute("routing.http.drop_invalid_header_fields.enabled", False)
    assert read({"LoadBalancerName": "web"}) is None
    assert read({"attributes": {"Attributes": []}}) is False
    said = {"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "true"}
    assert read({"attributes": {"Attributes": [said]}}) == "true"


def load_balancer(kind: str, path: str) -> dict[str, Any]:
    return {"Type": kind, "LoadBalancerArn": f"{ARN}:loadbalancer/{path}"}


@pytest.mark.parametrize(
    ("item", "measured"),
    [
        (
            load_balancer("application", "app/web/50dc"),
            {"AWS/ApplicationELB": "app/web/50dc"},
        ),
        (load_balancer("network", "net/web/50dc"), {"AWS/NetworkELB": "net/web/50dc"}),
        (load_balancer("gateway", "gwy/web/50dc"), {"AWS/GatewayELB": "gwy/web/50dc"}),
        ({"LoadBalancerName": "web"}, {}),
    ],
)
def test_each_kind_is_measured_in_its_own_namespace(
    item: dict[str, Any], measured: dict[str, str]
) -> None:
    """Silence of another kind's metrics would be read as "no requests"."""
    found = {
        metric.namespace: value
        for metric in elb.METRICS
        if (value := find(metric.dimensions["LoadBalancer"], item))
    }
    assert found == measured


def test_only_metrics_that_aws_leaves_out_at_zero_are_zero_in_silence() -> None:
    zero = {m.column for m in elb.METRICS if m.absent_is_zero}
    assert zero == {"requests", "requests_daily_maximum", "new_connections"}


def test_names_in_arns() -> None:
    assert elb.name_in(f"{ARN}:loadbalancer/app/web/50dc") == "web"
    assert elb.name_in(f"{ARN}:targetgroup/targets/73e2") == "targets"


def health(*states: str) -> dict[str, Any]:
    return {
        "TargetHealthDescriptions": [
            {"Target": {"Id": f"i-{n}"}, "TargetHealth": {"State": state}}
            for n, state in enumerate(states)
        ]
    }


def test_targets_are_counted_by_health() -> None:
    item = {"health": health("healthy", "healthy", "unhealthy", "unhealthy.draining", "unused")}
    assert elb.targets(item) == 5
    assert elb.targets_in("healthy")(item) == 2
    assert elb.targets_in("unhealthy", "unhealthy.draining")(item) == 2
    assert elb.targets({"health": health()}) == 0
    assert elb.targets({}) is None
    assert elb.targets_in("healthy")({}) is None


def test_only_targets_that_are_instances_are_edges_to_instances() -> None:
    item = {"TargetType": "instance", "health": health("healthy")}
    assert elb.target_instances(item) == ["i-0"]
    assert elb.target_instances(item | {"TargetType": "ip"}) == []
    assert elb.target_instances({"TargetType": "instance"}) == []


def test_instances_in_service() -> None:
    states = [{"State": "InService"}, {"State": "OutOfService"}]
    assert elb_classic.healthy_instances({"health": {"InstanceStates": states}}) == 1
    assert elb_classic.healthy_instances({}) is None


def make_subnets(aws: str) -> tuple[str, list[str]]:
    ec2 = client_of(aws, "ec2")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    made = [
        ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.1.{n}.0/24", AvailabilityZone=f"us-east-1{zone}"
        )
        for n, zone in enumerate("ab")
    ]
    return vpc, [subnet["Subnet"]["SubnetId"] for subnet in made]


def test_an_application_load_balancer_and_its_targets(aws: str) -> None:
    vpc, subnets = make_subnets(aws)
    client = client_of(aws, "elbv2")
    arn = client.create_load_balancer(
        Name="web", Subnets=subnets, Tags=[{"Key": "Team", "Value": "Straße"}]
    )["LoadBalancers"][0]["LoadBalancerArn"]
    client.modify_load_balancer_attributes(
        LoadBalancerArn=arn,
        Attributes=[
            {"Key": "deletion_protection.enabled", "Value": "true"},
            {"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "true"},
        ],
    )
    group = client.create_target_group(
        Name="targets", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip"
    )["TargetGroups"][0]["TargetGroupArn"]
    client.register_targets(TargetGroupArn=group, Targets=[{"Id": "10.1.0.9"}])
    forward = {"Type": "forward", "TargetGroupArn": group}
    redirect = {
        "Type": "redirect",
        "RedirectConfig": {"Protocol": "HTTPS", "StatusCode": "HTTP_301"},
    }
    for port, action in ((80, redirect), (8080, forward)):
        client.create_listener(
            LoadBalancerArn=arn, Protocol="HTTP", Port=port, DefaultActions=[action]
        )

    result = collected(aws, "load_balancer")
    row = row_of(result, "web")
    assert (row["arn"], row["load_balancer_type"], row["tags"]["Team"]) == (
        arn,
        "application",
        "Straße",
    )
    assert (row["deletion_protection"], row["drop_invalid_header_fields"]) == (True, True)
    assert (row["access_logs"], row["access_log_bucket"], row["listeners"]) == (False, "", 2)
    heard = children_of(result, "load_balancer_listeners", "web")
    assert {(r["port"], r["redirects_to_https"]) for r in heard} == {(80, True), (8080, False)}
    assert ("in_subnet", "subnet", subnets[0]) in edges_of(result, "web")
    asked = {(r["metric"], r["value"]) for r in result.metrics}
    assert asked == {
        ("RequestCount", 0.0),
        ("RequestCount:busiest_day", 0.0),
        ("NewConnectionCount", 0.0),
    }

    result = collected(aws, "target_group")
    row = row_of(result, "targets")
    assert (row["targets"], row["load_balancers"]) == (1, ["web"])
    assert ("behind", "load_balancer", "web") in edges_of(result, "targets")


def test_more_load_balancers_than_tags_are_told_of_at_once(aws: str) -> None:
    _, subnets = make_subnets(aws)
    client = client_of(aws, "elbv2")
    for n in range(elb.TAGGED_AT_ONCE + 1):
        client.create_load_balancer(
            Name=f"lb-{n}",
            Subnets=subnets,
            Type="network",
            Tags=[{"Key": "Number", "Value": str(n)}],
        )
    result = collected(aws, "load_balancer")
    assert {row["name"]: row["tags"]["Number"] for row in result.rows} == {
        f"lb-{n}": str(n) for n in range(elb.TAGGED_AT_ONCE + 1)
    }
    calls = {row["collector"]: row["calls"] for row in result.coverage}
    assert calls["load_balancer.tags"] == 2
    # Nothing was measured of them, and of network load balancers that means unknown.
    assert {row["value"] for row in result.metrics} == {None}


def test_a_classic_load_balancer(aws: str) -> None:
    _, subnets = make_subnets(aws)
    client = client_of(aws, "elb")
    client.create_load_balancer(
        LoadBalancerName="old",
        Subnets=subnets[:1],
        Listeners=[{"Protocol": "TCP", "LoadBalancerPort": 5432, "InstancePort": 5432}],
        Tags=[{"Key": "Team", "Value": "db"}],
    )
    client.modify_load_balancer_attributes(
        LoadBalancerName="old",
        LoadBalancerAttributes={
            "CrossZoneLoadBalancing": {"Enabled": True},
            "ConnectionDraining": {"Enabled": True, "Timeout": 60},
        },
    )
    result = collected(aws, "classic_load_balancer")
    row = row_of(result, "old")
    assert row["arn"] == f"{ARN}:loadbalancer/old"
    assert (row["cross_zone"], row["access_logs"], row["access_log_bucket"]) == (True, False, "")
    assert (row["instances"], row["healthy_instances"]) == (0, 0)
    assert row["tags"]["Team"] == "db"
    (heard,) = children_of(result, "load_balancer_listeners", "old")
    assert (heard["protocol"], heard["port"], heard["target_port"]) == ("TCP", 5432, 5432)
    assert {r["value"] for r in result.metrics} == {0.0}
    calls = {r["collector"]: r["calls"] for r in result.coverage}
    assert calls["classic_load_balancer.policies"] == 0
