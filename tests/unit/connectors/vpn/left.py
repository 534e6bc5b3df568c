"""Finds what a tunnel is made of on this machine: its keeper, by the folder that it holds open, and its children."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def keepers_of(home: Path) -> list[int]:
    """Give the processes that hold a folder in `home` open: the keepers of its tunnels."""
    return [pid for pid in _pids() if pid != os.getpid() and any(_inside(link, home) for link in _open_files(pid))]


def files_of(home: Path) -> list[Path]:
    """Give what a tunnel has left in a folder; the lock stays, because a lock that is removed locks nobody out."""
    return [path for path in home.rglob("*") if path.name != "lock"]


def children_of(pid: int) -> list[int]:
    """Give the processes that this one has started."""
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def is_running(pid: int) -> bool:
    """Tell whether a process is there and not only waiting to be counted."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def argv_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _open_files(pid: int) -> list[str]:
    found = []
    with suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                found.append(str(entry.readlink()))
    return found


def _inside(link: str, home: Path) -> bool:
    return link.startswith(f"{home}/")
