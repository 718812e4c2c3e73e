"""VPC: prefix lists, by which rules and routes name many address blocks at once."""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import (
    Children,
    ChildTable,
    Detail,
    Item,
    ResourceType,
    field,
)
from inventory_pipeline.resource_types.security_groups import Rule, addresses

PAGE = 100  # the most that both calls take


def entries(prefix_list: Item) -> list[Rule] | None:
    """The blocks of a list; None where they were not read."""
    if "entries" not in prefix_list:
        return None
    ipv6 = prefix_list.get("AddressFamily") == "IPv6"
    return [
        addresses(**{"ipv6" if ipv6 else "ipv4": entry["Cidr"]})
        | {"description": entry.get("Description")}
        for entry in prefix_list["entries"]
    ]


PREFIX_LIST_ENTRIES = ChildTable(
    "prefix_list_entries",
    "Address blocks of prefix lists.",
    "entry of a prefix list at a snapshot",
    tuple(
        field(name, kind, meaning, name)
        for name, kind, meaning in (
            ("ipv4_cidr", T.TEXT, "IPv4 addresses."),
            ("ipv6_cidr", T.TEXT, "IPv6 addresses."),
            ("prefix_length", T.BIGINT, "Fixed bits of the addresses; 0 is all."),
            ("public", T.BOOLEAN, "They are, at least in part, on the internet."),
            ("description", T.TEXT, "Description."),
        )
    ),
)

PREFIX_LIST = ResourceType(
    name="prefix_list",
    table="prefix_lists",
    group="vpc",
    service="ec2",
    meaning="Prefix lists that the account has or is given by others, AWS's own left out.",
    operation="describe_managed_prefix_lists",
    arguments={"MaxResults": PAGE},
    items="PrefixLists[]",
    iam_actions=("ec2:DescribeManagedPrefixLists",),
    # EC2 spells it in both ways.
    gone=frozenset({"InvalidPrefixListID.NotFound", "InvalidPrefixListId.NotFound"}),
    resource_id="PrefixListId",
    arn="PrefixListArn",
    name_source="PrefixListName",
    state="State",
    tags="Tags || `[]`",
    keep="OwnerId != 'AWS'",
    fields=(
        field("owner_account_id", T.TEXT, "Whose it is.", "OwnerId"),
        field("address_family", T.TEXT, "IPv4 or IPv6.", "AddressFamily"),
        field(
            "entries",
            T.BIGINT,
            "Number of entries.",
            lambda found: len(found["entries"]) if "entries" in found else None,
        ),
        field("max_entries", T.BIGINT, "Entries that count against quotas.", "MaxEntries"),
    ),
    details=(
        Detail(
            "entries",
            "get_managed_prefix_list_entries",
            {"PrefixListId": "PrefixListId", "MaxResults": PAGE},
            "ec2:GetManagedPrefixListEntries",
            items="Entries[]",
        ),
    ),
    children=(Children(PREFIX_LIST_ENTRIES, entries),),
    free=True,
)

RESOURCE_TYPES = (PREFIX_LIST,)
