"""Both ways in on the production server, gunicorn with gevent: its own reading of headers, and calls that hang."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from opsmodal.demo.cluster import Cluster
from opsmodal.oidc.line import CALL_MAX_S
from tests.engines import evil as evils
from tests.engines.evil import CLIENT, Evil
from tests.web.test_serving import Server

DISCOVERY = "/.well-known/openid-configuration"
SPELLINGS = ("X_Remote_User", "x_remote-user", "X-REMOTE_USER", "X-Remote-User ", "X-Remote-User\t", " X-Remote-User")
SETTINGS = {"OPSMODAL_SIGN_IN_HEADER": "X-Remote-User", "OPSMODAL_SIGN_IN_HEADER_FROM": "127.0.0.1"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, example_cluster: Cluster) -> Iterator[Server]:
    """Serve an installation behind a proxy that signs people in, with one user beside admin."""
    served = Server(tmp_path_factory.mktemp("served"), example_cluster, **SETTINGS)
    served.run("user", "add", "viewer")
    yield served
    assert served.end() == 0


@pytest.fixture
def evil(server: Server) -> Iterator[Evil]:
    with evils.started() as provider:
        entry = {"issuer": provider.issuer, "clientId": CLIENT, "create": True}
        asked = urllib.request.Request(
            f"http://127.0.0.1:{server.port}/api/v1/registry/oidc",
            data=json.dumps(entry).encode(),
            headers={"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"},
            method="PUT",
        )
        with urllib.request.urlopen(asked, timeout=20) as answer:
            assert answer.status == 200
        yield provider


def status_of(server: Server, *lines: str, path: str = "/registry") -> int:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as line:
        head = "\r\n".join([f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *lines, "", ""])
        line.sendall(head.encode())
        return int(line.makefile("rb").readline().split()[1])


def got(server: Server, path: str, cookie: str = "") -> tuple[int, str, str]:
    """Give status, Location and the cookies that are set."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
    answer = connection.getresponse()
    answer.read()
    cookies = "; ".join(one.partition(";")[0] for one in answer.headers.get_all("Set-Cookie") or ())
    connection.close()
    return answer.status, answer.headers.get("Location", ""), cookies


def test_the_header_is_read_as_it_is_meant(server: Server) -> None:
    assert status_of(server, "X-Remote-User: admin") == 200
    assert status_of(server, "x-remote-user: admin") == 200
    assert status_of(server, "X-Remote-User: viewer") == 403
    assert status_of(server) == 303


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_another_spelling_makes_nobody_else(server: Server, spelling: str, first: bool) -> None:
    lines = [f"{spelling}: admin", "X-Remote-User: viewer"]
    assert status_of(server, *(lines if first else reversed(lines))) in (303, 400, 401, 403)
    assert status_of(server, f"{spelling}: admin") in (303, 400, 401)


@pytest.mark.parametrize("second", ["admin", "viewer", ""])
def test_a_header_that_comes_twice_is_nobody(server: Server, second: str) -> None:
    assert status_of(server, "X-Remote-User: admin", f"X-Remote-User: {second}") in (400, 401)


def test_somebody_signs_in_with_the_provider(server: Server, evil: Evil) -> None:
    status, location, cookie = got(server, "/sign-in/oidc?next=/services")
    assert status == 303
    asked = parse_qs(urlsplit(location).query)
    evil.nonce = asked["nonce"][0]
    back = urlencode({"code": "code", "state": asked["state"][0]})
    status, location, session = got(server, f"/sign-in/oidc/callback?{back}", cookie)
    assert (status, location) == (303, "/services")
    assert got(server, "/services", session)[0] == 200
    assert got(server, f"/sign-in/oidc/callback?{back}", cookie)[0] == 401, "each state once, in every worker"


@pytest.mark.parametrize("how", [evils.hang, evils.drip])
def test_a_provider_that_hangs_keeps_nobody_else_waiting(server: Server, evil: Evil, how: type) -> None:
    evil.broken[DISCOVERY] = how(evil)
    answers: list[tuple[int, float]] = []

    def ask() -> None:
        began = time.monotonic()
        status, _, _ = got(server, "/sign-in/oidc")
        answers.append((status, time.monotonic() - began))

    waiting = [threading.Thread(target=ask, name=f"waiting-{number}") for number in range(5)]
    for thread in waiting:
        thread.start()
    longest = 0.0
    while any(thread.is_alive() for thread in waiting):
        began = time.monotonic()
        assert status_of(server, "X-Remote-User: viewer", path="/services") == 200
        longest = max(longest, time.monotonic() - began)
    for thread in waiting:
        thread.join()
    assert [status for status, _ in answers] == [503] * 5
    assert max(took for _, took in answers) < CALL_MAX_S + 5
    assert longest < 3, "pages of people who are signed in go on"
