"""Computes aside what takes long and lets nobody else run: gevent serves everybody on one thread.

Under gevent the work goes to a few real threads, which give way to the one that serves; without gevent every request
has a thread of its own, and the work is done right there.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar, cast

T = TypeVar("T")

THREADS = 2
NICENESS = 5
"""Added to that of the process. Linux gives each thread its own, and the threads of a hash inherit it: pages are drawn
before passwords are looked at."""


def aside(work: Callable[[], T]) -> T:
    """Do some work without keeping others from theirs; give what it gives, raise what it raises."""
    if not _is_patched():
        return work()
    given, error = _pool(os.getpid()).apply(_giving_way, (work,))
    if error is not None:
        raise error
    return cast(T, given)


def _is_patched() -> bool:
    patching = sys.modules.get("gevent.monkey")
    return patching is not None and bool(patching.is_module_patched("threading"))


@cache
def _pool(process: int) -> Any:  # noqa: ARG001  (a forked worker has none of its parent's threads)
    from gevent.threadpool import ThreadPool

    return ThreadPool(THREADS)


def _giving_way(work: Callable[[], T]) -> tuple[T | None, Exception | None]:
    """Do the work; what it raises is handed over as a value, since gevent would print it with its trace."""
    with suppress(OSError, AttributeError):  # only Linux has a niceness for each thread
        own = os.getpriority(os.PRIO_PROCESS, os.getpid())
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), own + NICENESS)
    try:
        return work(), None
    except Exception as error:  # noqa: BLE001  (the top of a thread; its caller raises it)
        return None, error
