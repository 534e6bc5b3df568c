from __future__ import annotations

import pytest

from runtimes.engine.pods import Membership
from runtimes.engine.problems import Place
from runtimes.errors import Unavailable
from runtimes.podman.pods import memberships

PLACE = Place(kind="podman", address="unix:///run/podman/podman.sock", socket="/run/podman/podman.sock")


def test_members_and_infra_containers_are_told_apart_and_others_left_out() -> None:
    answer = b"""[
        {"Id": "a", "Pod": "0123456789abcdef", "PodName": "web", "IsInfra": true},
        {"Id": "b", "Pod": "0123456789abcdef", "PodName": "web", "Ports": null},
        {"Id": "c", "Pod": "0123456789abcdef"},
        {"Id": "d", "Pod": ""}
    ]"""
    assert memberships(answer, place=PLACE) == {
        "a": Membership("web", infra=True),
        "b": Membership("web"),
        "c": Membership("0123456789ab"),
    }


@pytest.mark.parametrize("answer", [b"", b"<html>", b'{"cause": "x"}', b"[{}]"])
def test_an_answer_of_something_else_is_not_taken_for_a_list(answer: bytes) -> None:
    with pytest.raises(Unavailable, match="not a container engine"):
        memberships(answer, place=PLACE)
