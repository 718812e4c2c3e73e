"""What a correct pipeline must find to have changed between the two snapshots, and to fail again.

Belongs here: facts about days one and two side by side. What an account denies has neither come nor
gone: nobody can know.
"""

from collections.abc import Iterator

from inventory_pipeline.demo.estate import Estate, Resource
from inventory_pipeline.demo.fact import Fact, Rows, Seen, counted
from inventory_pipeline.demo.planted import RESIZED
from inventory_pipeline.demo.things import NEW_QUEUE, OLD_QUEUE

Key = tuple[str, str, str, str]


def change_facts(estate: Estate) -> Iterator[Fact]:
    def fact(title: str, planted: Rows, sql: str) -> Fact:
        return Fact("changes", title, planted, sql, ("resource_changes",), 2)

    before, after = (_there(Seen(estate, estate.world(day))) for day in (1, 2))
    for change, keys in (("added", after - before), ("removed", before - after)):
        yield fact(
            f"resources {change} overnight, by type",
            counted(kind for kind, *_ in keys),
            "SELECT resource_type, COUNT(*) FROM resource_changes"
            f" WHERE change = '{change}' GROUP BY resource_type",
        )
    yield fact(
        "a queue that went, and one that came",
        (("removed", OLD_QUEUE), ("added", NEW_QUEUE)),
        "SELECT change, name FROM resource_changes WHERE resource_type = 'sqs_queue'",
    )
    yield fact(
        "an instance that became another type",
        (("m5.large", "c5.xlarge"),),
        "SELECT old_value, new_value FROM resource_changes"
        f" WHERE change = 'changed' AND name = '{RESIZED}' AND field = 'instance_type'",
    )
    yield fact(
        "rules of a security group that was opened",
        (("1", "2"),),
        "SELECT old_value, new_value FROM resource_changes WHERE change = 'changed'"
        " AND resource_type = 'security_group' AND field = 'ingress_rules'",
    )


def _there(seen: Seen) -> set[Key]:
    """Everything that can be seen: its type, account, region and id."""
    return {_key(kind, resource) for kind, resource in seen.all()}


def _key(kind: str, it: Resource) -> Key:
    return (kind, it.account_id, it.region, it.id)
