"""What 5,000 cached pods cost, whether it is given back, and whether a storm of changes leaves anything behind.

Collecting is switched off: what is kept of the last hour fills up meanwhile, whether somebody looks or not.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator

from tests.bench.crowd import NAMESPACE, QUIET
from tests.bench.measure import Figure, Promise
from tests.bench.pages import live_url
from tests.bench.served import Child, Served, crowded, of_cluster, served, settled
from tests.bench.sizes import Size

CACHED_MB = 40.0
STEADY_S = 3.0
GROWTH_MB = 10.0
"""Not promised in a number: what the allocator may keep on top of 5,000 pods without it being a leak."""
CAUGHT_UP_S = 10.0
EARLY = 0.2
"""The part of a storm after which memory is taken for steady."""
SAMPLE_S = 1.0
LIMIT = 500


def cached_pods(size: Size) -> Iterator[Figure]:
    """Measure a server's memory before, with and after somebody looks at a crowded namespace."""
    with _server(size.pods) as (_, server):
        server.get(f"/api/v1/services/{QUIET}/instances")
        time.sleep(STEADY_S)
        before_mb = server.rss_mb
        with _viewer(server):
            server.get(f"/api/v1/services/{NAMESPACE}/instances")
            time.sleep(STEADY_S)
            with_mb = server.rss_mb
        yield Figure(
            name=f"memory of {size.pods:,} cached pods",
            ours=with_mb - before_mb,
            unit="MB",
            promise=Promise(at_most=CACHED_MB),
            with_="simulated, resident memory of the worker with one viewer, nothing collected",
        )
        if size.returned_s:
            left_mb = settled(
                lambda: server.rss_mb, within_s=size.returned_s, until=lambda mb: mb <= before_mb + CACHED_MB / 4
            )
            yield Figure(
                name="of that still held after the viewers have gone",
                ours=max(0.0, left_mb - before_mb),
                unit="MB",
                peer=with_mb - before_mb,
                peer_name="while they looked",
                promise=Promise(at_most=CACHED_MB / 4),
                with_=f"simulated, within {size.returned_s:g} s, nothing collected",
                note=f"{_cached(server):,.0f} pods are cached then. Given back counts as a quarter of what is allowed "
                "or less: Python's allocator keeps blocks of memory that are used in part.",
            )


def storm(size: Size) -> Iterator[Figure]:
    """Change pods as fast as promised while somebody looks; compare with the truth afterwards."""
    with _server(size.pods) as (cluster, server), _viewer(server):
        server.get(f"/api/v1/services/{NAMESPACE}/instances")
        cpu_s = server.cpu_s
        samples, told = _stormed(cluster, server, size)
        used = (server.cpu_s - cpu_s) / told["seconds"]
        rate = told["made"] / told["seconds"]
        with_ = f"simulated, {rate:.0f} changes a second for {told['seconds']:.0f} s, nothing collected"
        early = [mb for at, mb in samples if at <= told["seconds"] * EARLY] or [samples[0][1]]
        yield Figure(
            name="growth of memory in a storm of changes",
            ours=max(0.0, max(mb for _, mb in samples[-5:]) - max(early)),
            unit="MB",
            promise=Promise(at_most=GROWTH_MB),
            count=told["made"],
            with_=with_,
            note=f"Between the highest of the first fifth and of the last five seconds; the server used {used:.0%} "
            "of a core.",
        )
        truth = cluster.ask(do="truth")
        wrong = settled(lambda: _wrong(server, truth), within_s=CAUGHT_UP_S, until=lambda count: count == 0)
        yield Figure(
            name="pods shown wrongly after the storm",
            ours=wrong,
            unit="pods",
            promise=Promise(at_most=0),
            count=len(truth),
            with_=with_,
        )


def _cached(server: Served) -> float:
    """Say how many items the server keeps live, as it tells Prometheus."""
    text = server.get("/metrics", accept="text/plain").decode()
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("opsmodal_live_items{"))


def _stormed(cluster: Child, server: Served, size: Size) -> tuple[list[tuple[float, float]], dict[str, float]]:
    """Let the storm go by; give (seconds, MB) each second, and what was done."""
    cluster.tell(do="churn", rate=size.churn_rate, seconds=size.churn_s)
    heard: list[dict[str, float]] = []
    waiting = threading.Thread(target=lambda: heard.append(cluster.hear()), name="storm", daemon=True)
    waiting.start()
    began, samples = time.monotonic(), []
    while waiting.is_alive():
        samples.append((time.monotonic() - began, server.rss_mb))
        waiting.join(SAMPLE_S)
    if not heard:
        raise RuntimeError("the simulated cluster ended in the storm")
    return samples, heard[0]


def _wrong(server: Served, truth: dict[str, int]) -> int:
    """Count the pods that are missing, too many, or shown with other restarts than they have."""
    shown: dict[str, int] = {}
    cursor = ""
    while True:
        path = f"/api/v1/services/{NAMESPACE}/instances?limit={LIMIT}&sort=name"
        page = json.loads(server.get(f"{path}&cursor={cursor}" if cursor else path))
        shown |= {item["name"]: item["restarts"] for item in page["items"]}
        cursor = page["next"]
        if not cursor:
            return len(set(shown.items()) ^ set(truth.items()))


@contextlib.contextmanager
def _server(pods: int) -> Iterator[tuple[Child, Served]]:
    with crowded(pods=pods) as (cluster, place):
        registry, files = of_cluster("crowded", place["kubeconfig"], [NAMESPACE, QUIET])
        with served(registry, files, collecting=False) as server:
            yield cluster, server


@contextlib.contextmanager
def _viewer(server: Served) -> Iterator[None]:
    """Hold one page open."""
    load = Child("tests.bench.load")
    try:
        opened = load.ask(do="open", url=live_url(server), tokens=server.tokens[:1], count=1)
        if opened["opened"] != 1:
            raise RuntimeError(f"no page could be opened: {opened['ended']}")
        yield
    finally:
        load.end()
