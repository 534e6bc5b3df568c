"""The invented machine that a command sees: its files, its variables, its processes. Nothing of it is real."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from opsmodal.demo.shell.runs import Run, Runs

FILES_MAX_BYTES = 4 * 2**20
"""What all files written by commands may hold together."""
NULL = "/dev/null"
PROGRAMS_FOLDER = "/bin"


class NoSpace(OSError):
    """The invented disk is full."""


@dataclass(frozen=True, slots=True)
class Process:
    """A line of `ps`."""

    pid: int
    user: str
    command: str


@dataclass(slots=True, kw_only=True)
class Machine:
    """A container as a command sees it from inside."""

    hostname: str
    environment: dict[str, str]
    now: Callable[[], datetime]
    files: dict[str, bytes] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)
    user: str = "root"
    folder: str = "/"
    folders: frozenset[str] = frozenset()
    """Folders that are there also when nothing is in them: mounted volumes."""
    runs: Runs = field(default_factory=Runs)
    """What execs run in the container."""
    run: Run | None = None
    """The one that this machine is seen by."""
    log: Callable[[], bytes] = lambda: b""
    """The log of the container, as /proc/1/fd/1 would have it."""
    clean: Callable[[str], Sequence[str]] | None = None
    """Deletes an image of the node, or ("") those in no use, and says so; None in a container that cannot reach it."""

    def path(self, name: str) -> str:
        """Give the absolute path of a name."""
        return posixpath.normpath(posixpath.join(self.folder, name))

    def read(self, name: str) -> bytes:
        """Read a file. Raise FileNotFoundError or IsADirectoryError."""
        path = self.path(name)
        if path == NULL:
            return b""
        if path in ("/dev/stdout", "/proc/1/fd/1"):
            return self.log()
        if path in self.files:
            return self.files[path]
        if self.is_folder(path):
            raise IsADirectoryError(name)
        raise FileNotFoundError(name)

    def write(self, name: str, data: bytes, *, append: bool = False) -> None:
        """Write a file. Raise FileNotFoundError without its folder, NoSpace when the invented disk is full."""
        path = self.path(name)
        if path == NULL or path.startswith(("/dev/", "/proc/")):
            return
        if not self.is_folder(posixpath.dirname(path)):
            raise FileNotFoundError(name)
        content = self.files.get(path, b"") + data if append else data
        if sum(map(len, self.files.values())) + len(content) > FILES_MAX_BYTES:
            raise NoSpace(name)
        self.files[path] = content

    def remove(self, name: str) -> bool:
        """Remove a file; tell whether there was one."""
        return self.files.pop(self.path(name), None) is not None

    def is_folder(self, name: str) -> bool:
        """Tell whether a path is a folder: something lies below it."""
        path = self.path(name)
        below = path.rstrip("/") + "/"
        if path in ("/", "/tmp", "/dev", PROGRAMS_FOLDER) or path in self.folders:  # noqa: S108 - an invented folder
            return True
        return any(p.startswith(below) for p in list(self.files))

    def entries(self, name: str) -> list[str]:
        """List a folder. Raise FileNotFoundError when there is none."""
        path = self.path(name)
        if path in self.files:
            return [name]
        if not self.is_folder(path):
            raise FileNotFoundError(name)
        below = path.rstrip("/") + "/"
        known = [p[len(below) :].partition("/")[0] for p in list(self.files) if p.startswith(below)]
        if path == "/":
            known += ["tmp", "dev", "bin", "proc"]
        return sorted(set(filter(None, known)))


def usual_files(hostname: str, address: str, extra: Mapping[str, bytes]) -> dict[str, bytes]:
    """Give the files that every container has, and `extra` ones."""
    release = 'PRETTY_NAME="Simulated Linux"\nNAME="Simulated Linux"\nID=simulated\nVERSION_ID="1"\n'
    texts = {
        "/etc/hostname": f"{hostname}\n",
        "/etc/hosts": f"127.0.0.1\tlocalhost\n{address}\t{hostname}\n",
        "/etc/os-release": release,
        "/etc/passwd": "root:x:0:0:root:/:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n",
        "/etc/resolv.conf": "search svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n",
        "/app/README": "This container is simulated: its files are invented.\n",
        "/proc/version": "Linux version 6.12.0-simulated\n",
        "/proc/meminfo": "MemTotal:        8388608 kB\nMemFree:         4194304 kB\nMemAvailable:    6291456 kB\n",
        "/proc/loadavg": "0.12 0.09 0.05 1/123 42\n",
        "/home/app/.profile": "",
    }
    return {path: text.encode() for path, text in texts.items()} | dict(extra)
