"""Stop, start and restart of containers on real engines: by the engine, by systemd where that looks after them."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.direct import Direct
from runtimes.base import Instance, Runtime, Severity
from runtimes.errors import Conflict, Missing
from tests.contract.world_engine import STAY, EngineWorld, exited, opened, running
from tests.contract.worlds import World, settle
from tests.engines.systemctl import Systemctl

pytestmark = pytest.mark.parametrize("engine", ["docker", "podman"], indirect=True)

UNIT = ("--label", "PODMAN_SYSTEMD_UNIT=web.service")
SWARM = ("--label", "com.docker.swarm.task.name=web.1.x", "--label", "com.docker.swarm.service.name=web")
ENDS_WELL = "trap 'exit 0' TERM; echo ready; while true; do sleep 0.1; done"
ENDS_BADLY = "trap 'exit 7' TERM; echo ready; while true; do sleep 0.1; done"


@pytest.fixture
def box(world: World) -> EngineWorld:
    """Give the world as what it is here."""
    assert isinstance(world, EngineWorld)
    return world


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemctl:
    """Give a systemctl on the PATH that records its calls."""
    made = Systemctl(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{made.folder}:{os.environ['PATH']}")
    return made


@pytest.fixture
def on_host(box: EngineWorld) -> Iterator[Runtime]:
    """Give the engine over a connection that runs programs on its host, which is this machine."""
    connection = Direct(runs_here=True)
    runtime = opened(box.kind, box.engine, connection)
    yield runtime
    runtime.close()
    connection.close()


def row(box: EngineWorld, name: str, runtime: Runtime | None = None) -> Instance:
    items = (runtime or box.runtime).instances.list(box.scope).items
    return next(each for each in items if each.name == name)


def changes(box: EngineWorld) -> list[str]:
    return [asked for asked in box.asked if asked.startswith("POST ")]


@pytest.mark.smoke
@pytest.mark.parametrize("script", [ENDS_WELL, ENDS_BADLY])
def test_a_stop_is_shown_as_one_whatever_the_program_ended_with_and_a_start_brings_it_back(
    box: EngineWorld, script: str
) -> None:
    name = box.run(script, running)
    with_watch = box.runtime.instances.watch(box.scope)
    try:
        assert row(box, name).verbs == ("restart", "stop")
        box.runtime.instances.stop(box.scope, name)
        assert exited(box.inspect(name))
        settle(lambda: row(box, name).reason == "stopped by hand", "the word for it", within_s=10)
        found = row(box, name)
        assert (found.severity, found.verbs, found.ready) == (Severity.NEUTRAL, ("start",), False)
        assert found.status == ("exited (0)" if script == ENDS_WELL else "exited (7)")
        box.runtime.instances.start(box.scope, name)
        assert running(box.inspect(name))
        settle(lambda: row(box, name).severity is Severity.OK, "the running row", within_s=10)
        assert row(box, name).reason == ""
    finally:
        with_watch.close()


def test_who_looks_later_is_told_of_the_stop_as_well(box: EngineWorld) -> None:
    if box.kind == "podman":
        box.skip("4.3 writes no event of a stop")
    name = box.run(ENDS_BADLY, running)
    box.engine.cli("stop", name)
    fresh = opened(box.kind, box.engine, box.connection)
    try:
        settle(lambda: row(box, name, fresh).reason == "stopped by hand", "the word for it", within_s=10)
        assert fresh.instances.get(box.scope, name).instance.reason == "stopped by hand"
    finally:
        fresh.close()


def test_what_ended_by_itself_was_not_stopped(box: EngineWorld) -> None:
    name = box.run("exit 143", exited)
    assert row(box, name).reason != "stopped by hand"


def test_stopping_ends_a_restart_loop(box: EngineWorld) -> None:
    name = box.run("sleep 0.3; exit 1", lambda each: each["RestartCount"] >= 2, "--restart", "always")

    def over() -> bool:
        with contextlib.suppress(Conflict):  # podman has no word between two runs: it was down at this very moment
            box.runtime.instances.stop(box.scope, name)
        count = box.inspect(name)["RestartCount"]
        time.sleep(1.0)  # a loop that goes on has begun anew by now
        after = box.inspect(name)
        return exited(after) and after["RestartCount"] == count

    settle(over, "the end of the loop")
    settle(lambda: row(box, name).severity is Severity.NEUTRAL, "a row that is no error", within_s=10)


def test_what_is_as_wanted_already_is_left_alone(box: EngineWorld) -> None:
    up, down = box.healthy(), box.finished()
    for ask, name, words in (
        (box.runtime.instances.start, up, f"{up} is running already."),
        (box.runtime.instances.stop, down, f"{down} is not running."),
    ):
        with pytest.raises(Conflict) as caught:
            ask(box.scope, name)
        assert caught.value.sentence == words
        assert "Nothing was done" in caught.value.hint
    assert changes(box) == []


def test_a_start_that_cannot_succeed_says_why(box: EngineWorld) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    name = box.run(STAY, running, "--publish", f"127.0.0.1:{port}:80")
    box.engine.cli("stop", name)
    box.run(STAY, running, "--publish", f"127.0.0.1:{port}:80")
    with pytest.raises(Conflict) as caught:
        box.runtime.instances.start(box.scope, name)
    assert caught.value.sentence.startswith(f"{name} could not be started: ")
    assert str(port) in caught.value.sentence


def test_the_wall_holds_for_stops_and_starts(box: EngineWorld) -> None:
    strange = box.healthy(elsewhere=True)
    for wanted in (strange, box.inspect(strange)["Id"], box.inspect(strange)["Id"][:12]):
        for ask in (box.runtime.instances.stop, box.runtime.instances.start):
            with pytest.raises(Missing):
                ask(box.scope, wanted)
    assert changes(box) == []
    assert running(box.inspect(strange))


@pytest.mark.parametrize("verb", ["restart", "stop"])
def test_systemd_is_asked_in_the_engines_place(
    box: EngineWorld, on_host: Runtime, systemctl: Systemctl, verb: str
) -> None:
    name = box.run(STAY, running, *UNIT)
    systemctl.knows(box.kind, name)
    before = box.inspect(name)["State"]["StartedAt"]
    found = row(box, name, on_host)
    assert (found.managed_by, found.lock, found.verbs) == ("systemd unit web.service", "", ("restart", "stop"))
    assert found.through == "systemctl {verb} web.service"
    getattr(on_host.instances, verb)(box.scope, name)
    assert systemctl.calls == [["--no-ask-password", verb, "--", "web.service"]]
    state = box.inspect(name)["State"]
    assert (state["StartedAt"], state["Running"]) == (before, True), "the engine was not asked: only systemd acts"
    touched = on_host.instances.blast(box.scope, [found.id], verb=verb).touched
    assert "systemd does it, as the unit web.service" in touched


def test_a_stopped_unit_is_started_by_systemd(box: EngineWorld, on_host: Runtime, systemctl: Systemctl) -> None:
    name = box.run("exit 0", exited, *UNIT)
    systemctl.knows(box.kind, name)
    on_host.instances.start(box.scope, name)
    assert systemctl.calls == [["--no-ask-password", "start", "--", "web.service"]]
    assert exited(box.inspect(name))


def test_a_label_that_claims_another_unit_reaches_nothing(
    box: EngineWorld, on_host: Runtime, systemctl: Systemctl
) -> None:
    name = box.run(STAY, running, "--label", "PODMAN_SYSTEMD_UNIT=sshd.service")
    systemctl.knows(box.kind, "another")
    with pytest.raises(Conflict) as caught:
        on_host.instances.stop(box.scope, name)
    assert "sshd.service" in caught.value.sentence
    assert systemctl.calls == []
    assert running(box.inspect(name))


def test_what_systemd_refuses_is_said_in_its_words(box: EngineWorld, on_host: Runtime, systemctl: Systemctl) -> None:
    name = box.run(STAY, running, *UNIT)
    systemctl.says("", "Job for web.service failed because of unavailable resources.", code=1)
    systemctl.knows(box.kind, name)
    with pytest.raises(Conflict) as caught:
        on_host.instances.restart(box.scope, name)
    assert "unavailable resources" in caught.value.sentence
    assert caught.value.hint == "On the host: systemctl status web.service"


@pytest.mark.parametrize("verb", ["restart", "stop"])
def test_a_swarm_task_is_only_looked_at(box: EngineWorld, verb: str) -> None:
    name = box.run(STAY, running, *SWARM)
    found = row(box, name)
    assert (found.managed_by, found.verbs) == ("swarm task web.1.x", ())
    assert "swarm decides" in found.lock
    with pytest.raises(Conflict) as caught:
        getattr(box.runtime.instances, verb)(box.scope, name)
    assert "docker service" in caught.value.hint
    assert changes(box) == []


def test_compose_and_the_policy_are_told_before_a_stop(box: EngineWorld) -> None:
    name = box.run(STAY, running, "--restart", "always")
    found = row(box, name)
    touched = box.runtime.instances.blast(box.scope, [found.id], verb="stop").touched
    assert any("restart policy is always" in words for words in touched)
    assert any("compose up" in words for words in touched)
    assert box.runtime.instances.blast(box.scope, [found.id], verb="start").touched == ()
    facts = dict(box.runtime.instances.get(box.scope, name).facts)
    assert facts["Compose project"] == box.scope.project
