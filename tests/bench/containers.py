"""The Containers tab of a host with many containers, each with its figures, beside `docker stats --no-stream`."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec

from tests.bench.logs import engine
from tests.bench.measure import Figure, Promise, in_turns, median
from tests.bench.served import ANSWER_S, Served, of_engine, served
from tests.bench.sizes import Size
from tests.engines.containers import ContainerEngine

LIST_S = 1.0
FIGURES_S = 60.0
PATH = "/api/v1/services/engine/instances?limit=500"
MADE_AT_ONCE = 4


def containers_tab(size: Size) -> Iterator[Figure]:
    """List containers that all run, with CPU, memory, network and disk of each."""
    with engine() as started:
        names = [f"crowd-{number:03}" for number in range(size.containers)]
        with ThreadPoolExecutor(MADE_AT_ONCE) as pool:
            list(pool.map(lambda name: started.run("sleep", "86400", options=["--name", name]), names))
        with served(of_engine(started.socket, names)) as server:
            yield from _measured(size, started, server, names)


def _measured(size: Size, started: ContainerEngine, server: Served, names: Sequence[str]) -> Iterator[Figure]:
    version = started.cli("version", "--format", "{{.Server.Version}}")
    with_ = f"dockerd {version}, {len(names)} containers"
    stats = ["docker", "--host", started.url, "stats", "--no-stream", *names]
    first_s = _first_s(server, len(names))
    peer_first_s = _stats_s(stats)
    ours, peer = in_turns(lambda: _list_s(server, len(names)), lambda: _stats_s(stats), rounds=size.rounds)
    lists = [_list_s(server, len(names)) for _ in range(size.requests)]
    named = "docker stats --no-stream"
    yield Figure(
        name=f"Containers tab, {len(names)} containers with figures: p50",
        ours=median([*ours, *lists]),
        unit="s",
        promise=Promise(at_most=LIST_S),
        count=len(ours) + len(lists),
        with_=with_,
    )
    yield Figure(
        name="the slowest of these lists",
        ours=max(*ours, *lists),
        unit="s",
        peer=min(peer),
        peer_name=named,
        promise=Promise(at_most=1.0, of="ratio"),
        count=len(ours) + len(lists),
        with_=f"{with_}; the peer is the fastest of {len(peer)}",
    )
    yield Figure(
        name="the first list after the start that has every figure",
        ours=first_s,
        unit="s",
        peer=peer_first_s,
        peer_name=named,
        with_=with_,
        note="Nothing is known before: engines are asked for two samples of each container, a second apart.",
    )


def _first_s(server: Served, count: int) -> float:
    """Ask until every container has its figures."""
    began = time.perf_counter()
    while True:
        rows = _rows(server)
        if len(rows) == count and all(row["cpu_cores"] is not None for row in rows):
            return time.perf_counter() - began
        if time.perf_counter() - began > FIGURES_S:
            known = sum(row["cpu_cores"] is not None for row in rows)
            raise RuntimeError(f"{known} of {count} containers have figures after {FIGURES_S:g} s")


def _list_s(server: Served, count: int) -> float:
    began = time.perf_counter()
    rows = _rows(server)
    took_s = time.perf_counter() - began
    if len(rows) != count or any(row["memory_bytes"] is None for row in rows):
        raise RuntimeError("a list without figures was given")
    return took_s


def _rows(server: Served) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = msgspec.json.decode(server.get(PATH))["items"]
    return rows


def _stats_s(argv: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run(argv, check=True, capture_output=True, timeout=ANSWER_S)
    return time.perf_counter() - began
