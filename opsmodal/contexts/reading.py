"""Reads files of a home that others may have written to: bounded, only regular ones, and never outside of the home."""

from __future__ import annotations

import os
import stat
from pathlib import Path

FILE_MAX_BYTES = 256 * 1024


class Unreadable(Exception):
    """A file that is not read; the text is a sentence that names it."""


def read_text(path: Path, *, home: Path) -> str | None:
    """Read a text of a home; None where there is no such file. Raise Unreadable."""
    told = shown_path(path, home=home)
    try:
        real = path.resolve(strict=True)
    except FileNotFoundError:
        return None
    except (OSError, RuntimeError, ValueError):
        raise Unreadable(f"{told} cannot be found.") from None
    if not real.is_relative_to(home.resolve()):
        raise Unreadable(f"{told} leads out of the home folder, and is not read.")
    try:
        data = _bytes(real)
    except OSError as error:
        raise Unreadable(f"{told} cannot be read: {error.strerror}.") from None
    if data is None:
        raise Unreadable(f"{told} is no file of at most {FILE_MAX_BYTES // 1024} KB.")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Unreadable(f"{told} is no text.") from None


def shown_path(path: Path, *, home: Path) -> str:
    """Write a path as people do: ~/.docker/config.json."""
    try:
        text = f"~/{path.relative_to(home)}"
    except ValueError:
        text = str(path)
    return "".join(each if each.isprintable() else "\ufffd" for each in text[:300])


def _bytes(path: Path) -> bytes | None:
    # Without blocking: a pipe that nobody writes to would keep the reader for ever.
    opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(opened, "rb") as file:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            return None
        data = file.read(FILE_MAX_BYTES + 1)
    return data if len(data) <= FILE_MAX_BYTES else None
