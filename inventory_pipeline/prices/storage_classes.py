"""How S3 bills each storage class: minimums, overheads and where its objects may move.

Belongs here: facts that hold in every region, from the S3 user guide and price page. Not here: what
a GB costs (the `prices` table) nor what a move saves (`archive.economics`). An access tier of
Intelligent-Tiering is an entry of its own, under the key that the price book gives it.
"""

from dataclasses import dataclass

KIB = 1024
GIB = 1024**3

COPY_LIMIT_BYTES = 5 * GIB
"""Largest object that one CopyObject, and so one task of a Batch Operations copy, can copy."""


@dataclass(frozen=True)
class StorageClass:
    """One class (or access tier) by its key in the price book.

    Every object is billed as at least `minimum_bytes`, for at least `minimum_days`. On top come
    `overhead_bytes` at the class's own price and `index_bytes` at STANDARD's. Objects of
    `monitored_from_bytes` and more pay for monitoring. `moves_to` are the classes that lifecycle
    rules may move it to; one that is `restored_first` cannot be read, so not copied either.
    """

    key: str
    moves_to: frozenset[str]
    minimum_bytes: int = 0
    minimum_days: int = 0
    overhead_bytes: int = 0
    index_bytes: int = 0
    monitored_from_bytes: int | None = None
    restored_first: bool = False

    @property
    def name(self) -> str:
        """The class as AWS's API names it, without the access tier."""
        return self.key.partition(":")[0]


_ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})

# What S3 keeps for each archived object, whether a class or an access tier archives it.
_OVERHEAD_BYTES = 32 * KIB
_INDEX_BYTES = 8 * KIB

MONITORED_FROM_BYTES = 128 * KIB
"""Smaller objects of Intelligent-Tiering are not monitored and stay in its first tier, FREQUENT."""


def _tier(name: str, moves_to: frozenset[str], *, archived: bool = False) -> StorageClass:
    return StorageClass(
        f"INTELLIGENT_TIERING:{name}",
        moves_to,
        overhead_bytes=_OVERHEAD_BYTES if archived else 0,
        index_bytes=_INDEX_BYTES if archived else 0,
        monitored_from_bytes=MONITORED_FROM_BYTES,
        restored_first=archived,
    )


_CLASSES = (
    StorageClass(
        "STANDARD",
        _ARCHIVES | {"STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR"},
    ),
    StorageClass(
        "STANDARD_IA",
        _ARCHIVES | {"INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR"},
        minimum_bytes=128 * KIB,
        minimum_days=30,
    ),
    _tier("FREQUENT", _ARCHIVES | {"ONEZONE_IA", "GLACIER_IR"}),
    _tier("INFREQUENT", _ARCHIVES | {"ONEZONE_IA", "GLACIER_IR"}),
    _tier("ARCHIVE_INSTANT_ACCESS", _ARCHIVES | {"GLACIER_IR"}),
    _tier("ARCHIVE", _ARCHIVES, archived=True),
    _tier("DEEP_ARCHIVE", _ARCHIVES, archived=True),
    StorageClass("ONEZONE_IA", _ARCHIVES, minimum_bytes=128 * KIB, minimum_days=30),
    StorageClass("GLACIER_IR", _ARCHIVES, minimum_bytes=128 * KIB, minimum_days=90),
    StorageClass(
        "GLACIER",
        frozenset({"DEEP_ARCHIVE"}),
        minimum_days=90,
        overhead_bytes=_OVERHEAD_BYTES,
        index_bytes=_INDEX_BYTES,
        restored_first=True,
    ),
    StorageClass(
        "DEEP_ARCHIVE",
        frozenset(),
        minimum_days=180,
        overhead_bytes=_OVERHEAD_BYTES,
        index_bytes=_INDEX_BYTES,
        restored_first=True,
    ),
)

STORAGE_CLASSES: dict[str, StorageClass] = {c.key: c for c in _CLASSES}


def price_key_sql(storage_class: str, access_tier: str) -> str:
    """SQL for the price book's key, from the columns of these names; NULL where the class is.

    Without an access tier it is FREQUENT's, which is certain only below MONITORED_FROM_BYTES.
    """
    return (
        f"CASE WHEN {storage_class} = 'INTELLIGENT_TIERING' "
        f"THEN concat('INTELLIGENT_TIERING:', COALESCE({access_tier}, 'FREQUENT')) "
        f"ELSE {storage_class} END"
    )
