"""Sets of equal objects: within a bucket and over several, how sure, and how many are listed."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory_pipeline_tests.marts.storage.planting import House, obj

MIB = 1024**2
A, B, C = ("a" * 32, "b" * 32, "c" * 32)
# Equal in the twelve characters that suspects are found by.
NEARLY_A = "a" * 12 + "b" * 20


def sets(house: House, **about: Any) -> list[dict[str, Any]]:
    return house.build("duplicate_candidates", duplicates=about)


def named(rows: list[dict[str, Any]], scope: str = "bucket") -> dict[str, dict[str, Any]]:
    return {row["e_tag"]: row for row in rows if row["scope"] == scope}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path, {"resource_id": "data-1"}, {"resource_id": "data-2"})


def test_copies_have_the_same_etag_and_size(house: House) -> None:
    house.deliver(
        obj("x/3", 5 * MIB, e_tag=A), obj("x/=1", 5 * MIB, e_tag=A), obj("y/2", 5 * MIB, e_tag=A),
        obj("x/nearly", 5 * MIB, e_tag=NEARLY_A),
        obj("x/longer", 5 * MIB + 1, e_tag=A),
        obj("x/gone", 5 * MIB, e_tag=A, is_latest=False),
    )  # fmt: skip
    (found,) = sets(house)
    assert found | {"account_name": "", "department": "", "region": ""} == {
        "delivered_on": found["delivered_on"], "scope": "bucket", "source_bucket": "data-1",
        "account_id": "111122223333", "account_name": "", "department": "", "region": "",
        "place": 1, "e_tag": A, "size": 5 * MIB, "sets": 1, "copies": 3, "buckets": 1,
        "reclaimable_bytes": 10 * MIB, "confidence": "high", "caveat": None,
        "first_key": "x/3", "last_key": "y/2",
    }  # fmt: skip


def test_copies_in_several_buckets_are_a_set_of_all(house: House) -> None:
    house.deliver(obj("x/1", MIB, e_tag=A), obj("x/2", MIB, e_tag=A), obj("x/b", MIB, e_tag=B))
    house.deliver(obj("z/1", MIB, e_tag=A), obj("z/b", MIB, e_tag=C), bucket="data-2")
    rows = sets(house)
    assert named(rows)[A]["copies"] == 2
    (everywhere,) = named(rows, "all_buckets").values()
    assert (everywhere["copies"], everywhere["buckets"]) == (3, 2)
    assert (everywhere["source_bucket"], everywhere["account_id"]) == (None, None)
    assert (everywhere["first_key"], everywhere["last_key"]) == ("x/1", "z/1")


def test_a_second_report_of_a_bucket_lists_no_copies(house: House) -> None:
    house.deliver(obj("x/1", MIB, e_tag=A))
    house.deliver(obj("x/1", MIB, e_tag=A), obj("x/2", MIB, e_tag=B), configuration="wider")
    assert sets(house) == []


def test_how_sure_it_is_depends_on_what_the_etag_is(house: House) -> None:
    kinds = {
        A: {"encryption_status": "SSE-S3"},
        B: {"encryption_status": "SSE-KMS"},
        C: {"encryption_status": None},
        f"{A}-7": {"encryption_status": "NOT-SSE"},
    }
    house.deliver(
        *(obj(f"{tag}/{n}", MIB, e_tag=tag, **how) for tag, how in kinds.items() for n in (1, 2))
    )
    found = {tag: row["confidence"] for tag, row in named(sets(house)).items()}
    assert found == {A: "high", B: "low", C: "medium", f"{A}-7": "medium"}
    assert "parts" in named(sets(house))[f"{A}-7"]["caveat"]


def test_small_and_empty_objects_are_left_out_as_settings_say(house: House) -> None:
    house.deliver(
        *(obj(f"small/{n}", MIB - 1, e_tag=A) for n in (1, 2)),
        *(obj(f"empty/{n}", 0, e_tag=B) for n in (1, 2)),
    )
    assert sets(house) == []
    assert named(sets(house, min_bytes=0)).keys() == {A}


def test_what_is_not_listed_is_summed_up(house: House) -> None:
    house.deliver(
        *(obj(f"{tag}/{n}", size * MIB, e_tag=tag)
          for tag, size, count in ((A, 9, 2), (B, 5, 3), (C, 2, 4)) for n in range(count))
    )  # fmt: skip
    rows = sets(house, listed=1)
    assert named(rows)[B]["reclaimable_bytes"] == 10 * MIB
    rest = named(rows)[None]  # type: ignore[index] - the sum of the rest has no ETag
    assert (rest["sets"], rest["copies"], rest["reclaimable_bytes"]) == (2, 6, 15 * MIB)
    assert rest["place"] is rest["size"] is rest["first_key"] is None
    assert len(sets(house)) == 3


OBJECTS = st.lists(
    st.tuples(
        st.sampled_from(["data-1", "data-2"]),
        st.sampled_from([A, NEARLY_A, B]),
        st.sampled_from([MIB, 2 * MIB]),
    ),
    min_size=10,
    max_size=60,
)


@settings(max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(OBJECTS)
def test_reclaimable_bytes_are_those_of_a_naive_count(
    tmp_path_factory: pytest.TempPathFactory, listed: list[tuple[str, str, int]]
) -> None:
    house = House(tmp_path_factory.mktemp("naive"))
    counts: dict[tuple[str, str, int], int] = defaultdict(int)
    for one in listed:
        counts[one] += 1
    for bucket in ("data-1", "data-2"):
        house.deliver(
            *(obj(f"k/{n}", size, e_tag=tag) for n, (where, tag, size) in enumerate(listed)
              if where == bucket),
            bucket=bucket,
        )  # fmt: skip
    rows = sets(house, listed=2)
    expected = sum((count - 1) * size for (_, _, size), count in counts.items())
    found = sum(row["reclaimable_bytes"] for row in rows if row["scope"] == "bucket")
    assert found == expected
