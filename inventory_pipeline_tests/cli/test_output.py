"""What is written for spreadsheets: a cell stays a cell, whatever a key holds."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from inventory_pipeline.cli.answer import Section
from inventory_pipeline.cli.output import write_csv

FORMULAS = ("=", "+", "-", "@")


def written(*keys: str) -> str:
    stream = io.StringIO()
    write_csv(Section("rows", "", ("key", "size"), [(key, 1) for key in keys]), stream)
    return stream.getvalue()


def test_a_carriage_return_begins_no_row() -> None:
    assert written("a\r=cmd()", "b") == 'key,size\n"a\r=cmd()","1"\nb,1\n'


@given(st.lists(st.text(alphabet="a=@,;\"'\r\n\t\x00 é", min_size=1)))
def test_every_key_is_one_cell_that_is_no_formula(keys: list[str]) -> None:
    _, *rows = csv.reader(io.StringIO(written(*keys), newline=""))
    assert [row[0].removeprefix("'") for row in rows] == [key.removeprefix("'") for key in keys]
    assert [row[1] for row in rows] == ["1"] * len(keys)
    assert not any(row[0].lstrip().startswith(FORMULAS) for row in rows)
