"""What keeps the list of an engine's containers live: its events, its silence, its restarts, and who is looking."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from connectors.direct import Direct
from runtimes.base import Watch
from runtimes.engine import containerwatch
from runtimes.podman.open import open_podman
from runtimes.standing import GRACE_S
from runtimes.watched import Pace
from tests.contract.test_live import RECOVER_S, SHOWN_S, awaited, moves, rows
from tests.contract.world_engine import STAY, EngineWorld, running
from tests.contract.worlds import World, settle
from tests.engines.podman import Podman

pytestmark = pytest.mark.parametrize("engine", ["docker", "podman"], indirect=True)

NOTICED_S = containerwatch.PING_EVERY_S + containerwatch.PING_MAX_S + GRACE_S + 1.0
"""How soon an engine that hangs must be noticed."""
PAGES = 5
STORM_CONTAINERS, STORM_ROUNDS = 6, 8
STEADY_S = 12.0
"""Long enough for two renewals of the figures."""


@pytest.fixture
def box(world: World) -> EngineWorld:
    """Give the world as what it is here."""
    assert isinstance(world, EngineWorld)
    return world


@pytest.fixture
def watch(box: EngineWorld) -> Iterator[Watch]:
    """Watch the service, and return once its list is being kept live."""
    with closing(box.runtime.instances.watch(box.scope)) as opened:
        settle(lambda: moves(box), "a watch")
        yield opened


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (("kill",), "exited (137)"),
        (("stop", "--time", "0"), "exited (137)"),
        (("pause",), "paused"),
    ],
)
def test_what_is_done_on_the_host_shows_within_a_second(
    box: EngineWorld, watch: Watch, command: tuple[str, ...], status: str
) -> None:
    name = box.healthy()
    awaited(watch, lambda: name in rows(box), "the container")
    box.engine.cli(*command, name)
    awaited(watch, lambda: rows(box)[name].status == status, status)
    if command == ("pause",):
        box.engine.cli("unpause", name)
        awaited(watch, lambda: rows(box)[name].status == "running", "going on")


def test_a_new_name_shows_and_the_old_one_goes(box: EngineWorld, watch: Watch) -> None:
    name = box.healthy()
    awaited(watch, lambda: name in rows(box), "the container")
    box.engine.cli("rename", name, f"{name}-new")
    awaited(watch, lambda: list(rows(box)) == [f"{name}-new"], "the new name")


def test_a_health_that_turns_shows(box: EngineWorld, watch: Watch) -> None:
    check = ("--health-cmd", "test -e /well", "--health-interval", "1s", "--health-retries", "1")
    name = box.run(f"touch /well; {STAY}", running, *check)

    def checked(status: str) -> bool:
        if box.kind == "podman":  # without systemd nothing runs podman's checks
            box.engine.cli("healthcheck", "run", name, check=False)
        return bool(box.inspect(name)["State"]["Health"]["Status"] == status)

    settle(lambda: checked("healthy"), "healthy")
    later_s = SHOWN_S + containerwatch.LATE_S
    awaited(watch, lambda: rows(box)[name].status == "running", "healthy in the list", within_s=later_s)
    box.engine.cli("exec", name, "rm", "/well")
    settle(lambda: checked("unhealthy"), "unhealthy")
    awaited(watch, lambda: rows(box)[name].status == "unhealthy", "unhealthy in the list", within_s=later_s)


def test_a_container_shows_before_its_figures_do(box: EngineWorld, watch: Watch) -> None:
    settle(lambda: rows(box) == {}, "an empty list")
    name = box.healthy()
    began = time.monotonic()
    awaited(watch, lambda: name in rows(box), "the container")
    assert time.monotonic() - began < SHOWN_S
    awaited(watch, lambda: rows(box)[name].usage.memory_bytes is not None, "its figures", within_s=RECOVER_S)


@pytest.mark.often("docker")
def test_five_pages_ask_the_engine_what_one_does(box: EngineWorld, watch: Watch) -> None:
    box.replicas(2)

    def cost(pages: int) -> Counter[str]:
        with ExitStack() as stack:
            watches = [stack.enter_context(closing(box.runtime.instances.watch(box.scope))) for _ in range(pages)]
            readers = [threading.Thread(target=page, args=(each,), name="page") for each in watches]
            settle(lambda: not watch.wait(1.0), "quiet")
            asked_before, until[0] = len(box.asked), time.monotonic() + STEADY_S
            for reader in readers:
                reader.start()
            for reader in readers:
                reader.join()
            return Counter(what.rsplit("/", 1)[-1] for what in box.asked[asked_before:])

    def page(opened: Watch) -> None:
        while (left_s := until[0] - time.monotonic()) > 0:
            box.runtime.instances.list(box.scope)
            box.runtime.overview.read(box.scope)
            box.runtime.overview.desired(box.scope)
            opened.wait(left_s)

    until = [0.0]
    one, five = cost(1), cost(PAGES)
    print(f"{box.kind}: {STEADY_S:g} s, 1 page {dict(one)}, {PAGES} pages {dict(five)}")
    assert one["json"] == five["json"] == 0, "rows come out of memory"
    assert sum(five.values()) <= 2 * sum(one.values()), "a renewal may fall on either side"


@pytest.mark.often("podman")
def test_a_storm_of_changes_ends_in_the_truth_and_is_not_asked_for_one_by_one(box: EngineWorld, watch: Watch) -> None:
    names = [box.run(STAY, running) for _ in range(STORM_CONTAINERS)]
    awaited(watch, lambda: set(rows(box)) == set(names), "the containers")
    before = len(box.asked)
    for _ in range(STORM_ROUNDS):
        box.engine.cli("pause", *names)
        box.engine.cli("unpause", *names)
    box.engine.cli("pause", names[0])
    box.engine.cli("rm", "-f", names[1])
    left = dict.fromkeys(names[2:], "running") | {names[0]: "paused"}
    awaited(watch, lambda: {name: row.status for name, row in rows(box).items()} == left, "the truth", within_s=2.0)
    inspected = sum(what.endswith("/json") for what in box.asked[before:])
    assert inspected <= 2 * STORM_ROUNDS * STORM_CONTAINERS + 10, "at most one look for each event"


def test_what_events_leave_out_is_found_by_looking_again(box: EngineWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containerwatch, "WORDS", ("no-such-word",))
    monkeypatch.setattr(containerwatch, "RELOOK_S", 0.5)
    monkeypatch.setattr(containerwatch, "PING_EVERY_S", 0.2)
    with closing(box.runtime.instances.watch(box.scope)) as watch:
        settle(lambda: moves(box), "a watch")
        name = box.healthy()
        awaited(watch, lambda: name in rows(box), "what no event told", within_s=2.0)
        box.remove(name)
        awaited(watch, lambda: rows(box) == {}, "the end that no event told", within_s=2.0)


def test_an_orderly_restart_of_the_engine_is_survived(box: EngineWorld, watch: Watch) -> None:
    name = box.healthy()
    awaited(watch, lambda: name in rows(box), "the container")
    box.engine.restart()
    awaited(watch, lambda: not box.runtime.instances.list(box.scope).stale, "recovery", within_s=RECOVER_S)
    status = "running" if running(box.inspect(name)) else f"exited ({box.inspect(name)['State']['ExitCode']})"
    awaited(watch, lambda: rows(box)[name].status == status, status)


@pytest.mark.often("docker")
def test_an_engine_that_hangs_is_noticed_and_then_goes_on(box: EngineWorld, watch: Watch) -> None:
    name = box.healthy()
    awaited(watch, lambda: name in rows(box), "the container")
    with box.engine.hanging():
        awaited(watch, lambda: box.runtime.instances.list(box.scope).stale, "stale", within_s=NOTICED_S)
        began = time.monotonic()
        assert name in rows(box)
        assert box.runtime.overview.read(box.scope).stale
        assert time.monotonic() - began < 1, "nobody waits for an engine that hangs"
    awaited(watch, lambda: not box.runtime.instances.list(box.scope).stale, "recovery", within_s=RECOVER_S)


def test_a_service_that_a_socket_starts_stays_while_somebody_looks_and_may_end_afterwards(box: EngineWorld) -> None:
    if not isinstance(box.engine, Podman):
        box.skip("does not end by itself")
    path = box.engine.folder / f"{box.scope.project}.activated"
    name = box.healthy()
    with closing(box.engine.activated(path, idle_s=1)) as service, ExitStack() as stack:
        runtime = open_podman("activated", socket=str(path), connection=Direct(), pace=Pace(idle_s=1.0))
        stack.callback(runtime.close)
        with closing(runtime.instances.watch(box.scope)) as watch:
            settle(lambda: [each.name for each in runtime.instances.list(box.scope).items] == [name], "the list")
            begun = service.starts
            time.sleep(3)  # three times as long as the service lives when nobody looks
            assert (service.running, service.starts) == (True, begun)
            box.remove(name)
            awaited(watch, lambda: runtime.instances.list(box.scope).items == (), "the end of the container")
        settle(lambda: not service.running, "the end of the service", within_s=RECOVER_S)
        other = box.healthy()
        assert [each.name for each in runtime.instances.list(box.scope).items] == [other]
        assert service.starts == begun + 1


@pytest.mark.often("podman")
def test_after_the_last_look_nothing_is_kept(box: EngineWorld) -> None:
    runtime = box.reopened(Pace(idle_s=1.0))
    watch = runtime.instances.watch(box.scope)
    settle(lambda: moves(box), "a watch")
    lists = box.asked.count("GET /containers/json")
    watch.close()
    settle(lambda: not kept(), "the end of the watch", within_s=RECOVER_S)
    asked = len(box.asked)
    time.sleep(2 * containerwatch.PING_EVERY_S)
    assert len(box.asked) == asked, "an engine that nobody looks at is left alone"
    name = box.healthy()
    assert list(rows(box)) == [name]
    assert box.asked.count("GET /containers/json") == lists + 1


def kept() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith(("watch: ", "events: "))]
