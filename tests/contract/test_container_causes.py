"""Why a container of a real engine is not what it should be: each situation is brought about, and its cause read."""

from __future__ import annotations

import shutil
import socket
import time
from pathlib import Path

import pytest

from runtimes.base import Explanation
from runtimes.errors import Conflict, Unavailable
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
    named = ("--name", name, "--label", label, "--stop-timeout", "1")
    box.engine.cli("create", *named, *options, box.engine.images[0], "sleep", "3600")
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
    assert cause.kind in ("mount-source-missing", "mount-failed")
    assert str(source) in cause.detail
    source.mkdir()
    box.runtime.instances.start(box.scope, name)
    box.runtime.instances.stop(box.scope, name)
    assert str(source) not in repr(why(box, name))


def test_a_volume_whose_folder_was_removed_is_named(box: EngineWorld) -> None:
    volume = f"{box.scope.project}-emptied"
    box.engine.cli("volume", "create", volume)
    name = made(box, "--volume", f"{volume}:/data")
    folder = Path(box.engine.cli("volume", "inspect", volume, "--format", "{{.Mountpoint}}"))
    folder.rmdir()
    not_started(box, name)
    told = why(box, name)
    assert told.causes[0].kind == "volume-missing"
    assert volume in told.sentence
    assert str(folder) in told.causes[0].detail


def test_a_volume_that_its_engine_no_longer_has_is_named_with_the_engines_answer(box: EngineWorld) -> None:
    """Engines refuse to remove one that is used: what removes it is a hand in their storage, as here."""
    if box.kind == "podman":
        pytest.skip("podman removes the container with the volume")
    volume = f"{box.scope.project}-lost"
    box.engine.cli("volume", "create", volume)
    name = made(box, "--volume", f"{volume}:/data")
    folder = Path(box.engine.cli("volume", "inspect", volume, "--format", "{{.Mountpoint}}"))
    shutil.rmtree(folder.parent)
    box.engine.restart()
    told = settle_on(box, name, "volume-missing")
    assert f"the volume {volume} that it mounts does not exist" in told.sentence
    assert "no such volume" in told.causes[0].detail


def test_an_image_that_was_removed_is_named_with_the_engines_answer(box: EngineWorld) -> None:
    if box.kind == "podman":
        pytest.skip("podman removes the containers with the image")
    name, image = of_own_image(box)
    box.engine.cli("rmi", "-f", image)
    told = why(box, name)
    assert [cause.kind for cause in told.causes] == ["never-started", "image-missing"]
    assert f"the image {image} that it was made of is not on the host" in told.causes[1].detail.lower()
    assert "No such image" in told.causes[1].detail
    box.runtime.instances.start(box.scope, name)  # its layers are there as long as it is
    box.runtime.instances.stop(box.scope, name)
    assert "image-missing" in {cause.kind for cause in why(box, name).causes}


def test_an_image_whose_layers_were_removed_is_why_it_cannot_start(box: EngineWorld) -> None:
    name, image = of_own_image(box)
    lower = box.engine.cli("inspect", name, "--format", "{{.GraphDriver.Data.LowerDir}}").split(":")
    layer = next(Path(each) for each in lower if (Path(each) / "tmp" / "layer").exists())
    moved = layer.rename(layer.with_name("moved"))
    try:
        not_started(box, name)
        told = why(box, name)
        assert told.causes[0].kind == "image-missing"
        assert "layers of the image" in told.sentence
        assert "overlay" in told.causes[0].detail
    finally:
        moved.rename(layer)
        box.engine.cli("rm", "-f", name)
        box.engine.cli("rmi", "-f", image)


def of_own_image(box: EngineWorld) -> tuple[str, str]:
    """Make a container of an image with a layer that no other has; give the names of both."""
    filled = box.run("echo its own > /tmp/layer", exited)
    image = f"{box.scope.project}:own"
    box.engine.cli("commit", filled, image)
    box.engine.cli("rm", filled)
    name = f"made-{time.monotonic_ns()}"
    label = f"com.docker.compose.project={box.scope.project}"
    box.engine.cli("create", "--name", name, "--label", label, "--stop-timeout", "1", image, "sleep", "3600")
    return name, image


def settle_on(box: EngineWorld, name: str, kind: str) -> Explanation:
    """Wait until the runtime reaches its engine again and explains it by this kind."""

    def told() -> bool:
        try:
            return kind in {cause.kind for cause in why(box, name).causes}
        except Unavailable:
            return False

    settle(told, f"the cause {kind}")
    return why(box, name)
