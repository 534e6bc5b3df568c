"""A network of a test's own: the thread enters a new network namespace and leaves it again, and nothing of it stays."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

CLONE_NEWNET = 0x40000000
HERE = Path("/proc/thread-self/ns/net")
IP_S = 20


def missing() -> str:
    """Say why no network namespace can be made; "" where one can."""
    return "" if os.geteuid() == 0 else "network namespaces are made by root"


@contextlib.contextmanager
def apart() -> Iterator[None]:
    """Be in an empty network, with loopback up, until the end."""
    with HERE.open() as before:
        _call("unshare", CLONE_NEWNET)
        try:
            ip("link set lo up")
            yield
        finally:
            _call("setns", before.fileno(), CLONE_NEWNET)


def ip(line: str) -> None:
    """Run one line of ip(8), in the network of this thread."""
    done = subprocess.run(["ip", *line.split()], capture_output=True, text=True, check=False, timeout=IP_S)
    assert not done.returncode, f"ip {line}: {done.stderr}"


def _call(name: str, *arguments: int) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        raise OSError(ctypes.get_errno(), f"{name} failed")
