"""One kubectl under strace: what it opened for writing, what it started and whom it dialled."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CALLS = (
    "execve,openat,open,creat,mkdir,mkdirat,rename,renameat,renameat2,"
    "unlink,unlinkat,symlinkat,linkat,connect,bind,listen"
)
OPENED = re.compile(r'(?:openat\([^,]+, |open\(|creat\()"(?P<path>[^"]*)", (?P<how>[A-Z_|]+)')
CHANGED = re.compile(r'(?:mkdir|mkdirat|rename|renameat2?|unlink|unlinkat|symlinkat|linkat)\(.*?"(?P<path>[^"]*)"')
DIALLED = re.compile(r"connect\(.*?sin6?_port=htons\((?P<port>\d+)\)(?:.*?inet_addr\(\"(?P<host>[^\"]+)\"\))?")
UNIX = re.compile(r'connect\(.*?sun_path="(?P<path>[^"]+)"')
WRITES = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND")
DEVICES = ("/dev/null", "/dev/tty")
READABLE = (
    "/etc/ssl",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/nsswitch.conf",
    "/etc/localtime",
    "/usr/",
    "/proc/",
    "/sys/",
)


@cache
def untraceable() -> str:
    """Say why nothing can be traced on this machine; "" when it can."""
    strace = shutil.which("strace")
    if strace is None:
        return "no strace on this machine (package strace)"
    asked = [strace, "-qq", "-o", "/dev/null", "true"]
    tried = subprocess.run(asked, check=False, capture_output=True, text=True, timeout=20)
    return "" if tried.returncode == 0 else f"strace may trace nothing here: {tried.stderr.strip()[:200]}"


@dataclass(frozen=True)
class Ran:
    """How a program ended, and what is wrong with what it did: empty when nothing is."""

    code: int
    said: str
    breaches: tuple[str, ...]


def traced(argv: Sequence[str], *, folder: Path, environment: dict[str, str], port: int, limit_s: float) -> Ran:
    """Run a program in an empty folder of its own, with what the server would give it."""
    trace = folder.parent / f"{folder.name}.trace"
    command = [str(shutil.which("strace")), "-f", "-qq", "-e", f"trace={CALLS}", "-s", "300", "-o", str(trace), *argv]
    code, said = ran(command, folder=folder, environment=environment, limit_s=limit_s)
    calls = trace.read_text(errors="replace").splitlines()
    trace.unlink()
    return Ran(code, said, tuple(_wrong(calls, folder=folder, program=argv[0], port=port)))


def ran(argv: Sequence[str], *, folder: Path, environment: dict[str, str], limit_s: float) -> tuple[int, str]:
    """Run a program, and end its whole group when its time is over; give its status and what it said."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        argv,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=pipe,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            said, _ = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            said, _ = process.communicate()
    return process.returncode, said.decode(errors="replace")


def _wrong(calls: Sequence[str], *, folder: Path, program: str, port: int) -> list[str]:
    wrong, started = [], 0
    for call in calls:
        if "execve(" in call:
            started += 1
        if (opened := OPENED.search(call)) and not _may_open(opened["path"], opened["how"], folder, program):
            wrong.append(f"opens {opened['path']} {opened['how']}")
        if (changed := CHANGED.search(call)) and not changed["path"].startswith(str(folder)):
            wrong.append(f"changes {changed['path']}")
        if (dialled := DIALLED.search(call)) and (int(dialled["port"]), dialled["host"]) != (port, "127.0.0.1"):
            wrong.append(f"dials {dialled['host']}:{dialled['port']}")
        if dialled_socket := UNIX.search(call):
            wrong.append(f"dials {dialled_socket['path']}")
        if " bind(" in call or " listen(" in call:
            wrong.append(call)
    return wrong if started <= 1 else [*wrong, f"starts {started - 1} programs"]


def _may_open(path: str, how: str, folder: Path, program: str) -> bool:
    if path.startswith(str(folder)) or not path.startswith("/"):
        return not path.startswith("..")
    if any(flag in how for flag in WRITES):
        return path in DEVICES
    return path.startswith(READABLE) or path in (program, *DEVICES)
