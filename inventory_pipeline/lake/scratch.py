"""Scratch: folders on this machine for files in the making.

All processes share that of a local lake. For a lake on S3 each has one of its own, which those that
are killed leave behind. Not here: what is in them (`lake`).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def new_folder(location: str) -> Path:
    """A folder for the files of a lake on S3 that this process makes."""
    return Path(tempfile.mkdtemp(prefix=_beginning(location)))


def all_folders(location: str) -> list[Path]:
    """Those of every process of ours on this machine."""
    found = Path(tempfile.gettempdir()).glob(f"{_beginning(location)}*")
    return [folder for folder in found if _is_ours(folder)]


def _is_ours(folder: Path) -> bool:
    """Whether we made it: where all may write, another may have put a link of that name."""
    with suppress(FileNotFoundError):
        there = folder.lstat()
        return stat.S_ISDIR(there.st_mode) and there.st_uid == os.getuid()
    return False


def clear(folders: Iterable[Path], seconds: float) -> int:
    """Remove what was written there so long ago; returns how much is younger."""
    old, younger = time.time() - seconds, 0
    for folder in folders:
        with suppress(FileNotFoundError):  # a process that ends takes its folder away
            younger += sum(_is_younger(path, old) for path in list(folder.iterdir()))
    return younger


def _is_younger(path: Path, old: float) -> bool:
    """False where it is old, and removed, or just gone."""
    with suppress(FileNotFoundError):
        if path.lstat().st_mtime >= old:
            return True
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
    return False


def _beginning(location: str) -> str:
    return f"inventory-lake-{hashlib.sha256(location.encode()).hexdigest()[:12]}-"
