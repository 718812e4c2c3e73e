"""Run one benchmark and print its figures, for people or (`--json`) for programs."""

import argparse
import importlib
import json

from inventory_pipeline_tests.benchmarks.measuring import Report

# NAME -> its module, which has `ROWS`, the usual size, and `run(rows) -> Report`. Where that has
# `FORMATS` as well, `run(rows, formats)` takes some of them.
BENCHMARKS = {
    "collect": "collect",
    "commits": "commits",
    "diff": "diff",
    "import": "imports",
    "ingest": "ingest",
    "query": "query",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m inventory_pipeline_tests.benchmarks")
    parser.add_argument("name", metavar="NAME", choices=sorted(BENCHMARKS))
    parser.add_argument("--rows", type=int, help="how many rows; the usual number otherwise")
    parser.add_argument("--json", action="store_true", help="print a list of figures")
    parser.add_argument("--format", help="one format of those that the benchmark compares")
    given = parser.parse_args()
    module = importlib.import_module(f"{__package__}.{BENCHMARKS[given.name]}")
    formats = getattr(module, "FORMATS", ())
    if given.format and given.format not in formats:
        parser.error(f"{given.name} takes as --format: {', '.join(formats) or 'none'}")
    chosen = {"formats": [given.format]} if given.format else {}
    report: Report = module.run(given.rows or module.ROWS, **chosen)
    if given.json:
        print(json.dumps([figure.as_json() for figure in report.figures], indent=1))
    else:
        print_table(report)


def print_table(report: Report) -> None:
    width = max(len(figure.format) for figure in report.figures)
    print(f"{'':{width}}  {'':18} {'rows':>9} {'µs CPU/row':>12} {'rows/s':>12} {'MB':>6} ratio")
    for f in report.figures:
        print(
            f"{f.format:{width}}  {f.engine:18} {f.rows:9,} {f.cpu_us_per_row:12,.2f} "
            f"{f.rows_per_second:12,.1f} {f.peak_mb:6,.0f} {f.ratio:5.2f}"
        )
    for note in report.notes:
        print(note)


if __name__ == "__main__":
    main()
