"""What can be seen in AWS, as data: one module per service, one `ResourceType` entry per type.

To add a type, add an entry to its service's module (or a module to this package): its table,
collection, cost lines, documentation and IAM actions follow from it. Not here: any AWS call.
"""

import importlib
import pkgutil
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from inventory_pipeline.resource_types.model import (
    METRICS_ACTION,
    Batch,
    Children,
    ChildTable,
    CostComponent,
    Detail,
    Field,
    Metric,
    Preparation,
    Relationship,
    ResourceType,
    Within,
)

__all__ = [
    "Batch",
    "ChildTable",
    "Children",
    "CostComponent",
    "Detail",
    "Field",
    "Metric",
    "Preparation",
    "Relationship",
    "ResourceType",
    "Within",
    "action_names",
    "child_tables",
    "resource_types",
    "selected_types",
    "type_names",
]


@cache
def resource_types() -> dict[str, ResourceType]:
    """Every resource type by name, in the order of its module's name and place.

    Raises ValueError where two have the same name.
    """
    found: dict[str, ResourceType] = {}
    for module in sorted(m.name for m in pkgutil.iter_modules(__path__)):
        # Modules that declare no types hold what several services share.
        entries = getattr(importlib.import_module(f"{__name__}.{module}"), "RESOURCE_TYPES", ())
        for entry in entries:
            if entry.name in found:
                raise ValueError(f"{module}.py: there is a resource type {entry.name} already")
            found[entry.name] = entry
    return found


@cache
def child_tables() -> dict[str, ChildTable]:
    """Every table of elements of resources, by name."""
    return {
        children.table.name: children.table
        for kind in resource_types().values()
        for children in kind.children
    }


def action_names() -> list[str]:
    """Every IAM action that seeing some type takes."""
    return sorted({action for kind in resource_types().values() for action in kind.actions})


def type_names() -> list[str]:
    """Names that settings and commands may use: groups and types."""
    kinds = resource_types().values()
    return sorted({kind.group for kind in kinds} | {kind.name for kind in kinds})


def selected_types(
    names: Sequence[str] = (), actions_off: Sequence[str] = ()
) -> list[ResourceType]:
    """The types that groups (ec2) or names (ebs_volume) mean; all where there are none.

    They come without the details and metrics that take an IAM action of `actions_off`; a type that
    cannot be listed without one is left out.
    """
    kinds = list(resource_types().values())
    chosen = [k for k in kinds if not names or k.name in names or k.group in names]
    without = [_without(kind, frozenset(actions_off)) for kind in chosen]
    return [k for k in without if not {*k.actions} & {*actions_off}]


def _without(kind: ResourceType, actions: frozenset[str]) -> ResourceType:
    return replace(
        kind,
        details=tuple(detail for detail in kind.details if detail.iam_action not in actions),
        metrics=() if METRICS_ACTION in actions else kind.metrics,
    )
