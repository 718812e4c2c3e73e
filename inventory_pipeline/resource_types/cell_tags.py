"""Tags of all of a type's resources at once, where AWS's own listing leaves them out.

The tagging service pages through a region's tagged resources, 100 a call; a service asked for the
tags of one resource at a time would take a call for each. A resource that it does not name has no
tags. Not here: types whose listing or description has the tags.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from inventory_pipeline.resource_types.model import Detail, Item

DETAIL = "tags"


def cell_tags(kind: str) -> Detail:
    """The detail `tags`: the tags of a cell's resources of AWS's kind, such as lambda:function."""
    return Detail(
        DETAIL,
        "get_resources",
        {"ResourceTypeFilters": [kind], "ResourcesPerPage": 100},
        "tag:GetResources",
        service="resourcegroupstaggingapi",
        items="ResourceTagMappingList[]",
        per_cell=True,
    )


def tags_of(arn: str) -> Callable[[Item], Sequence[Item] | None]:
    """A source: the tags of the item whose ARN is at `arn`; None where tags were not read."""

    def find(item: Item) -> Sequence[Item] | None:
        if DETAIL not in item:
            return None
        return _by_arn(item[DETAIL]).get(str(item.get(arn)).removesuffix(":*"), ())

    return find


_latest = threading.local()


def _by_arn(resources: Sequence[Item]) -> Mapping[str, Sequence[Any]]:
    """The list as a mapping; kept for the next item, since a cell's items share one list."""
    if getattr(_latest, "resources", None) is not resources:
        _latest.resources = resources
        _latest.by_arn = {
            str(found.get("ResourceARN")).removesuffix(":*"): found.get("Tags") or ()
            for found in resources
        }
    known: Mapping[str, Sequence[Any]] = _latest.by_arn
    return known
