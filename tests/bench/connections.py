"""What a way costs: the first page over SSH, streams side by side, a long log, Auto beside black holes, a cut line."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from connectors import Connectors
from connectors.options import SshOptions
from tests.bench.logs import engine, program
from tests.bench.measure import Figure, Promise, in_turns, median, percentile
from tests.bench.served import ANSWER_S, REGISTRY, Served, served
from tests.bench.sizes import Size
from tests.contract.relay import Relay, listening
from tests.contract.ways import hop
from tests.engines import line, sshd
from tests.engines.containers import ContainerEngine
from tests.engines.line import Weather, Wire
from tests.engines.process import own_folder, sweep, wait_for
from tests.engines.sshd import Sshd

COLD_S = 1.5
WARM_TIMES = 1.3
FAIR_TIMES = 2.0
LOG_TIMES = 2.0
"""At least half the throughput is at most twice the time."""
DECIDED_S = 2.0
NOTICED_S = 20.0
BACK_S = 5.0
STREAMS = 50
CHUNK_BYTES = 65_536
STAYS_CUT_S = 10.0
WRITTEN_S = 180.0
NAME = "written"
LOOPBACK = "dockerd and sshd on loopback"
Ways = Sequence[Mapping[str, Any]]
DIRECT: Ways = ({"name": "direct", "kind": "direct", "priority": 90},)


def page(size: Size) -> Iterator[Figure]:
    """Ask for the first page of a service, cold and warm, over SSH and directly."""
    with engine() as started, _sshd() as server:
        started.run("sleep", "100000", options=["--name", NAME])
        over_ssh, files = _ssh(server)
        ours, peer = in_turns(
            lambda: _cold_s(started, over_ssh, files), lambda: _cold_s(started, DIRECT, {}), rounds=size.rounds
        )
        yield Figure(
            name="first page of a service over SSH, cold",
            ours=median(ours),
            unit="s",
            peer=median(peer),
            peer_name="direct",
            promise=Promise(at_most=COLD_S),
            count=len(ours),
            with_=LOOPBACK,
            note="The first page that a server gives after its start: it opens the line and the engine for it.",
        )
        yield _warm(size, started, over_ssh, files)


def streams(size: Size) -> Iterator[Figure]:
    """Read from fifty sources at a time, all over one transport."""
    folder = own_folder("bench")
    source = _Source()
    try:
        with _sshd() as server, contextlib.closing(Connectors(folder)) as connectors:
            options = SshOptions(hops=(hop(server),))
            connections = [connectors.open(options) for _ in range(STREAMS)]
            got = _side_by_side([each.reach(source.url).address for each in connections], size.streamed_s)
    finally:
        source.close()
        sweep(folder)
    yield Figure(
        name=f"{STREAMS} streams over one transport, the fastest beside the slowest",
        ours=max(got) / max(min(got), 1),
        unit="times",
        promise=Promise(at_most=FAIR_TIMES),
        count=STREAMS,
        with_=f"sshd on loopback, {size.streamed_s:g} s",
        note=f"{sum(got) / size.streamed_s / 1e6:.0f} MB/s together. The first and the last second are not counted.",
    )


def log(size: Size) -> Iterator[Figure]:
    """Read a long log through the API over SSH, beside `ssh host docker logs`."""
    with engine() as started, _sshd() as server:
        started.run("sh", "-c", program(size.ssh_log_lines), options=["--name", NAME])
        client = ["docker", "--host", started.url, "logs", NAME]
        wait_for(lambda: _lines(client) == size.ssh_log_lines, "the log is written", within_s=WRITTEN_S)
        over_ssh, files = _ssh(server)
        argv = ["ssh", "-F", "none", "-o", f"UserKnownHostsFile={server.known_hosts}", "-i", str(server.key)]
        argv += ["-p", str(server.port), f"{server.user}@{server.host}", *client]
        with served(_registry(started, {"engine": over_ssh}), files) as serving:
            path = f"/api/v1/services/engine/logs?instance={NAME}&download=true"
            ours, peer = in_turns(
                lambda: _read_s(serving, path, size.ssh_log_lines), lambda: _run_s(argv), rounds=size.rounds
            )
        megabytes = size.ssh_log_lines * 200 / 1e6
        yield Figure(
            name=f"a log of {megabytes:.0f} MB over SSH through the API",
            ours=median(ours),
            unit="s",
            peer=median(peer),
            peer_name="ssh host docker logs",
            promise=Promise(at_most=LOG_TIMES, of="ratio"),
            count=len(ours),
            with_=LOOPBACK,
            note=f"{megabytes / median(ours):.0f} MB/s beside {megabytes / median(peer):.0f} MB/s.",
        )


def auto(size: Size) -> Iterator[Figure]:
    """Ask for a service whose first two connections lead to hosts that drop every packet."""
    with engine() as started, contextlib.closing(line.start()) as wire, _sshd() as server:
        started.run("sleep", "100000", options=["--name", NAME])
        wire.set(Weather(cut=True))
        found, plain = [], []
        for _ in range(size.rounds):
            holes, files = _ssh(dataclasses.replace(server, host=wire.host.address))
            ways = [{**each, "name": f"hole{number}", "priority": number} for number in (1, 2) for each in holes]
            document = _registry(started, {"seen": DIRECT, "plain": DIRECT, "engine": [*ways, *DIRECT]})
            with served(document, files, collecting=False) as serving:
                serving.get("/services/seen/instances", accept="text/html")
                plain.append(serving.timed_s("/services/plain/instances", accept="text/html"))
                found.append(serving.timed_s("/services/engine/instances", accept="text/html"))
    yield Figure(
        name="first page of a service whose first two connections are black holes",
        ours=median(found),
        unit="s",
        peer=median(plain),
        peer_name="direct",
        promise=Promise(at_most=DECIDED_S),
        count=len(found),
        with_="dockerd, two SSH hosts that drop every packet",
        note="Promised for Auto's decision; measured from asking for the page to having it, on a server that had shown "
        "another service before. What a direct connection takes for the same is beside it.",
    )


def cut(size: Size) -> Iterator[Figure]:
    """Cut the line under a page that is open, and join it again."""
    with engine() as started, contextlib.closing(line.start()) as wire, _sshd() as server, _behind(wire, server) as far:
        started.run("sleep", "100000", options=["--name", NAME])
        over_ssh, files = _ssh(far)
        noticed, back = [], []
        with served(_registry(started, {"engine": over_ssh}), files) as serving:
            for _ in range(size.rounds):
                _until(serving, stale=False)
                wire.set(Weather(cut=True))
                noticed.append(_until(serving, stale=True))
                time.sleep(STAYS_CUT_S)
                wire.set(line.FAIR)
                back.append(_until(serving, stale=False))
    for name, values, promised in (("noticed", noticed, NOTICED_S), ("over: the page works", back, BACK_S)):
        yield Figure(
            name=f"a cut line is {name} after, at the longest",
            ours=max(values),
            unit="s",
            promise=Promise(at_most=promised),
            count=len(values),
            with_="dockerd over SSH, a wire that drops every packet",
        )


class _Source:
    """A server that sends to whoever connects, as fast as it is taken."""

    def __init__(self) -> None:
        self._listener = listening(("127.0.0.1", 0))
        self._over = threading.Event()
        host, port = self._listener.getsockname()
        self.url = f"tcp://{host}:{port}"
        threading.Thread(target=self._accept, name="source", daemon=True).start()

    def close(self) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._send, args=(near,), name="source", daemon=True).start()

    def _send(self, near: socket.socket) -> None:
        data = bytes(CHUNK_BYTES)
        with near, contextlib.suppress(OSError):
            while not self._over.is_set():
                near.sendall(data)


def _side_by_side(urls: Sequence[str], seconds: float) -> list[int]:
    """Read from all for so long; give the bytes of each, without the first and the last second."""
    counted, over = threading.Event(), threading.Event()
    got = [0] * len(urls)

    def read(number: int, url: str) -> None:
        host, _, port = url.removeprefix("tcp://").rpartition(":")
        with socket.create_connection((host, int(port)), timeout=ANSWER_S) as near:
            while not over.is_set():
                size = len(near.recv(CHUNK_BYTES))
                if not size:
                    raise RuntimeError(f"stream {number} ended")
                got[number] += size * counted.is_set()

    threads = [threading.Thread(target=read, args=each, name="stream", daemon=True) for each in enumerate(urls)]
    for thread in threads:
        thread.start()
    time.sleep(3)
    counted.set()
    time.sleep(seconds)
    counted.clear()
    time.sleep(1)
    over.set()
    for thread in threads:
        thread.join(ANSWER_S)
    return got


@contextlib.contextmanager
def _sshd() -> Iterator[Sshd]:
    with contextlib.closing(sshd.start()) as server:
        yield server


@contextlib.contextmanager
def _behind(wire: Wire, server: Sshd) -> Iterator[Sshd]:
    """Put a port of the wire's far end before an sshd."""
    door = Relay(
        (server.host, server.port),
        (wire.host.address, 0),
        binding=lambda address: wire.host.inside(lambda: listening(address)),
    )
    with contextlib.closing(door):
        assert isinstance(door.address, tuple)
        yield dataclasses.replace(server, host=door.address[0], port=door.address[1])


def _ssh(server: Sshd) -> tuple[Ways, dict[str, str]]:
    """Give a registered connection of kind ssh, and the files that it names."""
    key = (server.folder / "host_key.pub").read_text()
    files = {"ops.key": server.key.read_text(), "known_hosts": f"[{server.host}]:{server.port} {key}"}
    way = {"name": "ssh", "kind": "ssh", "priority": 10, "host": server.host, "port": server.port}
    return [{**way, "user": server.user, "identityFile": "ops.key", "knownHosts": "known_hosts"}], files


def _registry(started: ContainerEngine, services: Mapping[str, Ways]) -> dict[str, Any]:
    """Give a registry of one runtime for each service, which all are the same engine over other connections."""
    runtimes = [
        {"name": name, "kind": "docker", "socket": str(started.socket), "connections": [*ways]}
        for name, ways in services.items()
    ]
    shown = [{"name": name, "runtime": name, "containers": [NAME]} for name in services]
    return {**REGISTRY, "runtimes": runtimes, "services": shown}


def _cold_s(started: ContainerEngine, ways: Ways, files: Mapping[str, str]) -> float:
    with served(_registry(started, {"engine": ways}), files, collecting=False) as serving:
        return serving.timed_s("/services/engine/instances", accept="text/html")


def _warm(size: Size, started: ContainerEngine, ways: Ways, files: Mapping[str, str]) -> Figure:
    with served(_registry(started, {"engine": ways, "near": DIRECT}), files) as serving:
        kept = http.client.HTTPConnection("127.0.0.1", serving.port, timeout=ANSWER_S)

        def asking(service: str) -> Callable[[], float]:
            return lambda: serving.timed_s(f"/services/{service}/instances", accept="text/html", kept=kept)

        ours, peer = in_turns(asking("engine"), asking("near"), rounds=size.requests)
        kept.close()
    return Figure(
        name="first page of a service over SSH, warm, p50",
        ours=percentile(ours, 50) * 1000,
        unit="ms",
        peer=percentile(peer, 50) * 1000,
        peer_name="direct",
        promise=Promise(at_most=WARM_TIMES, of="ratio"),
        count=len(ours),
        with_=LOOPBACK,
    )


def _until(serving: Served, *, stale: bool) -> float:
    """Load the list again and again until it is stale, or true; give how long that took."""
    began = time.monotonic()
    while time.monotonic() - began < ANSWER_S:
        with contextlib.suppress(RuntimeError):
            if json.loads(serving.get("/api/v1/services/engine/instances"))["stale"] is stale:
                return time.monotonic() - began
        time.sleep(0.1)
    raise RuntimeError(f"the list was not {'stale' if stale else 'true'} within {ANSWER_S:g} s")


def _read_s(serving: Served, path: str, lines: int) -> float:
    began = time.perf_counter()
    body = serving.get(path, accept="text/plain")
    took_s = time.perf_counter() - began
    if body.count(b"\n") != lines:
        raise RuntimeError(f"{path} gave {body.count(chr(10).encode())} of {lines} lines")
    return took_s


def _run_s(argv: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run(argv, check=True, capture_output=True, timeout=ANSWER_S)
    return time.perf_counter() - began


def _lines(argv: Sequence[str]) -> int:
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=ANSWER_S, check=False)
    return done.stdout.count(b"\n")
