"""The audit log of a server that is killed: what it was doing is closed as interrupted, what it forwards arrives."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from opsmodal.demo.cluster import Cluster, start
from tests.engines.process import CannotStart
from tests.unit.opsmodal.audit.receivers import Webhook
from tests.unit.opsmodal.store.postgresql import started
from tests.web.test_serving import Server

WAIT_S = 40
LINES, LINE_BYTES = 150, 100_000
"""Fifteen megabytes: more than the buffers between the server and a reader that reads nothing."""
NEW_WORKER_S = 6
"""In this time a new worker has looked at what is open, and the old one still waits for the download."""
RUNNING_COMMAND = """
import os, sys, time
from pathlib import Path
from opsmodal.cli.opened import opened, settings_of
from opsmodal.audit import Row
from opsmodal.permissions import Actor
with opened(settings_of()) as installation:
    installation.audit.intend(Row(actor=Actor(name="cli:test"), action="user.add", target="beside"))
    print("begun", flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    made = start()
    for _ in range(LINES):
        assert made.write_log("shop", "db-0", "db", b"x" * LINE_BYTES)
    yield made
    made.stop()


@pytest.fixture
def server(tmp_path: Path, cluster: Cluster) -> Iterator[Server]:
    made = Server(tmp_path, cluster)
    yield made
    if made.process.poll() is None:
        made.end()


def killed(server: Server) -> None:
    """Kill every process of a server at once, as a power cut does."""
    workers = server.workers()
    for pid in (server.process.pid, *workers):
        os.kill(pid, signal.SIGKILL)
    server.process.wait(20)
    until(lambda: not any(_lives(pid) for pid in workers), "the workers are gone")


def _lives(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


@contextmanager
def slow_download(server: Server) -> Iterator[http.client.HTTPResponse]:
    """Begin a download, and read nothing of it."""
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=WAIT_S)
    headers = {"Authorization": f"Bearer {server.token}"}
    line.request("GET", "/api/v1/services/shop/logs?instance=db-0&download=true", headers=headers)
    answer = line.getresponse()
    try:
        yield answer
    finally:
        answer.close()
        line.close()


def entries(server: Server, action: str) -> list[dict[str, Any]]:
    """Read the entries of an action, newest first."""
    found = json.loads(server.get(f"/audit?action={action}"))["items"]
    assert isinstance(found, list)
    return found


def test_what_a_killed_server_was_doing_is_interrupted_and_a_command_beside_it_is_not(server: Server) -> None:
    environment = {**server._environment}
    beside = subprocess.Popen(
        [sys.executable, "-c", RUNNING_COMMAND], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert beside.stdout is not None
    try:
        assert beside.stdout.readline() == "begun\n"
        with slow_download(server):
            until(lambda: entries(server, "logs.download")[:1] != [], "the download is written down")
            assert entries(server, "logs.download")[0]["outcome"] == "running"
            killed(server)
        server.start()
        until(lambda: entries(server, "logs.download")[0]["outcome"] == "interrupted", "the download is closed")
        assert entries(server, "logs.download")[0]["detail"].startswith("The process that ran this ended")
        assert next(each for each in entries(server, "user.add") if each["target"] == "beside")["outcome"] == "running"
    finally:
        beside.kill()
        beside.wait(20)
        beside.stdout.close()
    until(
        lambda: (
            next(each for each in entries(server, "user.add") if each["target"] == "beside")["outcome"] == "interrupted"
        ),
        "the killed command is closed",
    )
    assert "rows are whole" in server.run("audit", "verify")


@pytest.mark.exhaustive
def test_a_restart_by_a_signal_interrupts_nothing(server: Server) -> None:
    with slow_download(server) as answer:
        until(lambda: entries(server, "logs.download")[:1] != [], "the download is written down")
        before = server.workers()
        server.process.send_signal(signal.SIGHUP)
        until(lambda: any(pid not in before for pid in server.workers()), "the new worker is there")
        deadline = time.monotonic() + NEW_WORKER_S
        while time.monotonic() < deadline:
            assert entries(server, "logs.download")[0]["outcome"] != "interrupted"
            time.sleep(0.2)
        while len(answer.read(1_000_000)) == 1_000_000:
            pass
    until(lambda: entries(server, "logs.download")[0]["outcome"] != "running", "the download has ended")
    assert entries(server, "logs.download")[0]["outcome"] in ("done", "stopped")


@pytest.mark.exhaustive
def test_a_worker_that_is_killed_beside_another_is_noticed_and_the_others_actions_go_on(
    tmp_path: Path, cluster: Cluster
) -> None:
    try:
        with started() as postgresql:
            address = {"OPSMODAL_DATABASE_URL": postgresql.new_database(), "OPSMODAL_WORKERS": "2"}
            server = Server(tmp_path, cluster, **address)
            try:
                _kill_the_worker_of_one_of_two_downloads(server)
            finally:
                server.end()
    except CannotStart as reason:
        pytest.skip(str(reason))


def _kill_the_worker_of_one_of_two_downloads(server: Server) -> None:
    with slow_download(server), slow_download(server), slow_download(server), slow_download(server):
        until(lambda: len(entries(server, "logs.download")) == 4, "the downloads are written down")
        victim, *_ = server.workers()
        rows = [json.loads(line) for line in server.get("/audit/export").splitlines()]
        marks = {row["id"]: row["detail"] for row in rows if row["action"] == "logs.download"}
        lost = {number for number, mark in marks.items() if mark.split(" ")[2] == str(victim)}
        os.kill(victim, signal.SIGKILL)

        def outcomes() -> dict[int, str]:
            return {each["id"]: each["outcome"] for each in entries(server, "logs.download")}

        until(lambda: all(outcomes()[number] == "interrupted" for number in lost), "what it did is closed")
        time.sleep(11)  # one more round of whoever has the duty
        assert {number for number, outcome in outcomes().items() if outcome == "interrupted"} == lost


@pytest.mark.exhaustive
def test_rows_reach_a_webhook_in_order_and_all_of_them_though_the_server_is_killed_again_and_again(
    tmp_path: Path, cluster: Cluster
) -> None:
    hook = Webhook()
    path = tmp_path / "forwarded.jsonl"
    targets = f"http://127.0.0.1:{hook.port}/rows,file:{path}"
    server = Server(tmp_path, cluster, OPSMODAL_AUDIT_FORWARD=targets, OPSMODAL_AUDIT_HEADS_EVERY_S="1")
    ending = threading.Event()
    writers = [threading.Thread(target=_write, args=(server, ending), daemon=True) for _ in range(2)]
    try:
        for writer in writers:
            writer.start()
        for round_number in range(2):
            hook.manners = ["500", "reset"]
            taken = len(hook.lines())
            until(lambda taken=taken: len(hook.lines()) > taken + 10, f"rows are forwarded, round {round_number}")  # type: ignore[misc]
            killed(server)
            server.start()
        ending.set()
        for writer in writers:
            writer.join(WAIT_S)
        until(lambda: all(not each["behind"] for each in _state(server)), "both targets have taken everything")
        exported = [json.loads(line) for line in server.get("/audit/export").splitlines()]
        for name, lines in (("webhook", hook.lines()), ("file", path.read_bytes().splitlines())):
            rows = _unique(lines)
            assert rows == exported[: len(rows)], name
            assert len(rows) >= len(exported) - 2, "all but the export itself"
        assert "rows are whole" in server.run("audit", "verify", "--heads", str(path))
    finally:
        ending.set()
        server.end()
        hook.close()


def _write(server: Server, ending: threading.Event) -> None:
    """Read a log away again and again, whatever becomes of the server: each time leaves two rows."""
    while not ending.is_set():
        with suppress(OSError, urllib.error.URLError, http.client.HTTPException):
            server.get("/services/shop/logs?instance=web&download=true&tail=1")
        time.sleep(0.01)


def _state(server: Server) -> list[dict[str, Any]]:
    found = json.loads(server.get("/audit/forwarding"))["items"]
    assert isinstance(found, list)
    return found


def _unique(lines: list[bytes]) -> list[dict[str, Any]]:
    """Drop heads and repeats, as a receiver does; what is new must have a higher number than all before."""
    rows: dict[int, dict[str, Any]] = {}
    for row in map(json.loads, lines):
        if row["entry"] != "head" and row["id"] not in rows:
            assert not rows or row["id"] > max(rows), "out of order"
            rows[row["id"]] = row
    return list(rows.values())


@pytest.mark.exhaustive
def test_a_clock_that_is_set_back_leaves_the_log_whole(tmp_path: Path, cluster: Cluster) -> None:
    if shutil.which("faketime") is None:
        pytest.skip("faketime is not installed here")
    server = Server(tmp_path, cluster)
    try:
        before = entries(server, "token.create")[0]
        command = ["faketime", "-f", "-3d", sys.executable, "-m", "opsmodal", "user", "add", "earlier"]
        done = subprocess.run(command, env=server._environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        newest = json.loads(server.get("/audit"))["items"][0]
        assert (newest["action"], newest["target"]) == ("user.add", "earlier")
        assert newest["id"] > before["id"]
        assert newest["at"] < before["at"]
        assert newest["duration_ms"] >= 0
        assert "rows are whole" in server.run("audit", "verify")
    finally:
        server.end()
