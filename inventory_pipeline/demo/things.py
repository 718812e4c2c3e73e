"""Resources of further services with a story, a few per account, on both days.

Belongs here: what there is and what is remarkable about it, by AWS's names. Not here: how it comes
to be seen (`stock` puts it into moto, `thing_answers` words the rest); what should be found in it
(`truth_things`).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from inventory_pipeline.demo.estate import (
    ANALYTICS,
    FINANCE,
    HOME_REGION,
    PLATFORM,
    RESEARCH,
    SECOND_REGION,
    STOREFRONT,
    Account,
    Day,
    Estate,
    Thing,
)
from inventory_pipeline.demo.ground import GLOBAL

STRANGER = "990000000099"
"""An account that is none of the organisation's."""

OFFICE = "203.0.113.0/24"
EXPIRED_DOMAIN = "shop.example.com"
OLD_QUEUE, NEW_QUEUE = "imports", "imports-v2"


def things(estate: Estate, day: Day) -> list[Thing]:
    def thing(
        account: Account,
        type: str,
        id: str,
        about: Mapping[str, Any] | None = None,
        *,
        region: str = HOME_REGION,
    ) -> Thing:
        return Thing(
            account_id=account.account_id,
            region=region,
            id=id,
            created_at=estate.ago(days=300),
            type=type,
            about=about or {},
        )

    everyone = {"public": True}
    found = [
        # Open to the world, but not by IPv4; the other one was opened overnight.
        thing(PLATFORM, "security_group", "ssh-over-ipv6", {"ingress": ((22, "::/0"),)}),
        thing(
            FINANCE,
            "security_group",
            "maintenance",
            {"ingress": ((22, OFFICE),) if day == 1 else ((22, OFFICE), (22, "0.0.0.0/0"))},
        ),
        thing(STOREFRONT, "security_group", "web", {"ingress": ((443, "0.0.0.0/0"),)}),
        thing(STOREFRONT, "elastic_ip", estate.id("eipalloc-", "left over")),
        # Nothing goes through it.
        replace(thing(ANALYTICS, "nat_gateway", estate.id("nat-", "egress")), use="idle"),
        thing(ANALYTICS, "elastic_ip", estate.id("eipalloc-", "egress"), {"nat": True}),
        # Nobody stands behind it.
        thing(STOREFRONT, "load_balancer", "campaign"),
        thing(STOREFRONT, "target_group", "campaign"),
        # The same names twice: which one is public, or has a password, belongs to an account.
        thing(STOREFRONT, "sns_topic", "orders", everyone),
        thing(ANALYTICS, "sns_topic", "orders"),
        thing(RESEARCH, "sqs_queue", "results", everyone),
        thing(ANALYTICS, "sqs_queue", "results"),
        *_identities(estate),
        thing(FINANCE, "kms_key", "ledger", {"rotated": True}),
        thing(FINANCE, "kms_key", "backups"),
        thing(STOREFRONT, "log_group", "/aws/lambda/checkout"),
        thing(FINANCE, "log_group", "/audit", {"retention": 365}),
        thing(STOREFRONT, "ecr_repository", "frontend"),
        thing(ANALYTICS, "ebs_snapshot", estate.id("snap-", "shared by mistake"), everyone),
        thing(ANALYTICS, "ebs_snapshot", estate.id("snap-", "nightly")),
        thing(STOREFRONT, "dynamodb_table", "carts", region=SECOND_REGION),
        thing(STOREFRONT, "acm_certificate", EXPIRED_DOMAIN, {"expired_at": estate.ago(days=10)}),
        thing(STOREFRONT, "secret", "orders/database", {"value": estate.secret}),
        thing(PLATFORM, "access_analyzer", "outside-access"),
        thing(PLATFORM, "savings_plan", "c0ffee00-1111-4222-8333-444455556666", region=GLOBAL),
        thing(ANALYTICS, "reserved_instance", "c0ffee00-aaaa-4bbb-8ccc-ddddeeeeffff"),
    ]
    # One queue goes, another comes.
    return [*found, thing(PLATFORM, "sqs_queue", OLD_QUEUE if day == 1 else NEW_QUEUE)]


def _identities(estate: Estate) -> list[Thing]:
    def thing(account: Account, type: str, id: str, **about: Any) -> Thing:
        return Thing(
            account_id=account.account_id,
            region=GLOBAL,
            id=id,
            created_at=estate.ago(days=700),
            type=type,
            about=about,
        )

    users = [
        # Signs in with a password alone; its namesake elsewhere has a key only.
        thing(RESEARCH, "iam_user", "deploy", password=True),
        thing(PLATFORM, "iam_user", "deploy", key=True),
    ]
    return [
        *users,
        *(thing(estate.account(u.account_id), "iam_credential", u.id, **u.about) for u in users),
        *(
            thing(estate.account(u.account_id), "iam_access_key", f"key of {u.id}")
            for u in users
            if u.about.get("key")
        ),
        thing(FINANCE, "iam_role", "vendor-audit", trusts=STRANGER),
        thing(FINANCE, "iam_role", "vendor-backup", trusts=STRANGER, external_id="agreed-upon"),
    ]
