"""Looks for processes that a test made, by a word in their command line that only it knows."""

from __future__ import annotations

import contextlib
from pathlib import Path

from connectors.keeper import NAME


def naming(*words: str) -> list[int]:
    """Give the processes whose command line holds all of these words."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            if line and all(word.encode() in line for word in words):
                found.append(int(entry.name))
    return found


def keepers(port: int) -> list[int]:
    """Give the keepers and watches that were started through the sshd on this port (SSH_CONNECTION in ssh(1))."""
    found = []
    for pid in naming(NAME):
        with contextlib.suppress(OSError):
            if f" {port}\0".encode() in Path(f"/proc/{pid}/environ").read_bytes():
                found.append(pid)
    return found
