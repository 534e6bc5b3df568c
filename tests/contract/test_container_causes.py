"""Why a container of a real engine is not what it should be: each situation is brought about, and its cause read."""

from __future__ import annotations

import socket
import time

import pytest

from runtimes.base import Explanation
from runtimes.errors import Conflict
from tests.contract.world_engine import STAY, EngineWorld, exited, restarted, running
from tests.contract.worlds import World, settle

pytestmark = pytest.mark.parametrize("engine", ["docker", "podman"], indirect=True)


@pytest.fixture
def box(world: World) -> EngineWorld:
    """Give the world as what it is here."""
    assert isinstance(world, EngineWorld)
    return world


def why(box: EngineWorld, name: str) -> Explanation:
    return box.runtime.instances.cause(box.scope, name)


def made(box: EngineWorld, *options: str) -> str:
    """Make a container without starting it."""
    name = f"made-{time.monotonic_ns()}"
    label = f"com.docker.compose.project={box.scope.project}"
    box.engine.cli("create", "--name", name, "--label", label, *options, box.engine.images[0], "sleep", "3600")
    return name


def not_started(box: EngineWorld, name: str) -> Conflict:
    with pytest.raises(Conflict) as caught:
        box.runtime.instances.start(box.scope, name)
    assert caught.value.sentence.startswith(f"{name} could not be started: ")
    assert caught.value.hint
    return caught.value


def test_one_that_was_never_started_says_so(box: EngineWorld) -> None:
    told = why(box, made(box))
    assert [cause.kind for cause in told.causes] == ["never-started"]
    assert "Start it" in told.causes[0].hint


@pytest.mark.parametrize(("code", "words"), [(139, "SIGSEGV"), (134, "SIGABRT"), (126, "cannot be run"), (3, "3")])
def test_an_end_has_its_code_and_signal_and_the_last_lines(box: EngineWorld, code: int, words: str) -> None:
    told = why(box, box.run(f"echo the last words; exit {code}", exited))
    assert f"exit code {code}" in told.sentence
    assert words in told.sentence
    assert "the last words" in next(cause.detail for cause in told.causes if cause.kind == "last-log-lines")


def test_a_loop_says_how_often_and_with_what_it_ends(box: EngineWorld) -> None:
    name = box.run("echo no way; sleep 0.3; exit 9", restarted, "--restart", "always")
    settle(lambda: "keeps" in why(box, name).sentence, "a sentence on the loop")
    told = why(box, name)
    assert "exit code 9" in told.sentence
    assert "no way" in repr(told.causes)


def test_what_was_stopped_from_here_is_told_as_stopped_whatever_its_code(box: EngineWorld) -> None:
    name = box.run("trap 'exit 7' TERM; echo ready; while true; do sleep 0.1; done", running)
    box.runtime.instances.stop(box.scope, name)
    told = why(box, name)
    assert "was stopped by hand (exit code 7" in told.sentence
    assert told.sentence.startswith(f"{name} is not running")
    assert told.causes[0].kind == "stopped"


def test_a_port_that_a_program_of_the_host_has_is_not_a_containers(box: EngineWorld) -> None:
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("0.0.0.0", 0))
        held.listen()
        port = held.getsockname()[1]
        name = made(box, "--publish", f"{port}:80")
        problem = not_started(box, name)
    assert str(port) in problem.sentence
    assert "address already in use" in problem.sentence
    if box.kind == "docker":  # podman 4.3 keeps no word on why a container did not start
        (cause,) = why(box, name).causes
        assert (cause.kind, "another program" in cause.detail) == ("port-taken", True)


def test_a_port_of_another_service_is_found_without_its_name(box: EngineWorld) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    name = made(box, "--publish", f"{port}:80")
    holder = box.run(STAY, running, "--publish", f"{port}:80", elsewhere=True)
    not_started(box, name)
    told = repr(why(box, name))
    assert "outside this service" in told
    assert holder not in told


def test_a_volume_made_of_a_folder_that_is_not_there_is_named(box: EngineWorld) -> None:
    volume = f"{box.scope.project}-gone"
    absent = box.engine.folder / "no-such-folder"
    options = ("--opt", "type=none", "--opt", "o=bind", "--opt", f"device={absent}")
    box.engine.cli("volume", "create", *options, volume)
    try:
        name = made(box, "--volume", f"{volume}:/data")
        assert "no such file or directory" in not_started(box, name).sentence or box.kind == "podman"
        if box.kind == "docker":
            told = why(box, name)
            assert told.causes[0].kind == "volume-missing"
            assert volume in told.sentence
    finally:
        box.engine.cli("rm", "-f", name)
        box.engine.cli("volume", "rm", "-f", volume)


def test_a_mounted_path_that_has_gone_is_named_by_the_start(box: EngineWorld) -> None:
    source = box.engine.folder / f"{box.scope.project}-mounted"
    source.mkdir()
    name = made(box, "--mount", f"type=bind,source={source},target=/data")
    source.rmdir()
    assert str(source) in not_started(box, name).sentence
    (cause,) = why(box, name).causes  # neither engine writes down that it was asked to start this one
    assert cause.kind == "never-started"
    assert cause.hint == "Start it; if that fails, the answer says why."
