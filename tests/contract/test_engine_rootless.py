"""Podman as an ordinary user: the same page, and figures that a rootless engine cannot have are explained."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from connectors.base import Ended, Exit, Output
from connectors.direct import Direct
from runtimes.base import LogQuery, Runtime, Scope, Severity
from runtimes.commands import Command, Started
from runtimes.errors import Conflict
from runtimes.podman.open import open_podman
from tests.contract.worlds import settle
from tests.engines.containers import ContainerEngine
from tests.unit.connectors.processes import naming

SCOPE = Scope(service="own", project="own")
LABEL = ("--label", "io.podman.compose.project=own")


@pytest.fixture
def runtime(rootless_engine: ContainerEngine) -> Iterator[Runtime]:
    opened = open_podman("test", socket=str(rootless_engine.socket), connection=Direct())
    yield opened
    opened.close()


def test_a_rootless_engine_says_so_and_is_operated(runtime: Runtime, rootless_engine: ContainerEngine) -> None:
    rootless_engine.run("sh", "-c", "echo ready; exec sleep 3600", options=["--name", "web", *LABEL])
    assert dict(runtime.identity.detail)["Rootless"] == "yes"
    assert runtime.logs is not None
    logs = runtime.logs
    settle(lambda: [line.text for line in logs.read(SCOPE, LogQuery())] == ["ready"], "its line")
    (found,) = runtime.instances.list(SCOPE).items
    assert (found.name, found.severity, found.managed_by) == ("web", Severity.OK, "compose project own")
    figures = (found.usage.cpu_cores, found.usage.memory_bytes)
    assert None not in figures or found.usage.missing_reason
    assert 0 not in (found.usage.memory_bytes,)


def test_a_rootless_container_is_restarted(runtime: Runtime, rootless_engine: ContainerEngine) -> None:
    options = ["--name", "web", "--stop-timeout", "1", *LABEL]
    rootless_engine.run("sh", "-c", "echo ready; exec sleep 3600", options=options)
    before = runtime.instances.list(SCOPE).items[0].containers[0].started_at
    runtime.instances.restart(SCOPE, "web")
    assert runtime.instances.list(SCOPE).items[0].containers[0].started_at != before


def test_a_rootless_container_that_keeps_restarting_is_explained(
    runtime: Runtime, rootless_engine: ContainerEngine
) -> None:
    script = "echo no way; sleep 0.3; exit 9"
    rootless_engine.run("sh", "-c", script, options=["--name", "web", "--restart", "always", *LABEL])
    settle(lambda: "keeps" in runtime.instances.cause(SCOPE, "web").sentence, "a sentence on the loop")
    told = runtime.instances.cause(SCOPE, "web")
    assert "exit code 9" in told.sentence
    assert "no way" in repr(told.causes)
    settle(lambda: runtime.instances.list(SCOPE).items[0].restarts >= 1, "its restarts are counted")
    runtime.instances.stop(SCOPE, "web")
    assert runtime.instances.list(SCOPE).items[0].severity is Severity.NEUTRAL


def test_a_rootless_container_without_its_volumes_folder_is_explained(
    runtime: Runtime, rootless_engine: ContainerEngine
) -> None:
    rootless_engine.cli("volume", "create", "cart")
    options = ("--name", "web", "--volume", "cart:/data", *LABEL)
    rootless_engine.cli("create", *options, rootless_engine.images[0], "sleep", "3600")
    folder = rootless_engine.cli("volume", "inspect", "cart", "--format", "{{.Mountpoint}}")
    rootless_engine.cli("unshare", "rmdir", folder)
    with pytest.raises(Conflict):
        runtime.instances.start(SCOPE, "web")
    told = runtime.instances.cause(SCOPE, "web")
    assert told.causes[0].kind == "volume-missing"
    assert f"the files of its volume cart are gone from the host: {folder}" in told.sentence


def test_commands_run_in_a_rootless_container_and_leave_nothing(
    runtime: Runtime, rootless_engine: ContainerEngine
) -> None:
    options = ["--name", "web", "--stop-timeout", "1", *LABEL]
    rootless_engine.run("sh", "-c", "exec sleep 3600", options=options)
    assert runtime.commands is not None
    commands = runtime.commands
    own = commands.containers(SCOPE).own["web"]

    def begun(*argv: str, limit_s: float = 30.0) -> Started:
        return commands.run(SCOPE, Command(argv=argv, limit_s=limit_s, where="container", container=own))

    said = list(begun("sh", "-c", "printf out; printf err >&2; exit 3").stream)
    assert sorted(map(repr, said)) == sorted(
        map(repr, [Output("stdout", b"out"), Output("stderr", b"err"), Exit(code=3)])
    )
    word = f"7{time.monotonic_ns() % 10**8:08d}"
    started = begun("sh", "-c", f"setsid sleep {word} & sleep {word}")
    settle(lambda: len(naming(word)) > 1, "both run")
    started.stream.close()
    settle(lambda: not naming(word), "both are over")
    *_, end = begun("sleep", word, limit_s=1).stream
    assert isinstance(end, Exit)
    assert end.reason is Ended.TIMEOUT
    settle(lambda: not naming(word), "it is over")
