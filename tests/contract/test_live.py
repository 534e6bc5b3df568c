"""A list changes by itself, tells who waits for it, and says how old it is: the same on every runtime."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from runtimes.base import Instance, Watch
from tests.contract.worlds import World, settle

SHOWN_S = 1.0
"""How soon a change on the engine must be in the list."""
RECOVER_S = 10.0
READERS = 5


@pytest.fixture
def watch(world: World) -> Iterator[Watch]:
    """Watch the service, and return once the list moves with the clock: it is being watched then."""
    with closing(world.runtime.instances.watch(world.scope)) as opened:
        settle(lambda: moves(world), "a watch")
        yield opened


def moves(world: World) -> bool:
    first = world.runtime.instances.list(world.scope).as_of
    return world.runtime.instances.list(world.scope).as_of > first


def rows(world: World) -> dict[str, Instance]:
    return {each.name: each for each in world.runtime.instances.list(world.scope).items}


def awaited(watch: Watch, condition: Callable[[], bool], what: str, *, within_s: float = SHOWN_S) -> None:
    """Wait until `condition` holds, looking again only when the watch says that there is something to see."""
    deadline = time.monotonic() + within_s
    while not condition():
        told = watch.wait(max(0.0, deadline - time.monotonic()))
        assert told, f"{what}: nothing was told within {within_s:g} s"


@pytest.mark.smoke
def test_what_appears_and_goes_is_told_within_a_second(world: World, watch: Watch) -> None:
    made = world.healthy()
    awaited(watch, lambda: made in rows(world) and rows(world)[made].ready, "the new one")
    world.remove(made)
    awaited(watch, lambda: made not in rows(world), "its end")


def test_another_service_is_watched_and_not_shown(world: World, watch: Watch) -> None:
    world.healthy(elsewhere=True)
    own = world.healthy()
    awaited(watch, lambda: own in rows(world), "the own one")
    assert list(rows(world)) == [own]


def test_a_quiet_service_tells_nothing_but_figures(world: World, watch: Watch) -> None:
    settle(lambda: not watch.wait(2.0), "quiet")


def test_a_cut_line_shows_the_last_truth_and_recovers_by_itself(world: World, watch: Watch) -> None:
    name = world.healthy()
    awaited(watch, lambda: name in rows(world), "the instance")
    world.line.cut()
    awaited(watch, lambda: world.runtime.instances.list(world.scope).stale, "stale", within_s=RECOVER_S)
    began = time.monotonic()
    old = world.runtime.instances.list(world.scope)
    assert time.monotonic() - began < 1
    assert [each.name for each in old.items] == [name]
    assert old.problem.endswith((".", "?"))
    assert world.runtime.instances.list(world.scope).as_of == old.as_of, "what is old must not seem to get younger"
    world.remove(name)
    world.line.mend()
    awaited(watch, lambda: not world.runtime.instances.list(world.scope).stale, "recovery", within_s=RECOVER_S)
    awaited(watch, lambda: rows(world) == {}, "the truth")


def test_an_engine_that_died_and_came_back_is_shown_as_it_then_is(world: World, watch: Watch) -> None:
    name = world.healthy()
    awaited(watch, lambda: name in rows(world), "the instance")
    world.crash()
    awaited(watch, lambda: world.runtime.instances.list(world.scope).stale, "stale", within_s=RECOVER_S)
    assert name in rows(world)
    world.revive()
    awaited(watch, lambda: not world.runtime.instances.list(world.scope).stale, "recovery", within_s=RECOVER_S)
    other = world.healthy()
    awaited(watch, lambda: other in rows(world), "what came afterwards")


def test_a_line_that_is_cut_again_and_again_loses_nothing(world: World, watch: Watch) -> None:
    made: list[str] = []
    for _ in range(3):
        world.line.cut()
        made.append(world.healthy())
        world.line.mend()
        awaited(watch, lambda: sorted(rows(world)) == sorted(made), "every instance", within_s=RECOVER_S)


def test_what_was_done_here_is_in_the_very_next_list(world: World, watch: Watch) -> None:
    name = world.healthy()
    awaited(watch, lambda: name in rows(world), "the instance")
    if "restart" in world.runtime.instances.verbs:
        before = rows(world)[name].containers[0].started_at
        world.runtime.instances.restart(world.scope, name)
        assert rows(world)[name].containers[0].started_at != before
    else:
        world.runtime.instances.delete(world.scope, name, force=False)
        assert name not in rows(world) or rows(world)[name].status == "Terminating"


def test_many_readers_have_one_watch_between_them(world: World, watch: Watch) -> None:
    readers = [world.runtime.instances.watch(world.scope) for _ in range(READERS)]
    try:
        # Other tests keep watches in this process: an engine's is named by its runtime, a cluster's by the namespace.
        own = world.scope.namespace or "containers of test"
        names = [each.name for each in threading.enumerate() if each.name.startswith("watch: ")]
        assert len([name for name in names if own in name]) == 1
        made = world.healthy()
        for each in [*readers, watch]:
            awaited(each, lambda: made in rows(world), "the new one")
    finally:
        for each in readers:
            each.close()
    assert not any(each.wait(0.0) for each in readers[:1]) or readers[0].ended


def test_who_waits_is_woken_when_the_watch_is_closed(world: World, watch: Watch) -> None:
    world.healthy()
    settle(lambda: not watch.wait(0.5), "quiet")
    woken = threading.Event()

    def wait() -> None:
        while not watch.ended:
            watch.wait(60.0)
        woken.set()

    waiting = threading.Thread(target=wait, name="waits", daemon=True)
    waiting.start()
    watch.close()
    watch.close()
    assert woken.wait(5.0)
    waiting.join(5.0)


def test_a_closed_runtime_ends_its_watches(world: World, watch: Watch) -> None:
    world.runtime.close()
    assert watch.ended
    assert watch.wait(5.0)
    assert not watch.wait(0.0)
