"""What the buckets with S3 Inventory hold: populations of object versions on both days.

A population is a range of slots. Every property of a slot is a hash of its number, so any part of
any report can be made on its own, in any order, the same each time. A slot's fate between the days
is its number too: see `_versions`. Belongs here: the numbers. Not here: how a report is written
(`report_files`, `deliveries`).
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from inventory_pipeline.demo.estate import (
    ANALYTICS,
    FINANCE,
    HOME_REGION,
    PLATFORM,
    RESEARCH,
    SECOND_REGION,
    STOREFRONT,
    UNPRICED_REGION,
    Account,
    Day,
    Estate,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Integers = NDArray[np.uint64]
    Flags = NDArray[np.bool_]

DAY_MS = 86_400_000
GB = 2**30

# Days since last modified on day one; up to 20 hours more are added. None comes near a limit that
# anyone would set (30, 60, 90, 180, 365, 730), whatever the hour that ages are counted from.
AGES = (2, 10, 20, 45, 75, 120, 150, 200, 240, 300, 330, 420, 550, 700, 1000)

AWKWARD_KEYS = (
    "awkward/with space.txt",
    "awkward/a+b=c.txt",
    "awkward/100%.txt",
    "awkward/50%25.txt",
    "awkward/comma,separated,.csv",
    'awkward/double"quote".txt',
    'awkward/"',
    "awkward/new\nline.txt",
    "awkward/carriage\r\nreturn.txt",
    "awkward/tab\tkey.txt",
    "awkward/Größe/日本語.txt",
    "awkward/emoji-🚀-🧪.bin",
    "awkward/folder/",
    "awkward/back\\slash.txt",
    "awkward/<script>alert('&')</script>.html",
    "awkward/=cmd()",
    "awkward//double//slash",
    "awkward/..%2F..%2Fetc",
    "awkward/NULL",
    "awkward/\\N",
    " awkward leading space",
    "~awkward-tilde",
    "awkward/" + "k" * 1016,
    "é" * 512,
)
FIRST_AWKWARD = 1 << 40
PUBLIC_PLACE, FOREIGN_PLACE = 77, 78
"""Places in every thousand slots, where objects have ACLs."""

MOST_SLOTS_PER_FILE = 200_000


@dataclass(frozen=True)
class StorageKind:
    """A storage class, with the access tier of Intelligent-Tiering, and CloudWatch's name."""

    storage_class: str
    cloudwatch: str
    tier: str | None = None


STANDARD = StorageKind("STANDARD", "StandardStorage")
STANDARD_IA = StorageKind("STANDARD_IA", "StandardIAStorage")
GLACIER_IR = StorageKind("GLACIER_IR", "GlacierInstantRetrievalStorage")
GLACIER = StorageKind("GLACIER", "GlacierStorage")
DEEP_ARCHIVE = StorageKind("DEEP_ARCHIVE", "DeepArchiveStorage")
FREQUENT = StorageKind("INTELLIGENT_TIERING", "IntelligentTieringFAStorage", "FREQUENT")
INFREQUENT = StorageKind("INTELLIGENT_TIERING", "IntelligentTieringIAStorage", "INFREQUENT")

ENCRYPTIONS = ("SSE-S3", "SSE-S3", "SSE-S3", "SSE-KMS", "NOT-SSE")
REPLICATIONS = (None,) * 17 + ("COMPLETED", "COMPLETED", "FAILED")


@dataclass(frozen=True)
class Report:
    """An S3 Inventory configuration and the population it lists.

    `kinds` are drawn with equal chances, so a repeated one is likelier; the last is also where
    class-changed slots go. `broken` and `late`: how its second delivery fails. `acls`: objects
    have their own, and owners; of every thousand one is public and the next another account's.
    """

    seed: int
    account: Account
    region: str
    bucket: str
    format: str
    slots: int
    kinds: tuple[StorageKind, ...]
    prefixes: tuple[str, ...] = ("data/",)
    versioned: bool = False
    awkward: bool = False
    replicated: bool = False
    broken: bool = False
    late: bool = False
    acls: bool = False
    configuration_id: str = "daily"

    @property
    def destination(self) -> str:
        """S3 delivers only to a bucket of the source's own region."""
        return destination_bucket(self.region)

    def stream(self, name: str) -> np.uint64:
        digest = hashlib.sha256(f"{self.seed}/{self.bucket}/{name}".encode()).digest()
        return np.uint64(int.from_bytes(digest[:8], "big"))


def destination_bucket(region: str) -> str:
    return f"example-inventory-reports-{region}"


LOGS_BUCKET = "example-platform-logs"
ARCHIVED_PREFIX = "logs/"


def _report(
    estate: Estate,
    account: Account,
    what: str,
    format_: str,
    share: float,
    *kinds: StorageKind,
    region: str = HOME_REGION,
    **about: Any,
) -> Report:
    bucket = f"example-{account.name}-{what}"
    slots = int(estate.scale.objects * share)
    return Report(estate.seed, account, region, bucket, format_, slots, kinds, **about)


def reports(estate: Estate) -> list[Report]:
    """Every S3 Inventory configuration of the organisation."""
    report = partial(_report, estate)
    return [
        report(
            PLATFORM,
            "logs",
            "CSV",
            0.45,
            *([STANDARD] * 8),
            STANDARD_IA,
            GLACIER_IR,
            prefixes=("logs/app/", "logs/web/", "tmp/"),
        ),
        report(
            ANALYTICS,
            "lake",
            "Parquet",
            0.22,
            *([STANDARD] * 3),
            STANDARD_IA,
            GLACIER,
            region=SECOND_REGION,
            versioned=True,
            awkward=True,
            replicated=True,
            prefixes=("raw/events/", "curated/orders/", "curated/users/"),
        ),
        report(
            FINANCE,
            "backups",
            "ORC",
            0.18,
            STANDARD,
            GLACIER,
            DEEP_ARCHIVE,
            awkward=True,
            prefixes=("backups/daily/", "backups/monthly/"),
        ),
        report(
            STOREFRONT,
            "media",
            "CSV",
            0.06,
            *([STANDARD] * 2),
            FREQUENT,
            INFREQUENT,
            acls=True,
            versioned=True,
            awkward=True,
            replicated=True,
            prefixes=("img/", "video/"),
        ),
        report(RESEARCH, "samples", "Parquet", 0.04, FREQUENT, INFREQUENT, region=UNPRICED_REGION),
        report(RESEARCH, "empty", "CSV", 0, STANDARD),
        report(STOREFRONT, "broken", "ORC", 0.005, STANDARD, broken=True),
        report(PLATFORM, "late", "CSV", 0.005, STANDARD, late=True),
    ]


@dataclass(frozen=True)
class Versions:
    """Some object versions of a report on a day, as parallel arrays.

    `slots` says which object, `generations` which version of it: 0 the original, 1 an older one,
    2 what overwrote it on day two, 3 a delete marker.
    """

    report: Report
    estate: Estate
    day: Day
    slots: "Integers"
    generations: "Integers"
    is_latest: "Flags"

    def __len__(self) -> int:
        return len(self.slots)

    def noise(self, name: str, of: Literal["version", "slot", "content"] = "version") -> "Integers":
        """A hash of each version, its slot or its content, different for every name."""
        slots = (
            np.where(self.is_copy, self.slots - 1, self.slots) if of == "content" else self.slots
        )
        numbers = slots.astype(np.uint64) * np.uint64(4)
        if of != "slot":
            numbers = numbers + self.generations
        return _mixed(numbers ^ self.report.stream(name))

    @cached_property
    def is_copy(self) -> "Flags":
        """Has the content of the slot before, which stays as it was as well."""
        copy: Flags = (self.slots % np.uint64(100) == 99) & (self.generations == 0)
        return copy & ~self.is_awkward

    @cached_property
    def is_marker(self) -> "Flags":
        marker: Flags = self.generations == 3
        return marker

    @cached_property
    def is_new(self) -> "Flags":
        """Written between the two deliveries."""
        came = (self.slots >= self.report.slots) & (self.slots < FIRST_AWKWARD)
        deleted = self.is_marker & (self.slots % np.uint64(50) == 0)
        new: Flags = came | deleted | (self.generations == 2)
        return new

    @cached_property
    def sizes(self) -> "NDArray[np.int64]":
        """Bytes: from nothing over a wide middle to a few gibibytes; 0 on delete markers."""
        chance = self.noise("size", "content")
        octave = np.uint64(1) << (self.noise("octave", "content") % np.uint64(23))
        within = self.noise("within", "content")
        sizes = octave + within % octave
        giant = np.uint64(GB) + within % np.uint64(3 * GB)
        sizes = np.where(chance % np.uint64(10_000) == 1, giant, sizes)
        nothing = (chance % np.uint64(100) == 0) | self.is_marker | self._is_folder
        return np.where(nothing, 0, sizes).astype(np.int64)

    @cached_property
    def modified_ms(self) -> "NDArray[np.int64]":
        """Last modified, milliseconds since 1970, whole seconds."""
        first = int(self.estate.delivered_at(1).timestamp()) * 1000
        ages = np.array(AGES)[(self.noise("age") % np.uint64(len(AGES))).astype(np.int64)]
        hours = (self.noise("hour") % np.uint64(20 * 3600)).astype(np.int64) * 1000
        ages = np.where(self.is_marker, 1, ages + np.where(self.generations == 1, 1100, 0))
        before = first - ages.astype(np.int64) * DAY_MS - hours
        return np.where(self.is_new, first + 2 * 3_600_000 + hours, before)

    @cached_property
    def kinds(self) -> "NDArray[np.int64]":
        """Index into the report's kinds; meaningless on delete markers."""
        count = len(self.report.kinds)
        kinds = (self.noise("kind") % np.uint64(count)).astype(np.int64)
        changed = (self.day == 2) & (self.slots % np.uint64(50) == 2)
        return np.where(changed & (self.generations == 0), count - 1, kinds)

    @cached_property
    def prefixes(self) -> "NDArray[np.int64]":
        """Index into the report's prefixes."""
        count = len(self.report.prefixes)
        return (self.noise("prefix", "slot") % np.uint64(count)).astype(np.int64)

    @cached_property
    def is_awkward(self) -> "Flags":
        awkward: Flags = self.slots >= FIRST_AWKWARD
        return awkward

    def is_every_thousandth(self, place: int) -> "Flags":
        """The slots at this place of every thousand."""
        chosen: Flags = (self.slots % np.uint64(1000) == place) & ~self.is_awkward & ~self.is_marker
        return chosen

    @cached_property
    def _is_folder(self) -> "Flags":
        folders = [FIRST_AWKWARD + n for n, key in enumerate(AWKWARD_KEYS) if key.endswith("/")]
        return np.isin(self.slots, np.array(folders, dtype=np.uint64))


def population(estate: Estate, report: Report, day: Day) -> Iterator[Versions]:
    """Every version that the report lists on that day, in parts of a file each."""
    slots = report.slots + (report.slots // 50 if day == 2 else 0)
    if not slots:
        return
    step = min(MOST_SLOTS_PER_FILE, -(-slots // 3))
    for start in range(0, slots, step):
        part = np.arange(start, min(start + step, slots), dtype=np.uint64)
        if report.awkward and start == 0:
            awkward = np.arange(len(AWKWARD_KEYS), dtype=np.uint64) + np.uint64(FIRST_AWKWARD)
            part = np.concatenate([awkward, part])
        yield _versions(estate, report, day, part)


def _versions(estate: Estate, report: Report, day: Day, slots: "Integers") -> Versions:
    """A slot's versions. On day two, of every 50 slots the first is deleted, the second
    overwritten, the third changes class; in versioned buckets the past stays listed."""
    tame = slots < FIRST_AWKWARD
    gone = tame & (slots % np.uint64(50) == 0) & (slots < report.slots) & (day == 2)
    overwritten = tame & (slots % np.uint64(50) == 1) & (slots < report.slots) & (day == 2)
    if not report.versioned:
        stays = slots[~gone]
        generation = np.where(overwritten[~gone], 2, 0).astype(np.uint64)
        return Versions(report, estate, day, stays, generation, np.ones(len(stays), np.bool_))
    marked = gone | (tame & (slots % np.uint64(25) == 4))
    older = tame & (slots % np.uint64(10) == 3)
    rows = (
        (slots, 0, ~(marked | overwritten)),
        (slots[older], 1, np.zeros(int(older.sum()), np.bool_)),
        (slots[overwritten], 2, np.ones(int(overwritten.sum()), np.bool_)),
        (slots[marked], 3, np.ones(int(marked.sum()), np.bool_)),
    )
    return Versions(
        report,
        estate,
        day,
        np.concatenate([s for s, _, _ in rows]),
        np.concatenate([np.full(len(s), g, np.uint64) for s, g, _ in rows]),
        np.concatenate([latest for _, _, latest in rows]),
    )


@dataclass(frozen=True)
class Totals:
    """What a report lists on a day. `bytes_by_class` is by CloudWatch's StorageType."""

    versions: int
    bytes: int
    delete_markers: int
    noncurrent: int
    bytes_by_class: dict[str, int]


def totals(estate: Estate, report: Report, day: Day) -> Totals:
    by_kind = [0] * len(report.kinds)
    versions = size = markers = noncurrent = 0
    for part in population(estate, report, day):
        versions += len(part)
        size += int(part.sizes.sum())
        markers += int(part.is_marker.sum())
        noncurrent += int((~part.is_latest).sum())
        for kind in range(len(report.kinds)):
            by_kind[kind] += int(part.sizes[part.kinds == kind].sum())
    return Totals(versions, size, markers, noncurrent, _by_cloudwatch(report.kinds, by_kind))


def _by_cloudwatch(kinds: Sequence[StorageKind], sizes: Sequence[int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for kind, size in zip(kinds, sizes, strict=True):
        found[kind.cloudwatch] = found.get(kind.cloudwatch, 0) + size
    return {name: size for name, size in found.items() if size}


def _mixed(numbers: "Integers") -> "Integers":
    """SplitMix64's finaliser: every bit of the result depends on every bit of the number."""
    with np.errstate(over="ignore"):
        z = numbers + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))
