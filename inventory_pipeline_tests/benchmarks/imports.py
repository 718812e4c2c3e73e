"""`import`: what the definitions cost a cold interpreter, beside Dagster. A row is an import.

Each side's modules are compiled beforehand, into a folder of their own.
"""

import os
import statistics
import sys
import tempfile
import time

from inventory_pipeline_tests.benchmarks.measuring import OURS, Clock, Report, Side, figure

ROWS = 5
LIMIT = 1.3
"""The definitions may cost at most so many times `import dagster`."""

DEFINITIONS = "import inventory_pipeline.definitions"
DAGSTER = "import dagster"


def run(rows: int) -> Report:
    """Import each `rows` times, turn by turn, each time in a new interpreter."""
    taken = {code: Clock() for code in (DEFINITIONS, DAGSTER)}
    with tempfile.TemporaryDirectory() as compiled:
        peaks = {code: _import(code, Clock(), compiled) for code in taken}
        for _ in range(rows):
            for code, clock in taken.items():
                peaks[code] = max(peaks[code], _import(code, clock, compiled))
    ours, dagster = (Side(rows, clock, None, peaks[code]) for code, clock in taken.items())
    medians = [statistics.median(side.clock.cpu) * 1000 for side in (ours, dagster)]
    times = medians[0] / medians[1]
    return Report(
        [
            figure("import", "definitions", OURS, ours, dagster),
            figure("import", "definitions", "dagster", dagster, dagster),
        ],
        [
            f"median CPU: definitions {medians[0]:.0f} ms, dagster {medians[1]:.0f} ms: "
            f"{times:.2f} x, {'within' if times <= LIMIT else 'ABOVE'} the limit of {LIMIT} x"
        ],
    )


def _import(code: str, clock: Clock, compiled: str) -> float:
    """Time a new interpreter that runs `code`; returns its peak MB."""
    environ = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    start = time.perf_counter()
    pid = os.posix_spawn(sys.executable, [sys.executable, "-c", code], environ)
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise RuntimeError(f"`{code}` failed; its traceback is above")
    clock.wall.append(time.perf_counter() - start)
    clock.cpu.append(usage.ru_utime + usage.ru_stime)
    return usage.ru_maxrss / 1024
