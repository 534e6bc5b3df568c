"""Finds the kubectl that typed commands run, and says what is wrong with it: missing, too old, far from the server.

Some vendors put a dispatcher on the PATH that hands over to an older kubectl when the server is older; it calls itself
a pre-release (`v1.32.4-dispatcher`) and keeps the real ones beside it as `kubectl.1.33`. The guard knows the flags of
kubectl itself, so only a real one is run, and which one never depends on what a server says.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from connectors.base import Output
from runtimes.child import Children
from runtimes.errors import Missing, RuntimeProblem
from runtimes.structs import make_ready

NAME = "kubectl"
OLDEST = (1, 31)
"""`exec` takes the inner command only behind `--` from here, as the guard reads it, and speaks WebSockets."""
SKEW_MAX = 1
"""Source: https://kubernetes.io/releases/version-skew-policy/#kubectl"""
ANSWER_S = 20.0
ANSWER_MAX_BYTES = 65_536
MISSING_KEPT_S = 15.0
"""How long a kubectl that is not there is not looked for again: somebody may be installing it."""
INSTALL = "Install kubectl 1.31 or newer where opsmodal runs, or name one by the setting kubectl (OPSMODAL_KUBECTL)."
_RELEASE = re.compile(r"v(\d+)\.(\d+)\.\d+(?:\+.*)?")
_MINOR = re.compile(r"v?(\d+)\.(\d+)")


class _Client(msgspec.Struct, frozen=True, rename="camel"):
    git_version: str = ""


class _Answer(msgspec.Struct, frozen=True, rename="camel"):
    client_version: _Client = _Client()


@dataclass(frozen=True, slots=True)
class Kubectl:
    """A kubectl that can be run, and its version."""

    path: Path
    version: str


class Program:
    """The kubectl of one runtime, found when it is first needed. `named` is a path or a name on the PATH."""

    def __init__(self, children: Children, named: str = NAME) -> None:
        self._children = children
        self._named = named
        self._lock = threading.Lock()
        self._found: Kubectl | None = None
        self._stamp: tuple[int, ...] = ()
        self._lacking = ""
        self._looked_at = float("-inf")

    def get(self) -> Kubectl:
        """Give the kubectl to run. Raise Missing with what to install."""
        with self._lock:
            if self._found is not None and _stamp(self._found.path) == self._stamp:
                return self._found
            if time.monotonic() - self._looked_at > MISSING_KEPT_S or self._found is not None:
                self._look()
            if self._found is None:
                raise Missing(self._lacking, hint=INSTALL)
            return self._found

    def missing(self) -> str:
        """Say what to install; "" when there is a kubectl that can be run."""
        try:
            self.get()
        except Missing as missing:
            return f"{missing.sentence} {missing.hint}"
        return ""

    def _look(self) -> None:
        self._found, self._lacking = None, f"{self._named} is not installed on the server."
        self._looked_at = time.monotonic()
        found = choose(candidates(self._named), self._version)
        if isinstance(found, str):
            self._lacking = found or self._lacking
        else:
            self._found, self._stamp = found, _stamp(found.path)

    def _version(self, path: Path) -> str:
        argv = [NAME, "version", "--client", "-o", "json"]
        said = bytearray()
        try:
            for each in self._children.run(argv, program=path, limit_s=ANSWER_S):
                if isinstance(each, Output) and each.source == "stdout" and len(said) < ANSWER_MAX_BYTES:
                    said += each.data
            return msgspec.json.decode(said, type=_Answer).client_version.git_version
        except (RuntimeProblem, ValueError):
            return ""


def candidates(named: str) -> Iterator[Path]:
    """Name what may be run, the best first: the one on the PATH, then those beside what it really is."""
    found = shutil.which(named)
    if found is None:
        return
    real = Path(found).resolve()
    yield real
    if named == NAME:  # who names a program means that one
        beside = [each for each in real.parent.glob("kubectl.1.*") if os.access(each, os.X_OK)]
        yield from sorted(beside, key=_number, reverse=True)


def choose(found: Iterator[Path], version_of: Callable[[Path], str]) -> Kubectl | str:
    """Give the first that is kubectl itself and new enough, or say why there is none ("" when there is nothing)."""
    first = ""
    for path in found:
        version = version_of(path)
        if (number := release(version)) and number >= OLDEST:
            return Kubectl(path, version)
        first = first or _unfit(path, version)
    return first


def release(git_version: str) -> tuple[int, int] | None:
    """Read `v1.32.3` or `v1.31.0+k3s1` as (1, 32); None for pre-releases, which is how dispatchers name themselves."""
    match = _RELEASE.fullmatch(git_version)
    return (int(match[1]), int(match[2])) if match else None


def skew(client: str, server: str) -> str:
    """Say that a kubectl is further from a server than is supported; "" when it is near, or nobody can say."""
    one, other = _MINOR.match(client), _MINOR.match(server)
    if one is None or other is None or (one[1] == other[1] and abs(int(one[2]) - int(other[2])) <= SKEW_MAX):
        return ""
    far = f"more than {SKEW_MAX} minor version away from the server's {server}"
    return f"kubectl {client} is {far}: some of it may fail."


def _unfit(path: Path, version: str) -> str:
    if not version:
        return f"{path} does not tell its version."
    if release(version) is None:
        return f"{path} is {version[:40]}, no release of kubectl: it may hand over to another program."
    return f"{path} is {version[:40]}, which is too old."


def _number(path: Path) -> int:
    last = path.name.rpartition(".")[2]
    return int(last) if last.isdigit() else -1


def _stamp(path: Path) -> tuple[int, ...]:
    """Tell one program from the next that is installed in its place."""
    try:
        known = path.stat()
    except OSError:
        return ()
    return known.st_dev, known.st_ino, known.st_size, known.st_mtime_ns


make_ready(globals())
