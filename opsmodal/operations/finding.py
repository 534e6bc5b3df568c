"""Looking up what an action is meant for: whoever names what is not the service's leaves a row in the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opsmodal.operations.door import Door
from opsmodal.operations.permits import Leave
from runtimes.errors import Missing


@contextmanager
def looked_up(door: Door, leave: Leave, target: str) -> Iterator[None]:
    """Note what is Missing, in the words of who asked for it. Raise it on: it is a 404 as for what never existed."""
    try:
        yield
    except Missing:
        door.missed(leave, target)
        raise
