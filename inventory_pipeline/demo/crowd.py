"""The anonymous rest of the organisation, drawn by dice: as many resources as the scale asks for.

Each resource has dice of its own, thrown by its number, so a bigger scale only adds. A number also
decides its fate between the days: some go, some stop, some change, some come.
"""

from collections.abc import Iterator
from dataclasses import replace

from inventory_pipeline.demo.estate import (
    ACCOUNTS,
    ENABLED_REGIONS,
    UNPRICED_REGION,
    Account,
    Bucket,
    Database,
    Day,
    Estate,
    Function,
    Instance,
    Resource,
    Use,
)
from inventory_pipeline.demo.planted import attached, disk

PLANTED = 82
"""About how many resources `planted` has."""

# Shares of the rest; every instance brings a root volume, one in three a data volume.
INSTANCES, LOOSE_VOLUMES, DATABASES, FUNCTIONS = 0.25, 0.05, 0.09, 0.22
BUCKETS, MOST_BUCKETS = 0.06, 400

INSTANCE_TYPES = ("t3.micro", "t3.medium", "m5.large", "c5.xlarge")
DATABASE_CLASSES = ("db.t3.medium", "db.m5.large", "db.r5.large", "db.r6g.large")


def crowd(estate: Estate, day: Day) -> list[Resource]:
    size = _size(estate)
    return [
        *(r for n in _numbers(size * INSTANCES, day) for r in _server(estate, day, n)),
        *(_loose_volume(estate, n) for n in range(int(size * LOOSE_VOLUMES))),
        *(_database(estate, day, n) for n in _numbers(size * DATABASES, day)),
        *(_function(estate, day, n) for n in _numbers(size * FUNCTIONS, day)),
        *(_bucket(estate, n) for n in range(int(min(size * BUCKETS, MOST_BUCKETS)))),
    ]


def _numbers(count: float, day: Day) -> Iterator[int]:
    """Who is there: one in forty goes after day one, one in forty comes on day two."""
    last = int(count)
    yield from (n for n in range(last) if not (day == 2 and n % 40 == 7))
    if day == 2:
        yield from range(last, last + int(count / 40))


def _size(estate: Estate) -> int:
    """How many resources are left for the crowd."""
    return max(estate.scale.resources - PLANTED, 0)


def _place(estate: Estate, label: str) -> tuple[Account, str]:
    dice = estate.dice(f"{label}/place")
    return dice.choice(ACCOUNTS), dice.choices(ENABLED_REGIONS, (5, 4, 1))[0]


def _use(estate: Estate, label: str) -> Use:
    uses: tuple[Use, ...] = ("busy", "idle", "silent")
    return estate.dice(f"{label}/use").choices(uses, (75, 20, 5))[0]


def _server(estate: Estate, day: Day, number: int) -> Iterator[Resource]:
    label = f"server-{number:06d}"
    dice = estate.dice(label)
    account, region = _place(estate, label)
    new = number >= int(_size(estate) * INSTANCES)
    instance = Instance(
        account_id=account.account_id,
        region=region,
        id=estate.id("i-", label),
        created_at=estate.ago(hours=6) if new else estate.ago(days=dice.randrange(60, 900)),
        type=dice.choice(INSTANCE_TYPES),
        address=dice.choices(("none", "public", "elastic"), (7, 2, 1))[0],
        use="busy" if new else _use(estate, label),
        tags={"Name": label, **({"Department": "Shared"} if number % 17 == 0 else {})},
    )
    # What is stopped in the unpriced region costs an unknown price nothing: kept out of the story.
    if number % 12 == 5 and region != UNPRICED_REGION:
        instance = replace(
            instance,
            created_at=estate.ago(days=950),
            stopped_at=estate.ago(days=dice.randrange(120, 800)),
        )
    elif number % 40 == 9 and day == 2 and region != UNPRICED_REGION:
        instance = replace(instance, stopped_at=estate.ago(hours=4))
    elif number % 40 == 11 and day == 2:
        instance = replace(instance, type="m5.xlarge")
    yield instance
    encrypted = dice.random() > 0.1
    yield attached(
        disk(
            estate,
            label,
            "gp3",
            dice.choice((20, 50, 100)),
            iops=3000,
            throughput=125,
            encrypted=encrypted,
            tags={"Name": f"{label} root"},
        ),
        instance,
    )
    if number % 3 == 0:
        yield attached(disk(estate, label, "gp2", dice.choice((200, 300))), instance)


def _loose_volume(estate: Estate, number: int) -> Resource:
    label = f"loose-{number:06d}"
    dice = estate.dice(label)
    account, region = _place(estate, label)
    volume = disk(
        estate,
        label,
        dice.choice(("gp2", "st1", "sc1")),
        dice.choice((125, 500)),
        created_at=estate.ago(days=dice.randrange(120, 900)),
    )
    return replace(
        volume,
        account_id=account.account_id,
        region=region,
        use="silent",
        encrypted=dice.random() > 0.2,
    )


def _database(estate: Estate, day: Day, number: int) -> Resource:
    label = f"db-{number:05d}"
    dice = estate.dice(label)
    account, region = _place(estate, label)
    new = number >= int(_size(estate) * DATABASES)
    database = Database(
        account_id=account.account_id,
        region=region,
        id=label,
        created_at=estate.ago(hours=6) if new else estate.ago(days=dice.randrange(60, 900)),
        use="busy" if new else _use(estate, label),
        instance_class=dice.choice(DATABASE_CLASSES),
        engine=dice.choice(("mysql", "postgres")),
        multi_az=dice.random() < 0.3,
        storage_type=dice.choice(("gp2", "gp3")),
        storage_gb=dice.choice((20, 100, 200)),
        encrypted=dice.random() > 0.15,
        public=dice.random() < 0.1,
        backup_days=0 if dice.random() < 0.15 else 7,
    )
    return replace(database, iops=3000 if database.storage_type == "gp3" else None)


def _function(estate: Estate, day: Day, number: int) -> Resource:
    label = f"fn-{number:06d}"
    dice = estate.dice(label)
    account, region = _place(estate, label)
    # One in three is never called, but where prices are unknown: nothing times unknown is a riddle.
    busy = number % 3 != 1 or region == UNPRICED_REGION
    changed = day == 2 and number % 40 == 11
    return Function(
        account_id=account.account_id,
        region=region,
        id=label,
        created_at=estate.ago(days=dice.randrange(60, 900)),
        architecture=dice.choice(("x86_64", "arm64")),
        memory_mb=1024 if changed else dice.choice((128, 256, 512)),
        daily_invocations=dice.randrange(50, 5_000) if busy else 0,
        daily_ms=8_000 * dice.randrange(1, 500) if busy else 0,
        environment={"TOKEN": estate.secret} if number % 5 else {"STAGE": "live"},
        tags={"Team": f"team-{number % 7}"},
    )


def _bucket(estate: Estate, number: int) -> Resource:
    label = f"example-bucket-{estate.seed}-{number:04d}"
    dice = estate.dice(label)
    account, region = _place(estate, label)
    blocked = dice.random() > 0.1
    size = {"StandardStorage": dice.randrange(1, 200) * 2**30}
    if number % 4 == 0:
        size["StandardIAStorage"] = dice.randrange(1, 500) * 2**30
    return Bucket(
        account_id=account.account_id,
        region=region,
        id=label,
        created_at=estate.ago(days=dice.randrange(60, 900)),
        encryption=dice.choice(("AES256", "aws:kms")),
        versioned=dice.random() < 0.5,
        public_access_blocked=blocked,
        public_policy=not blocked and number % 2 == 0,
        lifecycle=dice.random() < 0.4,
        bytes_by_class=size,
        objects=dice.randrange(1, 100_000),
    )
