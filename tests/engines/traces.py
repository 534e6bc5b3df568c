"""What connections may leave behind, looked for: routes, rules, interfaces, processes, threads and files.

Other engines of the tests come and go at the same time, in other workers too; what bears their names is left out.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.engines.netns import machine_network
from tests.engines.process import own_folder, processes_of, sweep, wait_for

OTHERS = re.compile(r"\b(om[\w-]+|veth\w+|cni[\w-]+)\b")
"""Interfaces of the tests' engines and of their containers, and of a real cluster's node that is this machine."""
OURS = re.compile(r"^(ssh|vpn)\b", re.IGNORECASE)
"""How connections name their threads; the engines of other tests have threads too, which stay."""
GONE_S = 20.0
"""How long an end may take to be over: a tunnel is idle for a while first, a thread waits in a system call."""


@contextlib.contextmanager
def none_left(name: str) -> Iterator[Path]:
    """Give a private folder for connectors; when they are closed, nothing of them may be on the machine."""
    folder = own_folder(name)
    folder.chmod(0o700)
    network = _network()
    try:
        yield folder
        left = _left(folder)
        wait_for(lambda: not any(_left(folder).values()), f"an end of what is left ({left})", within_s=GONE_S)
        assert _network() == network, "a connection changed the machine's own network"
    finally:
        sweep(folder)


def _left(folder: Path) -> dict[str, list[int] | list[str]]:
    return {
        "processes": sorted({*processes_of(folder), *holders_of(folder)}),
        "threads": [thread.name for thread in threading.enumerate() if OURS.match(thread.name)],
        "sockets": [str(path) for path in folder.rglob("*") if path.is_socket()],
    }


def holders_of(folder: Path) -> list[int]:
    """Give the other processes that have something of `folder` open: what holds a tunnel names it nowhere else."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            pid = int(entry.parts[2])
            if str(entry.readlink()).startswith(f"{folder}/") and pid != os.getpid():
                found.append(pid)
    return found


def _network() -> dict[str, list[str]]:
    """Give the machine's interfaces, addresses, routes and rules, without those of other engines."""
    return {kind: [line for line in lines if not OTHERS.search(line)] for kind, lines in machine_network().items()}
