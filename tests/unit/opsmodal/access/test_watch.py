"""The watch over everything that is open: it tells once, cuts what does not end, and nobody keeps others from it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from opsmodal.access import Access, Needs, Watch
from opsmodal.access.watch import CUT_AFTER_S
from opsmodal.access.why import Ended
from opsmodal.actions import COMMAND_DESTROY, COMMAND_RUN, INSTANCES_VIEW, LOGS_FOLLOW
from opsmodal.audit import Audit
from opsmodal.audit.heads import Signer
from opsmodal.audit.reading import AuditLog, EntryQuery
from opsmodal.errors import AccessEnded
from opsmodal.people import People
from opsmodal.people.standing import Standing
from opsmodal.permissions import Actor, Permission
from opsmodal.registry.registry import Registry
from opsmodal.store import Store, Vault

EVERY_S = 0.05
SOON_S = 10.0


@pytest.fixture
def actor(store: Store, registry: Registry) -> Actor:
    """Give somebody with a token, who may read logs on shop."""
    people = People(store)
    people.add("alice")
    registry.put("runtimes", {"name": "edge", "kind": "docker", "socket": "/var/run/docker.sock"})
    registry.put("services", {"name": "shop", "runtime": "edge", "project": "shop"})
    registry.put("grants", {"user": "alice", "role": "developer", "services": ["shop"]})
    token = people.token(people.new_token("alice").secret)
    assert token is not None
    return Actor(name="alice", via=f"token:{token.id}")


@pytest.fixture
def watch(store: Store, registry: Registry, vault: Vault) -> Iterator[Watch]:
    watch = Watch(Standing(store), registry, Audit(store, Signer(vault)), every_s=EVERY_S)
    yield watch
    watch.close()


def until(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON_S
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def lower(registry: Registry) -> None:
    registry.put("grants", {"user": "alice", "role": "viewer", "services": ["shop"]})


def test_only_what_needs_the_right_ends_and_is_told_once(watch: Watch, registry: Registry, actor: Actor) -> None:
    told: list[Ended] = []
    with (
        watch.hold(actor, LOGS_FOLLOW, service="shop") as follow,
        watch.hold(actor, INSTANCES_VIEW, service="shop") as live,
    ):
        follow.attach(told.append)
        follow.demand()
        lower(registry)
        until(lambda: bool(told))
        with pytest.raises(AccessEnded) as ended:
            follow.demand()
        assert ended.value.word == "role-lowered"
        until(lambda: live.changes == 1)
        live.demand()
        seen = watch.looks
        until(lambda: watch.looks > seen + 2)
        assert len(told) == 1
    assert watch.count == 0


def test_what_outlives_a_sign_in_ends_with_the_right_and_not_with_the_session(
    watch: Watch, store: Store, registry: Registry, actor: Actor
) -> None:
    signed_out = replace(actor, via="session:none")
    with (
        watch.hold(signed_out, LOGS_FOLLOW, service="shop") as stream,
        watch.hold_person(signed_out, LOGS_FOLLOW, service="shop") as own,
        watch.hold_person(actor, LOGS_FOLLOW, service="shop") as by_token,
    ):
        until(lambda: stream.ended is not None)
        assert (own.ended, by_token.ended) == (None, None)
        People(store).revoke_token(actor.via.partition(":")[2])
        until(lambda: by_token.ended is not None)
        assert own.ended is None
        lower(registry)
        until(lambda: own.ended is not None)
        assert own.ended is not None
        assert own.ended.word == "role-lowered"
    with watch.hold_person(replace(signed_out, brought=frozenset({"ops"})), LOGS_FOLLOW, service="shop") as brought:
        until(lambda: brought.ended is not None)


def test_who_attaches_after_the_end_is_told_at_once(watch: Watch, registry: Registry, actor: Actor) -> None:
    with watch.hold(actor, LOGS_FOLLOW, service="shop") as follow:
        lower(registry)
        until(lambda: follow.ended is not None)
        told: list[Ended] = []
        follow.attach(told.append)
        assert [each.word for each in told] == ["role-lowered"]


def test_what_does_not_end_is_cut_and_what_has_ended_is_not(watch: Watch, registry: Registry, actor: Actor) -> None:
    stuck, gone = threading.Event(), threading.Event()
    first, second = (watch.hold(actor, LOGS_FOLLOW, service="shop") for _ in range(2))
    first.attach(lambda _: None, stuck.set)
    second.attach(lambda _: second.release(), gone.set)
    began = time.monotonic()
    lower(registry)
    assert stuck.wait(SOON_S)
    assert time.monotonic() - began >= CUT_AFTER_S
    assert not gone.is_set()
    first.release()


def test_one_that_fails_when_it_is_told_keeps_nobody_from_being_told(
    watch: Watch, registry: Registry, actor: Actor
) -> None:
    told: list[Access] = []

    def fail(_: Ended) -> None:
        raise ZeroDivisionError

    held = [watch.hold(actor, LOGS_FOLLOW, service="shop") for _ in range(3)]
    held[0].attach(fail)
    held[1].attach(lambda _: told.append(held[1]))
    held[2].attach(lambda _: told.append(held[2]))
    lower(registry)
    until(lambda: len(told) == 2)
    for each in held:
        each.release()


def test_ends_of_one_sign_in_on_one_service_are_one_row(
    watch: Watch, registry: Registry, actor: Actor, store: Store
) -> None:
    held = [watch.hold(actor, LOGS_FOLLOW, service="shop", target=f"/follow/{number}") for number in range(5)]
    lower(registry)
    until(lambda: all(each.ended for each in held))
    watch.close()
    (row,) = AuditLog(store).find(EntryQuery(action="access.ended")).entries
    assert (row.actor, row.via, row.service, row.outcome) == ("alice", actor.via, "shop", "done")
    assert row.target.endswith(" and 2 more")
    assert row.target.count("/follow/") == 3
    assert row.detail == "The grant to user alice on service shop was lowered to viewer."


def test_a_right_that_comes_back_does_not_open_what_has_ended(watch: Watch, registry: Registry, actor: Actor) -> None:
    with watch.hold(actor, LOGS_FOLLOW, service="shop") as follow:
        lower(registry)
        until(lambda: follow.ended is not None)
        registry.put("grants", {"user": "alice", "role": "manager", "services": ["shop"]})
        seen = watch.looks
        until(lambda: watch.looks > seen + 1)
        with pytest.raises(AccessEnded):
            follow.demand()


def test_settling_waits_for_a_look_that_begins_after_it(watch: Watch, registry: Registry, actor: Actor) -> None:
    with watch.hold(actor, LOGS_FOLLOW, service="shop") as follow:
        lower(registry)
        follow.settle()
        with pytest.raises(AccessEnded):
            follow.demand()


def test_everything_that_it_needs_has_to_last(watch: Watch, registry: Registry, actor: Actor) -> None:
    registry.put("grants", {"user": "alice", "role": "manager", "services": ["shop"]})
    needs = Needs(permissions=frozenset({Permission.MANAGE}))
    with (
        watch.hold(actor, COMMAND_RUN, service="shop", needs=needs) as secrets,
        watch.hold(actor, COMMAND_RUN, service="shop") as plain,
    ):
        registry.put("grants", {"user": "alice", "role": "operator", "services": ["shop"]})
        until(lambda: secrets.ended is not None)
        assert secrets.ended is not None
        assert secrets.ended.word == "role-lowered"
        until(lambda: plain.changes == 1)
        plain.demand()


def test_what_runs_on_the_runtime_needs_exec_there_whatever_it_needs_on_the_service(
    watch: Watch, registry: Registry, actor: Actor
) -> None:
    registry.put("grants", {"user": "alice", "role": "manager", "services": ["shop"]})
    registry.put("grants", {"user": "alice", "role": "operator", "runtimes": ["edge"]})
    needs = Needs(permissions=frozenset({Permission.MANAGE}), exec_on_runtime=True)
    with watch.hold(actor, COMMAND_DESTROY, service="shop", needs=needs) as runbook:
        seen = watch.looks
        until(lambda: watch.looks > seen + 2)
        runbook.demand()
        registry.put("grants", {"user": "alice", "role": "viewer", "runtimes": ["edge"]})
        until(lambda: runbook.ended is not None)
        assert runbook.ended is not None
        assert "the permission exec on the runtime edge" in runbook.ended.sentence
