"""What a correct pipeline must find of the further services' resources: each story of `things`.

Belongs here: facts about exposure, identities and neglect that no control or rule is needed for.
Each is planted by its story, and found in its type's own table.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal

from inventory_pipeline.demo.estate import Function, Instance, Resource, Thing
from inventory_pipeline.demo.fact import Fact, Rows, Seen
from inventory_pipeline.demo.ground import ROOT
from inventory_pipeline.demo.things import STRANGER

SSH = 22
WORLD = ("0.0.0.0/0", "::/0")


def thing_facts(seen: Seen) -> Iterator[Fact]:
    yield from _exposure(seen)
    yield from _identities(seen)
    yield from _secrets(seen)
    yield from _neglect(seen)
    yield from _commitments(seen)


def _named(seen: Seen, kind: str, which: Callable[[Thing], object] = lambda _: True) -> Rows:
    """(account, id) of the things of a kind of which that is true."""
    return _places(seen, (it for it in seen.things(kind) if which(it)))


def _places(seen: Seen, resources: Iterator[Resource]) -> Rows:
    return tuple((seen.account(it).name, it.id) for it in resources)


def _exposure(seen: Seen) -> Iterator[Fact]:
    def fact(title: str, planted: Rows, sql: str, *tables: str) -> Fact:
        return Fact("exposure", title, planted, sql, tables, seen.day)

    yield fact(
        "SSH open to the world, one by IPv6 alone",
        _named(seen, "security_group", _opens_ssh),
        "SELECT g.account_name, g.name FROM security_groups AS g"
        " JOIN security_group_rules AS r ON r.account_id = g.account_id AND r.region = g.region"
        " AND r.resource_id = g.resource_id WHERE r.direction = 'ingress' AND r.prefix_length = 0"
        f" AND r.from_port <= {SSH} AND r.to_port >= {SSH}",
        "security_groups",
        "security_group_rules",
    )
    yield fact(
        "topics and queues open to everyone",
        (*_public(seen, "sns_topic"), *_public(seen, "sqs_queue")),
        "SELECT resource_type, resource_id, account_id FROM policy_statements"
        " WHERE public AND resource_type IN ('sns_topic', 'sqs_queue')",
        "policy_statements",
    )
    yield fact(
        "snapshots that everyone may copy",
        _named(seen, "ebs_snapshot", lambda it: it.about.get("public")),
        "SELECT account_name, resource_id FROM ebs_snapshots WHERE public",
        "ebs_snapshots",
    )
    yield fact(
        "functions that everyone may call",
        tuple((f.id, f.account_id) for f in seen.world.functions if f.open_url),
        "SELECT resource_id, account_id FROM lambda_function_urls WHERE auth_type = 'NONE'",
        "lambda_function_urls",
    )
    yield fact(
        "buckets whose policy denies plain HTTP",
        tuple((b.id, b.account_id) for b in seen.world.buckets if b.tls_only),
        "SELECT resource_id, account_id FROM policy_statements"
        " WHERE tls_only AND resource_type = 's3_bucket'",
        "policy_statements",
    )


def _opens_ssh(group: Thing) -> bool:
    return any(port == SSH and source in WORLD for port, source in group.about.get("ingress", ()))


def _public(seen: Seen, kind: str) -> Rows:
    return tuple((kind, it.id, it.account_id) for it in seen.things(kind) if it.about.get("public"))


def _identities(seen: Seen) -> Iterator[Fact]:
    def fact(title: str, planted: Rows, sql: str, table: str, **params: object) -> Fact:
        return Fact("identities", title, planted, sql, (table,), seen.day, params)

    yield fact(
        "users with a password and no second factor",
        _named(seen, "iam_credential", lambda it: it.about.get("password")),
        "SELECT account_name, resource_id FROM iam_credentials"
        " WHERE password_enabled AND NOT mfa_active AND NOT root",
        "iam_credentials",
    )
    yield fact(
        "namesakes: one has a password, one a key",
        tuple(
            (seen.account(it).name, "password" if it.about.get("password") else "key")
            for it in seen.things("iam_credential")
            if it.id != ROOT
        ),
        "SELECT account_name, CASE WHEN password_enabled AND NOT access_key_1_active"
        " THEN 'password' WHEN access_key_1_active AND NOT password_enabled THEN 'key' END"
        " FROM iam_credentials WHERE NOT root",
        "iam_credentials",
    )
    yield fact(
        "root users without a second factor",
        tuple((a.name,) for a in seen.estate.accounts if not a.root_mfa),
        "SELECT account_name FROM iam_credentials WHERE root AND NOT mfa_active",
        "iam_credentials",
    )
    yield fact(
        "roles that a stranger may take without an external id",
        _named(seen, "iam_role", lambda it: not it.about.get("external_id")),
        "SELECT account_name, name FROM iam_roles"
        " WHERE list_contains(unguarded_accounts, $stranger)",
        "iam_roles",
        stranger=STRANGER,
    )


def _secrets(seen: Seen) -> Iterator[Fact]:
    def fact(title: str, planted: int, sql: str, table: str) -> Fact:
        return Fact("secrets", title, ((planted,),), sql, (table,), seen.day)

    def tells(it: Function | Instance) -> bool:
        told = it.environment.values() if isinstance(it, Function) else [it.user_data]
        return any(seen.estate.secret in text for text in told)

    yield fact(
        "functions with a credential in their environment",
        sum(map(tells, seen.world.functions)),
        "SELECT COUNT(*) FROM lambda_functions WHERE environment_secret_found",
        "lambda_functions",
    )
    yield fact(
        "instances with a credential in their user data",
        sum(map(tells, seen.world.instances)),
        "SELECT COUNT(*) FROM ec2_instances WHERE user_data_secret",
        "ec2_instances",
    )


def _neglect(seen: Seen) -> Iterator[Fact]:
    def fact(title: str, planted: Rows, sql: str, *tables: str) -> Fact:
        return Fact("neglect", title, planted, sql, tables, seen.day)

    yield fact(
        "Elastic IPs that nothing has",
        _named(seen, "elastic_ip", lambda it: not it.about),
        "SELECT account_name, resource_id FROM elastic_ips WHERE NOT associated",
        "elastic_ips",
    )
    yield fact(
        "NAT gateways that nothing went through",
        _named(seen, "nat_gateway", lambda it: it.use == "idle"),
        "SELECT n.account_name, n.resource_id FROM nat_gateways AS n"
        " JOIN metrics AS m ON m.account_id = n.account_id AND m.region = n.region"
        " AND m.resource_type = 'nat_gateway' AND m.resource_id = n.resource_id"
        " WHERE m.metric = 'BytesOutToDestination' AND m.value = 0",
        "nat_gateways",
        "metrics",
    )
    yield fact(
        "target groups without a target",
        _named(seen, "target_group"),
        "SELECT account_name, name FROM target_groups WHERE targets = 0",
        "target_groups",
    )
    yield fact(
        "keys that are not rotated",
        _named(seen, "kms_key", lambda it: not it.about.get("rotated")),
        "SELECT account_name, name FROM kms_keys WHERE rotation_applies AND NOT rotation_enabled",
        "kms_keys",
    )
    yield from _unguarded(seen)


def _unguarded(seen: Seen) -> Iterator[Fact]:
    def fact(title: str, planted: Rows, sql: str, *tables: str) -> Fact:
        return Fact("neglect", title, planted, sql, tables, seen.day)

    yield fact(
        "logs that are kept for ever",
        _named(seen, "log_group", lambda it: not it.about.get("retention")),
        "SELECT account_name, name FROM log_groups WHERE retention_days = 0",
        "log_groups",
    )
    yield fact(
        "image repositories whose tags may move",
        _named(seen, "ecr_repository"),
        "SELECT account_name, name FROM ecr_repositories WHERE tag_mutability = 'MUTABLE'",
        "ecr_repositories",
    )
    yield fact(
        "tables without point-in-time recovery",
        _named(seen, "dynamodb_table"),
        "SELECT account_name, name FROM dynamodb_tables WHERE NOT point_in_time_recovery",
        "dynamodb_tables",
    )
    yield fact(
        "certificates that expired",
        _named(seen, "acm_certificate"),
        "SELECT account_name, domain FROM acm_certificates WHERE expires_at < snapshot_at",
        "acm_certificates",
    )
    yield fact(
        "secrets that are not rotated",
        _named(seen, "secret"),
        "SELECT account_name, name FROM secrets WHERE NOT rotation_enabled",
        "secrets",
    )


def _commitments(seen: Seen) -> Iterator[Fact]:
    def fact(title: str, planted: Rows, sql: str, table: str) -> Fact:
        return Fact("commitments", title, planted, sql, (table,), seen.day)

    yield fact(
        "Savings Plans: dollars an hour",
        tuple((seen.account(it).name, Decimal("0.10")) for it in seen.things("savings_plan")),
        "SELECT account_name, CAST(hourly_commitment AS DECIMAL(18,2)) FROM savings_plans",
        "savings_plans",
    )
    yield fact(
        "reserved instances: dollars an hour",
        tuple((seen.account(it).name, Decimal("0.06")) for it in seen.things("reserved_instance")),
        "SELECT account_name, CAST(hourly_price AS DECIMAL(18,2)) FROM reserved_instances",
        "reserved_instances",
    )
