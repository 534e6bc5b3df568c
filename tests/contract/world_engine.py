"""Engine worlds: containers of small shell scripts in two compose projects, on a real dockerd and a real podman.

What is made and looked at here goes through the engine's own command line, never through the code under test. The
runtime under test reaches the engine's socket through a relay, so that its line can be cut while the engine lives on.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Sequence
from typing import Any, Literal

from connectors.base import Connection
from connectors.direct import Direct
from runtimes.base import Runtime, Scope
from runtimes.docker.open import open_docker
from runtimes.podman.open import open_podman
from runtimes.registries import Logins, no_logins
from runtimes.watched import Pace
from tests.contract.relay import Relay
from tests.contract.ways import Way
from tests.contract.worlds import SECRET_VALUE, Absent, World, settle
from tests.engines import docker as dockers
from tests.engines import podman as podmans
from tests.engines.containers import ContainerEngine
from tests.engines.process import CannotStart

STAY = "exec sleep 3600"
PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
REQUEST = re.compile(rb"^(GET|POST|DELETE) (?:/v[0-9.]+)?([^ ?]*)\S* HTTP/1\.1\r$", re.MULTILINE)
Inspection = dict[str, Any]


class EngineOf:
    """A container engine that was started for the whole run."""

    def __init__(self, name: Literal["docker", "podman"], engine: ContainerEngine) -> None:
        self.name = name
        self.engine = engine

    def world(self, way: Way) -> EngineWorld:
        return EngineWorld(self.name, self.engine, way)

    def close(self) -> None:
        self.engine.close()


def docker() -> EngineOf:
    """Start a dockerd."""
    return _started("docker", dockers.start)


def podman() -> EngineOf:
    """Start a rootful podman service."""
    return _started("podman", podmans.start)


def opened(
    kind: str,
    engine: ContainerEngine,
    over: Connection | None = None,
    *,
    pace: Pace | None = None,
    logins: Logins = no_logins,
) -> Runtime:
    """Open the runtime under test on an engine, directly or over a connection."""
    opener = open_docker if kind == "docker" else open_podman
    return opener("test", socket=str(engine.socket), connection=over or Direct(), pace=pace, logins=logins)


class EngineWorld(World):
    """Two compose projects on one engine."""

    def __init__(self, kind: Literal["docker", "podman"], engine: ContainerEngine, way: Way) -> None:
        self.kind = kind
        self.engine = engine
        self._made: list[str] = []
        self._own = f"own-{secrets.token_hex(3)}"
        self.scope = Scope(service="own", project=self._own)
        self.other_scope = Scope(service="other", project=f"{self._own}-other")
        self.asked: list[str] = []
        """The method and path of each request that the runtime under test has sent."""
        self.meanwhile: Callable[[str], None] = lambda _: None
        """Called with each of them before the engine has it."""
        place = way.place(engine.folder / f"{self._own}.sock")
        self.line = self._relay = Relay(engine.socket, place, heard=self._hear, binding=way.listening)
        self.connection = way.open(lambda: self._relay.url)
        self.runtime = opened(kind, engine, self.connection)

    def healthy(self, *, elsewhere: bool = False) -> str:
        name = self.run(f"echo ready; {STAY}", running, elsewhere=elsewhere)
        self._wait_for_lines(name, 1)
        return name

    def replicas(self, count: int, *, lines: int = 0) -> Sequence[str]:
        service = self._name()
        names = [f"{service}-{number}" for number in range(1, count + 1)]
        for name in names:
            self.run(f"{_counting(lines)}{STAY}", running, "--label", f"{SERVICE}={service}", name=name)
        for name in names:
            self._wait_for_lines(name, lines)
        return names

    def chatty(self, lines: int) -> str:
        name = self.run(f"{_counting(lines)}{STAY}", running)
        self._wait_for_lines(name, lines)
        return name

    def ticking(self, *, elsewhere: bool = False) -> str:
        script = "i=0; while true; do i=$((i+1)); echo tick $i; sleep 0.1; done"
        return self.run(script, running, elsewhere=elsewhere)

    def saying(self, data: bytes) -> str:
        file = self.engine.folder / f"{self._name()}.data"  # an argument may have 128 KiB at most
        file.write_bytes(data)
        name = self.run(f"cat /data; {STAY}", running, "--volume", f"{file}:/data:ro")
        settle(lambda: len(self._log(name)) >= len(data.decode(errors="ignore")), f"{len(data)} bytes of {name}")
        return name

    def logged(self, instance: str) -> bytes:
        return self.engine.output("logs", instance)

    def crashing(self, *, exit_code: int = 3, last_words: str = "no database to talk to") -> str:
        return self.run(f"echo '{last_words}'; sleep 0.2; exit {exit_code}", restarted, "--restart", "always")

    def finished(self) -> str:
        return self.run("echo done", exited)

    def never_ready(self) -> str:
        check = ("--health-cmd", "echo no answer; false", "--health-interval", "1s", "--health-retries", "1")
        name = self.run(f"echo warming up; {STAY}", running, *check)
        if self.kind == "podman":  # without systemd nothing runs podman's checks
            self.engine.cli("healthcheck", "run", name, check=False)
        settle(lambda: unhealthy(self.inspect(name)), f"unhealthy {name}")
        return name

    def secretive(self) -> str:
        return self.run(f"echo ready; {STAY}", running, "--env", f"PASSWORD={SECRET_VALUE}")

    def remove(self, instance: str) -> None:
        self.engine.cli("rm", "-f", instance)
        settle(lambda: not self.exists(instance), f"the end of {instance}")

    def exists(self, instance: str) -> bool:
        return bool(self.engine.cli("ps", "-aq", "--filter", f"name=^{instance}$"))

    def crash(self) -> None:
        self.engine.kill()

    def revive(self) -> None:
        self.engine.start()

    def close(self) -> None:
        self.runtime.close()
        self.connection.close()
        self._relay.close()
        if not self.engine.running:
            self.engine.start()
        if made := self.engine.cli("ps", "-aq", "--filter", f"label={PROJECT}").split():
            self.engine.cli("rm", "-f", "-v", *made)

    def run(
        self,
        script: str,
        settled: Callable[[Inspection], bool],
        *options: str,
        elsewhere: bool = False,
        name: str = "",
    ) -> str:
        """Run a container of one of the two projects and wait until the engine shows it as wanted."""
        named = name or self._name()
        project = (self.other_scope if elsewhere else self.scope).project
        marks = ("--name", named, "--label", f"{PROJECT}={project}", "--stop-timeout", "1")
        self.engine.run("sh", "-c", script, options=[*marks, *options])
        settle(lambda: settled(self.inspect(named)), f"{settled.__name__} of {named}")
        return named

    def inspect(self, name: str) -> Inspection:
        found: list[Inspection] = json.loads(self.engine.cli("inspect", "--type", "container", name))
        return found[0]

    def reopened(self, pace: Pace) -> Runtime:
        """Close the runtime under test and give another one in its place, with this pace."""
        self.runtime.close()
        self.runtime = opened(self.kind, self.engine, self.connection, pace=pace)
        return self.runtime

    def _hear(self, data: bytes) -> None:
        for verb, path in REQUEST.findall(data):
            self.asked.append(f"{verb.decode()} {path.decode()}")
            self.meanwhile(self.asked[-1])

    def _name(self) -> str:
        name = f"i{len(self._made) + 1}-{secrets.token_hex(2)}"
        self._made.append(name)
        return name

    def _log(self, name: str) -> str:
        return self.engine.cli("logs", name)

    def _wait_for_lines(self, name: str, count: int) -> None:
        settle(lambda: len(self._log(name).splitlines()) >= count, f"{count} lines of {name}")


def running(container: Inspection) -> bool:
    return bool(container["State"]["Running"])


def exited(container: Inspection) -> bool:
    return container["State"]["Status"] == "exited"


def restarted(container: Inspection) -> bool:
    return bool(container["RestartCount"])


def unhealthy(container: Inspection) -> bool:
    return container["State"].get("Health", {}).get("Status") == "unhealthy"


def _counting(lines: int) -> str:
    return f"i=0; while [ $i -lt {lines} ]; do i=$((i+1)); echo line $i; done; " if lines else ""


def _started(name: Literal["docker", "podman"], start: Callable[[], ContainerEngine]) -> EngineOf:
    try:
        return EngineOf(name, start())
    except CannotStart as reason:
        raise Absent(str(reason)) from reason
