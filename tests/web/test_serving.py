"""The production server as a program: gunicorn with gevent, sockets included, and nothing left when it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import websocket
import yaml

from opsmodal.demo import example
from opsmodal.demo.cluster import Cluster, start

PASSWORD = "correct horse battery"
PATCHING = "from gevent import monkey\nmonkey.patch_all()"
"""As `serve` does first of all; limits that would take minutes are made shorter after it."""


class Server:
    """`opsmodal serve` on a free loopback port, with the example services of a simulated cluster applied."""

    def __init__(self, folder: Path, cluster: Cluster, *, patched: str = "pass", **settings: str) -> None:
        self.cluster = cluster
        self.data, self._log = folder / "data", folder / "log"
        self._patched = patched
        self.database = settings.get("OPSMODAL_DATABASE_URL", "")
        self._environment = {
            **os.environ,
            "OPSMODAL_ADMIN_PASSWORD": PASSWORD,
            "OPSMODAL_DATA_DIR": str(self.data),
            **settings,
        }
        (folder / "demo.yaml").write_text(cluster.kubeconfig())
        document = example.registry("demo.yaml", user="admin")
        (folder / "registry.yaml").write_text(yaml.safe_dump(document))
        self.run("apply", "-f", str(folder / "registry.yaml"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()
        self.token = re.findall(r"opm_[\w-]+", self.run("token", "create", "admin"))[0]

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        program = f"{PATCHING}\n{self._patched}\nfrom opsmodal.cli import main\nmain()"
        command = [sys.executable, "-c", program, "serve", "--bind", f"127.0.0.1:{self.port}"]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(command, env=self._environment, stdout=subprocess.DEVNULL, stderr=log)
        self.wait()

    def workers(self) -> list[int]:
        """Give the processes that the server has started."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return [int(word) for task in tasks for word in (task / "children").read_text().split()]

    def logged(self) -> list[dict[str, Any]]:
        """Read the log: every line is a JSON object."""
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    def run(self, *words: str) -> str:
        """Run a command of opsmodal."""
        command = [sys.executable, "-m", "opsmodal", *words]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def get(self, path: str) -> bytes:
        """Read from the API."""
        headers = {"Authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/v1{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return bytes(answer.read())

    def raw(self, request: bytes) -> bytes:
        """Send bytes and read what is answered, to the end."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def follow(self, query: str) -> websocket.WebSocket:
        """Open the socket that follows."""
        return websocket.create_connection(
            f"ws://127.0.0.1:{self.port}/api/v1/services/shop/logs/follow?{query}",
            header=[f"Authorization: Bearer {self.token}"],
            timeout=20,
            suppress_origin=True,
        )

    def end(self) -> int:
        """End the server as a service manager does; give its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def wait(self) -> None:
        """Wait until the server answers."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            assert self.process.poll() is None, "the server ended"
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise AssertionError("the server did not come up")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    cluster = start()
    server = Server(tmp_path_factory.mktemp("serve"), cluster)
    yield server
    if server.process.poll() is None:
        server.end()
    cluster.stop()


def test_it_serves_pages_api_and_logs(server: Server) -> None:
    assert json.loads(server.get("/services/shop/overview"))["ready"] == 4
    assert len(server.get("/services/shop/logs?tail=5").splitlines()) == 5


def test_a_follow_comes_through_gevent_and_is_resumed(server: Server) -> None:
    first = server.follow("instance=db-0&tail=1")
    lines, frame = [], {}
    while not lines:
        frame = json.loads(first.recv())
        lines += [line["text"] for line in frame["lines"]]
    first.close()
    assert server.cluster.write_log("shop", "db-0", "db", b"written while nobody listened")
    again = server.follow(f"job={frame['job']}&offset={frame['offset']}")
    lines = []
    while not any("nobody listened" in line for line in lines):
        lines += [line["text"] for line in json.loads(again.recv())["lines"]]
    again.close()


def test_many_read_at_once_while_others_follow(server: Server) -> None:
    from concurrent.futures import ThreadPoolExecutor

    sockets = [server.follow("tail=1") for _ in range(10)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: json.loads(server.get("/services/shop/instances"))["total"], range(64)))
    assert answers == [4] * 64
    assert all(json.loads(each.recv())["job"] for each in sockets)
    for each in sockets:
        each.close()


class Page:
    """A page that follows as the script does: it keeps its lines and the marks that come with them, and comes back."""

    def __init__(self, server: Server, query: str) -> None:
        self.server, self.query = server, query
        self.job, self.offset, self.began, self.marks = "", 0, "", {}
        self.lines: list[str] = []
        self.attach()

    def attach(self) -> None:
        """Open the socket: from where it was left, when it was open before."""
        again = f"&job={self.job}&offset={self.offset}&resume=1" if self.began else ""
        self.socket = self.server.follow(f"{self.query}&marks=1{again}")
        if self.began:
            self.socket.send(json.dumps({"began_at": self.began, "marks": self.marks}))
        self.take()

    def take(self) -> None:
        """Take one frame."""
        self.keep(self.socket.recv())

    def keep(self, data: bytes | str) -> None:
        """Keep what a frame holds."""
        frame = json.loads(data)
        assert "reason" not in frame, frame
        self.job, self.offset, self.began = frame["job"], frame["offset"], self.began or frame["began_at"]
        self.marks |= frame.get("marks", {})
        self.lines += [line["text"] for line in frame["lines"]]

    def until(self, text: str) -> list[str]:
        """Take frames until a line is there; give what the test wrote."""
        while text not in self.lines:
            self.take()
        return [line for line in self.lines if line.startswith("written")]

    def closing(self) -> tuple[int, str]:
        """Take frames until the server closes the socket; give its code and its reason."""
        while True:
            opcode, data = self.socket.recv_data()
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                self.socket.shutdown()
                return int.from_bytes(data[:2], "big"), data[2:].decode()
            self.keep(data)

    def until_lines(self) -> None:
        """Wait for the first lines: what is written before a log is open is not followed."""
        while not self.lines:
            self.take()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    """Give a server to a test that ends it."""
    cluster = start()
    server = Server(tmp_path, cluster)
    yield server
    if server.process.poll() is None:
        server.end()
    cluster.stop()


def write(server: Server, *numbers: int) -> None:
    for number in numbers:
        for pod, container in (("db-0", "db"), *server.web):
            assert server.cluster.write_log("shop", pod, container, f"written {number} to {pod}".encode())


def test_after_a_restart_a_follow_goes_on_with_every_line_once(own: Server) -> None:
    pods = json.loads(own.get("/services/shop/instances"))["items"]
    own.web = [(pod["name"], pod["containers"][0]["name"]) for pod in pods if pod["name"] != "db-0"]
    page = Page(own, "tail=1")
    page.until_lines()
    write(own, *range(5))
    page.until(f"written 4 to {own.web[-1][0]}")
    idle = socket.create_connection(("127.0.0.1", own.port))
    began = time.monotonic()
    own.process.send_signal(signal.SIGTERM)
    assert page.closing() == (1001, "The server restarts.")
    assert own.process.wait(30) == 0
    assert time.monotonic() - began < 6, "nobody waits for connections that are merely open"
    idle.close()
    write(own, 5, 6)
    own.start()
    page.attach()
    write(own, 7)
    expected = sorted(f"written {number} to {pod}" for number in range(8) for pod in ("db-0", *dict(own.web)))
    deadline = time.monotonic() + 20
    while len(page.until("written 7 to db-0")) < len(expected) and time.monotonic() < deadline:
        page.take()
    assert sorted(page.until("written 7 to db-0")) == expected
    page.socket.close()


def test_a_request_under_way_is_answered_before_the_end(own: Server) -> None:
    form = f"name=admin&password={PASSWORD.replace(' ', '+')}".encode()
    head = (
        b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nSec-Fetch-Site: same-origin\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(form)
    )
    with socket.create_connection(("127.0.0.1", own.port), timeout=20) as connection:
        connection.sendall(head + form[:10])
        own.get("/services")  # answered after ours was begun
        own.process.send_signal(signal.SIGTERM)
        _until_refused(own.port)
        connection.sendall(form[10:])
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 303 ")
    assert own.process.wait(8) == 0


def test_a_body_that_drips_holds_no_connection_for_long(tmp_path: Path) -> None:
    cluster = start()
    server = Server(tmp_path, cluster, patched="import opsmodal.cli.worker as worker; worker.BODY_MAX_S = 1.0")
    head = b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nContent-Length: 1000\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(head + b"Content-Type: application/x-www-form-urlencoded\r\n\r\n")
        began = time.monotonic()
        with suppress(OSError):
            while time.monotonic() - began < 20:
                connection.sendall(b"a")
                time.sleep(0.1)
        assert 0.9 < time.monotonic() - began < 10
    assert json.loads(server.get("/services/shop/overview"))["ready"] == 4
    server.end()
    cluster.stop()


def _until_refused(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.05)
    raise AssertionError("connections are still accepted")


def test_pages_that_watch_rows_are_told_to_come_back_too(own: Server) -> None:
    address = f"ws://127.0.0.1:{own.port}/api/v1/services/shop/live"
    headers = [f"Authorization: Bearer {own.token}"]
    watching = websocket.create_connection(address, header=headers, timeout=20, suppress_origin=True)
    watching.recv()
    own.process.send_signal(signal.SIGTERM)
    opcode = data = None
    while opcode != websocket.ABNF.OPCODE_CLOSE:
        opcode, data = watching.recv_data()
    assert int.from_bytes(data[:2], "big") == 1001
    watching.shutdown()
    assert own.process.wait(8) == 0


def test_a_hang_up_starts_workers_anew_without_refusing_anybody(own: Server) -> None:
    page = Page(own, "instance=db-0&tail=1")
    page.until_lines()
    before = own.workers()
    own.process.send_signal(signal.SIGHUP)
    assert page.closing()[0] == 1001
    page.attach()
    assert own.cluster.write_log("shop", "db-0", "db", b"written after")
    assert page.until("written after") == ["written after"]
    page.socket.close()
    deadline = time.monotonic() + 20
    while set(own.workers()) & set(before) and time.monotonic() < deadline:
        assert own.get("/services/shop/overview")
    assert own.workers()
    assert not set(own.workers()) & set(before)


def test_a_worker_that_is_killed_leaves_nothing_and_its_pages_go_on(own: Server) -> None:
    page = Page(own, "instance=db-0&tail=1")
    page.until_lines()
    os.kill(own.workers()[0], signal.SIGKILL)
    with suppress(websocket.WebSocketException):
        while True:
            page.socket.recv()
    page.socket.close()
    assert own.cluster.write_log("shop", "db-0", "db", b"written meanwhile")
    own.wait()
    page.attach()
    assert page.until("written meanwhile") == ["written meanwhile"]
    page.socket.close()
    assert list((own.data / "streams").iterdir()) == []
    assert own.end() == 0


def test_the_log_is_one_json_object_a_line_with_the_id_of_the_request(server: Server) -> None:
    asked = b"GET /sign-in?ticket=never-to-be-seen HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    answer = server.raw(asked + b"X-Request-Id: given-by-proxy\r\n\r\n").decode()
    assert "X-Request-Id: given-by-proxy" in answer
    line = next(each for each in server.logged() if each.get("request_id") == "given-by-proxy")
    assert (line["message"], line["method"], line["path"], line["status"]) == ("request", "GET", "/sign-in", 401)
    assert line["duration_ms"] > 0
    assert "never-to-be-seen" not in json.dumps(server.logged())


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 431),
        (b"nonsense <script>\r\n\r\n", 400),
    ],
)
def test_what_is_no_request_is_answered_in_our_words(server: Server, request_bytes: bytes, status: int) -> None:
    head, _, body = server.raw(request_bytes).decode().partition("\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ")
    assert "X-Request-Id: " in head
    assert '<a href="/services">' in body
    assert "nonsense" not in body


def test_nobody_on_loopback_makes_the_server_believe_in_https(server: Server) -> None:
    form = f"name=admin&password={PASSWORD.replace(' ', '+')}".encode()
    answer = server.raw(
        b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Forwarded-Proto: https\r\n"
        b"Origin: http://localhost\r\nSec-Fetch-Site: same-origin\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s" % (len(form), form)
    ).decode()
    assert "Set-Cookie: opsmodal=" in answer


def test_it_ends_in_order_while_somebody_follows(server: Server) -> None:
    following = server.follow("instance=db-0&tail=1")
    following.recv()
    assert server.end() == 0
    following.close()
