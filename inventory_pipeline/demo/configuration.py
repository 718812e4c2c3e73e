"""The settings and the environment with which a pipeline looks at the simulated organisation.

Belongs here: what a user of it would write into inventory.yaml. Not here: how settings are read.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from inventory_pipeline.demo.deliveries import PREFIX
from inventory_pipeline.demo.estate import (
    DISABLED_REGION,
    ENABLED_REGIONS,
    FINANCE,
    PLATFORM,
    ROLE_NAME,
    Estate,
)
from inventory_pipeline.demo.objects import ARCHIVED_PREFIX, LOGS_BUCKET, destination_bucket

if TYPE_CHECKING:
    from inventory_pipeline.demo.simulation import Simulation

ARCHIVE_POLICY: dict[str, Any] = {
    "name": "old-logs",
    "sources": [LOGS_BUCKET],
    "prefix": ARCHIVED_PREFIX,
    "min_age_days": 180,
    "min_size_bytes": 16 * 1024,
    "storage_classes": ["STANDARD"],
    "target_class": "GLACIER",
    "horizon_months": 12,
}

TENANTS: list[dict[str, Any]] = [
    {"name": "storefront", "sources": ["example-storefront-*"]},
    {"name": "orders", "sources": ["example-analytics-lake"], "prefix": "curated/orders/"},
]

FINANCE_EXTERNAL_ID = "DEMO_FINANCE_EXTERNAL_ID"


def settings_for(simulation: "Simulation", directory: Path) -> dict[str, Any]:
    """What inventory.yaml says; the lake and the manifests are in `directory`. One external id is
    a reference to the environment, which `environment_for` gives."""
    estate = simulation.estate
    return {
        "accounts": {
            account.name: {
                "account_id": account.account_id,
                "role_name": ROLE_NAME,
                "external_id": f"env:{FINANCE_EXTERNAL_ID}"
                if account == FINANCE
                else account.external_id,
                "tags": account.tags,
            }
            for account in estate.accounts
        },
        # The last one is asked for although no account has it: the ledger must say so.
        "regions": [*ENABLED_REGIONS, DISABLED_REGION],
        "schedules": {"snapshots_start": estate.ago(days=30).date().isoformat()},
        "lake": {"location": str(directory / "lake")},
        "s3_inventory": {
            "destinations": [
                {
                    "bucket": destination_bucket(region),
                    "prefix": PREFIX,
                    "account": PLATFORM.name,
                    "region": region,
                }
                for region in ENABLED_REGIONS
            ],
            "tenants": TENANTS,
        },
        "archive": {"policies": [ARCHIVE_POLICY], "manifests": str(directory / "manifests")},
        "aws_endpoint_url": simulation.endpoint_url,
    }


def environment_for(estate: Estate) -> dict[str, str]:
    """Environment variables that go with the settings: credentials that only the simulation
    takes, and the secret that the settings refer to."""
    return {
        "AWS_ACCESS_KEY_ID": "AKIADEMO000000000000",
        "AWS_SECRET_ACCESS_KEY": "only-the-simulation-takes-this",
        "AWS_DEFAULT_REGION": ENABLED_REGIONS[0],
        "AWS_EC2_METADATA_DISABLED": "true",
        FINANCE_EXTERNAL_ID: FINANCE.external_id,
    }
