"""An update of a real container: through, refused, failed, and interrupted at every step. Never none runs."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from runtimes.base import Scope
from runtimes.changes import Change, Redeploy, SetImage
from runtimes.errors import Conflict, Invalid, Missing
from runtimes.planning import Progress
from runtimes.updates import Stage, Superseded, Update, Updates
from tests.contract.world_engine import PROJECT, STAY, EngineWorld, running
from tests.contract.worlds import World, settle
from tests.engines.images import IMAGES

pytestmark = pytest.mark.parametrize("engine", ["docker", "podman"], indirect=True)
OLD, NEW = IMAGES
STAGES: tuple[Stage, ...] = ("pulling", "creating", "stopping", "swapping", "starting", "watching", "tidying", "over")
UP_S = 1.0


class Killed(BaseException):
    """Stands for the end of the process: nothing of ours is done after it."""


class Diary:
    """What is written down before each step; `at` is called with the stage of each step that comes."""

    def __init__(self, at: Callable[[Stage], None] = lambda _: None) -> None:
        self.rows: list[Update] = []
        self.told: list[Progress] = []
        self._at = at

    def save(self, update: Update) -> None:
        self.rows.append(update)
        self._at(update.stage)

    @property
    def last(self) -> Update:
        return self.rows[-1]


@pytest.fixture
def box(world: World) -> EngineWorld:
    """Give the world as what it is here."""
    assert isinstance(world, EngineWorld)
    return world


@pytest.fixture
def port() -> str:
    """Give a port that is free just now."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return str(held.getsockname()[1])


def updates_of(box: EngineWorld) -> Updates:
    assert box.runtime.updates is not None
    return box.runtime.updates


def prepared(box: EngineWorld, change: Change) -> Update:
    return replace(updates_of(box).prepare(box.scope, change), stays_up_s=UP_S)


def update(box: EngineWorld, change: Change, diary: Diary) -> Update:
    return updates_of(box).carry_on(box.scope, prepared(box, change), diary.save, diary.told.append)


def to_new(name: str) -> SetImage:
    return SetImage(workload=f"container.{name}", image=NEW, pull=False)


def image_of(box: EngineWorld, name: str) -> str:
    return str(box.inspect(name)["Config"]["Image"]).removeprefix("localhost/")


def names(box: EngineWorld) -> list[str]:
    """Name every container of the service, running or not."""
    found = box.engine.cli("ps", "-a", "--filter", f"label={PROJECT}={box.scope.project}", "--format", "{{.Names}}")
    return sorted(found.split())


def only_one_runs(box: EngineWorld, name: str, *, image: str) -> None:
    """The service runs one container, under its name, with this image."""
    up = box.engine.cli("ps", "--filter", f"label={PROJECT}={box.scope.project}", "--format", "{{.Names}}")
    assert up.split() == [name]
    assert image_of(box, name) == image


def nothing_is_left(box: EngineWorld, name: str) -> None:
    assert [each for each in names(box) if each.startswith(name)] == [name]


def test_a_container_gets_another_image_and_keeps_its_settings(box: EngineWorld, port: str) -> None:
    options = ("--publish", f"127.0.0.1:{port}:80", "--env", "A=1", "--restart", "always", "--volume", "/data")
    name = box.run(STAY, running, *options)
    before, diary = box.inspect(name), Diary()
    done = update(box, to_new(name), diary)
    after = box.inspect(name)
    assert done.stage == "over"
    assert [row.stage for row in diary.rows] == list(STAGES)
    assert diary.told[-1].state == "done"
    only_one_runs(box, name, image=NEW)
    assert after["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert "A=1" in after["Config"]["Env"]
    assert after["HostConfig"]["PortBindings"] == before["HostConfig"]["PortBindings"]
    assert [each["Name"] for each in after["Mounts"]] == [each["Name"] for each in before["Mounts"]]
    kept = box.inspect(f"{name}-before-{done.id}")
    assert kept["Id"] == before["Id"]
    if box.kind == "docker":  # podman 4.3 cannot change it
        assert kept["HostConfig"]["RestartPolicy"]["Name"] == "no"


def test_the_one_before_goes_with_the_next_update(box: EngineWorld) -> None:
    name = box.run(STAY, running)
    first = update(box, to_new(name), Diary())
    second = replace(prepared(box, Redeploy(workload=name)), before=first.old)
    updates_of(box).carry_on(box.scope, second, Diary().save, lambda _: None)
    assert names(box) == sorted([name, f"{name}-before-{second.id}"])
    assert image_of(box, name) == NEW


def test_one_that_ends_at_once_is_undone_by_itself(box: EngineWorld) -> None:
    name = box.run("grep -q 1 /etc/version || exit 7; sleep 3600", running)
    diary = Diary()
    update(box, to_new(name), diary)
    only_one_runs(box, name, image=OLD)
    nothing_is_left(box, name)
    assert diary.told[-1].state == "failed"
    assert "ended with 7" in diary.told[-1].sentence
    assert "is as it was before, and runs" in diary.told[-1].sentence


def test_one_that_never_becomes_healthy_is_undone_by_itself(box: EngineWorld) -> None:
    check = ("--health-cmd", "grep -q 1 /etc/version", "--health-interval", "1s", "--health-retries", "1")
    name = box.run(STAY, running, *check)
    diary = Diary()
    update(box, to_new(name), diary)
    only_one_runs(box, name, image=OLD)
    nothing_is_left(box, name)
    assert "unhealthy" in diary.told[-1].sentence


def test_a_port_that_is_taken_meanwhile_undoes_it(box: EngineWorld, port: str) -> None:
    name = box.run(STAY, running, "--publish", f"127.0.0.1:{port}:80")
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

    def take(stage: Stage) -> None:
        if stage == "starting":
            settle(lambda: _taken(held, port), "the port")
        if stage == "undoing":
            held.close()

    diary = Diary(take)
    update(box, to_new(name), diary)
    only_one_runs(box, name, image=OLD)
    nothing_is_left(box, name)
    assert diary.told[-1].state == "failed"


def _taken(held: socket.socket, port: str) -> bool:
    try:
        held.bind(("127.0.0.1", int(port)))
    except OSError:
        return False
    held.listen()
    return True


def test_a_name_that_is_taken_meanwhile_leaves_the_old_one_running(box: EngineWorld) -> None:
    name = box.run(STAY, running)
    old = box.inspect(name)["Id"]

    def take(stage: Stage) -> None:
        if stage == "swapping":
            box.engine.cli("rename", old, f"{name}-before-{diary.last.id}")
            box.engine.cli("create", "--name", name, "--label", f"{PROJECT}=else", OLD, "sleep", "1")

    diary = Diary(take)
    update(box, to_new(name), diary)
    assert box.inspect(old)["State"]["Running"]
    assert "took the name" in diary.told[-1].sentence
    assert box.inspect(name)["Config"]["Labels"][PROJECT] == "else"
    box.engine.cli("rm", "-f", name)


@pytest.mark.parametrize("stage", STAGES[:-1])
def test_an_update_whose_server_was_killed_is_finished_or_undone(box: EngineWorld, stage: Stage) -> None:
    name = box.run(STAY, running, "--restart", "always")
    diary = Diary(lambda each: _die(each, stage))
    interrupted(box, to_new(name), diary)
    later = Diary()
    done = updates_of(box).carry_on(box.scope, diary.last, later.save, later.told.append, again=True)
    assert done.stage == "over"
    is_through = stage in {"watching", "tidying"}
    only_one_runs(box, name, image=NEW if is_through else OLD)
    assert later.told[-1].state == ("done" if is_through else "failed")
    if not is_through:
        nothing_is_left(box, name)
        assert box.inspect(name)["HostConfig"]["RestartPolicy"]["Name"] == "always"


@pytest.mark.parametrize("stage", STAGES[1:-1])
def test_an_update_whose_server_was_killed_after_a_step_is_found_too(box: EngineWorld, stage: Stage) -> None:
    """The step was done, and the next one not written down any more."""
    name = box.run(STAY, running)
    before = STAGES[STAGES.index(stage) - 1]
    diary = Diary(lambda each: _die(each, stage))
    interrupted(box, to_new(name), diary)
    row = next(each for each in diary.rows if each.stage == before)
    later = Diary()
    updates_of(box).carry_on(box.scope, row, later.save, later.told.append, again=True)
    up = box.engine.cli("ps", "--filter", f"label={PROJECT}={box.scope.project}", "--format", "{{.Names}}")
    assert up.split() == [name]


def _die(stage: Stage, at: Stage) -> None:
    if stage == at:
        raise Killed


def interrupted(box: EngineWorld, change: Change, diary: Diary) -> None:
    """Begin an update and stop at the diary's word, doing nothing more, as a process does that is killed."""
    facet: Any = updates_of(box)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("runtimes.engine.updates.steps.Replacement._undo", lambda *_: None)
        with pytest.raises(Killed):
            facet.carry_on(box.scope, prepared(box, change), diary.save, diary.told.append)


@pytest.mark.often("stopping", "watching")
@pytest.mark.parametrize("stage", ["creating", "stopping", "swapping", "starting", "watching"])
def test_an_engine_that_is_killed_in_between_leaves_one_running(box: EngineWorld, stage: Stage) -> None:
    name = box.run(STAY, running, "--restart", "always")

    def crash(each: Stage) -> None:
        if each == stage:
            box.crash()
            box.revive()

    diary = Diary(crash)
    update(box, to_new(name), diary)
    up = box.engine.cli("ps", "--filter", f"label={PROJECT}={box.scope.project}", "--format", "{{.Names}}")
    assert up.split() == [name]
    assert diary.last.stage == "over"


def test_a_store_that_takes_nothing_any_more_keeps_the_old_one_running(box: EngineWorld) -> None:
    name = box.run(STAY, running)

    def full(stage: Stage) -> None:
        if stage in ("starting", "undoing", "over"):
            raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        update(box, to_new(name), Diary(full))
    only_one_runs(box, name, image=OLD)
    nothing_is_left(box, name)


def test_who_is_superseded_lets_go_at_once(box: EngineWorld) -> None:
    name = box.run(STAY, running)

    def other(stage: Stage) -> None:
        if stage == "stopping":
            raise Superseded

    with pytest.raises(Superseded):
        update(box, to_new(name), Diary(other))
    assert box.inspect(name)["State"]["Running"]


def test_who_stops_it_gets_the_old_one_back(box: EngineWorld) -> None:
    name = box.run(STAY, running)

    class Enough(Exception):
        pass

    def tell(progress: Progress) -> None:
        if any(step.name == "Start the new one" and step.state == "running" for step in progress.steps):
            raise Enough

    with pytest.raises(Enough):
        updates_of(box).carry_on(box.scope, prepared(box, to_new(name)), Diary().save, tell)
    only_one_runs(box, name, image=OLD)
    nothing_is_left(box, name)


@pytest.mark.parametrize("script", [STAY, "grep -q 1 /etc/version || exit 7; exec sleep 3600"], ids=["stays", "ends"])
@pytest.mark.often("docker")
def test_what_leads_there_is_let_follow_at_the_end_and_undoes_nothing(box: EngineWorld, script: str) -> None:
    name, followed = box.run(script, running), list[Scope]()
    facet: Any = updates_of(box)

    def fail(scope: Scope) -> None:
        followed.append(scope)
        raise Conflict("The proxy does not take it.")

    facet._after = fail
    diary = Diary()
    done = update(box, to_new(name), diary)
    assert followed == [box.scope]
    assert diary.told[-1].state == ("failed" if done.why else "done")
    assert diary.told[-1].sentence.endswith("could not follow it: The proxy does not take it.")
    only_one_runs(box, name, image=OLD if done.why else NEW)


def test_a_pull_that_fails_touches_nothing(box: EngineWorld) -> None:
    name = box.run(STAY, running)
    before = box.inspect(name)
    diary = Diary()
    change = SetImage(workload=name, image="127.0.0.1:1/no/such:1", pull=True)
    update(box, change, diary)
    assert "was not pulled" in diary.told[-1].sentence or "answered" in diary.told[-1].sentence
    assert box.inspect(name)["State"]["StartedAt"] == before["State"]["StartedAt"]


def test_what_cannot_be_put_back_is_refused(box: EngineWorld) -> None:
    rm = box.run(STAY, running, "--rm")
    unit = box.run(STAY, running, "--label", "PODMAN_SYSTEMD_UNIT=web.service")
    task = box.run(STAY, running, "--label", "com.docker.swarm.task.name=web.1")
    shared = box.run(STAY, running)
    hanging = box.run(STAY, running, "--network", f"container:{shared}")
    for name, words in ((rm, "--rm"), (unit, "web.service"), (task, "swarm"), (shared, "would lose")):
        with pytest.raises(Conflict, match=words):
            prepared(box, to_new(name))
    box.engine.cli("rm", "-f", hanging)  # podman removes nothing that something hangs on


def test_another_services_container_is_not_there(box: EngineWorld) -> None:
    name = box.run(STAY, running, elsewhere=True)
    identity = box.inspect(name)["Id"]
    for wanted in (name, identity, f"container.{name}"):
        with pytest.raises(Missing):
            prepared(box, to_new(wanted))
    stray = Update(id="0" * 8, name=name, old=identity, image=NEW)
    updates_of(box).carry_on(box.scope, stray, Diary().save, lambda _: None)
    assert box.inspect(name)["State"]["Running"]
    assert names(box) == []


def test_an_image_that_is_not_there_is_said_before(box: EngineWorld) -> None:
    name = box.run(STAY, running)
    with pytest.raises(Invalid, match="is not on the engine's host"):
        prepared(box, SetImage(workload=name, image="no/such:1", pull=False))


def test_the_page_lists_what_runs_and_plans_with_the_lines_by_hand(box: EngineWorld) -> None:
    name = box.run(STAY, running, "--restart", "on-failure:3", "--memory", "64m")
    facet = box.runtime.deployment
    assert facet is not None
    (row,) = facet.list(Scope(service="own", project=box.scope.project)).items
    assert (row.id, row.kind, row.desired, row.ready) == (f"container.{name}", "Container", 1, 1)
    assert row.strategy_facts["restart_policy"] == "on-failure, at most 3 times"
    assert row.containers[0].resources is not None
    assert row.containers[0].resources.memory_limit_bytes == 64 * 1024**2
    plan = facet.plan(box.scope, to_new(name))
    assert plan.target == f"container/{name}"
    assert any(each.after == NEW for each in plan.differences)
    assert f"{box.kind} stop {name}" in plan.command
    assert "options that it was made with" in plan.command
