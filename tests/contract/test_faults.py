"""When the engine cannot be reached every facet says so in a sentence, in time, and works again afterwards."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest

from runtimes.base import LogQuery
from runtimes.errors import Unavailable
from tests.contract.worlds import World

ANSWER_S = 15.0


def asked(world: World, name: str) -> dict[str, Callable[[], object]]:
    runtime, scope = world.runtime, world.scope
    assert runtime.logs is not None
    logs = runtime.logs
    asks: dict[str, Callable[[], object]] = {
        "check": runtime.check,
        "discover": runtime.discover,
        "overview": lambda: runtime.overview.read(scope),
        "list": lambda: runtime.instances.list(scope),
        "get": lambda: runtime.instances.get(scope, name),
        "cause": lambda: runtime.instances.cause(scope, name),
        "logs": lambda: list(logs.read(scope, LogQuery(instance=name))),
    }
    if "delete" in runtime.instances.verbs:
        asks["delete"] = lambda: runtime.instances.delete(scope, name, force=False)
    return asks


@pytest.mark.smoke
def test_a_dead_engine_is_unavailable_everywhere_and_then_comes_back(world: World) -> None:
    name = world.healthy()
    world.line.cut()
    for what, ask in asked(world, name).items():
        began = time.monotonic()
        with pytest.raises(Unavailable) as caught:
            pytest.fail(f"{what} gave {ask()!r}")
        assert time.monotonic() - began < ANSWER_S, what
        assert caught.value.sentence, what
        assert "Traceback" not in caught.value.sentence
        assert "object at 0x" not in repr(caught.value.args) + caught.value.detail
    world.line.mend()
    assert world.exists(name)
    for ask in asked(world, name).values():
        ask()


@pytest.mark.smoke
def test_behind_a_tunnel_the_reason_is_the_one_that_its_far_end_knows(world: World) -> None:
    if world.connection.kind == "direct":
        world.skip("is dialled directly, and says so itself")
    world.healthy()
    world.line.cut()
    for ask in (world.runtime.check, lambda: world.runtime.overview.read(world.scope)):
        with pytest.raises(Unavailable) as caught:
            ask()
        assert not re.search("hung up|was closed|reset", caught.value.sentence), caught.value.sentence
        assert caught.value.sentence in str(world.connection.standing().problem)


def test_connections_that_died_while_nobody_asked_are_not_noticed(world: World) -> None:
    name = world.healthy()
    for _ in range(3):
        assert [each.name for each in world.runtime.instances.list(world.scope).items] == [name]
        world.line.cut()
        world.line.mend()
        world.runtime.overview.read(world.scope)


def test_a_closed_runtime_can_be_closed_again_and_refuses_in_words(world: World) -> None:
    world.runtime.close()
    world.runtime.close()
    with pytest.raises(Unavailable):
        world.runtime.instances.list(world.scope)
