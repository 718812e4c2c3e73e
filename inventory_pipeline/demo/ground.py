"""What comes by itself: what every account has from the start, and what instances bring along.

Belongs here: the description of it, so that it can be counted. Not here: how it comes to be there;
most of it moto makes as AWS does.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from inventory_pipeline.demo.estate import (
    ENABLED_REGIONS,
    HOME_REGION,
    SECOND_REGION,
    UNPRICED_REGION,
    Account,
    Estate,
    Instance,
    Resource,
    Thing,
)

GLOBAL = "global"
ROOT = "<root_account>"
"""How the credential report names an account's root user."""

ZONES = {HOME_REGION: 6, SECOND_REGION: 3, UNPRICED_REGION: 3}
"""Availability zones, each of which has a default subnet."""

DEFAULT_NETWORK = ("vpc", "security_group", "network_acl", "route_table")
SETTINGS_OF_A_REGION = ("ec2_region_settings", "lambda_region_settings")
SETTINGS_OF_AN_ACCOUNT = ("iam_account", "s3_account_settings")


def ground(estate: Estate) -> list[Thing]:
    """What every account has, whatever is made in it."""
    return [thing for account in estate.accounts for thing in _of_account(estate, account)]


def _of_account(estate: Estate, account: Account) -> Iterator[Thing]:
    since = estate.ago(days=1_500)
    for kind in SETTINGS_OF_AN_ACCOUNT:
        yield _thing(account, GLOBAL, kind, account.account_id, since)
    yield _thing(account, GLOBAL, "iam_credential", ROOT, since)
    for region in ENABLED_REGIONS:
        for kind in (*DEFAULT_NETWORK, *SETTINGS_OF_A_REGION):
            yield _thing(account, region, kind, "default", since)
        for zone in "abcdef"[: ZONES[region]]:
            yield _thing(account, region, "subnet", f"default in {region}{zone}", since)


def _thing(account: Account, region: str, kind: str, id: str, since: datetime) -> Thing:
    return Thing(
        account_id=account.account_id,
        region=region,
        id=id,
        created_at=since,
        type=kind,
        about={"given": True},
    )


def brought_along(resources: Iterable[Resource]) -> list[Thing]:
    """The network interface of each instance, and its Elastic IP where it has one."""
    return [thing for it in resources if isinstance(it, Instance) for thing in _of_instance(it)]


def _of_instance(it: Instance) -> Iterator[Thing]:
    kinds = {"network_interface": "eni-"}
    if it.address == "elastic":
        kinds["elastic_ip"] = "eipalloc-"
    for kind, prefix in kinds.items():
        yield Thing(
            account_id=it.account_id,
            region=it.region,
            id=it.id.replace("i-", prefix),
            created_at=it.created_at,
            type=kind,
            about={"instance": it},
        )
