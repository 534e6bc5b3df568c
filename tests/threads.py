"""What a test may say about threads: that it leaves none of its own. A worker of the run has others beside it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def none_left(beginning: str) -> Iterator[None]:
    """Hold that no thread is left that began meanwhile and whose name begins so."""
    before = set(threading.enumerate())
    yield
    left = [each.name for each in set(threading.enumerate()) - before if each.name.startswith(beginning)]
    assert not left, f"threads left: {left}"
