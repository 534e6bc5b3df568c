"""Figures beside what `docker stats` makes of the very same answers: the real program is shown them by a small server.

recorded/stats.json holds answers of Docker 20.10 and Podman 4.3 on a host with cgroups v1. Those of cgroups v2 have the
shape that the Engine API 1.41 reference shows; the others are what counters do now and then.
"""

from __future__ import annotations

import json
import shutil
import socketserver
import subprocess
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import msgspec
import pytest

from runtimes.engine.answers import Stats
from runtimes.engine.measures import Sample, cpu_cores, sample

RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "recorded" / "stats.json").read_text())
DOCKER: dict[str, Any] = RECORDED["docker"]
SECOND = 1_000_000_000


def cpu(used: int, system: int, *, online: int = 0, by_cpu: int = 0) -> dict[str, Any]:
    usage: dict[str, Any] = {"total_usage": used}
    if by_cpu:
        usage["percpu_usage"] = [0] * by_cpu
    return {"cpu_usage": usage, "system_cpu_usage": system, "online_cpus": online}


def disk(*entries: tuple[str, int]) -> dict[str, Any]:
    return {"io_service_bytes_recursive": [{"major": 8, "minor": 0, "op": op, "value": value} for op, value in entries]}


V2 = {
    "cpu_stats": cpu(7 * SECOND, 900 * SECOND, online=4),
    "precpu_stats": cpu(6 * SECOND, 896 * SECOND, online=4),
    "memory_stats": {
        "usage": 90_000_000,
        "limit": 2**30,
        "stats": {"inactive_file": 30_000_000, "active_file": 1_000_000, "file": 31_000_000},
    },
    "blkio_stats": disk(("read", 1_234_567), ("write", 89), ("read", 4_000_000)),
    "networks": {"eth0": {"rx_bytes": 5, "tx_bytes": 7_000}, "eth1": {"rx_bytes": 10, "tx_bytes": 20}},
}
CASES: Mapping[str, dict[str, Any]] = {
    "recorded": {},
    "cgroups v2": V2,
    "cgroups v1 counts every kind of access": {
        "blkio_stats": disk(("Read", 100), ("Write", 20), ("Sync", 70), ("Async", 50), ("Discard", 0), ("Total", 120)),
        "memory_stats": {"usage": 100, "limit": 1000, "stats": {"total_inactive_file": 30, "inactive_file": 20}},
    },
    "an old engine lists its CPUs instead of counting them": {
        "cpu_stats": cpu(3 * SECOND, 20 * SECOND, by_cpu=2),
        "precpu_stats": cpu(2 * SECOND, 18 * SECOND, by_cpu=2),
    },
    "several cores": {
        "cpu_stats": cpu(30 * SECOND, 100 * SECOND, online=16),
        "precpu_stats": cpu(15 * SECOND, 84 * SECOND, online=16),
    },
    "more page cache than usage": {"memory_stats": {"usage": 5000, "limit": 9000, "stats": {"inactive_file": 6000}}},
    "no page cache": {"memory_stats": {"usage": 5000, "limit": 9000, "stats": {"total_inactive_file": 0}}},
    "page cache of the tree is too much, its own is not": {
        "memory_stats": {"usage": 5000, "limit": 9000, "stats": {"total_inactive_file": 5000, "inactive_file": 1000}}
    },
    "at rest": {
        "cpu_stats": cpu(SECOND, 20 * SECOND, online=2),
        "precpu_stats": cpu(SECOND, 18 * SECOND, online=2),
    },
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve each case as the stats of a container of that number; give the socket."""
    if shutil.which("docker") is None:
        pytest.skip("docker is not installed: its program is what is compared with")
    path = tmp_path_factory.mktemp("engine") / "engine.sock"
    server = socketserver.ThreadingUnixStreamServer(str(path), Answering)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="stats", daemon=True)
    thread.start()
    yield f"unix://{path}"
    server.shutdown()
    thread.join(10)
    server.server_close()


class Answering(BaseHTTPRequestHandler):
    """Answers as dockerd does, as far as `docker stats --no-stream` asks."""

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_GET(self) -> None:
        *_, number, asked = self.path.partition("?")[0].split("/")
        self._answer(json.dumps(answer([*CASES][int(number)])).encode() if asked == "stats" else b"OK")

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        for name, value in (("API-Version", "1.41"), ("OSType", "linux"), ("Server", "Docker/20.10 (linux)")):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "a socket"

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def answer(case: str) -> dict[str, Any]:
    return {**DOCKER, **CASES[case]}


def samples(case: str) -> tuple[Sample, Sample]:
    """Give the sample before and the one of now: an answer to `stream=false` holds both."""
    given = answer(case)
    before = sample(msgspec.convert({**given, "read": given["preread"], "cpu_stats": given["precpu_stats"]}, Stats))
    after = sample(msgspec.convert(given, Stats))
    assert before is not None
    assert after is not None
    return before, after


@pytest.mark.parametrize("case", CASES)
def test_the_figures_are_those_of_docker_stats(engine: str, case: str) -> None:
    number = str([*CASES].index(case))
    line = ["docker", "--host", engine, "stats", "--no-stream", "--format", "{{json .}}", number]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=True)
    said = json.loads(done.stdout)
    before, after = samples(case)
    cores = cpu_cores(before, after)
    assert cores is not None
    assert f"{cores * 100:.2f}%" == said["CPUPerc"]
    assert binary(after.memory_bytes) == said["MemUsage"].partition(" / ")[0]
    assert f"{decimal(after.network_rx_bytes)} / {decimal(after.network_tx_bytes)}" == said["NetIO"]
    assert f"{decimal(after.block_read_bytes)} / {decimal(after.block_written_bytes)}" == said["BlockIO"]


def test_a_host_whose_counter_stands_still_gives_no_figure() -> None:
    before, after = samples("at rest")
    assert cpu_cores(after, after) is None
    assert cpu_cores(before, before) is None


def test_podman_is_measured_by_the_time_that_passed_as_it_does_itself() -> None:
    before, after = (sample(msgspec.convert(each, Stats), by_system=False) for each in RECORDED["podman"])
    assert before is not None
    assert after is not None
    passed_s = (after.at - before.at).total_seconds()
    used_s = (1_337_264_362 - 1_114_474_204) / SECOND
    assert cpu_cores(before, after) == pytest.approx(used_s / passed_s)
    assert after.memory_bytes == 8_876_032
    assert (after.network_rx_bytes, after.network_tx_bytes) == (542, 1026)
    assert (after.block_read_bytes, after.block_written_bytes) == (0, 0)


def test_what_an_engine_does_not_count_is_not_known() -> None:
    for blocks in ({}, {"io_service_bytes_recursive": None}):
        found = sample(msgspec.convert({**DOCKER, "blkio_stats": blocks}, Stats))
        assert found is not None
        assert (found.block_read_bytes, found.block_written_bytes) == (None, None)


def binary(value: int | None) -> str:
    """Write bytes as docker writes memory (docker/go-units, BytesSize)."""
    return _written(value, 1024, 4, ("B", "KiB", "MiB", "GiB"))


def decimal(value: int | None) -> str:
    """Write bytes as docker writes traffic (docker/go-units, HumanSizeWithPrecision)."""
    return _written(value, 1000, 3, ("B", "kB", "MB", "GB"))


def _written(value: int | None, base: int, digits: int, units: tuple[str, ...]) -> str:
    assert value is not None
    left, at = float(value), 0
    while left >= base and at < len(units) - 1:
        left, at = left / base, at + 1
    return f"{left:.{digits}g}{units[at]}"
