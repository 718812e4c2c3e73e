"""The bands that `s3_usage` puts ages and sizes into, as data.

A band holds what is at or above its lower bound and below the next one's. 128 KiB is a bound:
infrequent-access classes bill smaller objects as 128 KiB, and Intelligent-Tiering does not watch
them. 5 GiB is one: a single copy request moves no more.
"""

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

UNKNOWN = "unknown"
"""The band of rows whose report does not say."""


@dataclass(frozen=True)
class Band:
    """A band's name and its lower bound: whole days of age, or bytes of size."""

    name: str
    lower: int


AGE_BANDS = (
    Band("0-30", 0),
    Band("31-90", 31),
    Band("91-180", 91),
    Band("181-365", 181),
    Band("366+", 366),
)

SIZE_BANDS = (
    Band("0 B", 0),
    Band("1 B-16 KiB", 1),
    Band("16-128 KiB", 16 * KIB),
    Band("128 KiB-1 MiB", 128 * KIB),
    Band("1-16 MiB", MIB),
    Band("16-128 MiB", 16 * MIB),
    Band("128 MiB-1 GiB", 128 * MIB),
    Band("1-5 GiB", GIB),
    Band("5 GiB+", 5 * GIB),
)
