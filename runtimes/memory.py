"""Gives memory that is free back to the system, where the C library can be asked to: glibc keeps it otherwise.

After 5,000 pods were let go, a process kept 15 MB that nothing used: pieces of answers between others that live on.
Source: https://man7.org/linux/man-pages/man3/malloc_trim.3.html. It frees nothing that is in use, and refuses to fail.
"""

from __future__ import annotations

import ctypes
import gc
from functools import lru_cache


def give_back() -> None:
    """Let go of what is unreachable, then of pages that hold nothing; takes some 10 ms. For after a large release."""
    gc.collect()
    trim = _trim()
    if trim is not None:
        trim(0)


@lru_cache(1)
def _trim() -> ctypes._NamedFuncPointer | None:
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):  # another C library: musl gives back by itself
        return None
    trim.argtypes, trim.restype = [ctypes.c_size_t], ctypes.c_int
    return trim
