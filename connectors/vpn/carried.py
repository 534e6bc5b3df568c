"""How many connections a namespace carries, as the kernel counts them: nobody has to say that they have gone.

A socket that was handed to a server is still the namespace's. When its server is killed, the kernel closes it.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

TABLES = (Path("/proc/self/net/tcp"), Path("/proc/self/net/tcp6"))
REMOTE, STATE = 2, 3
IPV4_DIGITS = 8
OPEN = frozenset({"01", "02", "08"})
"""ESTABLISHED, SYN_SENT, CLOSE_WAIT (net/tcp_states.h): somebody still holds it."""
LOOPBACK = "7F"
FIRST_BYTE = slice(-2, None) if sys.byteorder == "little" else slice(2)
"""Of an IPv4 address in the table, which has it in the machine's order."""


def carried() -> int:
    """Count the open TCP connections of this process's namespace that lead out of it."""
    return sum(1 for table in TABLES for line in _lines(table) if _counts(line.split()))


def _lines(table: Path) -> list[str]:
    with suppress(OSError):
        return table.read_text().splitlines()[1:]
    return []


def _counts(columns: list[str]) -> bool:
    host = columns[REMOTE].partition(":")[0]
    loopback = len(host) == IPV4_DIGITS and host[FIRST_BYTE] == LOOPBACK
    return columns[STATE] in OPEN and not loopback
