"""Rights that a sign-in brought along end with what gave them, under sockets that are open, within 5 s."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import websocket

from tests.engines import evil as evils
from tests.engines.evil import CLIENT, Evil
from tests.web.conftest import Installation
from tests.web.test_named import HEADER, Behind, behind, listening
from tests.web.test_oidc_forged import begun

__all__ = ["behind"]

PROMISED_S = 5.0
LIVE = "/api/v1/services/shop/live?tab=instances"


@pytest.fixture
def evil() -> Iterator[Evil]:
    with evils.started() as provider:
        yield provider


def register(installation: Installation, evil: Evil, **more: Any) -> None:
    installation.registry.put("oidc", {"issuer": evil.issuer, "clientId": CLIENT, "create": True, **more})


@contextlib.contextmanager
def socket_of(port: int, **headers: str) -> Iterator[websocket.WebSocket]:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    socket = websocket.create_connection(
        f"ws://127.0.0.1:{port}{LIVE}", header=lines, origin=f"http://127.0.0.1:{port}", timeout=20
    )
    try:
        assert "reason" not in json.loads(socket.recv())
        yield socket
    finally:
        socket.close()


def told_within_5_s(socket: websocket.WebSocket) -> str:
    """Give the sentence that a socket ends with, and check how long it took."""
    began = time.monotonic()
    while "reason" not in (frame := json.loads(socket.recv())):
        assert time.monotonic() - began < PROMISED_S
    assert time.monotonic() - began < PROMISED_S
    return str(frame["sentence"])


@pytest.mark.parametrize(
    ("given_by", "taken_by"),
    [
        ({"groups": {"/ops": "oncall"}}, {"groups": {}}),
        ({"groups": {"/ops": "oncall"}}, {"groups": {"/ops": "others"}}),
        ({"adminGroups": ["/ops"]}, {"adminGroups": []}),
    ],
)
def test_a_mapping_that_is_taken_away_ends_what_it_gave(
    changed: Installation, evil: Evil, given_by: dict[str, Any], taken_by: dict[str, Any]
) -> None:
    changed.registry.put("grants", {"group": "oncall", "role": "viewer", "services": ["shop"]})
    register(changed, evil, **given_by)
    attack = begun(changed, evil)
    evil.claims["groups"] = ["/ops"]
    assert attack.back().status_code == 303
    cookie = attack.client.get_cookie("opsmodal")
    assert cookie is not None
    with listening(changed.app) as port, socket_of(port, Cookie=f"opsmodal={cookie.value}") as socket:
        time.sleep(1.5)  # the watch has looked at it at least once, and let it be
        register(changed, evil, **taken_by)
        assert "Your access to shop has ended" in told_within_5_s(socket)


def test_a_named_persons_socket_stays_with_the_groups_of_its_header_and_ends_with_the_user(behind: Behind) -> None:
    installation = behind(sign_in_header_from=("127.0.0.1",))
    installation.registry.put("grants", {"group": "oncall", "role": "viewer", "services": ["shop"]})
    headers = {HEADER.replace("-", "_"): "nobody", "X_Remote_Groups": "oncall"}
    with listening(installation.app) as port, socket_of(port, **headers) as socket:
        socket.settimeout(2.5)
        with contextlib.suppress(websocket.WebSocketTimeoutException):
            while True:
                assert "reason" not in json.loads(socket.recv()), "the watch must know of groups that no store has"
        socket.settimeout(20)
        installation.people.disable("nobody")
        assert "the user was disabled" in told_within_5_s(socket)
