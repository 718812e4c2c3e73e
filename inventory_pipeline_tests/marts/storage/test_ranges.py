"""Cutting keys into ranges: every key in one, every row group where its keys are."""

from hypothesis import given
from hypothesis import strategies as st

from inventory_pipeline.marts.storage.growth.ranges import RowGroup, cut


def group(side: str, file: str, least: str, greatest: str, rows: int = 10) -> RowGroup:
    return RowGroup(side, file, least, greatest, rows)


def sorted_days(count: int) -> list[RowGroup]:
    """Two files a day, in order of their keys, the second day's a little further on."""
    groups = []
    for side, step in (("before", 0), ("after", 5)):
        for n in range(count):
            file = f"{side}-{n // (count // 2)}"
            groups.append(group(side, file, f"{n * 10 + step:04}", f"{n * 10 + step + 9:04}"))
    return groups


def test_sorted_files_are_read_once_but_at_the_seams() -> None:
    ranges = cut(sorted_days(40), 100)
    assert len(ranges) == 8
    assert [r.low for r in ranges] == [None, *(r.high for r in ranges[:-1])]
    assert ranges[-1].high is None
    assert ranges[0].files == {"before": ["before-0"], "after": ["after-0"]}
    assert ranges[-1].files == {"before": ["before-1"], "after": ["after-1"]}


def test_what_overlaps_throughout_is_not_cut() -> None:
    assert cut([group("before", str(n), f"{n:02}", "99") for n in range(40)], 30) == []


def test_no_row_groups_are_one_range() -> None:
    [whole] = cut([], 10)
    assert (whole.low, whole.high, whole.files) == (None, None, {})


keys = st.text(max_size=3)
groups = st.lists(
    st.builds(
        lambda side, file, ends, rows: group(side, file, *sorted(ends), rows),
        st.sampled_from(("before", "after")), st.sampled_from("abc"),
        st.tuples(keys, keys), st.integers(1, 50),
    ),
    max_size=20,
)  # fmt: skip


@given(groups, st.integers(1, 100), keys)
def test_a_key_is_in_one_range_with_all_files_that_may_hold_it(
    found: list[RowGroup], most_rows: int, key: str
) -> None:
    ranges = cut(found, most_rows)
    if not ranges:
        return
    [its] = [
        r for r in ranges if (r.low is None or key >= r.low) and (r.high is None or key < r.high)
    ]
    for g in found:
        if g.least <= key <= g.greatest:
            assert g.file in its.files[g.side]
