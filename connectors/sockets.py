"""A folder for the Unix sockets of one process, which nobody else enters and which does not outlive its owner.

The kernel drops the lock on it when the process ends, however it ends, so what a killed process left is swept by the
next one. The lock is on the folder itself: a file inside would be a moment without one. Names are short, because a
Unix socket's address has 108 bytes (unix(7)); a data folder may be deeper than that, then the folder is made where the
system puts its temporary files.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ADDRESS_MAX_BYTES = 100
PREFIX = "opsmodal-ends-"
NAME_BYTES = len(PREFIX) + len("/xxxxxxxx/nnnn")
TRIES = 5


class Folder:
    """A folder of our own until it is closed; `path` names it."""

    def __init__(self, wanted: Path) -> None:
        base = wanted if len(os.fsencode(wanted)) + NAME_BYTES <= ADDRESS_MAX_BYTES else Path(tempfile.gettempdir())
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sweep(base)
        self.path, self._lock = _made(base)
        self._given = 0

    def next(self) -> Path:
        """Give a path in the folder at which nothing is yet."""
        self._given += 1
        return self.path / str(self._given)

    def close(self) -> None:
        """Remove the folder and what is in it. May be called twice."""
        if self._lock < 0:
            return
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)
        self._lock = -1


def _made(base: Path) -> tuple[Path, int]:
    """Make a folder and hold its lock; somebody who sweeps may have been faster, then make another."""
    for _ in range(TRIES):
        path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))  # mode 0700
        with suppress(OSError):
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if path.exists() and os.path.samestat(path.stat(), os.fstat(lock)):
                return path, lock
            os.close(lock)
    raise OSError(f"no folder for sockets can be made in {base}")


def _sweep(base: Path) -> None:
    """Remove the folders of ours whose owner has ended."""
    for path in base.glob(f"{PREFIX}*"):
        with suppress(OSError), _unowned(path) as unowned:
            if unowned:
                shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _unowned(path: Path) -> Iterator[bool]:
    """Hold the lock of a folder that was made here by our user and has lost its owner, while it is removed."""
    lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        found = os.fstat(lock)
        ours = found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) == 0o700
        with os.scandir(lock) as entries:
            ours = ours and all(entry.name.isdigit() for entry in entries)
        if ours:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield True
        else:
            yield False
    finally:
        os.close(lock)
