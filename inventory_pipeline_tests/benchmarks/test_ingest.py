"""The benchmark `ingest`, at a size at which only its answers count."""

import gzip
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyarrow import orc

from inventory_pipeline_tests.benchmarks import ingest
from inventory_pipeline_tests.benchmarks.generated_report import COLUMNS, FORMATS, HOME, generate
from inventory_pipeline_tests.benchmarks.measuring import OURS, DisagreementError, Side


def test_ours_counts_what_duckdb_counts() -> None:
    report = ingest.run(2000, ["CSV"], ["duckdb"])
    assert [(f.engine, f.rows) for f in report.figures] == [(OURS, 2000), ("duckdb", 2000)]
    assert all(figure.cpu_us_per_row > 0 for figure in report.figures)
    assert any(note.startswith(f"CSV: {OURS} takes") for note in report.notes)


def test_an_engine_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"_generate": 70, "_ours": {("a/", None): (10, 70)}}
    monkeypatch.setattr(ingest, "find_spec", lambda name: None)
    monkeypatch.setattr(ingest, "run_apart", _answering(answers))
    report = ingest.run(10, ["Parquet"])
    assert "Parquet: polars is not installed" in report.notes
    assert {figure.engine for figure in report.figures} == set(ingest.OUR_WAYS)


def test_an_answer_that_lacks_rows_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"_generate": 70, "_ours": {("a/", None): (9, 70)}}
    monkeypatch.setattr(ingest, "run_apart", _answering(answers))
    with pytest.raises(DisagreementError):
        ingest.run(10, ["ORC"], [])


def _answering(answers: dict[str, object]) -> object:
    clock = ingest.Clock([1.0], [1.0])
    return lambda function, rows, *_: Side(rows, clock, answers[function.__name__], 1.0)


@pytest.mark.parametrize("format", FORMATS)
def test_generated_reports_are_sorted_and_of_one_content(format: str, tmp_path: Path) -> None:
    object_bytes = generate(tmp_path, format, 3000)
    home = tmp_path / "reports" / HOME
    (manifest,) = (json.loads(file.read_bytes()) for file in home.glob("*/manifest.json"))
    (file,) = home.glob("data/*")
    assert manifest["files"][0]["size"] == file.stat().st_size
    if format == "CSV":
        lines = gzip.decompress(file.read_bytes()).decode().splitlines()
        rows = [line[1:-1].split('","') for line in lines]
        sizes = [int(row[COLUMNS.index("size")] or 0) for row in rows]
        assert {len(row) for row in rows} == {len(COLUMNS)}
        assert any("%C3%BC" in row[1] for row in rows)
    else:
        table = (pq.read_table if format == "Parquet" else orc.read_table)(file)
        assert tuple(table.column_names) == COLUMNS
        keys = table["key"].to_pylist()
        assert keys == sorted(keys, key=str.encode)
        assert len(set(keys)) == 3000
        sizes = [size or 0 for size in table["size"].to_pylist()]
    assert sum(sizes) == object_bytes
