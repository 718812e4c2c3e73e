"""Scratch: what killed processes left goes, what others work at stays."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from inventory_pipeline.lake import Lake
from inventory_pipeline.lake.lake import SCRATCH_SECONDS
from inventory_pipeline.lake.scratch import all_folders, clear, new_folder

HOUR = 3600


def left(folder: Path, name: str, *, folder_within: bool = False) -> Path:
    """Something written long ago."""
    path = folder / name
    if folder_within:
        path.mkdir()
        (path / "report").write_text("people/")
    else:
        path.write_text("people/")
    os.utime(path, (0, 0))
    return path


def test_the_scratch_of_killed_processes_is_cleared_for_a_lake_on_s3(
    s3_lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    killed = new_folder(s3_lake.location)
    old = [left(killed, "file"), left(killed, "reports-1", folder_within=True)]
    mine = left(s3_lake.scratch, "mine")
    busy = s3_lake.scratch_file()
    busy.write_text("people/")
    other = left(new_folder("s3://lake-bucket/other"), "of-another-lake")
    assert s3_lake.sweep_scratch() == 1
    assert [path.exists() for path in [*old, mine, busy, other]] == [False] * 3 + [True] * 2
    assert s3_lake.sweep_scratch(-HOUR) == 0
    assert not busy.exists()
    assert killed in all_folders(s3_lake.location), "its process may be alive"


def test_a_local_lake_has_one_scratch(lake: Lake) -> None:
    old = left(lake.scratch, "file")
    young = lake.scratch_file()
    young.write_text("")
    os.utime(young, (young.stat().st_mtime - SCRATCH_SECONDS + HOUR,) * 2)
    assert lake.sweep_scratch() == 1
    assert (old.exists(), young.exists()) == (False, True)


def test_links_are_not_followed_and_what_is_gone_is_no_error(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("")
    folder = tmp_path / "scratch"
    folder.mkdir()
    (folder / "link").symlink_to(outside)
    os.utime(folder / "link", (0, 0), follow_symlinks=False)
    assert clear([folder, tmp_path / "gone"], HOUR) == 0
    assert list(folder.iterdir()) == []
    assert (outside / "kept").exists()


def test_what_another_put_in_its_name_is_none_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    mine = new_folder("s3://lake-bucket/prod")
    mine.with_name(f"{mine.name}-link").symlink_to(tmp_path)
    mine.with_name(f"{mine.name}-file").write_text("")
    assert all_folders("s3://lake-bucket/prod") == [mine]
