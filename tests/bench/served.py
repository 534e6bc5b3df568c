"""`opsmodal serve` as a process of its own, with its registry and people: what is measured, and what it takes."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.engines.process import Daemon, own_folder, sweep
from tests.engines.sshd import HOST, free_port

ANSWER_S = 120.0
TICKS_S = os.sysconf("SC_CLK_TCK")
SETTINGS = {"PYTHONUNBUFFERED": "1"}
REGISTRY: Mapping[str, Any] = {"apiVersion": "opsmodal/v1"}
KUBERNETES = {"kind": "kubernetes", "connections": [{"name": "direct", "kind": "direct", "priority": 10}]}


@dataclass(kw_only=True)
class Served:
    """A running server. `tokens` are of different people who may do everything."""

    port: int
    daemon: Daemon
    tokens: Sequence[str]
    link: str
    data: Path

    @property
    def pid(self) -> int:
        """The process that was started; those that serve are its children."""
        return self.daemon.pid

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{HOST}:{self.port}"

    def get(
        self, path: str, *, accept: str = "application/json", kept: http.client.HTTPConnection | None = None
    ) -> bytes:
        """Read an address to its end; raise RuntimeError for anything but 200."""
        connection = kept or http.client.HTTPConnection(HOST, self.port, timeout=ANSWER_S)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.tokens[0]}", "Accept": accept})
            response = connection.getresponse()
            body = response.read()
        finally:
            if kept is None:
                connection.close()
        if response.status != 200:
            raise RuntimeError(f"GET {path} was answered {response.status}: {body[:300]!r}")
        return body

    def timed_s(self, path: str, **how: Any) -> float:
        """Read an address; give how long that took."""
        began = time.perf_counter()
        self.get(path, **how)
        return time.perf_counter() - began

    @property
    def rss_mb(self) -> float:
        """The resident memory of the serving processes, in MB (10^6 bytes)."""
        return sum(_rss_bytes(pid) for pid in self._workers()) / 1e6

    @property
    def cpu_s(self) -> float:
        """The CPU time that the serving processes have used."""
        return sum(_cpu_s(pid) for pid in self._workers())

    def kill(self) -> None:
        """End every process of it at once, as a crash or the kernel's out-of-memory killer would."""
        workers = self._workers()
        self.daemon.kill()
        for worker in workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)

    def start(self) -> None:
        """Start it again; return when it answers."""
        self.daemon.start(within_s=ANSWER_S)

    def _workers(self) -> list[int]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [int(child) for child in children] or [self.pid]


PROGRAM = ("-c", "from opsmodal.cli import main; main()")


@contextlib.contextmanager
def served(
    document: Mapping[str, Any],
    files: Mapping[str, str] | None = None,
    *,
    collecting: bool = True,
    prepare: Callable[[Path], None] = lambda _: None,
    program: Sequence[str] = PROGRAM,
) -> Iterator[Served]:
    """Serve a registry; `files` are what it names. Without `collecting` nothing is read that nobody looks at.

    `prepare` is called with the data folder before anything is served from it; `program` is `opsmodal`, or it and more.
    """
    folder = own_folder("bench")
    data, port = folder / "data", free_port()
    try:
        for name, text in (files or {}).items():
            (folder / name).write_text(text)
        tokens, ticket = _furnished(data, document, folder)
        prepare(data)
        argv = [sys.executable, *program, "serve", "--data-dir", str(data), "--bind", f"{HOST}:{port}"]
        settings = {**SETTINGS, "OPSMODAL_COLLECT": str(collecting).lower()}
        daemon = Daemon(argv, folder=folder, ready=lambda: _healthy(port), env=settings)
        daemon.start(within_s=ANSWER_S)
        try:
            link = f"http://{HOST}:{port}/sign-in?ticket={ticket}"
            yield Served(port=port, daemon=daemon, tokens=tokens, link=link, data=data)
        finally:
            daemon.stop()
    finally:
        sweep(folder)
        shutil.rmtree(folder, ignore_errors=True)


def of_cluster(name: str, kubeconfig: str, namespaces: Sequence[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Give a registry of one cluster with a service for each namespace, and the file that it names."""
    runtime = {"name": name, **KUBERNETES, "kubeconfig": {"file": "cluster.yaml"}}
    services = [{"name": each, "runtime": name, "namespace": each} for each in namespaces]
    return {**REGISTRY, "runtimes": [runtime], "services": services}, {"cluster.yaml": kubeconfig}


def of_engine(socket: Path, containers: Sequence[str]) -> dict[str, Any]:
    """Give a registry of one Docker engine with one service of these containers."""
    runtime = {"name": "engine", "kind": "docker", "socket": str(socket)}
    service = {"name": "engine", "runtime": "engine", "containers": [*containers]}
    return {**REGISTRY, "runtimes": [runtime], "services": [service]}


def _furnished(data: Path, document: Mapping[str, Any], folder: Path) -> tuple[list[str], str]:
    """Make the installation in a process of its own, as `opsmodal apply` would; give tokens and a sign-in ticket."""
    made = told("tests.bench.furnish", data=str(data), document=document, folder=str(folder))
    return made["tokens"], made["ticket"]


def told(module: str, *, within_s: float = ANSWER_S, **what: Any) -> Any:
    """Let a module of ours do one thing in a process of its own; give what it says."""
    done = subprocess.run(
        [sys.executable, "-m", module],
        check=False,
        input=json.dumps(what),
        capture_output=True,
        text=True,
        timeout=within_s,
    )
    if done.returncode:
        raise RuntimeError(f"{module} could not do it: {done.stderr[-600:]}")
    return json.loads(done.stdout)


def _healthy(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _rss_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_S


class Child:
    """A helper process that is told lines of JSON and answers in lines of JSON."""

    def __init__(self, module: str, *arguments: object) -> None:
        argv = [sys.executable, "-m", module, *map(str, arguments)]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def tell(self, **what: Any) -> None:
        """Say what to do, without waiting for the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()

    def hear(self) -> Any:
        """Give the next answer; raise RuntimeError when the process has ended."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args} ended with {self._process.wait(ANSWER_S)}")
        return json.loads(line)

    def ask(self, **what: Any) -> Any:
        """Say what to do and wait until it is done."""
        self.tell(**what)
        return self.hear()

    def end(self) -> None:
        """Let it end, and end it when it does not."""
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)


@contextlib.contextmanager
def crowded(*, pods: int, log_lines: int = 0, log_bytes_s: int = 1) -> Iterator[tuple[Child, dict[str, str]]]:
    """Give a simulated cluster of so many pods, and where it is (`kubeconfig`, `url`, `token`)."""
    child = Child("tests.bench.crowd", pods, log_lines, log_bytes_s)
    try:
        yield child, child.hear()
    finally:
        child.end()


def settled(measure: Any, *, within_s: float, until: Any) -> float:
    """Measure until `until` holds of the value or the time is over; give the last value."""
    deadline = time.monotonic() + within_s
    value = measure()
    while not until(value) and time.monotonic() < deadline:
        time.sleep(1.0)
        value = measure()
    return float(value)
