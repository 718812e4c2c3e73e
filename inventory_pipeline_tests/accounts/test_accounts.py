import pytest

from inventory_pipeline.accounts import Clients, NoAccountsError, accounts_of, own_account
from inventory_pipeline.accounts.regions import RegionScope
from inventory_pipeline.settings import Settings
from inventory_pipeline_tests.simulated_aws import ENGINEERING, OPERATIONS, settings_of


def test_accounts_carry_what_their_tags_tell() -> None:
    engineering, operations = accounts_of(settings_of("http://127.0.0.1:1"))
    assert engineering.department == "Engineering"
    assert engineering.environment == "prod"
    assert engineering.role_arn == f"arn:aws:iam::{ENGINEERING}:role/AWSInventoryRole"
    assert operations.department is None
    assert "an-external-id" not in repr(engineering)


def test_other_partitions_have_their_own_role_arns_and_global_region() -> None:
    account = accounts_of(settings_of("http://127.0.0.1:1"), "aws-us-gov")[0]
    assert account.role_arn == f"arn:aws-us-gov:iam::{ENGINEERING}:role/AWSInventoryRole"
    assert account.global_region == "us-gov-west-1"
    assert Clients(home_region="cn-north-1").partition == "aws-cn"


def test_a_region_that_does_not_exist_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(NoAccountsError, match="AWS_REGION: 'nowhere' is not a region; set it"):
        _ = Clients(environ={"AWS_REGION": "nowhere"}).partition


def test_accounts_that_are_off_are_left_out() -> None:
    off = {"a": {"account_id": ENGINEERING, "enabled": False}}
    on = {"b": {"account_id": OPERATIONS, "role_name": ""}}
    assert [a.name for a in accounts_of(Settings.model_validate({"accounts": off | on}))] == ["b"]
    with pytest.raises(NoAccountsError, match="enabled: false"):
        accounts_of(Settings.model_validate({"accounts": off}))


def test_without_accounts_it_is_the_callers_own(aws: str) -> None:
    settings = Settings.model_validate({"aws_endpoint_url": aws})
    assert accounts_of(settings) == []
    own = own_account(Clients.of(settings))
    assert own.role_arn is None
    assert own.account_id.isdigit()


def test_region_patterns() -> None:
    scope = RegionScope(("us-*", "eu-west-1"), ("us-gov-*",))
    assert [scope.covers(r) for r in ("us-east-1", "eu-west-1", "us-gov-west-1", "sa-east-1")] == [
        True,
        True,
        False,
        False,
    ]
    assert scope.named() == ("eu-west-1",)
    assert RegionScope((), ("ap-south-?",)).covers("eu-west-1")
