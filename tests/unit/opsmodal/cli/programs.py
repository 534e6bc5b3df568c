"""Runs `opsmodal` as people do: as a program of its own, with an environment of its own."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

RUN_S = 60
END_S = 30
PROGRAM = (sys.executable, "-c", "from opsmodal.cli import main; main(prog_name='opsmodal')")


@dataclass(frozen=True)
class Done:
    """How a run ended."""

    code: int
    out: str
    err: str


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give an environment without settings of the machine that runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPSMODAL_")}
    return {**kept, **(more or {})}


def run(*args: str | Path, given: bytes = b"", env: Mapping[str, str] | None = None) -> Done:
    """Run a command to its end."""
    argv = [*PROGRAM, *map(str, args)]
    done = subprocess.run(argv, input=given, capture_output=True, timeout=RUN_S, check=False, env=environment(env))
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


class Running:
    """A command that goes on."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._lines: Queue[str] = Queue()
        self._thread = Thread(target=self._collect, name="output", daemon=True)
        self._thread.start()

    def line(self, within_s: float = RUN_S) -> str:
        """Give the next line of its output."""
        try:
            return self._lines.get(timeout=within_s)
        except Empty:
            raise AssertionError(f"no line within {within_s} s") from None

    def end(self, how: signal.Signals = signal.SIGTERM) -> Done:
        """Ask it to end; give how it ended and what it said in the meantime."""
        self.process.send_signal(how)
        code = self.process.wait(END_S)
        self._thread.join(END_S)
        assert self.process.stderr is not None
        rest = []
        while not self._lines.empty():
            rest.append(self._lines.get())
        return Done(code, "\n".join(rest), self.process.stderr.read().decode())

    def _collect(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.decode().rstrip("\n"))


@contextmanager
def running(*args: str | Path, env: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Start a command that goes on, and end it with the block."""
    argv: Sequence[str] = [*PROGRAM, *map(str, args)]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(env))
    try:
        yield Running(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(END_S)
        for pipe in (process.stdout, process.stderr):
            assert pipe is not None
            pipe.close()


def free_port() -> int:
    """Give a port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def asked(
    port: int, path: str, *, method: str = "GET", body: str = "", **headers: str
) -> tuple[int, str, Mapping[str, str]]:
    """Ask a server; give status, text and headers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body=body, headers=sent)
        response = connection.getresponse()
        return response.status, response.read().decode(), dict(response.headers)
    finally:
        connection.close()


def answered(port: int, path: str, token: str) -> object:
    """Ask the API with a token; give the JSON."""
    status, text, _ = asked(port, f"/api/v1{path}", Authorization=f"Bearer {token}")
    assert status == 200, text
    return json.loads(text)


def await_answer(port: int, within_s: float = RUN_S) -> None:
    """Wait until a server answers."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            if asked(port, "/healthz")[0] == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"no answer within {within_s} s")
