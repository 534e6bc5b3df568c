"""Runs the engine's own program, docker or podman, against the end of the connection.

It is a child that gets nothing of ours (`runtimes.child`): no configuration, no contexts, no plugins, no certificates,
and one address. What its words may be is judged before it comes here.
"""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from connectors.base import Exit, Output
from runtimes.child import Children
from runtimes.commands import Command, Started
from runtimes.engine.dialled import Dialled
from runtimes.engine.problems import Kind
from runtimes.engine.secured import Secured
from runtimes.errors import Missing, Unavailable
from runtimes.lasting import Stream

PACKAGES: Mapping[Kind, str] = {
    "docker": "docker-cli or docker.io on Debian and Ubuntu, docker-ce-cli from Docker's own packages",
    "podman": "podman or podman-remote",
}
COMPLAINTS_MAX_BYTES = 4096
"""How much of its last words is looked through when it failed."""
APART = re.compile(rb"(?:client|server)[^\n]{0,40} is too (?:old|new)")
"""What docker ("client version 1.41 is too old. Minimum supported API version is 1.44") and podman ("server API version
is too old. Client … server …") say when they and the engine have no version of the API in common."""


class Client:
    """The engine's own program on this machine. Safe to use from several threads."""

    def __init__(self, kind: Kind, dialled: Dialled) -> None:
        self._kind: Kind = kind
        self._dialled = dialled
        self._lock = threading.Lock()
        self._children: Children | None = None
        self._secured: Secured | None = None
        self._closed = False

    def missing(self) -> str:
        """Say what to install for the program to run; "" when it is there."""
        try:
            _program(self._kind)
        except Missing as problem:
            return f"{problem.sentence} {problem.hint}"
        return ""

    def run(self, command: Command) -> Started:
        """Begin to run. Raise Missing without the program, Invalid or Unavailable as the machine says."""
        found = _program(self._kind)
        children, address = self._ready()
        child = children.run(
            self._argv(command.argv, address),
            program=found,
            limit_s=command.limit_s,
            environment=lambda folder: self._environment(folder, address),
        )
        place = self._dialled.place
        stream = Explained(child, f"{found} on this server and {place.title} at {place}")
        return Started(stream=stream, identity=f"a client of {place.title} at {place}")

    def close(self) -> None:
        """End what runs. May be called twice."""
        with self._lock:
            self._closed, children, secured = True, self._children, self._secured
        if children is not None:
            children.close()
        if secured is not None:
            secured.close()

    def _ready(self) -> tuple[Children, str]:
        """Give where programs run, and the address that they dial: one that needs no certificate."""
        with self._lock:
            if self._closed:
                raise Unavailable("The runtime was closed.", hint="Load the page again.")
            self._children = self._children or Children()
            if self._dialled.files is None:
                return self._children, self._dialled.address
            self._secured = self._secured or Secured(self._dialled)
            return self._children, self._secured.address

    def _argv(self, argv: tuple[str, ...], address: str) -> tuple[str, ...]:
        if self._kind == "podman":
            return (argv[0], "--remote", "--url", address, *argv[1:])
        return argv

    def _environment(self, folder: Path, address: str) -> dict[str, str]:
        """Give the variables that the program reads. Sources: docs.docker.com/reference/cli/docker, podman(1)."""
        if self._kind == "podman":
            return {"CONTAINERS_CONF": "/dev/null", "XDG_RUNTIME_DIR": str(folder), "TMPDIR": str(folder)}
        return {"DOCKER_HOST": address, "DOCKER_CONFIG": str(folder), "DOCKER_CLI_HINTS": "false"}


def _program(kind: Kind) -> Path:
    """Find the program. Raise Missing without it, or where it is a script.

    Debian's podman-docker makes docker a script that runs podman on this machine, whatever DOCKER_HOST says: a command
    for one engine would reach another.
    """
    found, hint = shutil.which(kind), f"Install {PACKAGES[kind]}."
    if found is None:
        raise Missing(f"There is no {kind} on this server.", hint=hint)
    path = Path(found).resolve()
    try:
        with path.open("rb") as file:
            is_script = file.read(2) == b"#!"
    except OSError as error:
        raise Missing(f"The program {found} cannot be read.", hint=hint) from error
    if is_script:
        raise Missing(f"The {kind} on this server ({found}) is a script that may run anything else.", hint=hint)
    return path


class Explained:
    """What the program says, with a sentence at the end where it and the engine are too far apart."""

    def __init__(self, said: Stream[Output | Exit], both: str) -> None:
        self._said = said
        self._items = iter(said)
        self._both = both
        self._complaints = b""

    def __iter__(self) -> Iterator[Output | Exit]:
        return self

    def __next__(self) -> Output | Exit:
        said = next(self._items)
        if isinstance(said, Output):
            if said.source == "stderr":
                self._complaints = (self._complaints + said.data)[-COMPLAINTS_MAX_BYTES:]
            return said
        if said.code and APART.search(self._complaints):
            sentence = f"{self._both} have no version of the API in common: update the older of the two."
            return replace(said, sentence=sentence)
        return said

    def close(self) -> None:
        """End the program. May be called twice, from any thread."""
        self._said.close()
