"""The formula for one object, against figures worked out independently."""

from decimal import Decimal
from itertools import count

import pytest

from inventory_pipeline.archive.economics import Economics, Price, Route, UnpricedError
from inventory_pipeline.archive.economics import economics as judge
from inventory_pipeline.archive.economics import move as price_move
from inventory_pipeline_tests.archive.planted import KIB, MIB, PRICES

US_EAST_1 = {key: Price(Decimal(usd), "2026-09") for key, usd in PRICES.items()}
US_EAST_1["STANDARD"] = Price(Decimal("0.023"), "2026-09")
TARGETS = ("STANDARD_IA", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE")
OLD = 10_000


def of(
    size: int,
    target: str,
    route: Route = "lifecycle",
    *,
    source: str = "STANDARD",
    months: int = 12,
    age: int = OLD,
    kept: int | None = None,
) -> Economics:
    return judge(size, age, kept, price_move(source, target, route, US_EAST_1, months))


def payback_months(size: int, target: str) -> str:
    priced = price_move("STANDARD", target, "lifecycle", US_EAST_1, 12)
    saving = priced.now.monthly_usd(size) - priced.target.monthly_usd(size)
    return f"{priced.object_fee_usd / saving:.1f}" if saving > 0 else "never"


PAYBACK = """
16 KB    never never never 2808.7 384.2
32 KB    never never 93.6  97.8   107.3
64 KB    never 54.6  21.8  33.4   43.9
96 KB    17.2  11.3  12.4  20.1   27.6
128 KB   7.8   6.3   8.6   14.4   20.2
256 KB   3.9   3.2   4.3   6.7    9.7
512 KB   2.0   1.6   2.2   3.3    4.7
1024 KB  1.0   0.8   1.1   1.6    2.3
8192 KB  0.1   0.1   0.1   0.2    0.3
"""


@pytest.mark.parametrize("line", PAYBACK.strip().splitlines())
def test_payback_of_the_transition_fee(line: str) -> None:
    size, _, *expected = line.split()
    assert [payback_months(int(size) * KIB, target) for target in TARGETS] == expected


@pytest.mark.parametrize(
    ("target", "kib"),
    list(zip(TARGETS, ("69.57", "55.65", "22.26", "15.42", "9.80"), strict=True)),
)
def test_size_below_which_a_move_never_saves(target: str, kib: str) -> None:
    threshold = float(kib) * KIB
    # A byte is 2e-11 dollars a month: savings are rounded to 12 places, so look 40 bytes away.
    assert of(int(threshold - 0.005 * KIB) - 40, target).monthly_saving_usd < 0
    assert of(int(threshold + 0.005 * KIB) + 40, target).monthly_saving_usd > 0


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        ("lifecycle", (108, 94, 99, 151, 209)),
        ("copy", (112, 98, 103, 156, 213)),
    ],
)
def test_smallest_object_that_pays_back_within_a_year(
    route: Route, expected: tuple[int, ...]
) -> None:
    for target, kib in zip(TARGETS, expected, strict=True):
        smallest = next(k for k in count(1) if of(k * KIB, target, route).net_saving_usd > 0)
        assert smallest == kib


def test_ten_million_small_objects_to_deep_archive() -> None:
    found = of(10 * KIB, "DEEP_ARCHIVE")
    priced = price_move("STANDARD", "DEEP_ARCHIVE", "lifecycle", US_EAST_1, 12)
    assert found.fee_usd * 10_000_000 == 500
    assert f"{priced.now.monthly_usd(10 * KIB) * 10_000_000:.2f}" == "2.19"
    assert f"{priced.target.monthly_usd(10 * KIB) * 10_000_000:.2f}" == "2.15"
    assert found.net_saving_usd < 0


def test_leaving_a_class_early_costs_the_days_that_are_left() -> None:
    late = of(MIB, "DEEP_ARCHIVE", source="GLACIER_IR", age=90)
    early = of(MIB, "DEEP_ARCHIVE", source="GLACIER_IR", age=30)
    monthly = Decimal("0.004") / 1024
    expected = monthly * 60 * 24 / 730
    assert abs(late.net_saving_usd - early.net_saving_usd - expected) < Decimal("1e-11")


def test_a_copy_pays_for_reading_infrequent_access_and_a_tag_does_not() -> None:
    copy = of(1024 * MIB, "DEEP_ARCHIVE", "copy", source="STANDARD_IA")
    tag = of(1024 * MIB, "DEEP_ARCHIVE", "tag", source="STANDARD_IA")
    assert copy.fee_usd == Decimal("0.01") + Decimal("0.000051")
    assert tag.fee_usd == Decimal("0.000056")
    # The tag itself is paid for month by month.
    assert copy.monthly_saving_usd - tag.monthly_saving_usd == Decimal("0.00000065")


def test_an_object_that_expires_soon_saves_less_and_owes_the_targets_minimum() -> None:
    stays = of(1024 * MIB, "DEEP_ARCHIVE")
    expires = of(1024 * MIB, "DEEP_ARCHIVE", kept=73)
    months = Decimal(73 * 24) / 730
    owed = (Decimal("0.00099") + Decimal("0.00000020569")) * (180 - 73) * 24 / 730
    expected = stays.monthly_saving_usd * months - stays.fee_usd - owed
    assert abs(expires.net_saving_usd - expected) < Decimal("1e-8")


def test_monitoring_counts_from_128_kib() -> None:
    below, at = (
        price_move(
            "INTELLIGENT_TIERING:FREQUENT", "GLACIER", "copy", US_EAST_1, 12
        ).now.monthly_usd(size)
        for size in (128 * KIB - 1, 128 * KIB)
    )
    assert Decimal("0.0000025") < at - below < Decimal("0.0000026")


@pytest.mark.parametrize(
    ("tier", "expected"),
    [
        # A month of 2**20 objects of 128 KiB: 128 and 32 GB in the tier, 8 in STANDARD, monitoring.
        ("ARCHIVE", "3.381440"),
        ("DEEP_ARCHIVE", "2.963840"),
        ("ARCHIVE_INSTANT_ACCESS", "3.133440"),
    ],
)
def test_tiers_that_archive_carry_the_overhead_of_archives(tier: str, expected: str) -> None:
    source = f"INTELLIGENT_TIERING:{tier}"
    now = price_move(source, "GLACIER", "lifecycle", US_EAST_1, 12).now
    assert f"{now.monthly_usd(128 * KIB) * 2**20:.6f}" == expected


@pytest.mark.parametrize("missing", ["DEEP_ARCHIVE", "STANDARD", "DEEP_ARCHIVE:transition"])
def test_a_missing_price_makes_the_move_unknown(missing: str) -> None:
    prices = {key: price for key, price in US_EAST_1.items() if key != missing}
    with pytest.raises(UnpricedError, match=f"no price for s3 {missing} "):
        price_move("STANDARD", "DEEP_ARCHIVE", "copy", prices, 12)


def test_intelligent_tiering_as_a_target_is_not_guessed() -> None:
    with pytest.raises(UnpricedError, match="reads to come"):
        price_move("STANDARD", "INTELLIGENT_TIERING", "copy", US_EAST_1, 12)
