"""The admin API as it answers, and as somebody answers who is none: nothing is believed that Caddy would not say."""

from __future__ import annotations

import socket
import time

import pytest

from connectors.direct import Direct
from runtimes.caddy.address import address
from runtimes.caddy.admin import Admin
from runtimes.caddy.steps import Step
from runtimes.errors import Conflict, Lacking, RuntimeProblem, Stale
from tests.unit.opsmodal.egress.servers import saying, serving

STEP = Step(method="POST", place=("apps", "a/../b"), body={"a": 1})
ETAG = '"/config/ d7169f5a"'
AS_TRAILER = (
    f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: ETag\r\n\r\n4\r\nnull\r\n0\r\nETag: {ETAG}\r\n\r\n"
)


def asked(port: int) -> Admin:
    return Admin(address(f"http://127.0.0.1:{port}"), Direct())


def test_an_etag_is_read_as_a_trailer_and_as_a_header() -> None:
    body = '{"apps": {}}'
    header = f"HTTP/1.1 200 OK\r\nETag: {ETAG}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    for text, root in ((header, {"apps": {}}), (AS_TRAILER, {})):
        with serving(saying(text.encode())) as port:
            found = asked(port).read()
            assert (found.root, found.etag) == (root, ETAG)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ("SSH-2.0-OpenSSH_9.2\r\n", Lacking, "is not the admin API"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull", Lacking, "is not the admin API"),
        (f"HTTP/1.1 200 OK\r\nETag: {ETAG}\r\nContent-Length: 2\r\n\r\n[]", Lacking, "is not the admin API"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", Lacking, "is not the admin API"),
        ("HTTP/1.1 302 Found\r\nLocation: http://x/\r\nContent-Length: 0\r\n\r\n", Lacking, "is not the admin API"),
        ('HTTP/1.1 403 No\r\nConnection: close\r\n\r\n{"error":"not allowed: \\u001b[31m"}', Lacking, "refuses us"),
        ("", Lacking, "does not answer"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nnull", Lacking, "is not the admin API|does not answer"),
    ],
)
def test_what_is_not_caddys_answer_is_said_as_such(answer: str, kind: type[RuntimeProblem], words: str) -> None:
    with serving(saying(answer.encode())) as port, pytest.raises(kind, match=words) as refused:
        asked(port).read()
    assert refused.value.hint
    assert "\x1b" not in refused.value.sentence


@pytest.mark.parametrize(
    ("status", "kind"), [("412 Precondition Failed", Stale), ("400 Bad Request", Conflict), ("500 Error", Conflict)]
)
def test_a_change_that_is_refused_changes_nothing(status: str, kind: type[RuntimeProblem]) -> None:
    body = '{"error":"no such module"}'
    answer = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    with serving(saying(answer.encode())) as port, pytest.raises(kind) as refused:
        asked(port).change(STEP, ETAG)
    assert "Nothing was changed" in refused.value.hint


def test_a_change_goes_to_its_place_with_its_lock() -> None:
    heard: list[bytes] = []

    def listen(line: socket.socket) -> None:
        heard.append(line.recv(65536))
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with serving(listen) as port:
        asked(port).change(STEP, ETAG)
    head, _, body = heard[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /config/apps/a%2F..%2Fb HTTP/1.1"
    assert {f"Host: 127.0.0.1:{port}".lower(), f"If-Match: {ETAG}".lower()} <= {each.lower() for each in lines}
    assert body == b'{"a":1}'


def test_an_answer_that_drips_is_cut() -> None:
    def drip(line: socket.socket) -> None:
        for byte in b"HTTP/1.1 200 OK\r\n" * 10:
            line.sendall(bytes([byte]))
            time.sleep(0.05)

    began = time.monotonic()
    with serving(drip) as port, pytest.raises(Lacking, match="nothing came in time"):
        asked(port).read(0.5)
    assert time.monotonic() - began < 10
