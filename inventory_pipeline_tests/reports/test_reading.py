"""Files of a report on their way: side by side, few at a time, and never twice."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest

from inventory_pipeline.lake import DuckDBEngine, Lake
from inventory_pipeline.reports import Delivery, DeliveryResult, ingest, reading
from inventory_pipeline.reports.formats import decode
from inventory_pipeline_tests.reports.conftest import NOW, Place
from inventory_pipeline_tests.reports.folder_s3 import FolderS3
from inventory_pipeline_tests.reports.writer import ALL, BUCKET, Writer, body

AT = datetime(2026, 11, 1, 1, tzinfo=UTC)
FOLDER = "inventory/photos/daily/2026-11-01T01-00Z/"
DELIVERY = Delivery(Place(), "photos", "daily", AT, FOLDER)
FILES = 5


class Killed(BaseException):
    """Stands for SIGKILL while a file is fetched."""


@dataclass(frozen=True)
class Folders:
    """Reports in one folder, a lake in another."""

    reports: Path
    lake: Lake

    def ingest(self, before: Callable[[str], None] = lambda _: None) -> DeliveryResult:
        engine = DuckDBEngine(self.lake, memory_limit="256MB", threads=1)
        s3: Any = FolderS3(self.reports, before)
        (result,) = ingest(
            self.lake, engine, lambda _: s3, [DELIVERY], prefix_depth=1, prefix_limit=10, now=NOW
        )
        return result

    def fetching(self) -> tuple[DeliveryResult, set[int]]:
        """Ingest, and say which of the report's files that took."""
        number, fetched = self.numbers(), set[int | None]()
        result = self.ingest(lambda key: fetched.add(number.get(key)))
        return result, {n for n in fetched if n is not None}

    def numbers(self) -> dict[str, int]:
        """The keys of the report's files."""
        manifest = json.loads((self.reports / BUCKET / FOLDER / "manifest.json").read_bytes())
        return {file["key"]: number for number, file in enumerate(manifest["files"])}

    def rows(self) -> dict[str, list[str]]:
        """What readers see, in an order of its own."""
        names = ("s3_objects", "s3_usage", "s3_deliveries")
        found = {name: self.lake.read(name).to_pylist() for name in names}
        for row in found["s3_deliveries"]:
            del row["recorded_at"]
        return {name: sorted(map(str, rows)) for name, rows in found.items()}

    def arrived(self) -> set[int]:
        """Numbers of the report files that are data files."""
        data = Path(self.lake.location) / "tables/s3_objects/data"
        return {int(file.stem.split("-")[2]) for file in data.glob("*.parquet")}

    def other_lake(self, name: str) -> "Folders":
        return replace(self, lake=Lake.open(str(Path(self.lake.location).with_name(name))))


def deliver(root: Path, format_: str, files: int = FILES) -> None:
    writer = Writer(FolderS3(root))
    rows = [
        {"bucket": "photos", "key": f"{n % 3}/{n}", "size": n, "last_modified_date": AT}
        for n in range(10 * files)
    ]
    bodies = [body(format_, rows[10 * n : 10 * n + 10], ALL) for n in range(files)]
    writer.deliver(AT, format=format_, bodies=bodies)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path / "s3", Lake.open(str(tmp_path / "lake")))


@pytest.mark.parametrize(
    ("format_", "cuts"), [("CSV", range(FILES)), ("ORC", [2]), ("Parquet", [2])]
)
def test_a_run_cut_short_at_any_file_goes_on_there(
    folders: Folders, format_: str, cuts: Sequence[int]
) -> None:
    deliver(folders.reports, format_)
    undisturbed = folders.other_lake("undisturbed")
    assert undisturbed.ingest().rows == 10 * FILES
    for cut in cuts:
        cut_short = folders.other_lake(f"cut-{cut}")
        with pytest.raises(Killed):
            cut_short.ingest(dying_at(cut, cut_short, Killed))
        arrived = cut_short.arrived()
        assert cut not in arrived
        assert not cut_short.lake.files("s3_objects", visible=False)
        result, fetched = cut_short.fetching()
        assert result.status == "ingested"
        assert fetched == {*range(FILES)} - arrived
        assert cut_short.rows() == undisturbed.rows()


def dying_at(cut: int, folders: Folders, death: Callable[[], Any]) -> Callable[[str], None]:
    numbers = folders.numbers()

    def die(key: str) -> None:
        if numbers.get(key) == cut:
            raise death()

    return die


def kill_this_process() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


@pytest.mark.full
def test_what_sigkill_leaves_is_gone_on_with(folders: Folders) -> None:
    """It closes nothing and removes nothing."""
    deliver(folders.reports, "ORC", files=6)
    child = (
        "import sys\n"
        "from pathlib import Path\n"
        "from inventory_pipeline.lake import Lake\n"
        "from inventory_pipeline_tests.reports.test_reading import *\n"
        "folders = Folders(Path(sys.argv[1]), Lake.open(sys.argv[2]))\n"
        "folders.ingest(dying_at(5, folders, kill_this_process))\n"
    )
    died = subprocess.run(
        [sys.executable, "-c", child, str(folders.reports), folders.lake.location], check=False
    )
    assert died.returncode == -signal.SIGKILL
    arrived = folders.arrived()
    assert arrived, "four files are read at a time, so two had to be done with"
    result, fetched = folders.fetching()
    assert result.status == "ingested"
    assert fetched == {*range(6)} - arrived
    undisturbed = folders.other_lake("undisturbed")
    undisturbed.ingest()
    assert folders.rows() == undisturbed.rows()


def test_a_corrupt_file_in_the_middle(folders: Folders) -> None:
    """The delivery is quarantined, what was before stays; mended, only the rest is fetched."""
    deliver(folders.reports, "CSV", files=1)
    folders.ingest()
    before = folders.rows()["s3_objects"]
    deliver(folders.reports, "ORC")
    key = next(key for key, number in folders.numbers().items() if number == 2)
    file = folders.reports / BUCKET / key
    good = file.read_bytes()
    file.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    result = folders.ingest()
    assert result.status == "quarantined"
    assert f"{key} has MD5" in (result.error or "")
    assert folders.rows()["s3_objects"] == before
    file.write_bytes(good)
    result, fetched = folders.fetching()
    assert result.status == "ingested"
    assert 2 in fetched
    assert 0 not in fetched
    assert len(folders.rows()["s3_objects"]) == 10 * FILES


def test_the_same_manifest_in_another_folder_is_another_delivery(folders: Folders) -> None:
    """Its rows are of another day, whatever the manifest says."""
    deliver(folders.reports, "CSV", files=1)
    folders.ingest()
    later = AT + timedelta(days=1)
    there = folders.reports / BUCKET / FOLDER
    there.rename(there.with_name("2026-11-02T01-00Z"))
    copy = replace(DELIVERY, delivered_at=later, prefix=FOLDER.replace("-01T", "-02T"))
    engine = DuckDBEngine(folders.lake)
    s3: Any = FolderS3(folders.reports)
    (result,) = ingest(
        folders.lake, engine, lambda _: s3, [copy], prefix_depth=1, prefix_limit=10, now=NOW
    )
    assert result.status == "ingested"
    days = folders.lake.read("s3_objects", columns=["delivered_on"])["delivered_on"]
    assert sorted(days.to_pylist()) == 10 * [AT.date()] + 10 * [later.date()]


@pytest.mark.parametrize("workers", [1, 2])
def test_so_many_files_are_fetched_and_decoded_at_a_time(
    folders: Folders, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    deliver(folders.reports, "CSV", files=12)
    numbers = folders.numbers()
    all_in = threading.Barrier(2 * workers, timeout=30)
    decoding = Most()
    on_disk: list[int] = []

    def before(key: str) -> None:
        if key in numbers:
            all_in.wait()
            on_disk.append(len([*folders.lake.scratch.rglob("report")]))

    def watched(*arguments: Any) -> None:
        with decoding.one():
            decode(*arguments)

    monkeypatch.setattr(reading, "decode", watched)
    engine = DuckDBEngine(folders.lake, threads=1)
    s3: Any = FolderS3(folders.reports, before)
    (result,) = ingest(
        folders.lake, engine, lambda _: s3, [DELIVERY],
        prefix_depth=1, prefix_limit=10, now=NOW, workers=workers,
    )  # fmt: skip
    assert result.rows == 120
    assert 1 <= decoding.most <= workers
    assert max(on_disk) <= 2 * workers


class Most:
    """How many at a time there were, at most."""

    def __init__(self) -> None:
        self.most = self._now = 0
        self._lock = threading.Lock()

    @contextmanager
    def one(self) -> Iterator[None]:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            yield
        finally:
            with self._lock:
                self._now -= 1
