"""How loops are compiled by numba (the extra `fast`). Importing this module imports numba."""

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

Function = TypeVar("Function", bound=Callable[..., object])

# Arrays are neither made nor sliced, so none is counted (`_nrt`): it would cost more than the work.
OPTIONS: dict[str, Any] = {"nogil": True, "_nrt": False}


def compiled(function: Function) -> Function:
    """Compile at the first call; runs without the GIL. Kept on disk where a folder is writable.

    That is `__pycache__` beside the module, the user's cache folder, or `NUMBA_CACHE_DIR`. What is
    kept goes out of date by the function's own file alone: whatever it calls must be there too.
    """
    try:
        kept: Function = njit(cache=True, **OPTIONS)(function)
    except RuntimeError:  # no such folder
        kept = njit(**OPTIONS)(function)
    return kept


def part(function: Function) -> Function:
    """Compile into the functions that call it."""
    inlined: Function = njit(forceinline=True, **OPTIONS)(function)
    return inlined
