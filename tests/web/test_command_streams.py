"""Streaming commands on two workers with the real kubectl: a page that comes back, others that watch, and every end."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import websocket

from opsmodal.demo.cluster import start
from tests.engines.kubectl import NoKubectl, find_kubectl
from tests.engines.process import CannotStart
from tests.unit.opsmodal.store.postgresql import started
from tests.web.test_serving import Server

WORKERS = 2
PAGES = 12
"""So many that not all of them land on one of two workers."""
FOLLOWING = "kubectl logs -f db-0 -c db --tail=1"
DEADLINE_S = 30.0
PROMISED_S = 5.0
"""Within this an ended right is felt, on whichever worker."""
FREED_S = 65.0
"""Within this the places of a worker that died are free: its minute, and a beat of another one."""


class Streams(Server):
    """A server whose API runs and stops commands."""

    def call(self, method: str, path: str, body: object = None, *, token: str = "") -> tuple[int, Any, dict[str, str]]:
        """Call the API; give the status, the JSON and the headers."""
        headers = {"Authorization": f"Bearer {token or self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        url = f"http://127.0.0.1:{self.port}/api/v1/services/shop/commands{path}"
        request = urllib.request.Request(url, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read() or b"null"), dict(answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read()), dict(error.headers)

    def begin(self, line: str = FOLLOWING, *, token: str = "") -> str:
        """Start a streaming command, as soon as there is a place for it, and give its id."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            status, value, _ = self.call("POST", "", {"command": line, "mode": "streaming"}, token=token)
            if status == 201:
                return str(value["id"])
            assert status == 429, value
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def watch(self, command: str, offset: int = 0, *, token: str = "") -> Watching:
        """Open the socket of a command's output."""
        return Watching(self, command, offset, token or self.token)

    def outcome(self, command: str) -> str:
        """Say how a command stands by its record."""
        _, value, _ = self.call("GET", f"/{command}")
        return str(value["row"]["outcome"])

    def children(self) -> list[int]:
        """Give the kubectls that run under the server's workers, however deep."""
        found, left = [], self.workers()
        while left:
            process = left.pop()
            try:
                words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
                tasks = list(Path(f"/proc/{process}/task").iterdir())
                left += [int(word) for task in tasks for word in (task / "children").read_text().split()]
            except OSError:
                continue
            if words[0].endswith(b"kubectl"):
                found.append(process)
        return found


class Watching:
    """A page that watches a command: keeps the text and where it is, and comes back there."""

    def __init__(self, server: Streams, command: str, offset: int, token: str) -> None:
        self._server, self._command, self._token = server, command, token
        self.offset, self.text, self.last = offset, "", dict[str, Any]()
        self.attach()

    def attach(self) -> None:
        path = f"/api/v1/services/shop/commands/{self._command}/output?offset={self.offset}"
        self.socket = websocket.create_connection(
            f"ws://127.0.0.1:{self._server.port}{path}",
            header=[f"Authorization: Bearer {self._token}"],
            timeout=DEADLINE_S,
            suppress_origin=True,
        )

    def take(self) -> None:
        """Take one frame."""
        frame = json.loads(self.socket.recv())
        if "data" in frame:
            self.offset, self.text = frame["offset"], self.text + frame["data"]
        else:
            self.last = frame

    def until(self, text: str) -> None:
        while text not in self.text:
            self.take()
            assert not self.last, self.last

    def end(self) -> dict[str, Any]:
        """Take everything, and give the last frame."""
        while not self.last:
            self.take()
        self.socket.close()
        return self.last


def until(condition: Callable[[], object], within_s: float = DEADLINE_S) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "the deadline passed"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Streams]:
    try:
        kubectl = find_kubectl()
        with started() as postgresql:
            cluster = start()
            settings = {
                "OPSMODAL_DATABASE_URL": postgresql.new_database(),
                "OPSMODAL_WORKERS": str(WORKERS),
                "OPSMODAL_KUBECTL": str(kubectl),
            }
            server = Streams(tmp_path_factory.mktemp("serve"), cluster, **settings)
            yield server
            if server.process.poll() is None:
                server.end()
            cluster.stop()
    except (CannotStart, NoKubectl) as reason:
        pytest.skip(str(reason))


@pytest.fixture(autouse=True)
def _places(server: Streams) -> None:
    """Stop what a try of a test that failed left running: it would keep the places of the next one."""
    if server.process.poll() is None:
        _, value, _ = server.call("GET", "")
        for row in value["history"]["items"]:
            if row["outcome"] == "running":
                server.call("DELETE", f"/{row['id']}")


def write(server: Streams, *texts: str) -> None:
    for text in texts:
        assert server.cluster.write_log("shop", "db-0", "db", text.encode())


def test_a_page_that_comes_back_anywhere_loses_and_repeats_nothing(server: Streams) -> None:
    command, mark = server.begin(), secrets.token_hex(4)
    page = server.watch(command)
    page.until("\n")
    first = page.text  # as far as it has come: more of what the pod said at its start may follow
    for number in range(PAGES):
        write(server, f"{mark} {number}")
        page.until(f"{mark} {number}\n")
        page.socket.close()
        write(server, f"unseen {mark} {number}")
        page.attach()
        page.until(f"unseen {mark} {number}\n")
    said = "".join(f"{mark} {number}\nunseen {mark} {number}\n" for number in range(PAGES))
    assert page.text[page.text.index(mark) :] == said
    assert page.text.startswith(first)
    assert page.text.count(first) == 1
    server.call("DELETE", f"/{command}")
    assert page.end()["reason"] == "stopped"


def test_other_pages_watch_on_every_worker_and_any_of_them_stops_it(server: Streams) -> None:
    command = server.begin()
    pages = [server.watch(command) for _ in range(PAGES)]
    write(server, "for all of you")
    for page in pages:
        page.until("for all of you\n")
    assert len(server.children()) >= 1
    status, _, _ = server.call("DELETE", f"/{command}")
    assert status in (200, 202, 204)
    lasts = [page.end() for page in pages]
    assert {page.text for page in pages} == {pages[0].text}
    assert all(last == lasts[0] for last in lasts)
    assert (lasts[0]["reason"], lasts[0]["sentence"]) == ("stopped", "admin stopped the command.")
    assert lasts[0]["bytes"] == len(pages[0].text.encode())
    until(lambda: not server.children())
    assert server.outcome(command) == "stopped"
    again = server.watch(command)
    assert again.end() == lasts[0]
    assert again.text == pages[0].text


def test_three_at_a_time_over_all_workers_and_then_later(server: Streams) -> None:
    commands = [server.begin() for _ in range(3)]
    for _ in range(PAGES):  # on whichever worker
        status, problem, headers = server.call("POST", "", {"command": FOLLOWING, "mode": "streaming"})
        assert status == 429
        assert int(headers["Retry-After"]) >= 1
        assert problem["detail"] == "You already have 3 streaming commands running."
    server.call("DELETE", f"/{commands[0]}")
    commands[0] = server.begin()
    for command in commands:
        server.call("DELETE", f"/{command}")
    until(lambda: not server.children())


def test_one_that_exits_by_itself_says_so_and_its_record_has_all_of_it(server: Streams) -> None:
    command = server.begin("kubectl logs db-0 -c db --tail=2")
    page = server.watch(command)
    last = page.end()
    assert (last["reason"], last["exit_code"]) == ("exited", 0)
    assert last["bytes"] == len(page.text.encode()) > 0
    until(lambda: server.outcome(command) == "exited")
    _, value, _ = server.call("GET", f"/{command}")
    assert value["stdout"] == page.text


def test_it_ends_with_the_right_or_the_sign_in_of_its_person(server: Streams) -> None:
    rita = f"rita-{secrets.token_hex(4)}"
    server.run("user", "add", rita, "--admin")
    token = re.findall(r"opm_[\w-]+", server.run("token", "create", rita))[0]
    command = server.begin(token=token)
    mine, theirs = server.watch(command), server.watch(command, token=token)
    mine.until("\n")
    server.run("user", "disable", rita)
    ended = time.monotonic()
    last = mine.end()
    assert time.monotonic() - ended < PROMISED_S
    assert (last["reason"], last["sentence"]) == ("stopped", "The sign-in or the right that began this has ended.")
    assert theirs.end()["reason"] in ("refused", "stopped")
    until(lambda: not server.children())


def test_when_its_worker_is_killed_it_is_lost_and_its_places_are_free(server: Streams) -> None:
    commands = [server.begin() for _ in range(3)]
    pages = [server.watch(command) for command in commands]
    for page in pages:
        page.until("\n")
    killed = time.monotonic()
    for worker in server.workers():
        os.kill(worker, signal.SIGKILL)
    for page in pages:
        page.socket.shutdown()
    server.wait()
    until(lambda: not server.children())
    for command in commands:
        until(lambda command=command: server.outcome(command) == "lost", FREED_S)
        last = server.watch(command).end()
        assert last["reason"] == "lost"
        assert last["sentence"] == "The server that ran the command died: what it has done is not known."
    began = server.begin()
    assert time.monotonic() - killed < FREED_S
    server.call("DELETE", f"/{began}")


def test_many_watch_many_while_lines_are_written(server: Streams) -> None:
    commands = [server.begin() for _ in range(3)]
    pages = [server.watch(command) for command in commands for _ in range(4)]
    for page in pages:
        page.until("\n")
    mark = secrets.token_hex(4)
    lines = [f"{mark} {number}" for number in range(200)]
    writing = threading.Thread(target=write, args=(server, *lines))
    writing.start()
    for page in pages:
        page.until(f"{lines[-1]}\n")
        assert [line for line in page.text.splitlines() if line.startswith(mark)] == lines
    writing.join(DEADLINE_S)
    for command in commands:
        server.call("DELETE", f"/{command}")
    assert {page.end()["reason"] for page in pages} == {"stopped"}


def test_the_end_of_the_server_ends_its_commands_and_leaves_nothing(server: Streams) -> None:
    server.begin()
    until(server.children)
    children = server.children()
    assert server.end() == 0
    assert [process for process in children if Path(f"/proc/{process}").exists()] == []
    assert list((server.data / "streams").glob("*")) == []
