"""Forwards audit rows to a file, a JSON object a line, on disk before they count as taken.

A file that was renamed, removed or replaced (logrotate) is opened again by its name before the next batch. What a full
disk or a killed server left of a line is cut off, so that every line is whole. It rotates and removes nothing itself.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from opsmodal.audit.targets import Address, Line, NotTaken

FILE_MODE = 0o600
LINE_MAX_BYTES = 1_000_000
"""Far more than a line has: where no line end is found within, the file is not one of ours."""


class ToFile:
    """One file."""

    confirms = True

    def __init__(self, address: Address) -> None:
        self.name = address.name
        self._path = Path(address.path)
        self._descriptor = -1

    def take(self, lines: Sequence[Line]) -> None:
        """Append lines and wait until they are on disk. Raise NotTaken, and leave no line behind then."""
        try:
            self._open()
            size = os.fstat(self._descriptor).st_size
            try:
                _write(self._descriptor, b"".join(line.text + b"\n" for line in lines))
                os.fsync(self._descriptor)
            except OSError:
                with suppress(OSError):  # a line that stays half is cut off when the file is opened again
                    os.ftruncate(self._descriptor, size)
                raise
        except NotTaken:
            self.close()
            raise
        except OSError as error:
            self.close()
            hint = (
                "make room on its disk"
                if error.errno in (errno.ENOSPC, errno.EDQUOT)
                else "check its folder, owner and disk"
            )
            raise NotTaken(f"The file cannot be written ({error.strerror}): {hint}.") from error

    def look_after(self) -> None:
        """Do nothing: what was taken is on disk."""

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> None:
        """Open the file unless it is open, and still the one of that name."""
        if self._descriptor >= 0 and not self._is_replaced():
            return
        self.close()
        is_new = not self._path.exists()
        # Not blocking, or a pipe of that name would hold the thread until somebody reads from it.
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        self._descriptor = os.open(self._path, flags, FILE_MODE)
        if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            raise NotTaken("This is no file: name one, or remove what is there.")
        _cut_half_a_line(self._descriptor)
        if is_new:
            _sync_folder(self._path.parent)

    def _is_replaced(self) -> bool:
        try:
            named, opened = self._path.stat(), os.fstat(self._descriptor)
        except OSError:
            return True
        return (named.st_dev, named.st_ino) != (opened.st_dev, opened.st_ino)


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _cut_half_a_line(descriptor: int) -> None:
    """Cut off what follows the last line end: a server was killed while it wrote, and sends that line again."""
    size = os.fstat(descriptor).st_size
    begin = max(0, size - LINE_MAX_BYTES)
    end = os.pread(descriptor, size - begin, begin)
    if not end or end.endswith(b"\n"):
        return
    whole = end.rfind(b"\n") + 1
    if not whole and begin:
        raise NotTaken("The file holds no lines: name another one.")
    os.ftruncate(descriptor, begin + whole)


def _sync_folder(folder: Path) -> None:
    """Make the new name itself last."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
