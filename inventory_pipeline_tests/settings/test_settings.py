"""Settings: what is accepted, what is refused and in which words, and that secrets stay hidden."""

import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel

from inventory_pipeline.settings import (
    ArchivePolicy,
    SecretRef,
    Settings,
    SettingsError,
    load_settings,
    require_known,
)
from inventory_pipeline.settings.errors import format_path
from inventory_pipeline.settings.template import settings_template
from inventory_pipeline.settings.values import ARCHIVE_TARGETS, MASK

DESIGN_JSON = """
{"accounts": {"engineering": {"account_id": "123456789012", "role_name": "AWSInventoryRole", "enabled": true,
                              "tags": {"Department": "Engineering", "CostCenter": "1001"}}},
 "resource_types": ["ec2", "rds", "s3", "lambda"],
 "excluded_regions": ["ap-south-2", "ap-southeast-4"],
 "collection_settings": {"parallel_regions": 10, "timeout_seconds": 300, "retry_attempts": 3, "batch_size": 25},
 "cost_thresholds": {"expensive_resource_monthly": 100, "idle_resource_days": 30, "stale_resource_days": 90, "total_monthly_alert": 10000},
 "notifications": {"sns_topic_arn": "", "email_on_failure": true, "slack_webhook_url": ""}}
"""  # noqa: E501 - users have it in this form
TOPIC = "arn:aws:sns:us-east-1:123456789012:alerts"
SECRET = "hunter2-literal"
SECRET_ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:slack-AbCdEf"


@pytest.fixture
def load(tmp_path: Path):
    """Loads settings from text."""

    def loader(text: str, name: str = "inventory.yaml", **environ: str) -> Settings:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return load_settings(path, environ)

    return loader


@pytest.fixture
def errors(load, tmp_path: Path):
    """The lines of the error that a text causes, with the file's folder cut off."""

    def lines(text: str, name: str = "inventory.yaml", **environ: str) -> list[str]:
        with pytest.raises(SettingsError) as caught:
            load(text, name, **environ)
        return str(caught.value).replace(f"{tmp_path}/", "").splitlines()

    return lines


def load_data(data: object, folder: Path, **environ: str) -> Settings:
    path = folder / "inventory.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return load_settings(path, environ)


class TestSources:
    @pytest.mark.parametrize("name", ["inventory.yaml", "inventory.json", "config"])
    def test_the_designs_json_is_accepted_unchanged(self, load, name: str):
        settings = load(DESIGN_JSON, name)
        account = settings.accounts["engineering"]
        assert (account.account_id, account.role_name) == ("123456789012", "AWSInventoryRole")
        assert account.tags == {"Department": "Engineering", "CostCenter": "1001"}
        assert settings.resource_types == ["ec2", "rds", "s3", "lambda"]
        assert settings.excluded_regions == ["ap-south-2", "ap-southeast-4"]
        assert settings.collection_settings.batch_size == 25
        assert settings.cost_thresholds.total_monthly_alert == Decimal(10_000)
        assert settings.notifications.sns_topic_arn is None
        assert settings.notifications.slack_webhook_url is None

    def test_without_a_file_defaults_hold(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert load_settings(environ={}) == Settings()

    def test_the_argument_wins_over_variables_and_those_over_the_working_folder(
        self, tmp_path, monkeypatch
    ):
        monkeypatch.chdir(tmp_path)
        for region, name in [("eu-west-1", "inventory.yaml"), ("eu-west-2", "config"),
                             ("eu-west-3", "settings"), ("eu-north-1", "argument")]:  # fmt: skip
            Path(name).write_text(f"regions: [{region}]")
        config, both = (
            {"CONFIG_PATH": "config"},
            {
                "CONFIG_PATH": "config",
                "INVENTORY_SETTINGS": "settings",
            },
        )
        assert load_settings(environ={}).regions == ["eu-west-1"]
        assert load_settings(environ=config).regions == ["eu-west-2"]
        assert load_settings(environ=both).regions == ["eu-west-3"]
        assert load_settings(Path("argument"), both).regions == ["eu-north-1"]

    def test_a_named_file_must_exist(self, tmp_path):
        missing = str(tmp_path / "none.yaml")
        with pytest.raises(SettingsError, match=r"none\.yaml: cannot be read: No such file"):
            load_settings(environ={"INVENTORY_SETTINGS": missing})

    @pytest.mark.parametrize("text", ["", "# only a comment\n", "accounts:\nlake:\n"])
    def test_what_is_empty_is_default(self, load, text: str):
        assert load(text) == Settings()

    def test_a_schedule_turned_off_keeps_its_own_cron(self, load):
        schedules = load("schedules: {security_check: {enabled: false}}").schedules
        assert schedules.security_check.cron == "0 10 * * MON"
        assert not schedules.security_check.enabled
        assert schedules.collect.enabled

    def test_yaml_days_merge_keys_and_plain_account_numbers_are_read(self, load):
        settings = load(
            "schedules: {snapshots_start: 2026-03-01}\n"
            "accounts:\n"
            "  a: &base {account_id: 123456789012, tags: {Since: 2026-01-01}}\n"
            "  b: {<<: *base, account_id: '000000000001'}\n"
        )
        assert settings.schedules.snapshots_start == date(2026, 3, 1)
        assert settings.accounts["a"].account_id == "123456789012"
        assert settings.accounts["b"].account_id == "000000000001"
        assert settings.accounts["b"].tags == {"Since": "2026-01-01"}

    @pytest.mark.parametrize(
        ("location", "warehouse"),
        [("d/lake", "d/warehouse.duckdb"), ("s3://bucket/lake", "warehouse.duckdb")],
    )
    def test_the_warehouse_lies_beside_the_lake(self, load, location: str, warehouse: str):
        assert load("", INVENTORY_LAKE=location).lake.warehouse_path == Path(warehouse)

    def test_a_destination_may_be_of_an_account_that_is_only_found(self, load):
        text = "organization: {discover: true}\ns3_inventory: {destinations: [{bucket: reports, "
        settings = load(text + "account: '123456789012'}]}")
        assert settings.s3_inventory.destinations[0].account == "123456789012"

    def test_settings_cannot_be_changed(self):
        with pytest.raises(ValueError, match="frozen"):
            Settings().lake.location = "elsewhere"  # type: ignore[misc]


class TestEnvironment:
    @pytest.mark.parametrize(
        ("variable", "value", "section", "key"),
        [
            ("SNS_TOPIC_ARN", TOPIC, "notifications", "sns_topic_arn"),
            ("REPORT_BUCKET", "reports-bucket", "outputs", "report_bucket"),
            ("DYNAMODB_TABLE_NAME", "inventory", "outputs", "dynamodb_table_name"),
            ("INVENTORY_LAKE", "s3://bucket/lake", "lake", "location"),
        ],
    )
    @pytest.mark.parametrize("text", ["", "{section}: {{{key}: other-value}}", "{section}:"])
    def test_a_variable_wins_over_the_file(self, load, variable, value, section, key, text):
        settings = load(text.format(section=section, key=key), **{variable: value})
        assert getattr(getattr(settings, section), key) == value

    def test_numbers_and_top_level_keys_too(self, load):
        endpoint = "http://127.0.0.1:5000"
        settings = load("", MONTHLY_COST_THRESHOLD="2500.50", AWS_ENDPOINT_URL=endpoint)
        assert settings.cost_thresholds.total_monthly_alert == Decimal("2500.50")
        assert settings.aws_endpoint_url == endpoint

    def test_an_empty_variable_is_not_set(self, load):
        assert load("lake: {location: here}", INVENTORY_LAKE="").lake.location == "here"

    def test_external_id_is_the_default_of_accounts_that_name_none(self, load):
        settings = load(
            "accounts:\n"
            "  a: {account_id: '123456789012'}\n"
            "  b: {account_id: '123456789013', external_id: ''}\n"
            "  c: {account_id: '123456789014', external_id: own}\n",
            EXTERNAL_ID="shared",
        )
        accounts = settings.accounts.values()
        ids = [a.external_id.resolve("x") for a in accounts if a.external_id]
        assert ids == ["shared", "shared", "own"]

    def test_external_id_is_that_of_the_organisations_roles_as_well(self, load):
        settings = load("organization: {discover: true}", EXTERNAL_ID="shared")
        assert settings.organization.external_id is not None
        assert settings.organization.external_id.resolve("x") == "shared"
        assert load("organization: {external_id: own}", EXTERNAL_ID="s").organization.external_id \
            == SecretRef("own")  # fmt: skip

    def test_an_error_names_the_variable_instead_of_the_file(self, errors):
        assert errors("", MONTHLY_COST_THRESHOLD="lots") == [
            "MONTHLY_COST_THRESHOLD: cost_thresholds.total_monthly_alert: "
            "must be a valid decimal, not 'lots'"
        ]


POLICY = "archive: {{policies: [{{name: p, sources: [{sources}], target_class: {target}{more}}}]}}"

WRONG = {
    "unknown key": (
        "accounts: {engineering: {acount_id: '123456789012', account_id: '123456789012'}}",
        "accounts.engineering.acount_id: unknown key; did you mean 'account_id'?",
    ),
    "unknown section": ("acounts: {}", "acounts: unknown key; did you mean 'accounts'?"),
    "key in another case": ("Lake: {}", "Lake: unknown key; did you mean 'lake'?"),
    "key like no other": ("cost: {zzz: 1}", "cost.zzz: unknown key; known: rules_off"),
    "key of an item": (
        "s3_inventory: {destinations: [{bucket: reports, prefx: x}]}",
        "s3_inventory.destinations[0].prefx: unknown key; did you mean 'prefix'?",
    ),
    "missing key": (
        "accounts: {engineering: {enabled: true}}",
        "accounts.engineering.account_id: this key is required",
    ),
    "name of two lines": (
        r'accounts: {"my\nacct": {account_id: "123456789012"}}',
        r"accounts['my\nacct']: 'my\nacct' is not a name",
    ),
    "short account id": (
        "accounts: {a: {account_id: '12345'}}",
        "accounts.a.account_id: '12345' is not an account id of 12 digits",
    ),
    "account id read as octal": (
        "accounts: {a: {account_id: 012345670123}}",
        "accounts.a.account_id: 1402433619 is not an account id of 12 digits; write it in quotes, "
        "since an unquoted number loses leading zeros",
    ),
    "the same account twice": (
        "accounts: {a: {account_id: '123456789012'}, b: {account_id: 123456789012}}",
        "accounts: 'a' and 'b' have the same account_id",
    ),
    "number as text": (
        "accounts: {a: {account_id: '123456789012', tags: {CostCenter: 1001}}}",
        "accounts.a.tags.CostCenter: must be text, not 1001; write it in quotes",
    ),
    "number as name": (
        "accounts: {5: {account_id: '123456789012'}}",
        "accounts[5]: must be text, not 5; write it in quotes",
    ),
    "number as key": ("5: 6", "[5]: a key must be text; write it in quotes"),
    "text as flag": (
        "notifications: {email_on_failure: 'yes'}",
        "notifications.email_on_failure: must be a valid boolean, not 'yes'",
    ),
    "flag as number": (
        "cost_thresholds: {idle_resource_days: yes}",
        "cost_thresholds.idle_resource_days: must be a valid integer, not true",
    ),
    "flag as money": (
        "cost_thresholds: {total_monthly_alert: yes}",
        "cost_thresholds.total_monthly_alert: must be an integer, float, string or Decimal object, "
        "not true",
    ),
    "number out of range": (
        "collection_settings: {parallel_regions: 0}",
        "collection_settings.parallel_regions: must be greater than or equal to 1, not 0",
    ),
    "days out of range": (
        "cost_thresholds: {stale_resource_days: -1}",
        "cost_thresholds.stale_resource_days: must be greater than or equal to 0, not -1",
    ),
    "money not a number": (
        "cost_thresholds: {expensive_resource_monthly: .nan}",
        "cost_thresholds.expensive_resource_monthly: must be a finite number, not nan",
    ),
    "text for a list": ("resource_types: ec2", "resource_types: must be a list"),
    "text for a section": ("lake: here", "lake: must be a mapping of keys to values"),
    "list for accounts": ("accounts: []", "accounts: must be a mapping of keys to values"),
    "empty pattern": (
        "excluded_regions: ['']",
        "excluded_regions[0]: '' is not a region such as us-east-1 or a pattern such as us-*",
    ),
    "region": (
        "regions: [useast1]",
        "regions[0]: 'useast1' is not a region such as us-east-1 or a pattern such as us-*",
    ),
    "share": (
        "collection_settings: {coverage_threshold: 101}",
        "collection_settings.coverage_threshold: must be less than or equal to 100, not 101",
    ),
    "cron of four fields": (
        "schedules: {collect: {cron: '0 8 * *'}}",
        "schedules.collect.cron: '0 8 * *' is not a cron of five fields, such as '0 8 * * *'",
    ),
    "cron out of range": (
        "schedules: {cleanup: {cron: '0 24 1 * *'}}",
        "schedules.cleanup.cron: '0 24 1 * *' is not a cron: '24' is not a hour",
    ),
    "cron with a step that does not work": (
        "schedules: {collect: {cron: '*/90 * * * *'}}",
        "schedules.collect.cron: '*/90 * * * *' is not a cron: '*/90' is not a minute",
    ),
    "day": (
        "schedules: {snapshots_start: 2026-02-30}",
        "schedules.snapshots_start: '2026-02-30' is not a day such as 2026-01-31",
    ),
    "number as day": (
        "schedules: {snapshots_start: 0}",
        "schedules.snapshots_start: 0 is not a day such as 2026-01-31",
    ),
    "catalog": (
        "lake: {catalog: glu}",
        "lake.catalog: must be 'sqlite' or 'glue', not 'glu'; did you mean 'glue'?",
    ),
    "glue without S3": (
        "lake: {catalog: glue}",
        "lake: catalog 'glue' needs a location on S3 (s3://bucket/prefix)",
    ),
    "location": (
        "lake: {location: 'gs://bucket/lake'}",
        "lake.location: 'gs://bucket/lake' is not a folder or s3://bucket/prefix",
    ),
    "memory": (
        "lake: {memory_limit: lots}",
        "lake.memory_limit: 'lots' is not an amount of memory such as '1GB' or '512MiB'",
    ),
    "no memory": (
        "lake: {memory_limit: 0GB}",
        "lake.memory_limit: '0GB' is not an amount of memory such as '1GB' or '512MiB'",
    ),
    "endpoint": (
        "aws_endpoint_url: localhost:5000",
        "aws_endpoint_url: 'localhost:5000' is not a URL such as http://127.0.0.1:5000",
    ),
    "topic": (
        "notifications: {sns_topic_arn: alerts}",
        "notifications.sns_topic_arn: 'alerts' is not the ARN of an SNS topic",
    ),
    "destination of nobody": (
        "accounts: {engineering: {account_id: '123456789012'}}\n"
        "s3_inventory: {destinations: [{bucket: reports, account: enginering}]}",
        "s3_inventory.destinations[0].account: no enabled account 'enginering'; "
        "did you mean 'engineering'?",
    ),
    "destination of an account turned off": (
        "accounts: {engineering: {account_id: '123456789012', enabled: false}}\n"
        "s3_inventory: {destinations: [{bucket: reports, account: '123456789012'}]}",
        "s3_inventory.destinations[0].account: no enabled account '123456789012'",
    ),
    "destination of no account of the organisation": (
        "organization: {discover: true}\n"
        "s3_inventory: {destinations: [{bucket: reports, account: audit}]}",
        "s3_inventory.destinations[0].account: no enabled account 'audit'",
    ),
    "name of a role for its ARN": (
        "credentials: {role_chain: [{role_arn: Hub}]}",
        "credentials.role_chain[0].role_arn: 'Hub' is not the ARN of an IAM role",
    ),
    "ARN of a role for its name": (
        "organization: {role_name: 'arn:aws:iam::123456789012:role/Hub'}",
        "organization.role_name: 'arn:aws:iam::123456789012:role/Hub' is not the name of an "
        "IAM role",
    ),
    "session name": (
        "credentials: {session_name: 'night run'}",
        "credentials.session_name: 'night run' is not a session name of 2 to 64 letters, digits "
        "or +=,.@-_",
    ),
    "session tag of AWS's own": (
        "credentials: {session_tags: {'aws:team': x}}",
        "credentials.session_tags['aws:team']: 'aws:team' is not the key of a session tag",
    ),
    "session that would end at once": (
        "credentials: {duration_seconds: 900}",
        "credentials.duration_seconds: must be greater than or equal to 1800, not 900",
    ),
    "session longer than AWS chains": (
        "credentials: {duration_seconds: 7200, "
        "role_chain: [{role_arn: 'arn:aws:iam::123456789012:role/Hub'}]}",
        "credentials: duration_seconds 7200 is above 3600, the most that AWS allows with a "
        "role_chain",
    ),
    "no sources": (
        POLICY.format(sources="", target="GLACIER", more=""),
        "archive.policies[0].sources: must not be empty",
    ),
    "storage class": (
        POLICY.format(sources="x", target="DEEP_ARCHIV", more=""),
        "archive.policies[0].target_class: must be 'STANDARD', 'REDUCED_REDUNDANCY', 'STANDARD_IA',"
        " 'INTELLIGENT_TIERING', 'ONEZONE_IA', 'GLACIER_IR', 'GLACIER' or 'DEEP_ARCHIVE', not "
        "'DEEP_ARCHIV'; did you mean 'DEEP_ARCHIVE'?",
    ),
    "target that is not cold": (
        POLICY.format(sources="x", target="STANDARD", more=""),
        "archive.policies[0].target_class: 'STANDARD' is no target; use one of STANDARD_IA, "
        "INTELLIGENT_TIERING, ONEZONE_IA, GLACIER_IR, GLACIER, DEEP_ARCHIVE",
    ),
    "policy that moves up": (
        POLICY.format(sources="x", target="GLACIER_IR", more=", storage_classes: [GLACIER]"),
        "archive.policies[0]: no object moves from GLACIER to GLACIER_IR",
    ),
    "sizes that exclude all": (
        POLICY.format(sources="x", target="GLACIER", more=", min_size_bytes: 9, max_size_bytes: 8"),
        "archive.policies[0]: max_size_bytes 8 is below min_size_bytes 9",
    ),
    "size": (
        POLICY.format(sources="x", target="GLACIER", more=", min_size_bytes: 1MB"),
        "archive.policies[0].min_size_bytes: must be a valid integer, not '1MB'",
    ),
    "two policies of a name": (
        "archive: {policies: [{name: p, sources: [a], target_class: GLACIER}, "
        "{name: p, sources: [b], target_class: GLACIER}]}",
        "archive.policies: 'p' is the name of several policies",
    ),
    "key given twice": (
        "accounts:\n  a: {account_id: '123456789012'}\n  a: {account_id: '123456789013'}\n",
        "accounts.a: key given twice",
    ),
    "key given twice in a list": (
        "s3_inventory: {destinations: [{bucket: one, bucket: two}]}",
        "s3_inventory.destinations[0].bucket: key given twice",
    ),
    "YAML syntax": (
        "lake:\n  location: [here\n",
        "not YAML: line 3, column 1: expected ',' or ']', but got '<stream end>'",
    ),
    "YAML tab": (
        "lake:\n\tlocation: here\n",
        r"not YAML: line 2, column 1: found character '\t' that cannot start any token",
    ),
    "YAML control character": (
        "lake:\n  location: \x07\n",
        "not YAML: line 2, column 13: a character that YAML forbids",
    ),
    "YAML value that breaks its word": (
        "lake:\n  location: !!int here\n",
        "not YAML: line 2, column 13: a value is not what its form promises; write text in quotes",
    ),
    "YAML that holds itself": (
        "lake: &lake\n  location: *lake\n",
        "not YAML: line 1, column 7: found unconstructable recursive node",
    ),
    "two documents": (
        "lake: {}\n---\nlake: {}\n",
        "not YAML: line 2, column 1: but found another document",
    ),
    "list as file": ("[1, 2]", "must be a mapping of keys to values"),
    "depth": ("[" * 5000, "nested too deeply"),
}


class TestErrors:
    @pytest.mark.parametrize(("text", "line"), WRONG.values(), ids=WRONG)
    def test_one_line_names_file_path_value_and_what_to_do(self, errors, text: str, line: str):
        assert errors(text) == [f"inventory.yaml: {line}"]

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ('{"lake": {"location": "a",}}', "not JSON: line 1, column 27: "),
            ('{\n"lake": 1 2}', "not JSON: line 2, column 11: "),
            ('{"lake": {"location": "a", "location": "b"}}', "lake.location: key given twice"),
            ('{"regions": ' + "9" * 5000 + "}", "not JSON: a number is too long"),
            ('{"regions": ' + "[" * 100_000, "nested too deeply"),
        ],
    )
    def test_json_is_checked_as_json(self, errors, text: str, line: str):
        [found] = errors(text, "inventory.json")
        assert found.startswith(f"inventory.json: {line}")

    def test_all_problems_are_told_at_once(self, errors):
        text = "acounts: {}\nlake: {catalog: glu}\ncost_thresholds: {idle_resource_days: x}\n"
        found = errors(text)
        assert [line.split(": ")[1] for line in found] == [
            "cost_thresholds.idle_resource_days",
            "lake.catalog",
            "acounts",
        ]

    def test_other_encodings_are_refused(self, tmp_path):
        path = tmp_path / "inventory.yaml"
        path.write_bytes("cost: é".encode("latin-1"))
        with pytest.raises(SettingsError, match="not UTF-8 text, at byte 6"):
            load_settings(path, {})

    def test_names_of_other_parts_are_checked_where_they_are_known(self):
        known = {"ec2", "ec2_instance", "ebs_volume", "s3"}
        require_known("resource_types", ["ec2", "ebs_volume"], known)
        with pytest.raises(SettingsError) as caught:
            require_known("resource_types", ["ec2", "ebs_volumes", "zzz"], known)
        assert str(caught.value).splitlines() == [
            "resource_types: unknown name 'ebs_volumes'; did you mean 'ebs_volume'?",
            "resource_types: unknown name 'zzz'; known: ebs_volume, ec2, ec2_instance, s3",
        ]


class TestSecrets:
    CONFIG = {  # noqa: RUF012 - read only
        "accounts": {"a": {"account_id": "123456789012", "external_id": SECRET}},
        "notifications": {"slack_webhook_url": SECRET},
    }

    def test_no_text_of_the_settings_shows_one(self, tmp_path):
        settings = load_data(self.CONFIG, tmp_path)
        texts = (
            repr(settings),
            str(settings),
            settings.model_dump_json(),
            str(settings.model_dump()),
        )
        assert not any(SECRET in text for text in texts)
        assert settings.notifications.slack_webhook_url is not None
        assert settings.notifications.slack_webhook_url.resolve("x") == SECRET

    def test_a_mask_is_no_secret(self, errors):
        [line] = errors(f"notifications: {{slack_webhook_url: '{MASK}'}}")
        assert "notifications.slack_webhook_url: is a mask, not a secret" in line

    @pytest.mark.parametrize(
        "text",
        [
            f"notifications: {{slack_webhook: {SECRET}}}",
            f"notifications: {SECRET}",
            f"notifications: {{slack_webhook_url: [{SECRET}]}}",
            f"notifications: {{slack_webhook_url: 'env:{SECRET} x'}}",
            f"notifications: {{slack_webhook_url: 'secretsmanager:{SECRET}'}}",
            f"notifications: [{{slack_webhook_url: {SECRET}}}]",
            f"accounts: {{a: {{external_id: {SECRET}}}}}",
            f"organization: {{external_id: [{SECRET}]}}",
            f"credentials: {{role_chain: [{{external_id: {SECRET}}}]}}",
            f"accounts: {{a: {SECRET}}}",
            f"notifications:\n  slack_webhook_url: *{SECRET}\n",
            f"notifications:\n  slack_webhook_url: !{SECRET} x\n",
            f"notifications:\n  slack_webhook_url: !a{SECRET}!b x\n",
            f"notifications:\n  slack_webhook_url: '{SECRET}\n",
            f"notifications:\n  slack_webhook_url: {SECRET}: x\n",
            f"notifications:\n  slack_webhook_url: !!int {SECRET}\n",
        ],
    )
    def test_no_error_shows_one(self, tmp_path, text: str):
        path = tmp_path / "inventory.yaml"
        path.write_text(text)
        with pytest.raises(SettingsError) as caught:
            load_settings(path, {})
        assert SECRET not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__ or caught.value.__context__ is None

    def test_an_environment_reference_is_looked_up_when_needed(self):
        ref = SecretRef.of("env:HOOK")
        assert ref.resolve("s", {"HOOK": SECRET}) == SECRET
        assert str(ref) == "env:HOOK"
        with pytest.raises(SettingsError, match=r"^s: environment variable HOOK is not set$"):
            ref.resolve("s", {"HOOK": ""})

    def test_secrets_manager_is_asked(self, monkeypatch):
        import boto3
        import moto

        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        with moto.mock_aws():
            client = boto3.client("secretsmanager", region_name="us-east-1")
            arn = client.create_secret(Name="slack", SecretString=SECRET)["ARN"]
            ref = SecretRef.of(f"secretsmanager:{arn}")
            assert ref.resolve("s", client=client) == SECRET
            assert ref.resolve("s") == SECRET
            with pytest.raises(SettingsError, match=r"^s: arn:.*: ResourceNotFoundException$"):
                SecretRef.of(f"secretsmanager:{SECRET_ARN}").resolve("s", client=client)


TEXT = st.text(min_size=1, max_size=20).map(str.strip).filter(
    lambda text: text and not re.search(r"[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", text)
)  # fmt: skip
MONEY = st.decimals(0, 10**11, places=6, allow_nan=False)
POLICIES = st.builds(
    ArchivePolicy,
    name=TEXT,
    sources=st.lists(TEXT, min_size=1, max_size=3),
    prefix=st.text(max_size=20),
    min_age_days=st.integers(0, 36_500),
    min_size_bytes=st.integers(0, 2**40),
    max_size_bytes=st.none() | st.integers(2**40, 2**60),
    target_class=st.sampled_from(ARCHIVE_TARGETS),
)
REGIONS = st.sampled_from(["us-east-1", "us-gov-west-1", "ap-*", "eu-[!w]*"])
REFERENCES = st.sampled_from([None, "env:HOOK", f"secretsmanager:{SECRET_ARN}"])


@st.composite
def all_settings(draw: st.DrawFn) -> Settings:
    ids = draw(st.lists(st.from_regex(r"[0-9]{12}", fullmatch=True), unique=True, max_size=3))
    tags = st.dictionaries(st.text(max_size=10), st.text(max_size=10), max_size=3)
    accounts = {
        draw(TEXT): {"account_id": account_id, "external_id": draw(REFERENCES), "tags": draw(tags)}
        for account_id in ids
    }
    data: dict[str, Any] = {
        "accounts": accounts,
        "excluded_regions": draw(st.lists(REGIONS, max_size=2)),
        "cost_thresholds": {"total_monthly_alert": draw(MONEY), "idle_resource_days": 7},
        "notifications": {"slack_webhook_url": draw(REFERENCES)},
        "schedules": {
            "snapshots_start": draw(st.dates()),
            "cleanup": {"cron": draw(CRONS), "enabled": draw(st.booleans())},
        },
        "archive": {"policies": draw(st.lists(POLICIES, max_size=2, unique_by=lambda p: p.name))},
    }
    return Settings.model_validate(data)


def cron_field(low: int, high: int, names: str = "") -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    base = st.one_of(
        st.just("*"),
        number.map(str),
        st.tuples(number, number).map(lambda ends: f"{min(ends)}-{max(ends)}"),
        st.sampled_from(names.split() or ["*"]),
    )
    step = st.one_of(st.just(""), st.integers(1, min(9, high)).map(lambda n: f"/{n}"))
    part = st.tuples(base, step).map("".join)
    return st.lists(part, min_size=1, max_size=3).map(",".join)


CRONS = st.tuples(
    cron_field(0, 59),
    cron_field(0, 23),
    cron_field(1, 28),
    cron_field(1, 12, "JAN feb Dec"),
    cron_field(0, 7, "sun MON Fri"),
).map(" ".join)


def key_paths(model: type[BaseModel], path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Paths of every key that the defaults have."""
    paths: list[tuple[str, ...]] = []
    for name, field in model.model_fields.items():
        paths.append((*path, name))
        if isinstance(field.default, BaseModel):
            paths += key_paths(type(field.default), (*path, name))
    return paths


def nested(path: tuple[str, ...], value: object) -> Any:
    for step in reversed(path):
        value = {step: value}
    return value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


class TestProperties:
    @given(settings=all_settings())
    def test_dumped_settings_load_as_they_were(self, tmp_path_factory, settings: Settings):
        folder = tmp_path_factory.mktemp("settings")
        as_yaml, as_json = folder / "inventory.yaml", folder / "inventory.json"
        as_yaml.write_text(yaml.safe_dump(settings.model_dump(mode="json")), encoding="utf-8")
        as_json.write_text(settings.model_dump_json(), encoding="utf-8")
        assert load_settings(as_yaml, {}) == settings
        assert load_settings(as_json, {}) == settings

    @given(path=st.sampled_from(key_paths(Settings)), data=st.data())
    def test_a_misspelt_key_is_always_named(self, tmp_path_factory, path, data: st.DataObject):
        beside = {other[-1] for other in key_paths(Settings) if other[:-1] == path[:-1]}
        at = data.draw(st.integers(0, len(path[-1]) - 1))
        typo = path[-1][:at] + data.draw(st.text(max_size=2)) + path[-1][at + 1 :]
        if typo in beside:
            return
        wrong = (*path[:-1], typo)
        with pytest.raises(SettingsError) as caught:
            load_data(nested(wrong, SECRET), tmp_path_factory.mktemp("settings"))
        [line] = str(caught.value).splitlines()
        assert f"inventory.json: {format_path(wrong)}: unknown key; " in line
        assert SECRET not in line

    @given(path=st.sampled_from(key_paths(Settings)), value=JSON)
    @example(path=("accounts",), value={"": {"": None}})
    @example(path=("accounts",), value={"[key]": {"account_id": 1}})
    @example(path=("s3_inventory",), value={"destinations": [[], None, {"bucket": []}]})
    def test_any_value_loads_or_is_refused_with_its_path(self, tmp_path_factory, path, value):
        try:
            load_data(nested(path, value), tmp_path_factory.mktemp("settings"), EXTERNAL_ID=SECRET)
        except SettingsError as error:
            for line in str(error).splitlines():
                assert line.split(": ")[1].startswith(path[0])
                assert SECRET not in line

    @pytest.mark.filterwarnings("ignore:Found a cron schedule with an interval")
    @given(cron=CRONS)
    def test_an_accepted_cron_is_one_that_dagster_takes(self, cron: str):
        Settings.model_validate({"schedules": {"cleanup": {"cron": cron}}})
        dg.ScheduleDefinition(name="cleanup", job_name="cleanup", cron_schedule=cron)

    @pytest.mark.filterwarnings("ignore:Found a cron schedule with an interval")
    @given(cron=st.text(alphabet="0123456789*/,- ?LWMONjan#@", max_size=14))
    @example("*/0 * * * *")
    @example("5-1 * * * *")
    @example("0 0 ? * *")
    @example("\u0661 * * * *")  # a digit, but not of ASCII
    def test_what_dagster_does_not_take_is_not_accepted(self, cron: str):
        try:
            Settings.model_validate({"schedules": {"cleanup": {"cron": cron}}})
        except ValueError:
            return
        dg.ScheduleDefinition(name="cleanup", job_name="cleanup", cron_schedule=cron)


class TestTemplate:
    def test_it_loads_to_the_defaults(self, load):
        assert load(settings_template()) == Settings()

    def test_its_examples_load_once_uncommented(self, load):
        text = re.sub(
            r"^( *(accounts|configurations|destinations|policies|role_chain|tenants)): .*$",
            "",
            settings_template(),
            flags=re.M,
        )
        text = re.sub(r"^( *)#(?! \S)", r"\1", text, flags=re.M)
        settings = load(text)
        assert settings.accounts["engineering"].tags["CostCenter"] == "1001"
        assert settings.credentials.role_chain[0].role_arn.endswith(":role/InventoryCollector")
        assert settings.s3_inventory.destinations[0].account == "engineering"
        assert settings.s3_inventory.configurations[0].sources == ["*-logs"]
        assert settings.archive.policies[0].sources == ["*-logs"]

    def test_every_key_has_a_line_and_a_comment(self):
        lines = settings_template().splitlines()
        for path in key_paths(Settings):
            assert any(line.strip().startswith(f"{path[-1]}:") for line in lines), path
        assert not [line for line in lines if line.strip() == "# None"]
