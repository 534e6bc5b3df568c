"""A thousand open pages on one process: how soon a change reaches them, and what they cost."""

from __future__ import annotations

import contextlib
import random
import resource
import time
from collections.abc import Iterator
from itertools import chain

from tests.bench.crowd import NAMESPACE
from tests.bench.measure import Figure, Promise, percentile
from tests.bench.served import Child, Served, crowded, of_cluster, served, settled
from tests.bench.sizes import Size

SOCKET_MS = 500.0
PAGE_KB = 250.0
LIVE = "/api/v1/services/{}/live?rows=html"
PAUSE_S = (0.6, 1.4)
"""Between two changes: at random, so that they fall anywhere between two frames."""
ARRIVE_S = 5.0
ROWS_ON_PAGE = 100
"""A namespace of usual size: what a thousand people look at is one page of it."""
FILES = 8192


def many_pages(size: Size) -> Iterator[Figure]:
    """Open the pages, change things, and note when each of them knows."""
    _allow_sockets()
    with looked_at(min(ROWS_ON_PAGE, size.pods)) as (cluster, server, load):
        server.get(f"/api/v1/services/{NAMESPACE}/instances")
        before_mb = server.rss_mb
        began = time.monotonic()
        opened = load.ask(do="open", url=live_url(server), tokens=server.tokens, count=size.sockets)
        opened_s = time.monotonic() - began
        if opened["ends"] or opened["opened"] < size.sockets:
            raise RuntimeError(f"only {opened['opened']} of {size.sockets} sockets opened: {opened['ended']}")
        marks, peak_mb, cpu_s, took_s = _changes(cluster, server, size.changes)
        closed = load.ask(do="close")
        yield from _arrivals(
            size, marks, closed, f"opened in {opened_s:.1f} s, server used {cpu_s / took_s:.0%} of a core"
        )
        yield Figure(
            name=f"memory of an open page, {size.sockets:,} of them",
            ours=(peak_mb - before_mb) * 1000 / size.sockets,
            unit="KB",
            promise=Promise(at_most=PAGE_KB),
            count=size.sockets,
            with_="simulated, resident memory of the worker",
        )
        left_mb = settled(lambda: server.rss_mb, within_s=10, until=lambda mb: mb <= before_mb)
        yield Figure(
            name="memory after all pages were closed, beside before",
            ours=left_mb,
            unit="MB",
            peer=before_mb,
            peer_name="before they were opened",
            with_="simulated",
        )


def shared_pages(size: Size) -> Iterator[Figure]:
    """Count what the API server is asked in the same time for one page and for five."""
    counts = {}
    for pages in (1, 5):
        with looked_at(min(ROWS_ON_PAGE, size.pods)) as (cluster, server, load):
            load.ask(do="open", url=live_url(server), tokens=server.tokens[:1], count=pages)
            before = sum(cluster.ask(do="asked").values())
            time.sleep(size.counted_s)
            counts[pages] = sum(cluster.ask(do="asked").values()) - before
            load.ask(do="close")
    yield Figure(
        name="requests to the API server, five pages",
        ours=counts[5],
        unit="requests",
        peer=counts[1],
        peer_name="one page",
        promise=Promise(at_most=(counts[1] + 1) / counts[1] if counts[1] else 1.0, of="ratio"),
        with_=f"simulated, {size.counted_s:g} s each",
        note="What is asked at intervals may fall into one window once more than into another: one is allowed.",
    )


@contextlib.contextmanager
def looked_at(pods: int) -> Iterator[tuple[Child, Served, Child]]:
    """Give a crowded cluster, the server of it, and what opens pages on it."""
    with crowded(pods=pods) as (cluster, place):
        registry, files = of_cluster("crowded", place["kubeconfig"], [NAMESPACE])
        with served(registry, files) as server:
            load = Child("tests.bench.load")
            try:
                yield cluster, server, load
            finally:
                load.end()


def _changes(cluster: Child, server: Served, count: int) -> tuple[dict[int, float], float, float, float]:
    """Make changes; give when each was made, the highest memory, the CPU time and the time it took."""
    chance = random.Random(count)
    marks: dict[int, float] = {}
    began, cpu_s, peak_mb = time.monotonic(), server.cpu_s, server.rss_mb
    for number in range(1, count + 1):
        marks[number] = cluster.ask(do="mark", number=number)["at"]
        time.sleep(chance.uniform(*PAUSE_S))
        peak_mb = max(peak_mb, server.rss_mb)
    took_s, used_s = time.monotonic() - began, server.cpu_s - cpu_s
    time.sleep(ARRIVE_S)
    return marks, peak_mb, used_s, took_s


def _arrivals(
    size: Size, marks: dict[int, float], closed: dict[str, dict[str, list[float]]], said: str
) -> Iterator[Figure]:
    late = [[at - made for at in closed["seen"].get(str(number), [])] for number, made in marks.items()]
    arrived_ms = [seconds * 1000 for seconds in chain.from_iterable(late)]
    if not arrived_ms:
        raise RuntimeError("no change reached any socket")
    with_ = f"simulated, {size.sockets:,} sockets, {len(marks)} changes, load generator on the same machine"
    for percent in (50, 99):
        yield Figure(
            name=f"change to socket, p{percent}",
            ours=percentile(arrived_ms, percent),
            unit="ms",
            promise=Promise(at_most=SOCKET_MS) if percent == 99 else None,
            count=len(arrived_ms),
            with_=with_,
            note=said if percent == 99 else "",
        )
    yield Figure(
        name="changes that did not reach a socket",
        ours=size.sockets * len(marks) - len(arrived_ms),
        unit="arrivals",
        promise=Promise(at_most=0),
        count=size.sockets * len(marks),
        with_=with_,
    )


def live_url(server: Served) -> str:
    """Give the address of the live socket of the crowd."""
    return f"ws://127.0.0.1:{server.port}{LIVE.format(NAMESPACE)}"


def _allow_sockets() -> None:
    """Allow files enough for a thousand sockets to this process and those that it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, hard), hard))
