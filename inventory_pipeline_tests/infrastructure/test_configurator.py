"""The role that may change inventory configurations: opt-in, and for nothing else."""

from __future__ import annotations

import json

import pytest

from inventory_pipeline.infrastructure import templates
from inventory_pipeline.settings import Settings
from inventory_pipeline_tests.configurations.conftest import settings_of
from inventory_pipeline_tests.infrastructure.aws_actions import facts

DECLARED = settings_of({"id": "a", "sources": ["logs-[ab]", "data-*", "$x"]})
OFF = settings_of({"id": "a", "sources": ["data-*"]}, configurator_role=None)


def test_there_is_none_unless_configurations_are_declared() -> None:
    for settings in (Settings(), OFF):
        assert "configurator-role" not in {template.name for template in templates(settings)}


def test_it_may_configure_the_declared_buckets_of_its_account_and_nothing_else() -> None:
    template = templates(DECLARED)[-1]
    assert template.name == "configurator-role"
    resources = template.body["Resources"]
    (statement,) = resources["ConfiguratorPolicy1"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["s3:GetInventoryConfiguration", "s3:PutInventoryConfiguration"]
    assert all(facts(action) for action in statement["Action"])
    arns = [resource["Fn::Sub"].rpartition(":")[2] for resource in statement["Resource"]]
    assert arns == ["$x", "data-*", "logs-?"]
    assert statement["Condition"] == {
        "StringEquals": {"aws:ResourceAccount": {"Ref": "AWS::AccountId"}}
    }
    (trust,) = resources["Role"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"AWS": {"Ref": "ConfiguratorArn"}}


def test_the_other_roles_stay_as_they_were_and_read() -> None:
    """Byte for byte, but for the destination that is read."""
    others = {t.name: t.files for t in templates(DECLARED) if t.name != "configurator-role"}
    undeclared = {t.name: t.files for t in templates(settings_of())}
    assert others == undeclared
    assert "PutInventoryConfiguration" not in json.dumps(others)


@pytest.mark.parametrize("name", ["Changer", "team/Changer"])
def test_the_setting_names_it(name: str) -> None:
    settings = settings_of({"id": "a", "sources": ["b"]}, configurator_role=name)
    properties = templates(settings)[-1].body["Resources"]["Role"]["Properties"]
    parameter = templates(settings)[-1].body["Parameters"]["RoleName"]
    assert (properties["Path"] + parameter["Default"]).strip("/") == name
