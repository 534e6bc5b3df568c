"""Several workers on PostgreSQL: a page that lands on another one finds its follow, whatever becomes of the first."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import socket
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import websocket
from prometheus_client.parser import text_string_to_metric_families

from opsmodal.demo.cluster import start
from tests.engines.process import CannotStart
from tests.unit.opsmodal.store.postgresql import started
from tests.web.test_serving import Page, Server

PAGES = 24
"""So many that not all of them land on one of two workers."""
WORKERS = 2
LONG_LINES, LONG_LINE_BYTES = 8_000, 4_000
"""More than the buffers between a server and a client that reads slowly hold."""
PROMISED_S = 5.0
"""Within this an ended right is felt, on whichever worker."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    try:
        with started() as postgresql:
            cluster = start()
            address = {"OPSMODAL_DATABASE_URL": postgresql.new_database(), "OPSMODAL_WORKERS": str(WORKERS)}
            server = Server(tmp_path_factory.mktemp("serve"), cluster, **address)
            yield server
            if server.process.poll() is None:
                server.end()
            cluster.stop()
    except CannotStart as reason:
        pytest.skip(str(reason))


def figures(server: Server, name: str) -> dict[str, float]:
    """Read a figure of each worker."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=20) as answer:
        text = answer.read().decode()
    found: dict[str, float] = defaultdict(float)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name:
                found[sample.labels["worker"]] += sample.value
    return dict(found)


def until(server: Server, name: str, total: float) -> dict[str, float]:
    deadline = time.monotonic() + 20
    while sum((found := figures(server, name)).values()) != total:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found


def write(server: Server, *texts: str) -> None:
    for text in texts:
        assert server.cluster.write_log("shop", "db-0", "db", text.encode())


def test_figures_tell_the_workers_apart_whoever_answers(server: Server) -> None:
    for _ in range(10):
        assert set(figures(server, "process_resident_memory_bytes")) == {"0", "1"}


def test_a_follow_is_found_from_every_worker_and_runs_once(server: Server) -> None:
    first = Page(server, "instance=db-0&tail=1")
    first.until_lines()
    again = [server.follow(f"job={first.job}&offset={first.offset}") for _ in range(PAGES)]
    for each in again:
        assert json.loads(each.recv())["job"] == first.job
    assert len([count for count in until(server, "opsmodal_sockets_open", PAGES + 1).values() if count]) == WORKERS
    assert sum(figures(server, "opsmodal_streams_running").values()) == 1
    write(server, "written once")
    for each in again:
        assert [line["text"] for line in json.loads(each.recv())["lines"]] == ["written once"]
        each.close()
    assert first.until("written once") == ["written once"]
    first.socket.close()


def test_when_the_worker_of_a_follow_is_killed_every_page_goes_on_with_each_line_once(server: Server) -> None:
    until(server, "opsmodal_sockets_open", 0)
    server.cluster.write_log("shop", "db-0", "db", b"before all")
    first = Page(server, "instance=db-0&tail=1")
    first.until_lines()
    pages = [first]
    for _ in range(PAGES // 4):
        page = Page(server, "instance=db-0&tail=1")
        page.socket.close()
        page.job, page.offset, page.lines = first.job, first.offset, list(first.lines)
        page.began, page.marks = first.began, dict(first.marks)
        page.attach()
        pages.append(page)
    write(server, "written 1", "written 2")
    for page in pages:
        page.until("written 2")
    os.kill(_holder_of(server, first), signal.SIGKILL)
    write(server, "written 3")
    for page in pages:
        _come_back(page)
    write(server, "written 4")
    for page in pages:
        assert page.until("written 4") == [f"written {number}" for number in (1, 2, 3, 4)]
        page.socket.close()


def test_what_is_open_on_every_worker_ends_when_the_right_ends(server: Server, tmp_path: Path) -> None:
    until(server, "opsmodal_sockets_open", 0)
    server.run("user", "add", "rita")
    lower = {"apiVersion": "opsmodal/v1", "grants": [{"user": "rita", "role": "developer", "services": ["shop"]}]}
    document = tmp_path / "rita.yaml"
    document.write_text(json.dumps(lower))
    server.run("apply", "-f", str(document))
    token = re.findall(r"opm_[\w-]+", server.run("token", "create", "rita"))[0]
    theirs = [_following(server, token) for _ in range(PAGES // 2)]
    others = [_following(server, server.token) for _ in range(2)]
    assert len([count for count in until(server, "opsmodal_sockets_open", PAGES // 2 + 2).values() if count]) == WORKERS
    lower["grants"][0]["role"] = "viewer"  # type: ignore[index]  # a document of JSON
    document.write_text(json.dumps(lower))
    server.run("apply", "-f", str(document))
    ended = time.monotonic()
    for each in theirs:
        frame = json.loads(each.recv())
        while "reason" not in frame:
            frame = json.loads(each.recv())
        assert (frame["reason"], frame["ended"]) == ("refused", "role-lowered")
    assert time.monotonic() - ended < PROMISED_S
    write(server, "for who may")
    for each in others:
        while "for who may" not in [line["text"] for line in json.loads(each.recv()).get("lines", ())]:
            pass
        each.close()
    rows = json.loads(server.get("/audit?action=access.ended&actor=rita"))["items"]
    assert 1 <= len(rows) <= WORKERS
    assert {row["detail"] for row in rows} == {"The grant to user rita on service shop was lowered to viewer."}


def test_a_download_that_runs_ends_with_its_token(server: Server) -> None:
    """In the production server: its last line arrives, and the chunk that would make it look whole does not."""
    dora = f"dora-{secrets.token_hex(3)}"  # the server is that of the other tests, and of a second try
    server.run("user", "add", dora, "--admin")
    token = re.findall(r"opm_[\w-]+", server.run("token", "create", dora))[0]
    for _ in range(LONG_LINES):
        assert server.cluster.write_log("shop", "db-0", "db", b"x" * LONG_LINE_BYTES)
    path = "/api/v1/services/shop/logs?instance=db-0&download=true"
    host = f"127.0.0.1:{server.port}"
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        connection.settimeout(20)
        connection.connect(("127.0.0.1", server.port))
        head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        taken = connection.recv(1024)
        server.run("user", "disable", dora)
        ended = time.monotonic()
        while part := connection.recv(16 * 1024):
            taken += part
            time.sleep(0.002)
    assert time.monotonic() - ended < PROMISED_S
    assert b"[opsmodal] Your access to shop has ended: the user was disabled." in taken[-1000:]
    assert not taken.endswith(b"0\r\n\r\n")
    assert len(taken) < LONG_LINES * LONG_LINE_BYTES


def _following(server: Server, token: str) -> websocket.WebSocket:
    followed = websocket.create_connection(
        f"ws://127.0.0.1:{server.port}/api/v1/services/shop/logs/follow?instance=db-0&tail=1",
        header=[f"Authorization: Bearer {token}"],
        timeout=20,
        suppress_origin=True,
    )
    assert "job" in json.loads(followed.recv())
    return followed


def test_the_limit_of_follows_counts_both_workers(server: Server) -> None:
    from opsmodal.streams import JOBS_MAX_PER_OWNER

    sockets, refused = [], 0
    for _ in range(JOBS_MAX_PER_OWNER * 2):
        sockets.append(server.follow("instance=db-0&tail=0"))
        refused += "You already follow" in json.loads(sockets[-1].recv()).get("sentence", "")
    running = sum(figures(server, "opsmodal_streams_running").values())
    for each in sockets:
        each.close()
    assert running <= JOBS_MAX_PER_OWNER
    assert refused >= JOBS_MAX_PER_OWNER


def test_the_end_leaves_no_place_and_no_spool(server: Server) -> None:
    assert server.end() == 0
    assert list((server.data / "workers").glob("*.sock")) == []
    assert list((server.data / "streams").glob("*")) == []


def _holder_of(server: Server, page: Page) -> int:
    """Give the process that runs a page's follow; the other pages' own ones are gone before that is asked."""
    from sqlalchemy import create_engine, text

    from opsmodal.store.address import checked

    engine = create_engine(checked(server.database))
    with engine.connect() as connection:
        place = connection.execute(text("SELECT place FROM jobs WHERE id = :id"), {"id": page.job}).scalar_one()
    engine.dispose()
    inode = (server.data / "workers" / f"{place}.lock").stat().st_ino
    locks = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return next(int(words[4]) for words in locks if words[1] == "FLOCK" and words[5].endswith(f":{inode}"))


def _come_back(page: Page) -> None:
    """Take what is there until the server cuts the socket, in whatever way, and come back as the script does."""
    from websocket import WebSocketException

    page.socket.settimeout(15)
    while True:
        try:
            opcode, data = page.socket.recv_data()
        except (WebSocketException, OSError):
            break
        if opcode == 8:
            break
        page.keep(data)
        if "written 3" in page.lines:
            return
    page.socket.shutdown()
    page.attach()
