"""What people see of a table in Dagster's pages."""

import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory_pipeline.defs.presentation import asset_key, markdown, paced

HOSTILE = [
    "a | b | c",
    "line\nbreak\r\nand\ttab",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "![x](https://example.com/beacon)",
    "`code` **bold** _it_ # heading",
    "\\| escaped already",
    "\u2028\u2029\x00\x1b[31m\x85",
    "x" * 5_000,
]


def cells(text: str) -> list[str]:
    """The cells of each line, as a Markdown reader splits it."""
    lines = text.split("\n")
    assert all(line.startswith("| ") and line.endswith(" |") for line in lines)
    return [cell for line in lines for cell in re.split(r"(?<!\\)(?:\\\\)*\|", line[1:-1])]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_stays_in_its_cell(hostile: str) -> None:
    shown = markdown(pa.table({"name": [hostile], "n": [1]}))
    assert len(cells(shown)) == 6
    body = shown.split("\n")[2]
    assert not re.search(r"(?<!\\)[<>\[\]`]", body)
    assert "](" not in body
    assert len(body) < 200


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_any_text_gives_a_table_of_its_rows(values: list[str]) -> None:
    shown = markdown(pa.table({"name": values, "n": list(range(len(values)))}))
    assert len(cells(shown)) == 2 * (2 + len(values))
    assert not re.search(r"(?<!\\)(?:\\\\)*[<>]", shown)


def test_none_is_an_empty_cell() -> None:
    assert markdown(pa.table({"a": [None], "b": ["x"]})).endswith("|  | x |")


def test_resources_stand_under_a_prefix() -> None:
    assert asset_key("ec2_instances").path == ["resources", "ec2_instances"]
    assert asset_key("coverage").path == ["coverage"]


@pytest.mark.parametrize(("seconds", "kept"), [(0, ["a", "b", "c"]), (3600, ["a"])])
def test_lines_come_at_a_pace(seconds: float, kept: list[str]) -> None:
    """A line for each of 50,000 cells would be 50,000 rows in Dagster's database, twice a day."""
    told: list[str] = []
    log = paced(told.append, seconds)
    for line in "abc":
        log(line)
    assert told == kept
