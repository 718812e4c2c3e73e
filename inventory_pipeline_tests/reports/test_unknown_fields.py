"""Fields that this build does not know: which become columns, and their text, in each format."""

from datetime import UTC, date, datetime

import duckdb
import pyarrow as pa
import pytest

from inventory_pipeline.reports.unknown_fields import MOST, as_text, is_plain, new_columns, sql_text


def test_only_plain_names_that_are_nobodys_become_columns() -> None:
    fields = [
        *("key", "delivered_on", "object_mood", "x" * 128, "x" * 129, "2nd", "Mood", "a b", ""),
        *("mood\n", 'a"; DROP', "ümlaut", "a_1"),
    ]
    assert new_columns(fields, ["key", "delivered_on"]) == ("object_mood", "x" * 128, "a_1")


def test_a_report_cannot_bring_columns_without_end() -> None:
    assert len(new_columns((f"c{i}" for i in range(1000)), ())) == MOST


@pytest.mark.parametrize(
    "values",
    [
        pa.array(["a", "", None]),
        pa.array([True, False, None]),
        pa.array([-(2**63), 0, 2**63 - 1, None]),
        pa.array([1, None], pa.int8()),
        pa.array([2**64 - 1], pa.uint64()),
        pa.array([date(1969, 12, 31), None]),
        *(
            pa.array(
                [datetime(2024, 2, 29, 23, 59, 59, 999000, UTC), datetime(1969, 1, 1, tzinfo=UTC)]
            ).cast(kind)
            for kind in (
                pa.timestamp("ms", "UTC"),
                pa.timestamp("us", "UTC"),
                pa.timestamp("us"),
                pa.timestamp("ns"),
            )
        ),
    ],
    ids=lambda values: str(values.type),
)
def test_sql_and_arrow_spell_alike(values: pa.Array) -> None:
    assert is_plain(values.type)
    ours = as_text(pa.chunked_array([values]))
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        report = pa.table({"field": values})
        db.register("report", report)
        kind = db.execute("DESCRIBE report").fetchall()[0][1]
        theirs = db.sql(f"SELECT {sql_text('field', kind)} AS text FROM report").to_arrow_table()
    assert ours.to_pylist() == theirs["text"].to_pylist()


def test_structures_are_json() -> None:
    values = pa.chunked_array([pa.array([{"a": [1, None]}, None])])
    assert as_text(values).to_pylist() == ['{"a": [1, null]}', None]


def test_instants_are_spelt_as_in_csv() -> None:
    instants = pa.chunked_array([pa.array([datetime(2024, 5, 6, 22, 37, 48, 7000, UTC)])])
    assert as_text(instants).to_pylist() == ["2024-05-06T22:37:48.007Z"]
