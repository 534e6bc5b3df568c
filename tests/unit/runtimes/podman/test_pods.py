from __future__ import annotations

import socket
import time

import pytest

from runtimes.engine.answers import Version
from runtimes.engine.opening import Dialled, PodSource
from runtimes.engine.pods import Membership
from runtimes.engine.problems import Place
from runtimes.errors import Unavailable
from runtimes.podman.client import LibpodClient
from runtimes.podman.pods import Listed, memberships, pod_source
from tests.unit.runtimes.kubernetes.canned import Canned, canned, http

PLACE = Place(kind="podman", address="unix:///run/podman/podman.sock", socket="/run/podman/podman.sock")


def decoded(answer: bytes) -> list[Listed]:
    dialled = Dialled(address=PLACE.address, files=None, place=PLACE, timeout_s=1)
    return LibpodClient(dialled, version="4.0.0").decoded(answer, list[Listed])


def test_members_and_infra_containers_are_told_apart_and_others_left_out() -> None:
    answer = b"""[
        {"Id": "a", "Pod": "0123456789abcdef", "PodName": "web", "IsInfra": true},
        {"Id": "b", "Pod": "0123456789abcdef", "PodName": "web", "Ports": null},
        {"Id": "c", "Pod": "0123456789abcdef"},
        {"Id": "d", "Pod": ""}
    ]"""
    assert memberships(decoded(answer)) == {
        "a": Membership("web", infra=True),
        "b": Membership("web"),
        "c": Membership("0123456789ab"),
    }


def source(server: Canned, *, timeout_s: float = 2.0) -> PodSource:
    place = Place(kind="podman", address=f"tcp://127.0.0.1:{server.port}", socket="")
    return pod_source(Dialled(address=place.address, files=None, place=place, timeout_s=timeout_s), Version())


def test_a_redirect_leads_nowhere() -> None:
    """A hostile engine could send the server to whatever it reaches: a metadata service, a neighbour."""
    with canned(http(200, b'[{"Id": "a", "Pod": "b"}]')) as elsewhere:
        location = f"Location: {elsewhere.url}/latest/meta-data"
        with canned(http(302, b"", location)) as server, pytest.raises(Unavailable):
            source(server).read()
        assert elsewhere.heard == []
        assert source(elsewhere).read() == {"a": Membership("b")}


def dribble(near: socket.socket) -> None:
    near.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
    for _ in range(5000):
        near.sendall(b" ")
        time.sleep(0.05)


def test_a_list_that_dribbles_or_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.monotonic()
    with canned(dribble) as server, pytest.raises(Unavailable, match=r"did not answer within 0\.5 s"):
        source(server, timeout_s=0.5).read()
    assert time.monotonic() - began < 3
    monkeypatch.setattr("runtimes.engine.api.ANSWER_MAX_BYTES", 100_000)
    with canned(http(200, b" " * 1_000_000)) as server, pytest.raises(Unavailable, match="not a container engine"):
        source(server).read()


ANSWERS = {
    "nothing": b"",
    "a page": b"<html>",
    "an object": b'{"cause": "x"}',
    "no ids": b"[{}]",
    "no bottom": b"[" * 100_000,
    "no text": b'[{"Id": "\xff"}]',
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_of_something_else_is_not_taken_for_a_list(answer: bytes) -> None:
    with pytest.raises(Unavailable, match="not a container engine"):
        decoded(answer)
