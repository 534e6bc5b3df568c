"""What a test may say about threads: that it leaves none of its own. A worker of the run has others beside it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def none_left(*beginnings: str, within_s: float = 0.0) -> Iterator[None]:
    """Hold that no thread is left that began meanwhile and whose name begins so; without a name, no thread at all."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + within_s
    while left := [each.name for each in set(threading.enumerate()) - before if each.name.startswith(beginnings or "")]:
        assert time.monotonic() < deadline, f"threads left: {left}"
        time.sleep(0.05)
