"""Cost components: each type's estimator against figures worked out by hand, and volume tiers."""

from decimal import Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory_pipeline.marts.sql import read_sql
from inventory_pipeline_tests.marts.planted import Planted

GB = 2**30


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    planted = Planted(tmp_path_factory.mktemp("components"))
    _plant_ec2(planted)
    _plant_rds(planted)
    _plant_serverless(planted)
    planted.publish()
    planted.build("cost_components", "resource_costs")
    return planted


def _plant_ec2(planted: Planted) -> None:
    linux = {"instance_type": "m5.large", "platform": "linux"}
    planted.resource("ec2_instance", "i-on", state="running", public_ip="192.0.2.1", **linux)
    planted.resource("ec2_instance", "i-off", state="stopped", elastic_ips=1, **linux)
    planted.resource("ec2_instance", "i-spot", state="running", lifecycle="spot", **linux)
    planted.resource("ec2_instance", "i-spot-off", state="stopped", lifecycle="spot", **linux)
    planted.resource("ec2_instance", "i-spot-dark", lifecycle="spot", **linux)
    planted.resource("ec2_instance", "i-own", state="running", tenancy="dedicated", **linux)
    windows = {"instance_type": "m5.large", "platform": "windows"}
    planted.resource("ec2_instance", "i-win", state="running", **windows)
    planted.resource("ec2_instance", "i-win-off", state="stopped", **windows)
    planted.resource("ec2_instance", "i-away", state="running", region="ap-south-2", **linux)
    planted.resource("ec2_instance", "i-dark", **linux)
    volumes = {
        "vol-gp3": {"volume_type": "gp3", "size_gb": 100, "iops": 3000, "throughput_mbps": 125},
        "vol-fast": {"volume_type": "gp3", "size_gb": 100, "iops": 4000, "throughput_mbps": 250},
        "vol-dark": {"volume_type": "gp3", "size_gb": 100, "iops": None, "throughput_mbps": None},
        "vol-io2": {"volume_type": "io2", "size_gb": 10, "iops": 70000},
        "vol-gp2": {"volume_type": "gp2", "size_gb": 50, "iops": 150},
    }
    for volume, columns in volumes.items():
        planted.resource("ebs_volume", volume, state="in-use", **columns)


def _plant_rds(planted: Planted) -> None:
    database = {
        "state": "available", "engine": "postgres", "instance_class": "db.m5.large",
        "multi_az": False, "storage_type": "gp2", "allocated_storage_gb": 100,
    }  # fmt: skip
    variants = {
        "db-postgres": {},
        "db-mysql-multi": {"engine": "mysql", "multi_az": True},
        "db-stopped": {"state": "stopped"},
        "db-maria": {"engine": "mariadb"},
        "db-gp3": {"storage_type": "gp3", "iops": 12000, "allocated_storage_gb": 400},
        "db-oracle": {
            "engine": "oracle-ee",
            "storage_type": "gp3",
            "iops": 12000,
            "allocated_storage_gb": 200,
        },
        "db-sqlserver": {
            "engine": "sqlserver-se",
            "storage_type": "gp3",
            "iops": 4000,
            "allocated_storage_gb": 400,
        },
        "db-gp3-fast": {"storage_type": "gp3", "iops": 12100, "allocated_storage_gb": 400},
        "db-aurora": {"engine": "aurora-mysql", "cluster_id": "c"},
        "db-member": {"engine": "mysql", "cluster_id": "m"},
        "db-dark": {"multi_az": None},
    }
    for name, columns in variants.items():
        planted.resource("rds_instance", name, **{**database, **columns})
    planted.resource("rds_cluster", "c", {"volume_bytes": 10 * GB}, engine="aurora-mysql")
    planted.resource("rds_cluster", "m", engine="mysql")


def _plant_serverless(planted: Planted) -> None:
    function = {"architecture": "arm64", "memory_mb": 512, "ephemeral_storage_mb": 512}
    busy = {"invocations": 720_000_000.0, "duration_ms": 72_000_000_000.0}
    planted.resource("lambda_function", "f-busy", busy, **function)
    disk = function | {"ephemeral_storage_mb": 1536}
    planted.resource("lambda_function", "f-disk", busy, **disk)
    silent = {"invocations": (0.0, 0), "duration_ms": (0.0, 0)}
    planted.resource("lambda_function", "f-idle", silent, **function)
    planted.resource("lambda_function", "f-dark", **function)
    sizes = {"standard_bytes": 100 * GB, "deep_archive_bytes": 1000 * GB, "object_count": 5}
    planted.resource("s3_bucket", "b-classes", {k: (float(v), 1) for k, v in sizes.items()})
    cold = {
        "intelligent_tiering_archive_instant_bytes": 1000, "glacier_overhead_bytes": 50,
        "glacier_index_bytes": 20, "standard_ia_overhead_bytes": 30,
        "intelligent_tiering_archive_overhead_bytes": 32,
        "intelligent_tiering_archive_index_bytes": 8,
        "intelligent_tiering_deep_archive_overhead_bytes": 64,
        "intelligent_tiering_deep_archive_index_bytes": 16,
    }  # fmt: skip
    planted.resource("s3_bucket", "b-cold", {k: (float(v * GB), 1) for k, v in cold.items()})
    rrs = {"standard_bytes": (float(GB), 1), "reduced_redundancy_bytes": (float(GB), 1)}
    planted.resource("s3_bucket", "b-rrs", rrs)
    planted.resource("s3_bucket", "b-empty", {"object_count": 0.0})
    planted.resource("s3_bucket", "b-dark")
    planted.resource("s3_bucket", "b-odd", {"object_count": 7.0})


# us-east-1 list prices of the month, times 730 hours where the unit is an hour.
KNOWN = {
    "i-on": "0.096 * 730 + 0.005 * 730",
    "i-off": "0.005 * 730",
    "i-win-off": "0",
    "i-spot-off": "0",
    "vol-gp3": "0.08 * 100",
    "vol-fast": "0.08 * 100 + 0.005 * 1000 + 0.04 * 125",
    "vol-io2": "0.125 * 10 + 32000 * 0.065 + 32000 * 0.0455 + 6000 * 0.03185",
    "vol-gp2": "0.10 * 50",
    "db-postgres": "0.178 * 730 + 0.115 * 100",
    "db-mysql-multi": "0.342 * 730 + 0.23 * 100",
    "db-stopped": "0.115 * 100",
    "db-gp3": "0.178 * 730 + 0.115 * 400",
    "db-gp3-fast": "0.178 * 730 + 0.115 * 400 + 0.02 * 100",
    "f-idle": "0",
    "b-classes": "0.023 * 100 + 0.00099 * 1000",
    "b-cold": "0.004 * 1000 + 0.0036 * 50 + 0.023 * 20 + 0.0125 * 30"
    " + 0.0036 * 32 + 0.023 * 8 + 0.00099 * 64 + 0.023 * 16",
    "b-empty": "0",
}


@pytest.mark.parametrize("resource_id", KNOWN)
def test_known_costs_are_the_list_price_to_the_cent(estate: Planted, resource_id: str) -> None:
    [cost] = estate.rows("resource_costs", resource_id=resource_id)
    expected = sum(_product(term.split(" * ")) for term in KNOWN[resource_id].split(" + "))
    assert cost["monthly_usd"] == expected
    assert cost["known_usd"] == expected
    assert cost["unpriced_reason"] is None


def _product(factors: list[str]) -> Decimal:
    result = Decimal(1)
    for factor in factors:
        result *= Decimal(factor)
    return result


UNKNOWN = {
    "i-spot-dark": ("no list price for spot instances", "0"),
    "i-spot": ("no list price for spot instances", "0"),
    "i-own": ("no price for ec2 m5.large:linux:dedicated in us-east-1", "0"),
    "i-win": ("no price for ec2 m5.large:windows in us-east-1", "0"),
    "i-away": ("no price for ec2 m5.large:linux in ap-south-2", "0"),
    "i-dark": ("instance state not observed", "0"),
    "vol-dark": ("provisioned IOPS not observed", "8"),
    "db-oracle": ("no price for rds db.m5.large:oracle-ee:single-az in us-east-1", "23"),
    "db-sqlserver": ("no price for rds db.m5.large:sqlserver-se:single-az in us-east-1", "66"),
    "db-maria": ("no price for rds db.m5.large:mariadb:single-az in us-east-1", "11.5"),
    "db-aurora": ("no price for rds db.m5.large:aurora-mysql:cluster in us-east-1", "0"),
    "db-member": ("no price for rds db.m5.large:mysql:cluster in us-east-1", "0"),
    "db-dark": ("what to price was not observed", "0"),
    "c": ("no price for rds_storage aurora-mysql:storage in us-east-1", "0"),
    "m": ("no storage metric observed", "0"),
    "f-dark": ("duration not observed", "0"),
    "b-dark": ("no size metric observed", "0"),
    "b-rrs": ("no price for s3 REDUCED_REDUNDANCY in us-east-1", "0.023"),
    "b-odd": ("no size metric observed", "0"),
}


@pytest.mark.parametrize("resource_id", UNKNOWN)
def test_unknown_costs_are_null_with_a_reason_never_zero(estate: Planted, resource_id: str) -> None:
    [cost] = estate.rows("resource_costs", resource_id=resource_id)
    reason, known = UNKNOWN[resource_id]
    assert cost["monthly_usd"] is None
    assert cost["unpriced_reason"] == reason
    assert cost["known_usd"] == Decimal(known)


def test_a_price_used_is_dated_and_sourced(estate: Planted) -> None:
    lines = estate.rows("cost_components", resource_id="i-on")
    assert {(line["component"], line["price_as_of"]) for line in lines} == {
        ("compute", "2025-11"),
        ("address", "2025-11"),
    }
    assert {line["price_source"] for line in lines} == {"AWS public on-demand price list"}
    [volume] = estate.rows("resource_costs", resource_id="vol-gp2")
    assert volume["price_as_of"] == "2024-07"


def test_a_months_metrics_are_scaled_to_730_hours(estate: Planted) -> None:
    lines = {r["component"]: r for r in estate.rows("cost_components", resource_id="f-disk")}
    assert lines["requests"]["quantity"] == Decimal("730000000.000080")
    # 72e9 ms of 512 MiB are 36e6 GB-s in 720 hours; its disk has 1 GiB beyond the free 512 MiB.
    assert lines["duration"]["quantity"] == Decimal("36500000.000004")
    assert lines["scratch_disk"]["quantity"] == Decimal("73000000.000008")
    assert lines["scratch_disk"]["monthly_usd"] == Decimal("2.255700")
    assert {r["component"] for r in estate.rows("cost_components", resource_id="f-busy")} == {
        "requests",
        "duration",
    }


Tier = tuple[Decimal, Decimal | None, Decimal]

TIER_TABLES = """
CREATE TABLE prices (service TEXT, region TEXT, key TEXT, tier_from DECIMAL(18,6),
  tier_to DECIMAL(18,6), usd DECIMAL(18,12), source TEXT, as_of TEXT);
CREATE TABLE component_lines (snapshot_at DATE, account_id TEXT, account_name TEXT,
  department TEXT, cost_center TEXT, environment TEXT, region TEXT, resource_type TEXT,
  resource_id TEXT, component TEXT, price_service TEXT, price_key TEXT, unit TEXT,
  quantity DECIMAL(18,6), unknown_reason TEXT, tiered_over TEXT);
"""


class TestTiers:
    """The tier arithmetic of `cost_components.sql`, against plain decimals."""

    @staticmethod
    def price(
        tiers: list[Tier], quantities: list[Decimal | None], tiered_over: str
    ) -> list[Decimal | None]:
        sql = read_sql("inventory_pipeline.marts.cost", "cost_components.sql")
        with duckdb.connect() as db:
            db.execute(TIER_TABLES)
            db.executemany(
                "INSERT INTO prices VALUES ('s', 'r', 'k', ?, ?, ?, 'list', '2025-01')", tiers
            )
            db.executemany(
                "INSERT INTO component_lines VALUES (NULL, 'a', NULL, NULL, NULL, NULL, 'r', 't',"
                " ?, 'c', 's', 'k', 'u', ?, NULL, ?)",
                [(f"{n:03}", quantity, tiered_over) for n, quantity in enumerate(quantities)],
            )
            rows = db.execute(f"SELECT monthly_usd FROM ({sql}) ORDER BY resource_id").fetchall()
        return [row[0] for row in rows]

    money = st.decimals(0, 10**6, places=6)
    tier_ends = st.lists(
        st.decimals(Decimal("0.000001"), 10**6, places=6), max_size=4, unique=True
    ).map(sorted)
    usd = st.decimals(Decimal("0.000000000001"), 100, places=12)

    @settings(max_examples=60)
    @given(ends=tier_ends, data=st.data())
    def test_a_resources_own_quantity(self, ends: list[Decimal], data: st.DataObject) -> None:
        tiers = self.tiers(ends, data)
        quantity = data.draw(st.one_of(self.money, st.sampled_from([*ends, Decimal(0)])))
        assert self.price(tiers, [quantity], "resource") == [_cents(_cost(tiers, quantity))]

    @settings(max_examples=60)
    @given(ends=tier_ends, data=st.data())
    def test_an_accounts_total_is_shared_out_without_gap_or_overlap(
        self, ends: list[Decimal], data: st.DataObject
    ) -> None:
        tiers = self.tiers(ends, data)
        quantities = data.draw(st.lists(self.money, min_size=1, max_size=5))
        costs = self.price(tiers, list(quantities), "account")
        expected, before = [], Decimal(0)
        for quantity in quantities:
            share = _cost(tiers, before + quantity) - _cost(tiers, before)
            expected.append(_cents(share))
            before += quantity
        assert costs == expected

    def test_an_unknown_quantity_leaves_the_others_priced(self) -> None:
        tiers = [(Decimal(0), Decimal(10), Decimal(2)), (Decimal(10), None, Decimal(1))]
        costs = self.price(tiers, [Decimal(6), None, Decimal(6)], "account")
        assert costs == [Decimal(12), None, Decimal(10)]

    def tiers(self, ends: list[Decimal], data: st.DataObject) -> list[Tier]:
        bounds = [Decimal(0), *ends]
        return [
            (start, end, data.draw(self.usd))
            for start, end in zip(bounds, [*ends, None], strict=True)
        ]


def _cost(tiers: list[Tier], quantity: Decimal) -> Decimal:
    return sum(
        (
            usd * max(Decimal(0), min(quantity, quantity if end is None else end) - start)
            for start, end, usd in tiers
        ),
        Decimal(0),
    )


def _cents(usd: Decimal) -> Decimal:
    """To six decimals, halves away from zero, as SQL rounds a DECIMAL."""
    return usd.quantize(Decimal("0.000001"), rounding="ROUND_HALF_UP")
