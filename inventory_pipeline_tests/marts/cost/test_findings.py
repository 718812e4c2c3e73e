"""Waste rules: yes, no, unknown, too young and each boundary; and what acting would save."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from inventory_pipeline.marts.cost.findings import waste_findings_sql
from inventory_pipeline.marts.cost.rules import RULES, Rule
from inventory_pipeline.marts.mart import Mart, build_mart
from inventory_pipeline.resource_types import resource_types
from inventory_pipeline_tests.marts.planted import MARTS, NOW, PARAMS, Planted, ago

SECOND = timedelta(seconds=1)

QUIET = {"cpu_maximum": 4.99, "network_in_bytes": 1e6, "network_out_bytes": 1e6}
RUNNING = {"state": "running", "launched_at": ago(200), "instance_type": "m5.large",
           "platform": "linux"}  # fmt: skip
STOPPED = {"state": "stopped", "instance_type": "m5.large", "platform": "linux"}
LOOSE = {"state": "available", "volume_type": "gp2", "size_gb": 100, "created_at": ago(200)}
DATABASE = {
    "state": "available", "engine": "mysql", "instance_class": "db.m5.large", "multi_az": False,
    "storage_type": "gp2", "allocated_storage_gb": 100, "created_at": ago(200),
}  # fmt: skip
OLD = {"last_modified_at": ago(200), "memory_mb": 128, "architecture": "arm64"}

# rule, resource type, columns, metrics, verdict (None where the rule does not speak of it)
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any], str | None]] = {
    "idle": ("ec2.idle", RUNNING, QUIET, "yes"),
    "cpu at the threshold": ("ec2.idle", RUNNING, {**QUIET, "cpu_maximum": 5.0}, "no"),
    "network under the threshold": (
        "ec2.idle", RUNNING, {**QUIET, "network_in_bytes": 69e6 - 1}, "yes"),
    "network at the threshold": ("ec2.idle", RUNNING, {**QUIET, "network_in_bytes": 69e6}, "no"),
    "no metrics": ("ec2.idle", RUNNING, {}, "unknown"),
    "network not known": ("ec2.idle", RUNNING, {"cpu_maximum": 1.0}, "unknown"),
    "busy cpu settles it without network": ("ec2.idle", RUNNING, {"cpu_maximum": 90.0}, "no"),
    "enough datapoints": ("ec2.idle", RUNNING, {**QUIET, "cpu_maximum": (1.0, 10)}, "yes"),
    "too few datapoints": ("ec2.idle", RUNNING, {**QUIET, "cpu_maximum": (1.0, 9)}, "unknown"),
    "a whole window old": ("ec2.idle", {**RUNNING, "launched_at": ago(14)}, QUIET, "yes"),
    "too young": ("ec2.idle", {**RUNNING, "launched_at": ago(14) + SECOND}, QUIET, "unknown"),
    "start not known": ("ec2.idle", {**RUNNING, "launched_at": None}, QUIET, "unknown"),
    "stopped is not idle": ("ec2.idle", {**STOPPED, "stopped_at": ago(90)}, {}, None),
    "stopped": ("ec2.stopped", {**STOPPED, "stopped_at": ago(30)}, {}, "yes"),
    "not stopped for long": ("ec2.stopped", {**STOPPED, "stopped_at": ago(30) + SECOND}, {}, "no"),
    "stop time not known": ("ec2.stopped", STOPPED, {}, "unknown"),
    "running is not stopped": ("ec2.stopped", RUNNING, QUIET, None),
    "unattached": ("ebs.unattached", LOOSE, {}, "yes"),
    "unattached a day": ("ebs.unattached", {**LOOSE, "created_at": ago(1)}, {}, "yes"),
    "just made": ("ebs.unattached", {**LOOSE, "created_at": ago(1) + SECOND}, {}, "no"),
    "made at an unknown time": ("ebs.unattached", {**LOOSE, "created_at": None}, {}, "unknown"),
    "attached": ("ebs.unattached", {**LOOSE, "state": "in-use"}, {}, None),
    "no connections": ("rds.idle", DATABASE, {"connections_maximum": 0.0}, "yes"),
    "a connection": ("rds.idle", DATABASE, {"connections_maximum": 1.0}, "no"),
    "connections not known": ("rds.idle", DATABASE, {}, "unknown"),
    "connections half known": ("rds.idle", DATABASE, {"connections_maximum": (0.0, 9)}, "unknown"),
    "young database": (
        "rds.idle", {**DATABASE, "created_at": ago(13)}, {"connections_maximum": 0.0}, "unknown"),
    "replica": (
        "rds.idle", {**DATABASE, "replica_source_id": "x"}, {"connections_maximum": 0.0}, None),
    "member": ("rds.idle", {**DATABASE, "cluster_id": "x"}, {"connections_maximum": 0.0}, None),
    "stopped database": (
        "rds.idle", {**DATABASE, "state": "stopped"}, {"connections_maximum": 0.0}, None),
    "never invoked": ("lambda.unused", OLD, {"invocations": (0.0, 0)}, "yes"),
    "invoked once": ("lambda.unused", OLD, {"invocations": (1.0, 1)}, "no"),
    "invocations not known": ("lambda.unused", OLD, {}, "unknown"),
    "changed lately": (
        "lambda.unused", {**OLD, "last_modified_at": ago(29)}, {"invocations": 0.0}, "unknown"),
    "changed lately, yet invoked": (
        "lambda.unused", {**OLD, "last_modified_at": ago(29)}, {"invocations": 5.0}, "no"),
    "empty": ("s3.empty", {"created_at": ago(90)}, {"object_count": (0.0, 1)}, "yes"),
    "one object": ("s3.empty", {"created_at": ago(90)}, {"object_count": 1.0}, "no"),
    "not empty for long": (
        "s3.empty", {"created_at": ago(90) + SECOND}, {"object_count": 0.0}, "no"),
    "objects not known": ("s3.empty", {"created_at": ago(200)}, {}, "unknown"),
}  # fmt: skip

RULE_TYPES = {rule.id: rule.resource_type for rule in RULES}


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    planted = Planted(tmp_path_factory.mktemp("cases"))
    for name, (rule, columns, metrics, _) in CASES.items():
        planted.resource(RULE_TYPES[rule], name, metrics, **columns)
    planted.publish()
    planted.build("cost_components", "waste_findings")
    return planted


@pytest.mark.parametrize("name", CASES)
def test_verdict(cases: Planted, name: str) -> None:
    rule, _, _, verdict = CASES[name]
    found = cases.rows("waste_findings", rule_id=rule, resource_id=name)
    assert [row["verdict"] for row in found] == ([verdict] if verdict else [])


def test_every_rule_has_every_verdict_tested() -> None:
    for rule in RULES:
        assert {"yes", "no", "unknown"} <= {v for r, _, _, v in CASES.values() if r == rule.id}


def test_findings_say_why_and_never_save_on_a_guess(cases: Planted) -> None:
    for row in cases.rows("waste_findings"):
        assert row["reason"]
        if row["verdict"] != "yes":
            assert row["monthly_saving_usd"] is None
            assert row["saving_unknown_reason"] is None


REASONS = {
    "idle": "peak CPU 5.0 %, network 0.143 MB a day in 14 days",
    "too young": (
        "peak CPU 5.0 %, network 0.143 MB a day in 14 days; started 13 days ago, too young to judge"
    ),
    "no metrics": "CPU not known, network not known in 14 days",
    "stopped": "stopped for 30 days",
    "stop time not known": "stopped at an unknown time",
    "never invoked": "0 invocations in 30 days; an idle function costs nothing",
    "not empty for long": "0 objects, made 89 days ago; an empty bucket costs nothing",
}


@pytest.mark.parametrize("name", REASONS)
def test_reason(cases: Planted, name: str) -> None:
    rule = CASES[name][0]
    [found] = cases.rows("waste_findings", rule_id=rule, resource_id=name)
    assert found["reason"] == REASONS[name]


IDLE_DAYS = {
    "idle": 14, "cpu at the threshold": None, "too young": None,
    "stopped": 30, "not stopped for long": 29, "stop time not known": None,
    "no connections": 14, "never invoked": 30, "empty": None,
}  # fmt: skip


@pytest.mark.parametrize("name", IDLE_DAYS)
def test_idle_days_are_a_bound_that_can_be_proved(cases: Planted, name: str) -> None:
    rule = CASES[name][0]
    [found] = cases.rows("waste_findings", rule_id=rule, resource_id=name)
    assert found["idle_days"] == IDLE_DAYS[name]


def test_thresholds_are_the_settings(cases: Planted) -> None:
    cases.build("waste_findings", idle_resource_days=31, stale_resource_days=200)
    try:
        [stopped] = cases.rows("waste_findings", rule_id="ec2.stopped", resource_id="stopped")
        [empty] = cases.rows("waste_findings", rule_id="s3.empty", resource_id="empty")
        assert (stopped["verdict"], empty["verdict"]) == ("no", "no")
    finally:
        cases.build("waste_findings")


def test_rules_that_are_off_are_not_asked(cases: Planted) -> None:
    cases.build("waste_findings", rules_off=["ec2.idle", "s3.empty"])
    try:
        asked = {row["rule_id"] for row in cases.rows("waste_findings")}
        assert asked == set(RULE_TYPES) - {"ec2.idle", "s3.empty"}
    finally:
        cases.build("waste_findings")


class TestSavings:
    @pytest.fixture(scope="class")
    @classmethod
    def estate(cls, tmp_path_factory: pytest.TempPathFactory) -> Planted:
        planted = Planted(tmp_path_factory.mktemp("savings"))
        volume = {"state": "in-use", "volume_type": "gp2", "size_gb": 100}
        planted.resource("ec2_instance", "i-idle", QUIET, elastic_ips=1, **RUNNING)
        planted.resource("ebs_volume", "vol-1", attached_instance_id="i-idle", **volume)
        planted.resource("ebs_volume", "vol-2", attached_instance_id="i-idle", **volume)
        off = {**STOPPED, "stopped_at": ago(60)}
        planted.resource("ec2_instance", "i-off", elastic_ips=1, **off)
        planted.resource("ebs_volume", "vol-3", attached_instance_id="i-off", **volume)
        # The same ids in another account and region are other resources.
        for place in ({"account_id": "222222222222"}, {"region": "eu-west-1"}):
            planted.resource("ebs_volume", "vol-9", attached_instance_id="i-off", **volume, **place)
        planted.resource("ec2_instance", "i-spot", QUIET, **RUNNING, lifecycle="spot")
        planted.resource("ec2_instance", "i-far", region="eu-west-1", **off)
        planted.resource("ebs_volume", "vol-loose", **LOOSE)
        planted.resource("rds_instance", "db", {"connections_maximum": 0.0}, **DATABASE)
        planted.resource("lambda_function", "f", {"invocations": 0.0}, **OLD)
        planted.cell("ebs_volume")
        planted.cell("ebs_volume", "denied", region="eu-west-1")
        planted.publish()
        planted.build("cost_components", "resource_costs", "waste_findings")
        return planted

    @pytest.mark.parametrize(
        ("resource_id", "saving"),
        [
            ("i-idle", "0.096 * 730 + 0.005 * 730 + 0.10 * 200"),
            ("i-off", "0.005 * 730 + 0.10 * 100"),
            ("vol-loose", "0.10 * 100"),
            ("db", "0.171 * 730"),
            ("f", "0"),
        ],
    )
    def test_saving(self, estate: Planted, resource_id: str, saving: str) -> None:
        [found] = estate.rows("waste_findings", resource_id=resource_id)
        expected = sum(
            Decimal(first) * Decimal(rest or 1)
            for first, _, rest in (term.partition(" * ") for term in saving.split(" + "))
        )
        assert (found["verdict"], found["monthly_saving_usd"]) == ("yes", expected)
        assert found["saving_unknown_reason"] is None

    @pytest.mark.parametrize(
        ("resource_id", "reason"),
        [
            ("i-spot", "no list price for spot instances"),
            ("i-far", "attached volumes not observed"),
        ],
    )
    def test_unknown_saving(self, estate: Planted, resource_id: str, reason: str) -> None:
        [found] = estate.rows("waste_findings", resource_id=resource_id)
        assert (found["verdict"], found["monthly_saving_usd"]) == ("yes", None)
        assert found["saving_unknown_reason"] == reason

    def test_no_dollar_is_saved_twice(self, estate: Planted) -> None:
        found = estate.rows("waste_findings", verdict="yes")
        saved = sum(f["monthly_saving_usd"] or 0 for f in found)
        counted = {"i-idle", "vol-1", "vol-2", "i-off", "vol-3", "vol-loose", "db"}
        costs = [c for c in estate.rows("resource_costs", account_id="111111111111")
                 if c["resource_id"] in counted and c["region"] == "us-east-1"]  # fmt: skip
        storage_kept = Decimal("0.115") * 100
        assert saved == sum(c["monthly_usd"] for c in costs) - storage_kept


def test_unattached_days_count_from_the_first_look_since_it_was_in_use(tmp_path: Path) -> None:
    planted = Planted(tmp_path)
    history = {
        "vol-always": ["available"] * 4,
        "vol-again": ["available", "in-use", "available", "available"],
        "vol-now": ["in-use", "in-use", "in-use", "available"],
    }
    days = (20, 10, 5, 0)
    for volume, states in history.items():
        for age, state in zip(days, states, strict=True):
            at = {"snapshot_at": ago(age), "observed_at": ago(age), "state": state}
            planted.resource("ebs_volume", volume, **{**LOOSE, **at})
    later = {"snapshot_at": NOW + timedelta(days=1), "state": "in-use"}
    planted.resource("ebs_volume", "vol-always", **{**LOOSE, **later})
    planted.publish(*(ago(age) for age in days), NOW + timedelta(days=1))
    planted.build("cost_components", "waste_findings")
    found = {f["resource_id"]: f["idle_days"] for f in planted.rows("waste_findings")}
    assert found == {"vol-always": 20, "vol-again": 5, "vol-now": 0}


def test_same_names_in_two_accounts_are_judged_apart(tmp_path: Path) -> None:
    planted = Planted(tmp_path)
    for account, connections in (("111111111111", 0.0), ("222222222222", 9.0)):
        metrics = {"connections_maximum": connections}
        planted.resource("rds_instance", "db", metrics, account_id=account, **DATABASE)
    planted.publish()
    planted.build("cost_components", "waste_findings")
    verdicts = {f["account_id"]: f["verdict"] for f in planted.rows("waste_findings")}
    assert verdicts == {"111111111111": "yes", "222222222222": "no"}


def test_a_rule_is_added_by_one_entry(tmp_path: Path) -> None:
    gp2 = Rule(
        id="ebs.gp2", title="Volume of the older type", resource_type="ebs_volume",
        applies="r.volume_type IS NOT NULL", wasted="r.volume_type = 'gp2'",
        reason="'type ' || r.volume_type", saves=("storage",),
    )  # fmt: skip
    planted = Planted(tmp_path)
    planted.resource("ebs_volume", "vol-old", volume_type="gp2", size_gb=10)
    planted.resource("ebs_volume", "vol-new", volume_type="gp3", size_gb=10)
    planted.publish()
    planted.build("cost_components")
    mart = Mart(
        "waste_findings", lambda: waste_findings_sql([gp2]), MARTS["waste_findings"].reads,
        "snapshot",
    )  # fmt: skip
    build_mart(planted.engine, mart, NOW, PARAMS)
    found = {f["resource_id"]: f for f in planted.rows("waste_findings")}
    assert found["vol-old"]["verdict"] == "yes"
    assert found["vol-old"]["monthly_saving_usd"] == 1
    assert found["vol-new"]["verdict"] == "no"


def test_rules_save_components_that_their_type_has() -> None:
    for rule in RULES:
        known = {component.name for component in resource_types()[rule.resource_type].costs}
        assert set(rule.saves) <= known, rule.id
