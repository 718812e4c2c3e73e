"""What things cost and what is waste."""

from inventory_pipeline.columns import Column, bigint, money, text, unit_price
from inventory_pipeline.tables.model import PLACE, RESOURCE, SNAPSHOT, SNAPSHOT_AT, Table

COST_OF = (
    money("monthly_usd", "Dollars a month of 730 hours at list price; NULL is unknown."),
    text("unpriced_reason", "Why it is unknown."),
)

TOTALS = (
    bigint("resources", "Resources.", required=True),
    bigint("unpriced_resources", "Resources with an unknown component.", required=True),
    money(
        "monthly_usd",
        "Dollars a month of all priced components: a lower bound where "
        "unpriced_resources is not 0.",
        required=True,
    ),
)

DIMENSIONS: dict[str, tuple[Column, ...]] = {
    "service": (text("service", "Service.", required=True),),
    "account": (PLACE[0], PLACE[1]),
    "department": (text("department", "Department; NULL is unallocated."),),
    "region": (PLACE[5],),
}

TABLES: tuple[Table, ...] = (
    Table(
        "prices",
        "cost",
        "On-demand list prices.",
        "one tier of a price",
        (
            text("service", "Service, as the price book names it.", required=True),
            text("region", "Region.", required=True),
            text("key", "What is priced, such as m5.large:linux.", required=True),
            text("unit", "Unit of the quantity.", required=True),
            money("tier_from", "Quantity a month from which this tier counts.", required=True),
            money("tier_to", "Quantity up to which it counts; NULL is no end."),
            unit_price("usd", "US dollars per unit.", required=True),
            text("source", "Where the figure is from.", required=True),
            text("as_of", "Month in which it was true, YYYY-MM.", required=True),
        ),
        ("service", "region", "key", "tier_from"),
    ),
    Table(
        "cost_components",
        "cost",
        "What each resource's list price consists of.",
        "one component of a resource at a snapshot",
        (
            SNAPSHOT_AT,
            *PLACE,
            *RESOURCE,
            text("component", "compute, storage, requests, ...", required=True),
            text("price_service", "Service in the price book.", required=True),
            text("price_key", "Key in the price book."),
            text("unit", "Unit of the quantity.", required=True),
            money("quantity", "Units a month."),
            *COST_OF,
            text("price_source", "Where the price is from."),
            text("price_as_of", "Month of the price, YYYY-MM."),
        ),
        ("snapshot_at", "account_id", "region", "resource_type", "resource_id", "component"),
        SNAPSHOT,
    ),
    Table(
        "resource_costs",
        "cost",
        "Monthly list price of each resource.",
        "one resource at a snapshot",
        (
            SNAPSHOT_AT,
            *PLACE,
            *RESOURCE,
            text("service", "ec2, rds, s3, lambda, ...", required=True),
            text("name", "Name."),
            *COST_OF,
            money(
                "known_usd",
                "Sum of its priced components; equals monthly_usd where that is known.",
                required=True,
            ),
            text("price_as_of", "Oldest month of the prices used, YYYY-MM."),
        ),
        ("snapshot_at", "account_id", "region", "resource_type", "resource_id"),
        SNAPSHOT,
    ),
    *(
        Table(
            f"cost_by_{dimension}",
            "cost",
            f"Monthly list price by {dimension}.",
            f"one {dimension} at a snapshot",
            (SNAPSHOT_AT, *columns, *TOTALS),
            ("snapshot_at", columns[0].name),
            SNAPSHOT,
        )
        for dimension, columns in DIMENSIONS.items()
    ),
    Table(
        "waste_findings",
        "cost",
        "What waste rules say of each resource.",
        "one rule and resource at a snapshot",
        (
            SNAPSHOT_AT,
            text("rule_id", "Rule.", required=True),
            text("verdict", "yes, no or unknown.", required=True),
            *PLACE,
            *RESOURCE,
            text("name", "Name."),
            text("reason", "The evidence, in words.", required=True),
            bigint("idle_days", "Days it has provably been so; NULL where nothing tells."),
            money(
                "monthly_saving_usd",
                "What acting saves a month; NULL where unknown or the verdict is not yes.",
            ),
            text("saving_unknown_reason", "Why the saving is unknown."),
        ),
        ("snapshot_at", "rule_id", "account_id", "region", "resource_type", "resource_id"),
        SNAPSHOT,
    ),
)
