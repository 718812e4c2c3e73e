"""Attributes of topics and queues, which AWS gives as one mapping of texts, under `attributes`."""

from collections.abc import Callable

from inventory_pipeline.resource_types.model import Item


def attribute(name: str, unset: str | None) -> Callable[[Item], str | None]:
    """A source: an attribute, `unset` where it has none, None where they were not read.

    AWS leaves out attributes that are not set.
    """

    def read(item: Item) -> str | None:
        if "attributes" not in item:
            return None
        found = item["attributes"].get("Attributes", {}).get(name)
        return unset if found is None else str(found)

    return read


def encrypting_keys(item: Item) -> list[str]:
    """The id or ARN of the KMS key, to relate to; an alias does not say which key it is."""
    key = attribute("KmsMasterKeyId", None)(item)
    return [] if key is None or "alias/" in key else [key]
