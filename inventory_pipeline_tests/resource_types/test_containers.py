"""ECS and EKS: clusters that the listing only names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from inventory_pipeline.accounts import Account, Clients
from inventory_pipeline.collect import Cell, CellResult, CellRunner
from inventory_pipeline.resource_types import ecs, eks, resource_types
from inventory_pipeline_tests.resource_types.test_declarations import seen

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ACCOUNT = Account("111111111111", "engineering", "arn:aws:iam::111111111111:role/R")
CLUSTER_ARN = "arn:aws:ecs:eu-west-1:111111111111:cluster/shop"
ASSUME = '{"Statement":[{"Effect":"Allow","Principal":{"Service":"eks.amazonaws.com"}}]}'


def look(aws: str, kind: str) -> CellResult:
    runner = CellRunner(Clients(endpoint_url=aws), NOW, lambda: NOW, parallel=2)
    return next(iter(runner.run([Cell(ACCOUNT, "eu-west-1", resource_types()[kind])])))


def ecs_row(cluster: dict[str, Any] | None) -> dict[str, Any]:
    item = {"clusterArn": CLUSTER_ARN} | ({} if cluster is None else {"cluster": cluster})
    observation = seen(resource_types()["ecs_cluster"], item)
    assert observation.problems == []
    found: dict[str, Any] = observation.row
    return found


def test_an_old_cluster_and_one_that_was_not_described() -> None:
    old = ecs_row({"clusterArn": CLUSTER_ARN, "status": "ACTIVE"})
    assert old["resource_id"] == old["name"] == "shop"
    assert old["container_insights"] == "disabled"
    assert (old["exec_logging"], old["exec_kms_key"]) == ("DEFAULT", "")
    assert (old["tags"], old["capacity_providers"]) == ({}, [])
    unread = ecs_row(None)
    assert unread["resource_id"] == "shop"
    own = {f.column.name for f in resource_types()["ecs_cluster"].fields}
    assert {unread[name] for name in own | {"tags", "state"}} == {None}
    assert ecs.cluster_name({}) is None


def test_ecs_clusters_are_described_together(aws: str) -> None:
    client = Clients(endpoint_url=aws).client(ACCOUNT, "ecs", "eu-west-1")
    for number in range(30):
        client.create_cluster(
            clusterName=f"c-{number:02}",
            tags=[{"key": "Team", "value": f"t{number}"}],
            settings=[{"name": "containerInsights", "value": "enhanced"}],
        )
    result = look(aws, "ecs_cluster")
    assert result.status == "ok"
    assert sorted(row["name"] for row in result.rows) == [f"c-{n:02}" for n in range(30)]
    assert all(row["tags"]["Team"] == f"t{int(row['name'][2:])}" for row in result.rows)
    assert {row["container_insights"] for row in result.rows} == {"enhanced"}
    described = next(r for r in result.coverage if r["collector"] == "ecs_cluster.cluster")
    assert described["calls"] < 30


def test_logs_that_are_on_and_those_that_are_off() -> None:
    logging = {
        "clusterLogging": [
            {"types": ["audit", "api"], "enabled": True},
            {"types": ["scheduler"], "enabled": False},
        ]
    }
    assert eks.log_types({"described": {"cluster": {"logging": logging}}}) == ["api", "audit"]
    assert eks.log_types({"described": {"cluster": {}}}) == []
    assert eks.log_types({}) is None


def test_kubernetes_secrets_have_a_key_or_none() -> None:
    configs = [{"resources": ["secrets"], "provider": {"keyArn": "arn:aws:kms:k"}}]
    assert eks.secrets_key({"described": {"cluster": {"encryptionConfig": configs}}}) == (
        "arn:aws:kms:k"
    )
    assert eks.secrets_key({"described": {"cluster": {}}}) == ""
    assert eks.secrets_key({}) is None


def test_ssh_is_open_where_no_security_group_guards_it() -> None:
    def group(**access: Any) -> dict[str, Any]:
        return {"described": {"nodegroup": {"remoteAccess": access}}}

    assert eks.ssh_open(group(ec2SshKey="ops")) is True
    assert eks.ssh_open(group(ec2SshKey="ops", sourceSecurityGroups=["sg-1"])) is False
    assert eks.ssh_open(group()) is False
    assert eks.ssh_open({"described": {"nodegroup": {}}}) is False
    assert eks.ssh_open({}) is None


def test_eks_clusters_and_their_node_groups(aws: str) -> None:
    client = Clients(endpoint_url=aws).client(ACCOUNT, "eks", "eu-west-1")
    for name in ("blue", "green"):
        client.create_cluster(
            name=name,
            version="1.33",
            roleArn="arn:aws:iam::111111111111:role/eks",
            resourcesVpcConfig={"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]},
            tags={"Color": name},
        )
        client.create_nodegroup(
            clusterName=name,
            nodegroupName="workers",
            nodeRole="arn:aws:iam::111111111111:role/node",
            subnets=["subnet-1"],
            scalingConfig={"minSize": 1, "maxSize": 4, "desiredSize": 2},
        )
    clusters = look(aws, "eks_cluster")
    assert {row["status"] for row in clusters.coverage} == {"ok"}
    assert {(row["name"], row["tags"]["Color"]) for row in clusters.rows} == {
        ("blue", "blue"),
        ("green", "green"),
    }
    groups = look(aws, "eks_node_group")
    assert groups.status == "ok"
    assert {row["resource_id"] for row in groups.rows} == {"blue/workers", "green/workers"}
    assert {(row["cluster"], row["desired_nodes"]) for row in groups.rows} == {
        ("blue", 2),
        ("green", 2),
    }
    assert all(":nodegroup/" in row["arn"] for row in groups.rows)
    edges = {
        (e["source_id"], e["target_id"]) for e in groups.edges if e["relation"] == "in_cluster"
    }
    assert edges == {("blue/workers", "blue"), ("green/workers", "green")}
