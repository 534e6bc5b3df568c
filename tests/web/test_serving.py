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
from pathlib import Path

import pytest
import websocket
import yaml

from opsmodal.demo import example
from opsmodal.demo.cluster import Cluster, start

PASSWORD = "correct horse battery"


class Server:
    """`opsmodal serve` on a free loopback port, with the example services of a simulated cluster applied."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self.cluster = cluster
        self._environment = {
            **os.environ,
            "OPSMODAL_ADMIN_PASSWORD": PASSWORD,
            "OPSMODAL_DATA_DIR": str(folder / "data"),
        }
        (folder / "demo.yaml").write_text(cluster.kubeconfig())
        document = example.registry("demo.yaml", user="admin")
        (folder / "registry.yaml").write_text(yaml.safe_dump(document))
        self.run("apply", "-f", str(folder / "registry.yaml"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [sys.executable, "-m", "opsmodal", "serve", "--bind", f"127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(
            command, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._wait()
        self.token = re.findall(r"opm_[\w-]+", self.run("token", "create", "admin"))[0]

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

    def _wait(self) -> None:
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


def test_it_ends_in_order_while_somebody_follows(server: Server) -> None:
    following = server.follow("instance=db-0&tail=1")
    following.recv()
    assert server.end() == 0
    following.close()
