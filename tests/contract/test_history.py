"""The History facet tells what happens, is used and runs, on every runtime, and nothing of another service."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import pytest

from runtimes.base import Scope
from runtimes.errors import RuntimeProblem
from runtimes.history import History, Report
from tests.contract.worlds import POLL_S, SETTLE_S, World

MEASURED_S = 90.0
"""Metrics servers measure every 15 to 60 s."""


def history_of(world: World) -> History:
    assert world.runtime.history is not None
    return world.runtime.history


@contextmanager
def heard(world: World, scopes: Sequence[Scope]) -> Iterator[list[Report]]:
    """Listen in a thread for as long as the block lasts; give what is heard."""
    told: list[Report] = []
    stream = history_of(world).events(scopes)

    def listen() -> None:
        with suppress(RuntimeProblem):
            for report in stream:
                told.append(report)

    thread = threading.Thread(target=listen, name="listening", daemon=True)
    thread.start()
    try:
        yield told
    finally:
        stream.close()
        thread.join(20)
        assert not thread.is_alive(), "closing a stream ends who reads it"


def eventually(found: Callable[[], object], *, within_s: float = SETTLE_S) -> object:
    deadline = time.monotonic() + within_s
    while not (answer := found()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(POLL_S)
    return answer


def names(told: Sequence[Report], instance: str) -> list[Report]:
    return [report for report in told if report.subject.endswith(f"/{instance}")]


def test_what_happens_is_told_while_it_happens_and_again_to_who_comes_later(world: World) -> None:
    with heard(world, [world.scope]) as told:
        instance = world.healthy()
        eventually(lambda: names(told, instance))
    with heard(world, [world.scope]) as again:
        eventually(lambda: {one.key for one in names(again, instance)} >= {one.key for one in names(told, instance)})
    assert {report.service for report in told} == {world.scope.service}


def test_services_that_share_a_stream_are_told_apart(world: World) -> None:
    scopes = [world.scope, world.other_scope]
    if len({history_of(world).place(scope) for scope in scopes}) > 1:
        scopes = [world.scope]
    with heard(world, scopes) as told:
        mine, other = world.healthy(), world.healthy(elsewhere=True)
        eventually(lambda: names(told, mine))
        if len(scopes) > 1:
            eventually(lambda: names(told, other))
    assert {report.service for report in names(told, mine)} == {world.scope.service}
    assert {report.service for report in names(told, other)} <= {world.other_scope.service}


def test_a_container_that_ends_and_starts_again_is_a_restart_with_its_exit_code(world: World) -> None:
    with heard(world, [world.scope]) as told:
        instance = world.crashing(exit_code=3)
        restarts = eventually(
            lambda: [one for one in names(told, instance) if one.about == "restart"], within_s=2 * SETTLE_S
        )
    assert isinstance(restarts, list)
    assert "exit code 3" in restarts[0].message
    assert restarts[0].kind == "Warning"


def test_usage_is_that_of_the_services_own_instances(world: World) -> None:
    mine = world.healthy()
    world.healthy(elsewhere=True)
    history = history_of(world)
    rows = {row.name: row.id for row in world.runtime.instances.list(world.scope).items}

    def measured() -> bool:
        used = history.usage([world.scope])[world.scope.service]
        assert set(used.figures) <= set(rows.values())
        return rows[mine] in used.figures or bool(used.note and not used.figures and "not installed" in used.note)

    eventually(measured, within_s=MEASURED_S)


def test_versions_name_the_images_of_what_runs(world: World) -> None:
    world.replicas(2)
    versions = history_of(world).versions([world.scope])[world.scope.service]
    assert versions
    assert all(each.images for each in versions)
    assert not history_of(world).versions([world.other_scope])[world.other_scope.service]


def test_a_closed_runtime_ends_its_streams(world: World) -> None:
    with heard(world, [world.scope]):
        world.runtime.close()
    with pytest.raises(RuntimeProblem):
        history_of(world).events([world.scope])
