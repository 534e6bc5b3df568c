"""Who holds the other end of a connection that this process accepted on loopback, as the kernel says.

A port on loopback is open to every user of the machine, and TCP does not say who dials (SO_PEERCRED is for Unix
sockets only). The kernel's table of sockets does: /proc/net/tcp (proc_net_tcp.rst of the kernel's documentation) names
each socket's user and inode. A socket without an inode was closed by its owner and is shown as root's: somebody could
send a request, hang up, and be taken for root. So such a one belongs to nobody.
"""

from __future__ import annotations

import os
import socket
import struct
from contextlib import suppress
from pathlib import Path

TABLE = Path("/proc/self/net/tcp")
LOCAL, REMOTE, USER, INODE = 1, 2, 7, 9
"""Columns of the table; what its heading calls tx_queue and rx_queue, or tr and tm->when, are one column each."""
NOBODY = b"0"
LOOKS = 3
"""The table is read in pieces, and sockets that come and go between two of them can hide one that stays."""


def is_same_user(accepted: socket.socket) -> bool:
    """Tell whether a process of our own user holds the other end of an accepted IPv4 or Unix connection."""
    if accepted.family == socket.AF_UNIX:
        return _of_unix(accepted) == os.geteuid()
    return any(owner(accepted) == os.geteuid() for _ in range(LOOKS))


def has_left(accepted: socket.socket) -> bool:
    """Tell whether the other end is closed altogether, not only for writing. Nothing is sent."""
    try:
        accepted.send(b"")  # unix(7): fails once the other end is closed; TCP does not know it yet
    except OSError:
        return True
    return accepted.family != socket.AF_UNIX and all(owner(accepted) is None for _ in range(LOOKS))


def owner(accepted: socket.socket) -> int | None:
    """Give the user who holds the other end of an accepted IPv4 connection on this machine; None when nobody does."""
    with suppress(OSError):
        peer, ours = _hex(*accepted.getpeername()), _hex(*accepted.getsockname())
        for line in TABLE.read_bytes().splitlines():
            if peer not in line:  # a busy host has thousands of lines
                continue
            columns = line.split()
            if columns[LOCAL] == peer and columns[REMOTE] == ours and columns[INODE] != NOBODY:
                return int(columns[USER])
    return None


def _hex(host: str, port: int) -> bytes:
    """Write an address as the table does: four bytes in the machine's order, and the port."""
    (number,) = struct.unpack("=I", socket.inet_aton(host))
    return f"{number:08X}:{port:04X}".encode()


def _of_unix(accepted: socket.socket) -> int | None:
    with suppress(OSError, struct.error):
        size = struct.calcsize("3i")
        _, user, _ = struct.unpack("3i", accepted.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
        return int(user)
    return None
