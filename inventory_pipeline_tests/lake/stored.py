"""What the simulated S3 has, and how old it says that is."""

from datetime import timedelta
from typing import Any


def stored(bucket: str) -> Any:
    """The current objects of a bucket by key, as moto keeps them in this process."""
    from moto.s3.models import s3_backends

    (backend,) = (one["aws"] for one in s3_backends.values() if bucket in one["aws"].buckets)
    return backend.buckets[bucket].keys


def age(bucket: str, key: str, seconds: float) -> None:
    """Have S3 say that an object was written longer ago."""
    stored(bucket)[key].last_modified -= timedelta(seconds=seconds)
