"""Discovery proposes services whose scope lists exactly what it counted."""

from __future__ import annotations

import re

from tests.contract.worlds import World


def test_both_services_are_proposed_and_their_scopes_work(world: World) -> None:
    own, other = world.healthy(), world.healthy(elsewhere=True)
    listed = {}
    for proposal in world.runtime.discover():
        names = [each.name for each in world.runtime.instances.list(proposal.scope).items]
        if own in names or other in names:
            listed[proposal.name] = names
            assert len(names) == proposal.instances
            assert proposal.evidence
            assert proposal.scope.service == proposal.name
    assert sorted(name for names in listed.values() for name in names) == sorted([own, other])
    assert len(listed) == 2


def test_names_can_be_service_names_and_are_unique(world: World) -> None:
    world.healthy()
    names = [proposal.name for proposal in world.runtime.discover()]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name) for name in names)
