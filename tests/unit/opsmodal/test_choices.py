"""What people chose: each for themselves and each service, gone with either."""

from __future__ import annotations

import pytest

from opsmodal.choices import Choices
from opsmodal.people import People
from opsmodal.registry.registry import Registry
from opsmodal.store import Store, Vault


@pytest.fixture
def choices(store: Store) -> Choices:
    people = People(store)
    people.add("alice", password="correct horse battery")
    people.add("bob", password="correct horse battery")
    return Choices(store)


def test_who_never_chose_has_chosen_nothing(choices: Choices) -> None:
    assert choices.get("alice", "shop") is None
    assert choices.of("alice") == {}


def test_a_choice_is_for_one_person_and_one_service(choices: Choices) -> None:
    choices.set("alice", "shop", "lan")
    choices.set("alice", "blog", "auto")
    choices.set("bob", "shop", "bastion")
    choices.set("alice", "shop", "vpn")
    assert choices.of("alice") == {"shop": "vpn", "blog": "auto"}
    assert (choices.get("alice", "shop"), choices.get("bob", "shop")) == ("vpn", "bastion")
    assert choices.get("bob", "blog") is None


def test_a_choice_goes_with_its_service(choices: Choices, store: Store, vault: Vault) -> None:
    registry = Registry(store, vault)
    registry.put("runtimes", {"name": "edge", "kind": "docker", "socket": "/nowhere"})
    registry.put("services", {"name": "shop", "runtime": "edge", "project": "shop"})
    choices.set("alice", "shop", "direct")
    choices.set("alice", "blog", "direct")
    registry.remove("services", "shop")
    assert choices.of("alice") == {"blog": "direct"}
