"""Resources of further services, put into moto's own backends.

Belongs here: how each type of them is made there. What AWS would make up by chance or by the clock
follows from the description instead, so that the same estate comes to the same. Not here: S3
(`buckets`), nor types that are answered from the description (`thing_answers`).
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from inventory_pipeline.demo.estate import (
    ENABLED_REGIONS,
    HOME_REGION,
    Account,
    Estate,
    Thing,
    World,
)
from inventory_pipeline.demo.network import network

SHARED = ("s3", "s3control", "iam", "sts")
"""Backends that also hold what is not stock: deliveries, and the keys of roles that are assumed."""


def show_stock(estate: Estate, world: World) -> None:
    """Makes moto have the world's stock and nothing else, each account's own network included."""
    from moto.moto_api._internal import mock_random

    forget_stock(but=SHARED)
    for account in estate.accounts:
        for region in ENABLED_REGIONS:
            mock_random.seed(f"{estate.seed}/{account.account_id}/{region}")
            _of("ec2", account.account_id, region)  # comes with its network
        _settle(account)
    for thing in world.things:
        make = MAKERS.get(thing.type)
        if make and not thing.about.get("given"):
            mock_random.seed(f"{estate.seed}/{thing.account_id}/{thing.type}/{thing.id}")
            make(thing)
    mock_random.seed()  # by chance again


def forget_stock(but: tuple[str, ...] = ("s3", "s3control")) -> None:
    """Empties moto but for these services."""
    from moto.core.base_backend import BackendDict

    # moto's types take the list for one of each instance's.
    for backends in BackendDict._instances:  # type: ignore[misc]
        if backends.service_name not in but:
            backends.clear()


def _settle(account: Account) -> None:
    """IAM of an account as nobody ever was in it, with its credential report at hand."""
    backend = _of("iam", account.account_id, "aws")
    backend.users.clear()
    backend.roles.clear()
    backend.generate_report()
    backend.account_summary._account_mfa_enabled = int(account.root_mfa)


def _of(service: str, account_id: str, region: str) -> Any:
    from moto.backends import get_backend

    return get_backend(service)[account_id][region]  # type: ignore[call-overload]


def _backend(service: str, thing: Thing) -> Any:
    return _of(service, thing.account_id, thing.region)


def _clock(thing: Thing) -> datetime:
    """When it was made, as moto keeps instants: in UTC, without saying so."""
    return thing.created_at.replace(tzinfo=None)


# -- network -----------------------------------------------------------------------------------


def _security_group(thing: Thing) -> None:
    backend, vpc = _backend("ec2", thing), network(thing).vpc
    group = backend.create_security_group(thing.id, "of the demo", vpc, tags={"Name": thing.id})
    for port, source in thing.about["ingress"]:
        kind = "CidrIpv6" if ":" in source else "CidrIp"
        backend.authorize_security_group_ingress(
            group.id, "tcp", str(port), str(port), [{kind: source}], vpc_id=vpc
        )


def _load_balancer(thing: Thing) -> None:
    backend, home = _backend("elbv2", thing), network(thing)
    made = backend.create_load_balancer(
        thing.id, [home.group], [home.subnet], loadbalancer_type="application"
    )
    made.created_time = f"{thing.created_at:%Y-%m-%dT%H:%M:%S}.000Z"
    made.state = "active"
    to_group = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}
    backend.create_listener(made.arn, "HTTP", "80", None, None, [to_group])


def _target_group(thing: Thing) -> None:
    _backend("elbv2", thing).create_target_group(
        thing.id, protocol="HTTP", port="80", vpc_id=network(thing).vpc, target_type="instance"
    )


# -- identities --------------------------------------------------------------------------------


def _iam_user(thing: Thing) -> None:
    backend = _of("iam", thing.account_id, "aws")
    user = backend.create_user(HOME_REGION, thing.id)
    user.create_date = _clock(thing)
    if thing.about.get("password"):
        user.password = "any"  # noqa: S105 - nobody's
    if thing.about.get("key"):
        backend.create_access_key(thing.id).create_date = _clock(thing)


def _iam_role(thing: Thing) -> None:
    trust: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{thing.about['trusts']}:root"},
        "Action": "sts:AssumeRole",
    }
    if external_id := thing.about.get("external_id"):
        trust["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = _of("iam", thing.account_id, "aws").create_role(
        thing.id, document, "/", None, "", [], "3600"
    )
    role.create_date = _clock(thing)


def _kms_key(thing: Thing) -> None:
    backend = _backend("kms", thing)
    key = backend.create_key(None, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "", [])
    key.creation_date = thing.created_at.timestamp()
    backend.create_alias(key.id, f"alias/{thing.id}")
    if thing.about.get("rotated"):
        backend.enable_key_rotation(key.id)


def _secret(thing: Thing) -> None:
    backend = _backend("secretsmanager", thing)
    backend.create_secret(thing.id, thing.about["value"], None, "", [], None, None, [], False)
    made, at = backend.secrets[thing.id], int(thing.created_at.timestamp())
    made.created_date = made.last_changed_date = at


# -- messages, data, code ----------------------------------------------------------------------


def _sns_topic(thing: Thing) -> None:
    topic = _backend("sns", thing).create_topic(thing.id)
    if thing.about.get("public"):
        topic.policy = json.dumps(_open_to_all(topic.arn, "sns:Publish"))


def _sqs_queue(thing: Thing) -> None:
    backend = _backend("sqs", thing)
    queue = backend.create_queue(thing.id)
    queue.created_timestamp = int(thing.created_at.timestamp())
    if thing.about.get("public"):
        policy = json.dumps(_open_to_all(queue.queue_arn, "sqs:SendMessage"))
        backend.set_queue_attributes(thing.id, {"Policy": policy})


def _open_to_all(arn: str, action: str) -> dict[str, object]:
    statement = {"Effect": "Allow", "Principal": "*", "Action": action, "Resource": arn}
    return {"Version": "2012-10-17", "Statement": [{"Sid": "Everyone", **statement}]}


def _log_group(thing: Thing) -> None:
    backend = _backend("logs", thing)
    backend.create_log_group(thing.id, {}).creation_time = _clock(thing)
    if days := thing.about.get("retention"):
        backend.put_retention_policy(thing.id, str(days))


def _ecr_repository(thing: Thing) -> None:
    made = _backend("ecr", thing).create_repository(thing.id, None, None, None, "MUTABLE", [])
    made.created_at = _clock(thing)


def _dynamodb_table(thing: Thing) -> None:
    key, attribute = {"AttributeName": "id", "KeyType": "HASH"}, {"AttributeType": "S"}
    table = _backend("dynamodb", thing).create_table(
        thing.id,
        schema=[key],
        throughput=None,
        attr=[{"AttributeName": "id", **attribute}],
        global_indexes=None,
        indexes=None,
        streams=None,
        billing_mode="PAY_PER_REQUEST",
        sse_specification=None,
        tags=[],
        deletion_protection_enabled=False,
        warm_throughput=None,
    )
    table.created_at = _clock(thing)


MAKERS: dict[str, Callable[[Thing], None]] = {
    "security_group": _security_group,
    "load_balancer": _load_balancer,
    "target_group": _target_group,
    "iam_user": _iam_user,
    "iam_role": _iam_role,
    "kms_key": _kms_key,
    "secret": _secret,
    "sns_topic": _sns_topic,
    "sqs_queue": _sqs_queue,
    "log_group": _log_group,
    "ecr_repository": _ecr_repository,
    "dynamodb_table": _dynamodb_table,
}
"""By resource type."""
