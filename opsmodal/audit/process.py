"""Which process began an action: written into its intent, so that another one can tell whether it still runs.

A process is known by its number and the moment it began, among those of one boot and one PID namespace: numbers are
given again, and two containers that share a host name do not see each other's. Where the kernel does not say, the
place is made up, so that nobody takes it for their own.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

PLACE_CHARS = 12
_PROC = Path("/proc")
_ENDED = frozenset("ZX")
"""States of a process that has ended and was not fetched by its parent yet (proc_pid_stat(5))."""
_STARTED_FIELD = 19
"""`starttime`, field 22 of /proc/PID/stat, counted from after the name, which may hold spaces and parentheses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process. `serves` tells workers of the server, which keep a lease while they live, from commands."""

    serves: bool
    place: str
    pid: int
    started: int

    @property
    def mark(self) -> str:
        """Give it as it is written down."""
        return f"{'server' if self.serves else 'command'} {self.place} {self.pid} {self.started}"


def this_process(*, serves: bool) -> Process:
    """Give the process that runs this."""
    pid = os.getpid()
    return Process(serves=serves, place=_place(), pid=pid, started=_started(pid) or 0)


def marked(text: str) -> Process | None:
    """Read a mark; None for anything else, as in the rows of before there were marks."""
    kind, *rest = text.split(" ")
    if kind not in ("server", "command") or len(rest) != 3 or not (rest[1].isdecimal() and rest[2].isdecimal()):
        return None
    return Process(serves=kind == "server", place=rest[0], pid=int(rest[1]), started=int(rest[2]))


def is_running(process: Process) -> bool:
    """Tell whether a process of this very place still runs; one of another user that is hidden is taken to."""
    started = _started(process.pid)
    return _is_hidden(process.pid) if started is None else started == process.started


def _is_hidden(pid: int) -> bool:
    """Tell whether there is a process that /proc does not show (hidepid, ProtectProc=): signals are refused then."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return False  # it can be signalled, so it is visible: it has ended in between, or waits for its parent


def _started(pid: int) -> int | None:
    """Give when a process began, in ticks since the boot; None where there is none, or it has ended."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in _ENDED else int(fields[_STARTED_FIELD])


def _place() -> str:
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        namespace = (_PROC / "self/ns/pid").readlink()
    except OSError:
        return secrets.token_hex(PLACE_CHARS // 2)
    return hashlib.sha256(f"{boot} {namespace} {socket.gethostname()}".encode()).hexdigest()[:PLACE_CHARS]
