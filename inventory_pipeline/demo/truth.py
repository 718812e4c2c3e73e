"""What a correct pipeline must find, computed from the description alone.

Belongs here: facts about what there is and what could be seen, and the gathering of all others:
`truth_money`, `truth_security`, `truth_things`, `truth_changes`, `truth_storage`. Which resource
types there are is asked of the build; else nothing here reads the pipeline's output or shares its
code, so that two readings of AWS stand beside each other.
"""

from collections.abc import Iterator, Sequence

from inventory_pipeline.demo.buckets import LOCKED_SETTINGS
from inventory_pipeline.demo.estate import DAYS, DISABLED_REGION, ENABLED_REGIONS, Day, Estate
from inventory_pipeline.demo.fact import SERVICES, Fact, Rows, Seen, counted
from inventory_pipeline.demo.planted import HOSTILE_TEXTS
from inventory_pipeline.demo.truth_changes import change_facts
from inventory_pipeline.demo.truth_money import money_facts
from inventory_pipeline.demo.truth_security import security_facts
from inventory_pipeline.demo.truth_storage import storage_facts
from inventory_pipeline.demo.truth_things import thing_facts
from inventory_pipeline.resource_types import resource_types

REGIONAL_TYPES = tuple(k.name for k in resource_types().values() if k.scope == "regional")
"""What is asked for in each region; a type that only some regions know is asked there alone."""


def facts(estate: Estate, days_done: Sequence[Day]) -> list[Fact]:
    """Everything planted up to now: of each day whose snapshot and deliveries were processed."""
    chapters = (_snapshot, _coverage, money_facts, security_facts, _secrets)
    found = [
        fact
        for day in days_done
        for chapter in chapters
        for fact in chapter(Seen(estate, estate.world(day)))
    ]
    for day in days_done[-1:]:
        found += thing_facts(Seen(estate, estate.world(day)))
    if set(days_done) == set(DAYS):
        found += change_facts(estate)
    return [*found, *storage_facts(estate, days_done)]


def _snapshot(seen: Seen) -> Iterator[Fact]:
    def fact(title: str, planted: Rows, sql: str, *tables: str, **params: object) -> Fact:
        return Fact("snapshot", title, planted, sql, tables, seen.day, params)

    yield fact(
        "resources by type",
        counted(kind for kind, _ in seen.all()),
        "SELECT resource_type, COUNT(*) FROM resources GROUP BY resource_type",
        "resources",
    )
    yield fact(
        "resources by account",
        counted(seen.account(r).name for _, r in seen.all()),
        "SELECT account_name, COUNT(*) FROM resources GROUP BY account_name",
        "resources",
    )
    yield fact(
        "resources by department",
        counted(seen.department(r) for _, r in seen.all()),
        "SELECT department, COUNT(*) FROM resources GROUP BY department",
        "resources",
    )
    yield fact(
        "hostile names, to the letter",
        tuple((text,) for text in HOSTILE_TEXTS),
        "SELECT name FROM ec2_instances WHERE list_contains($names, name)",
        "ec2_instances",
        names=list(HOSTILE_TEXTS),
    )
    yield fact(
        "instances whose network is known as well",
        ((len(seen.world.instances),),),
        "SELECT COUNT(*) FROM ec2_instances AS i JOIN subnets AS s"
        " ON s.account_id = i.account_id AND s.region = i.region"
        " AND s.resource_id = i.subnet_id AND s.vpc_id = i.vpc_id",
        "ec2_instances",
        "subnets",
    )
    yield fact(
        "instances stopped, spot, in an Auto Scaling group; Elastic IPs",
        (_instance_counts(seen),),
        "SELECT COUNT(CASE WHEN state = 'stopped' THEN 1 END),"
        " COUNT(CASE WHEN lifecycle = 'spot' THEN 1 END), COUNT(auto_scaling_group),"
        " CAST(SUM(elastic_ips) AS BIGINT) FROM ec2_instances",
        "ec2_instances",
    )


def _instance_counts(seen: Seen) -> tuple[int, int, int, int]:
    instances = seen.world.instances
    return (
        sum(not i.running for i in instances),
        sum(i.spot for i in instances),
        sum("aws:autoscaling:groupName" in i.tags for i in instances),
        sum(i.address == "elastic" for i in instances),
    )


def _coverage(seen: Seen) -> Iterator[Fact]:
    def fact(title: str, planted: Rows, sql: str, *tables: str) -> Fact:
        return Fact("coverage", title, planted, sql, ("coverage", *tables), seen.day)

    yield fact(
        "denied cells",
        tuple(
            (account.name, kind, region)
            for account in seen.estate.accounts
            for kind in REGIONAL_TYPES
            for region in ENABLED_REGIONS
            if account.denied_service == SERVICES[kind]
        ),
        "SELECT a.account_name, c.collector, c.region FROM coverage AS c"
        " JOIN accounts AS a ON a.account_id = c.account_id"
        " WHERE c.status = 'denied' AND c.collector NOT LIKE '%.%'",
        "accounts",
    )
    yield fact(
        "cells of a disabled region",
        ((DISABLED_REGION, len(seen.estate.accounts) * len(REGIONAL_TYPES)),),
        "SELECT region, COUNT(*) FROM coverage WHERE status = 'region_disabled' GROUP BY region",
    )
    yield fact(
        "settings of the locked bucket denied",
        ((len(LOCKED_SETTINGS),),),
        "SELECT COUNT(*) FROM coverage WHERE status = 'denied' AND collector LIKE 's3_bucket.%'",
    )
    yield fact(
        "cells or parts of them that failed otherwise, cells never tried",
        ((0,),),
        "SELECT COUNT(*) FROM coverage WHERE status NOT IN ('ok', 'denied', 'region_disabled')"
        " AND NOT (collector LIKE '%.%' AND status = 'not_attempted')",
    )


def _secrets(seen: Seen) -> Iterator[Fact]:
    tables = (
        "lambda_functions",
        "ec2_instances",
        "secrets",
        "policy_statements",
        "resources",
        "relationships",
        "accounts",
        "coverage",
    )
    counts = (
        f"(SELECT COUNT(*) FROM {table} AS t WHERE CAST(t AS VARCHAR) LIKE $secret)"
        for table in tables
    )
    yield Fact(
        "secrets",
        "rows with the secret that functions, user data and Secrets Manager have",
        ((0,),),
        "SELECT " + " + ".join(counts),
        tables,
        seen.day,
        {"secret": f"%{seen.estate.secret}%"},
    )
