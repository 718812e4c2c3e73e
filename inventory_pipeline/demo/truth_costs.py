"""What the simulated resources cost at list price, by hand: the counterpart of the cost marts.

Only unit prices are taken from the price book; which quantities a resource consumes, and how
dollars are rounded (each line to a millionth, halves up), is said here anew. Lines stay below every
volume tier's end, so the first tier's price is the price.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

from inventory_pipeline.demo.estate import (
    Bucket,
    Cluster,
    Database,
    Function,
    Instance,
    Resource,
    Thing,
    Volume,
)

HOURS = Decimal(730)
GB = Decimal(2**30)
MILLIONTH = Decimal("0.000001")
MONTHS_PER_30_DAYS = Decimal("1.013888888889")

PRICE_KEYS = {
    "StandardStorage": "STANDARD",
    "StandardIAStorage": "STANDARD_IA",
    "GlacierInstantRetrievalStorage": "GLACIER_IR",
    "GlacierStorage": "GLACIER",
    "DeepArchiveStorage": "DEEP_ARCHIVE",
    "IntelligentTieringFAStorage": "INTELLIGENT_TIERING:FREQUENT",
    "IntelligentTieringIAStorage": "INTELLIGENT_TIERING:INFREQUENT",
}


FREE = frozenset(
    {
        "ec2_region_settings",
        "iam_access_key",
        "iam_account",
        "iam_credential",
        "iam_role",
        "iam_user",
        "lambda_region_settings",
        "network_acl",
        "network_interface",
        "route_table",
        "s3_account_settings",
        "security_group",
        "subnet",
        "target_group",
        "vpc",
    }
)
"""Further types that AWS bills nothing for as such; the price of the others is not known yet."""


@cache
def _prices() -> dict[tuple[str, str, str], Decimal]:
    from inventory_pipeline.prices import load_book

    rows = load_book().to_pylist()
    return {(r["service"], r["region"], r["key"]): r["usd"] for r in rows if not r["tier_from"]}


def price(service: str, region: str, key: str) -> Decimal | None:
    """Dollars per unit in the first tier; None where the book has no such price."""
    return _prices().get((service, region, key))


@dataclass(frozen=True)
class Line:
    """A component of a resource's monthly cost; `usd` None is unknown."""

    component: str
    usd: Decimal | None


def rounded(amount: Decimal) -> Decimal:
    return amount.quantize(MILLIONTH, ROUND_HALF_UP)


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def total(lines: Sequence[Line]) -> Decimal | None:
    """What all lines come to; unknown if one is."""
    known = [line.usd for line in lines if line.usd is not None]
    return sum(known, Decimal(0)) if len(known) == len(lines) else None


def known(lines: Sequence[Line]) -> Decimal:
    """What the known lines come to."""
    return sum((line.usd for line in lines if line.usd is not None), Decimal(0))


def cost_lines(resource: Resource) -> list[Line]:
    """The components that a resource is billed for."""
    match resource:
        case Instance():
            return list(_instance(resource))
        case Volume():
            return list(_volume(resource))
        case Database():
            return list(_database(resource))
        case Cluster():
            return [_line(resource, "storage", "rds_storage", f"{resource.engine}:storage", None)]
        case Function():
            return list(_function(resource))
        case Bucket():
            return list(_bucket(resource))
        case Thing():
            return [] if resource.type in FREE else [Line("all of it", None)]
        case _:
            raise TypeError(f"no costs of a {type(resource).__name__}")


def _line(
    resource: Resource, component: str, service: str, key: str, quantity: Decimal | None
) -> Line:
    unit = price(service, resource.region, key)
    if unit is None or quantity is None:
        return Line(component, None)
    return Line(component, rounded(rounded(quantity) * unit))


def _instance(it: Instance) -> Iterator[Line]:
    hours = HOURS if it.running else Decimal(0)
    if it.spot:
        yield Line("compute", None)
    else:
        system = "windows" if it.windows else "linux"
        yield _line(it, "compute", "ec2", f"{it.type}:{system}", hours)
    if it.address == "elastic" or (it.address == "public" and it.running):
        use = "in_use" if it.running else "idle"
        yield _line(it, "address", "public_ipv4", use, HOURS)


def _volume(it: Volume) -> Iterator[Line]:
    yield _line(it, "storage", "ebs", it.type, Decimal(it.size_gb))
    if it.type in ("gp3", "io1"):
        included = 3000 if it.type == "gp3" else 0
        extra = max(Decimal(it.iops or 0) - included, Decimal(0))
        yield _line(it, "iops", "ebs", f"{it.type}:iops", extra)
    if it.type == "gp3":
        extra = max(Decimal(it.throughput or 0) - 125, Decimal(0))
        yield _line(it, "throughput", "ebs", "gp3:throughput", extra)


def _database(it: Database) -> Iterator[Line]:
    engine = {"postgres": "postgresql"}.get(it.engine, it.engine)
    deployment = "multi-az" if it.multi_az else "single-az"
    yield _line(it, "compute", "rds", f"{it.instance_class}:{engine}:{deployment}", HOURS)
    if it.cluster_id:
        return
    storage = f"{it.storage_type}:{deployment}"
    yield _line(it, "storage", "rds_storage", storage, Decimal(it.storage_gb))
    if it.storage_type in ("gp3", "io1"):
        included = 3000 if it.storage_type == "gp3" else 0
        extra = max(Decimal(it.iops or 0) - included, Decimal(0))
        yield _line(it, "iops", "rds_storage", f"{storage}:iops", extra)


def invocations(it: Function) -> int:
    """Calls in the last 30 days."""
    return it.daily_invocations * it.days_called


def _function(it: Function) -> Iterator[Line]:
    calls = Decimal(invocations(it)) * MONTHS_PER_30_DAYS
    yield _line(it, "requests", "lambda", "requests", calls)
    gb_seconds = Decimal(it.daily_ms * it.days_called * it.memory_mb) / 1_024_000
    yield _line(
        it, "duration", "lambda", f"duration:{it.architecture}", gb_seconds * MONTHS_PER_30_DAYS
    )


def _bucket(it: Bucket) -> Iterator[Line]:
    if it.bytes_by_class is None:
        yield Line("storage", None)
    for kind, size in (it.bytes_by_class or {}).items():
        yield _line(it, kind, "s3", PRICE_KEYS[kind], Decimal(size) / GB)
