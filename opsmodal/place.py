"""A worker's place among the workers of its host: a number that is free, held by a lock, with a Unix socket beside it.

The kernel drops the lock when the process ends, however it ends, so a place is never lost and what a killed worker left
is tidied by the next one. Only the user that runs opsmodal can open the folder: that is who a neighbour is.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PLACES_MAX = 128
"""Twice the most workers there can be: while they are started anew, the old ones are still there."""
BACKLOG = 256
ADDRESS_MAX_BYTES = 100
"""A Unix socket's address has 108 bytes (unix(7)); a data folder may be deeper than that."""


class Place:
    """A place that is held until it is closed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        self._descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._lock = -1
        try:
            self.number = self._claim()
        except BaseException:
            os.close(self._descriptor)
            raise

    def listen(self) -> socket.socket:
        """Open the socket on which neighbours ask."""
        path = self._folder / f"{self.number}.sock"
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(self._address(self.number))
            path.chmod(0o600)
            listener.listen(BACKLOG)
        except BaseException:
            listener.close()
            raise
        return listener

    def dial(self, number: int, *, timeout_s: float) -> socket.socket:
        """Connect to the worker in another place. Raise OSError when nobody is there."""
        dialled = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        dialled.settimeout(timeout_s)
        try:
            dialled.connect(self._address(number))
        except BaseException:
            dialled.close()
            raise
        return dialled

    def others(self) -> Iterator[int]:
        """Number the places where somebody else seems to be."""
        for path in sorted(self._folder.glob("*.sock")):
            if path.stem.isdigit() and int(path.stem) != self.number:
                yield int(path.stem)

    def close(self) -> None:
        """Leave the place. May be called twice."""
        if self._lock < 0:
            return
        (self._folder / f"{self.number}.sock").unlink(missing_ok=True)
        os.close(self._lock)
        os.close(self._descriptor)
        self._lock = -1

    def _claim(self) -> int:
        """Hold the first place that is free, and tidy those that somebody died in."""
        number = -1
        for each in range(PLACES_MAX):
            path = self._folder / f"{each}.lock"
            if number >= 0 and not path.exists():
                continue
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(lock)
                continue
            (self._folder / f"{each}.sock").unlink(missing_ok=True)
            if number < 0:
                number, self._lock = each, lock
            else:
                os.close(lock)
        if number < 0:
            raise OSError(f"all {PLACES_MAX} places of workers are taken in {self._folder}")
        return number

    def _address(self, number: int) -> str:
        path = str(self._folder / f"{number}.sock")
        short = f"/proc/self/fd/{self._descriptor}/{number}.sock"
        return path if len(os.fsencode(path)) <= ADDRESS_MAX_BYTES else short


def is_same_user(peer: socket.socket) -> bool:
    """Tell whether the process at the other end runs as the same user, as the kernel says (SO_PEERCRED, unix(7))."""
    with suppress(OSError, struct.error):
        _, user, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
        return bool(user == os.geteuid())
    return False
