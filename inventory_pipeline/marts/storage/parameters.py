"""What settings say to the storage marts, by the `$name` that their SQL uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inventory_pipeline.marts.storage.compliance import RULES
from inventory_pipeline.marts.storage.personal_data import KEY_RULES, key_parameters
from inventory_pipeline.marts.storage.places import glob_pattern, prefix_pattern
from inventory_pipeline.marts.storage.tenants import tenant_parameter

if TYPE_CHECKING:
    from inventory_pipeline.settings.model import S3InventorySettings


def storage_parameters(chosen: S3InventorySettings) -> dict[str, Any]:
    """Raises SettingsError where settings name a rule that there is not."""
    from inventory_pipeline.settings import require_known

    compliance, personal = chosen.compliance, chosen.personal_data
    path = "s3_inventory"
    require_known(f"{path}.compliance.rules_off", compliance.rules_off, [r.id for r in RULES])
    known = [*(rule.id for rule in KEY_RULES), *personal.patterns]
    require_known(f"{path}.personal_data.rules_off", personal.rules_off, known)
    return {
        "prefix_pattern": prefix_pattern(chosen.prefix_depth),
        "compliance_rules_off": compliance.rules_off,
        "legal_hold_buckets": [glob_pattern(g) for g in compliance.legal_hold_buckets],
        "tenants": tenant_parameter(chosen.tenants),
        "tolerance_percent": chosen.reconciliation_tolerance_percent,
        "duplicates_min_bytes": chosen.duplicates.min_bytes,
        "duplicates_listed": chosen.duplicates.listed,
        # A pattern takes the place of the rule of its name.
        "key_rules_off": [*personal.rules_off, *personal.patterns],
        **dict(
            key_parameters(
                {n: p for n, p in personal.patterns.items() if n not in personal.rules_off}
            )
        ),
    }
