"""How a collection joins what the snapshot already has: unknown never means deleted.

Pure, over Arrow tables: `lake.merge` may run these again when another writer came first. A cell
that was seen completely is never overwritten by a worse look at it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any

from inventory_pipeline.collect.cells import GLOBAL, CellKey

if TYPE_CHECKING:
    import pyarrow as pa

Statuses = Mapping[str, str]
"""Status by collector, of one cell."""

_SEPARATOR = "\x1f"


class Joining(Enum):
    """What becomes of a newly seen cell."""

    REPLACE = "its rows replace the earlier ones"
    ADD = "its rows replace earlier ones of the same resources; the others stay"
    KEEP = "the earlier rows stay; the new ones are dropped"


def joining(kind: str, earlier: Statuses | None, new: Statuses) -> Joining:
    """How a cell of resource type `kind` joins, from its ledger earlier and now.

    A complete look replaces what was there, unless that was complete as well and knew a part
    (detail, metrics) that this one does not. An incomplete look removes nothing: it adds to an
    incomplete one, and to rows without a ledger, whose collection may still be running.
    """
    if earlier is None or earlier.get(kind) != "ok":
        return Joining.REPLACE if new.get(kind) == "ok" else Joining.ADD
    known = (collector for collector, status in earlier.items() if status == "ok")
    return Joining.REPLACE if all(new.get(c) == "ok" for c in known) else Joining.KEEP


def ledgers(coverage: pa.Table) -> dict[CellKey, dict[str, str]]:
    """The status of each collector, by cell."""
    found: dict[CellKey, dict[str, str]] = {}
    for row in coverage.select(["account_id", "region", "collector", "status"]).to_pylist():
        kind = row["collector"].partition(".")[0]
        cell = found.setdefault((row["account_id"], row["region"], kind), {})
        cell[row["collector"]] = row["status"]
    return found


def joinings(earlier: pa.Table, new: pa.Table) -> dict[CellKey, Joining]:
    """How each cell of the `new` ledger joins the `earlier` one."""
    before = ledgers(earlier)
    return {key: joining(key[2], before.get(key), now) for key, now in ledgers(new).items()}


def merge_coverage(earlier: pa.Table, new: pa.Table) -> pa.Table:
    """The ledger with the new cells joined; whole cells, so that no part outlives its cell."""
    decided = joinings(earlier, new)
    kinds = _kinds_of_collectors
    replaced = (key for key, how in decided.items() if how is not Joining.KEEP)
    kept = (key for key, how in decided.items() if how is Joining.KEEP)
    return _stack(
        earlier.filter(_not_in(_keys(earlier, kinds(earlier)), _joined(replaced))),
        new.filter(_not_in(_keys(new, kinds(new)), _joined(kept))),
        ["account_id", "region", "collector"],
    )


def merge_rows(
    earlier: pa.Table,
    new: pa.Table,
    decided: Mapping[CellKey, Joining],
    global_kinds: Iterable[str],
    *,
    prefix: str = "resource",
) -> pa.Table:
    """Rows of a resource table, `metrics` or (`prefix="source"`) `relationships`, joined by cell.

    `global_kinds` are the types whose cell is `global` though their rows have regions.
    """
    kind_column, id_column = f"{prefix}_type", f"{prefix}_id"
    wide = sorted(global_kinds)

    def keys(table: pa.Table, *more: str) -> Any:
        return _keys(table, table[kind_column], wide, *more)

    replaced = _joined(key for key, how in decided.items() if how is Joining.REPLACE)
    kept = _joined(key for key, how in decided.items() if how is Joining.KEEP)
    new = new.filter(_not_in(keys(new), kept))
    earlier = earlier.filter(_not_in(keys(earlier), replaced))
    seen_again = keys(new, id_column).combine_chunks()
    earlier = earlier.filter(_not_in(keys(earlier, id_column), seen_again))
    return _stack(earlier, new, ["account_id", "region", kind_column, id_column])


def merge_accounts(earlier: pa.Table, new: pa.Table) -> pa.Table:
    """Accounts; one that was entered stays so, even if it could not be entered again."""
    import pyarrow as pa

    before = {row["account_id"]: row for row in earlier.to_pylist()}
    for row in new.to_pylist():
        known = before.get(row["account_id"])
        if known is None or known["status"] != "ok" or row["status"] == "ok":
            before[row["account_id"]] = row
    rows = sorted(before.values(), key=lambda row: row["account_id"])
    return pa.Table.from_pylist(rows, schema=earlier.schema)


def _kinds_of_collectors(table: pa.Table) -> Any:
    import pyarrow.compute as pc

    return pc.replace_substring_regex(table["collector"], r"\..*$", "")


def _keys(table: pa.Table, kinds: Any, global_kinds: Iterable[str] = (), *more: str) -> Any:
    """The cell of each row (and `more` columns) as one text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wide = pc.is_in(kinds, value_set=pa.array(list(global_kinds), pa.string()))
    region = pc.if_else(wide, GLOBAL, table["region"])
    parts = [table["account_id"], region, kinds, *(table[column] for column in more)]
    return pc.binary_join_element_wise(*parts, _SEPARATOR)


def _joined(keys: Iterable[CellKey]) -> Any:
    import pyarrow as pa

    return pa.array([_SEPARATOR.join(key) for key in keys], pa.string())


def _not_in(keys: Any, known: Any) -> Any:
    import pyarrow.compute as pc

    return pc.invert(pc.is_in(keys, value_set=known))


def _stack(earlier: pa.Table, new: pa.Table, order: list[str]) -> pa.Table:
    import pyarrow as pa

    table = pa.concat_tables([earlier, new.cast(earlier.schema)])
    return table.sort_by([(column, "ascending") for column in order])
