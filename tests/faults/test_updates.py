"""An update of a container while its server is killed, its engine's disk is full, or its line is cut, at each step.

At the end the service runs the old container or the new one, and never none. An engine that is killed, a pull that
fails, a health check that never passes, a name and a port that are taken: tests/contract/test_engine_updates.py.
"""

from __future__ import annotations

import dataclasses
import http.client
import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import pytest

from connectors.options import SshOptions
from runtimes.errors import RuntimeProblem
from runtimes.updates import Stage
from tests.bench.served import REGISTRY, Served, served
from tests.contract.relay import Relay
from tests.contract.test_engine_updates import NEW, OLD, Diary, image_of, to_new, update, updates_of
from tests.contract.ways import Way, connected, direct, hop
from tests.contract.world_engine import STAY, EngineWorld, running
from tests.contract.worlds import settle
from tests.engines import docker, podman, sshd
from tests.engines.containers import ContainerEngine
from tests.engines.process import CannotStart
from tests.faults.test_disk import fill

Kind = Literal["docker", "podman"]
NAME = "fault-web"
STEPS = {
    "creating": rb"POST (/v[\d.]+)?/containers/create",
    "stopping": rb"POST (/v[\d.]+)?/containers/\w+/stop",
    "swapping": rb"POST (/v[\d.]+)?/containers/\w+/rename\?name=fault-web-before",
    "named": rb"POST (/v[\d.]+)?/containers/\w+/rename\?name=fault-web ",
    "starting": rb"POST (/v[\d.]+)?/containers/\w+/start",
    "watching": rb"POST (/v[\d.]+)?/containers/\w+/update",
}
"""What is sent to the engine when a step begins."""
STAGES: tuple[Stage, ...] = ("pulling", "creating", "stopping", "swapping", "starting", "watching", "tidying")
FOUND_S = 90.0
"""A worker that is gone is missed after 20 s, and looked for every 5; an engine on a busy machine takes its time."""
AWAY_S = 2.0


def cases(names: Iterable[str], *often: str) -> list[Any]:
    """Give (engine, step) for each engine; all but docker with one of `often` are for `make test-all`."""
    seldom = pytest.mark.exhaustive
    return [
        pytest.param(kind, name, marks=() if kind == "docker" and name in often else seldom)
        for kind in ("docker", "podman")
        for name in names
    ]


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> ContainerEngine:
    """Give each real engine in turn."""
    found: ContainerEngine = request.getfixturevalue(f"{request.param}_engine")
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("engine", "step"), cases(STEPS, "starting"), indirect=["engine"])
def test_a_server_that_is_killed_at_a_step_finds_its_update_again(engine: ContainerEngine, step: str) -> None:
    """A real server over a relay ends by SIGKILL in the moment in which it asks the engine for the step."""
    options = ["--name", NAME, "--restart", "always", "--env", "A=1"]
    old = engine.run("sh", "-c", STAY, image=OLD, options=options)
    dead, once = threading.Event(), list[str]()
    serving: Served | None = None

    def heard(data: bytes) -> None:
        if serving is not None and not once and re.search(STEPS[step], data):
            once.append(step)
            serving.kill()
            dead.set()

    with closing(Relay(engine.socket, engine.folder / "cut.sock", heard=heard)) as relay:
        assert isinstance(relay.address, Path)
        document = _registry("docker" if engine.name == "docker" else "podman", relay.address)
        with served(document, collecting=False) as server:
            serving = server
            begin(server)
            assert dead.wait(FOUND_S), "the step never came"
            server.start()
            settle(lambda: _over(server), "the end of the update", within_s=FOUND_S)
    up = engine.cli("ps", "--filter", f"name={NAME}", "--format", "{{.Names}}").split()
    assert up == [NAME]
    shown = json.loads(engine.cli("inspect", "--type", "container", NAME))[0]
    assert "A=1" in shown["Config"]["Env"]
    assert shown["HostConfig"]["RestartPolicy"]["Name"] == "always"
    if step in ("creating", "stopping", "swapping", "named"):
        assert shown["Id"] == old


def _registry(kind: Kind, socket: Path) -> dict[str, Any]:
    runtime = {"name": "engine", "kind": kind, "socket": str(socket)}
    service = {"name": "engine", "runtime": "engine", "containers": [NAME]}
    return {**REGISTRY, "runtimes": [runtime], "services": [service]}


def begin(server: Served) -> None:
    """Ask for the update; the server may be dead before it answers."""
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=FOUND_S)
    headers = {"Authorization": f"Bearer {server.tokens[0]}", "Content-Type": "application/json"}
    body = json.dumps({"image": NEW, "pull": False})
    with suppress(OSError, http.client.HTTPException):
        line.request("PUT", f"/api/v1/services/engine/deployment/{NAME}/image", body, headers)
        assert line.getresponse().status == 202
    line.close()


def _over(server: Served) -> bool:
    """Tell whether the update was found and has ended: its job is a second one, and stands first."""
    answer = json.loads(server.get("/api/v1/services/engine/deployment"))
    jobs = [job for job in answer["jobs"] if job["kind"] == "update"]
    return len(jobs) > 1 and jobs[0]["state"] != "running"


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """Put the data of an engine on a disk of its own."""
    from tests.faults.test_disk import _or_skip

    data = folder / "data"
    data.mkdir(exist_ok=True)
    _or_skip("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(data))
    yield data


@pytest.fixture(scope="module")
def tight(request: pytest.FixtureRequest) -> Iterator[tuple[Kind, ContainerEngine, Path]]:
    """Give an engine whose data is on a disk of 64 MB."""
    kind: Kind = request.param
    start = docker.start if kind == "docker" else podman.start
    module = docker if kind == "docker" else podman
    mounted: list[Path] = []
    own_folder = module.own_folder

    def with_disk(name: str) -> Path:
        folder = own_folder(name)
        with small_disk(folder, "64m") as data:
            mounted.append(data)
        return folder

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "own_folder", with_disk)
        try:
            made = start()
        except CannotStart as reason:
            pytest.skip(str(reason))
    yield kind, made, mounted[0]
    made.close()


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("tight", "stage"), cases(STAGES, "starting"), indirect=["tight"])
def test_a_disk_that_is_full_from_a_step_on_leaves_one_running(
    tight: tuple[Kind, ContainerEngine, Path], stage: Stage
) -> None:
    """There is room again a few seconds later: what could not be started meanwhile is tried until it runs."""
    kind, engine, disk = tight
    with direct() as way, closing(EngineWorld(kind, engine, way)) as box:
        name = box.run(STAY, running)
        ballast: list[Path] = []

        def full(each: Stage) -> None:
            if each == stage and not ballast:
                ballast.append(fill(disk))
                threading.Timer(AWAY_S, ballast[0].unlink).start()

        diary = Diary(full)
        update(box, to_new(name), diary)
        settle(lambda: not ballast[0].exists(), "room on the disk")
        assert diary.last.stage == "over"
        one_runs(box, name)


@pytest.fixture(scope="module")
def line() -> Iterator[tuple[Way, Relay]]:
    """Give a way over SSH whose line can be cut under it."""
    with closing(sshd.start()) as server, closing(Relay((server.host, server.port))) as relay:
        assert isinstance(relay.address, tuple)
        host, port = relay.address
        key = (server.folder / "host_key.pub").read_text()
        known = server.folder / "known_through_relay"
        known.write_text(f"[{host}]:{port} {key}")
        far = dataclasses.replace(server, host=host, port=port, known_hosts=known)
        with connected() as connectors:
            yield Way(connectors, SshOptions(hops=(hop(far),))), relay


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("engine", "stage"), cases(STAGES, "swapping"), indirect=["engine"])
def test_a_line_that_is_cut_at_a_step_leaves_one_running(
    engine: ContainerEngine, line: tuple[Way, Relay], stage: Stage
) -> None:
    way, relay = line
    kind: Kind = "docker" if engine.name == "docker" else "podman"
    with closing(EngineWorld(kind, engine, way)) as box:
        name = box.run(STAY, running)
        cut: list[Stage] = []

        def lose(each: Stage) -> None:
            if each == stage and not cut:
                cut.append(each)
                relay.cut()
                threading.Timer(AWAY_S, relay.mend).start()

        diary = Diary(lose)
        with_line_back(lambda: update(box, to_new(name), diary), box, diary)
        assert diary.last.stage == "over"
        one_runs(box, name)


def with_line_back(carry: Callable[[], object], box: EngineWorld, diary: Diary) -> None:
    """Carry an update on; where it was let go of, carry it on once more as the next look of a worker does."""
    try:
        carry()
    except RuntimeProblem:
        updates_of(box).carry_on(box.scope, diary.last, diary.save, diary.told.append, again=True)


def one_runs(box: EngineWorld, name: str) -> None:
    """The service runs one container, under its name, with the old image or the new one."""
    up = box.engine.cli("ps", "--filter", f"name={name}", "--format", "{{.Names}}").split()
    assert up == [name]
    assert image_of(box, name) in (OLD, NEW)
