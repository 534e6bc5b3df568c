"""What a contract case may ask of the world that it runs in, whatever engine that world stands on.

A World is one service (`scope`) and a second one beside it (`other_scope`) on a running engine, made afresh for each
case and swept away after it. Its methods bring about situations and wait, with a deadline, until the *engine itself*
shows them; what opsmodal then says of them is what the case judges. A situation that an engine cannot be in skips the
case with the reason. The runtime reaches its engine over `connection` and, at its far end, through `line`, which a
case may cut and mend.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import NoReturn, Protocol

import pytest

from connectors.base import Connection
from runtimes.base import Runtime, Scope
from tests.contract.ways import Way

SETTLE_S = 60.0
"""How long a real engine may take to show a situation: pulling is never needed, but a probe has to fail first."""
POLL_S = 0.05

SECRET_VALUE = "hunter2-must-never-be-seen"
"""The bait: the cases look for it in everything that is shown."""


class Absent(Exception):
    """The engine cannot be had on this machine; the text says why and what would change that."""


class Line(Protocol):
    """The wire between a runtime and its engine. A cut line refuses new connections and drops the open ones."""

    def cut(self) -> None: ...

    def mend(self) -> None: ...


class Engine(Protocol):
    """An engine that answers for the whole test run."""

    name: str

    def world(self, way: Way) -> World: ...

    def close(self) -> None: ...


class World(ABC):
    """A service on an engine. Each method that makes something gives the names of the instances (`Instance.name`).

    With `elsewhere=True` it is made in `other_scope`: the service under test must neither show nor touch it.
    """

    kind: str
    """"kubernetes", "docker" or "podman"."""
    runtime: Runtime
    scope: Scope
    other_scope: Scope
    line: Line
    connection: Connection
    """The way under test, which leads to `line` and on to the engine."""

    @abstractmethod
    def healthy(self, *, elsewhere: bool = False) -> str:
        """Make an instance that runs and is ready; it writes `ready` once."""

    @abstractmethod
    def replicas(self, count: int, *, lines: int = 0) -> Sequence[str]:
        """Make one workload of `count` running instances, each of which writes `line 1` to `line <lines>`."""

    @abstractmethod
    def chatty(self, lines: int) -> str:
        """Make an instance that writes `line 1` to `line <lines>` and stays; wait until the engine has them all."""

    @abstractmethod
    def ticking(self, *, elsewhere: bool = False) -> str:
        """Make an instance that writes `tick 1`, `tick 2`, … for ever, about ten a second."""

    @abstractmethod
    def saying(self, data: bytes) -> str:
        """Make an instance that writes exactly these bytes to its standard output and stays."""

    @abstractmethod
    def logged(self, instance: str) -> bytes:
        """Ask the engine itself for an instance's log: its standard output, byte for byte."""

    @abstractmethod
    def crashing(self, *, exit_code: int = 3, last_words: str = "no database to talk to") -> str:
        """Make an instance that writes `last_words` and exits, again and again; wait for the first restart."""

    @abstractmethod
    def finished(self) -> str:
        """Make an instance that ended with 0 and stays ended."""

    @abstractmethod
    def never_ready(self) -> str:
        """Make an instance that runs and whose readiness probe or health check has failed."""

    @abstractmethod
    def secretive(self) -> str:
        """Make an instance that has SECRET_VALUE in its environment, from a secret where the engine has secrets."""

    def pending(self) -> str:
        """Make an instance that no node can take."""
        self.skip("has no instances that wait for a node")

    def image_missing(self) -> str:
        """Make an instance whose image does not exist."""
        self.skip("makes no instance of an image that it does not have")

    def paired(self) -> str:
        """Make an instance of two containers `web` and `side`, each of which writes its own name ten times."""
        self.skip("has one container in each instance")

    @abstractmethod
    def remove(self, instance: str) -> None:
        """Remove an instance behind the runtime's back, with its workload, and wait until it is gone."""

    @abstractmethod
    def exists(self, instance: str) -> bool:
        """Ask the engine itself, not the runtime, whether this very instance is still there."""

    def crash(self) -> None:
        """Let the engine itself die at once, without a word; `revive` starts it again on the same data."""
        self.skip("is not ours to kill")

    def revive(self) -> None:
        """Start the engine again and wait until it answers."""
        self.skip("is not ours to start")

    @abstractmethod
    def close(self) -> None:
        """Sweep away everything that this world made and close its runtime."""

    def skip(self, reason: str) -> NoReturn:
        pytest.skip(f"{self.kind} {reason}")


def settle(condition: Callable[[], bool], what: str, *, within_s: float = SETTLE_S) -> None:
    """Poll until `condition` holds; fail with `what` when it does not in time."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {within_s:g} s")
        time.sleep(POLL_S)
