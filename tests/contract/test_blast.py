"""What else is hit when instances go is said the same way on every runtime, and names nothing of other services."""

from __future__ import annotations

import pytest

from runtimes.errors import Missing
from tests.contract.worlds import World


def ids(world: World, names: list[str]) -> list[str]:
    rows = {row.name: row.id for row in world.runtime.instances.list(world.scope).items}
    return [rows[name] for name in names]


def test_one_of_two_leaves_one_ready_and_both_leave_none(world: World) -> None:
    names = list(world.replicas(2))
    one, both = ids(world, names[:1]), ids(world, names)
    assert not any("last ready" in words for words in world.runtime.instances.blast(world.scope, one).touched)
    found = world.runtime.instances.blast(world.scope, both)
    assert any("2 are the last ready ones of" in words for words in found.touched), found
    assert found.unknown == ()


def test_who_makes_them_again_is_said(world: World) -> None:
    if world.kind != "kubernetes":
        world.skip("makes no container again")
    alone, made = world.healthy(), world.replicas(1)[0]
    assert f"nothing makes {alone} again" in world.runtime.instances.blast(world.scope, [alone]).touched
    found = world.runtime.instances.blast(world.scope, [made]).touched
    assert any(words.startswith("the last ready pod of deployment ") for words in found)
    assert any(words.startswith("deployment ") and words.endswith(" makes it again") for words in found)


def test_another_services_instances_are_not_looked_around(world: World) -> None:
    strange = world.healthy(elsewhere=True)
    other = next(row.id for row in world.runtime.instances.list(world.other_scope).items)
    with pytest.raises(Missing):
        world.runtime.instances.blast(world.scope, [other])
    assert world.exists(strange)
