"""Whose objects are whose, by the map of prefixes that settings give."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from inventory_pipeline.marts.sql import read_sql, with_relations
from inventory_pipeline.marts.storage.places import KEPT_PREFIXES, WIDEST_REPORTS, glob_pattern

if TYPE_CHECKING:
    from inventory_pipeline.settings.objects import Tenant

SEPARATOR = "\x1f"
"""Stands between a tenant's name, buckets and prefix in `$tenants`; none of them may hold it."""


def tenant_usage_sql() -> str:
    relations = {"widest_reports": WIDEST_REPORTS, "kept_prefixes": KEPT_PREFIXES}
    select = read_sql(__package__, "tenant_usage.sql").replace("{separator}", SEPARATOR)
    return with_relations(relations, select)


def tenant_parameter(tenants: "Iterable[Tenant]") -> list[str]:
    """What `$tenants` is: a text for each tenant and pattern of buckets."""
    return [
        SEPARATOR.join((tenant.name, glob_pattern(glob), tenant.prefix))
        for tenant in tenants
        for glob in tenant.sources
    ]
