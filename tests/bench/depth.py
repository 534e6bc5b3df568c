"""What a Kubernetes service costs that is looked at from every side: idle watches, more pages, a crowd, a large value.

Counted is what the API server is asked, by method and path; metrics are asked for at intervals and are told apart.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.bench.crowd import NAMESPACE
from tests.bench.measure import Figure, Promise, median, percentile
from tests.bench.pages import live_url, looked_at
from tests.bench.served import ANSWER_S, Child, Served, crowded, of_cluster, served
from tests.bench.sizes import Size
from tests.engines.sshd import HOST

PAGE_MS, PROCESS_MB, OPENED_MS = 150.0, 400.0, 300.0
METRICS = "/metrics.k8s.io/"
PODS = 100
PAGES = 5
EVERY_S = 5.0
"""How often a page of workloads asks anew."""
LARGE_BYTES = 1_000_000
CONFIG = f"/services/{NAMESPACE}/config/configmaps/large"
DEPLOYMENT = f"/services/{NAMESPACE}/deployment"
STANDING = "standing"
LOOKED = (
    DEPLOYMENT,
    f"/services/{NAMESPACE}/deployment/deployment.{STANDING}",
    f"/services/{NAMESPACE}/scaling",
    f"/services/{NAMESPACE}/domains",
    f"/services/{NAMESPACE}/debug-pods",
)
"""Pages that ask again and again, beside the list of pods, which is told over a socket."""
STREAMS_PAUSE_S = 0.1


def idle(size: Size) -> Iterator[Figure]:
    """Count what open pages of every tab, five of each, cost the API server while nothing happens."""
    with looked_at(min(PODS, size.pods)) as (cluster, server, load):
        cluster.ask(do="workload", name=STANDING)
        load.ask(do="open", url=live_url(server), tokens=server.tokens[:1], count=PAGES)
        _polled(server, LOOKED * PAGES, size.steady_s)
        before = cluster.ask(do="asked")
        _polled(server, LOOKED * PAGES, size.idle_s)
        asked = _more(cluster.ask(do="asked"), before)
        load.ask(do="close")
    kinds = _by_kind(asked)
    busiest, most = max(kinds.items(), key=lambda each: each[1], default=("nothing", 0))
    told = ", ".join(f"{name} {count}" for name, count in sorted(asked.items()) if kinds[_kind(name)] == most)
    yield Figure(
        name="requests for the busiest kind of an idle namespace",
        ours=most,
        unit="requests",
        promise=Promise(at_most=max(1.0, size.idle_s / 60)),
        with_=f"simulated, {len(LOOKED) + 1} pages open {PAGES} times each, {size.idle_s:g} s, metrics apart",
        note=f"Promised is one a minute. It was {busiest}; {sum(asked.values())} in all, the most: {told or 'none'}.",
    )


def deployment_pages(size: Size) -> Iterator[Figure]:
    """Count what the API server is asked for one Deployment page, and for five of them."""
    counts = {}
    for pages in (1, PAGES):
        with looked_at(min(PODS, size.pods)) as (cluster, server, _):
            server.get(DEPLOYMENT, accept="text/html")
            before = cluster.ask(do="asked")
            _polled(server, [DEPLOYMENT] * pages, size.counted_s)
            counts[pages] = sum(_more(cluster.ask(do="asked"), before).values())
    yield Figure(
        name="requests to the API server, five Deployment pages",
        ours=counts[PAGES],
        unit="requests",
        peer=counts[1],
        peer_name="one page",
        promise=Promise(at_most=1.5, of="ratio"),
        with_=f"simulated, {size.counted_s:g} s each, each page asks every {EVERY_S:g} s, metrics apart",
        note="Pages ask at times of their own; answers of the last 4 s are shared.",
    )


def crowd(size: Size) -> Iterator[Figure]:
    """Read the first page of a large namespace again and again while its pods change."""
    with crowded(pods=size.deep_pods) as (cluster, place):
        registry, files = of_cluster("crowded", place["kubeconfig"], [NAMESPACE])
        with served(registry, files) as server:
            server.get(f"/api/v1/services/{NAMESPACE}/instances")
            times, peak_mb, rate = _stormed(cluster, server, size)
    with_ = f"simulated, {size.deep_pods:,} pods, {rate:.0f} changes a second"
    yield Figure(
        name="Pods tab, first page, in a storm: p50",
        ours=percentile(times, 50) * 1000,
        unit="ms",
        promise=Promise(at_most=PAGE_MS),
        count=len(times),
        with_=with_,
    )
    yield Figure(
        name="memory of the process in that storm",
        ours=peak_mb,
        unit="MB",
        promise=Promise(at_most=PROCESS_MB),
        with_=f"{with_}, the highest resident memory",
    )


def large_config(size: Size) -> Iterator[Figure]:
    """Open and save a ConfigMap of a megabyte."""
    with crowded(pods=1) as (cluster, place):
        cluster.ask(do="configmap", name="large", size_bytes=LARGE_BYTES)
        registry, files = of_cluster("crowded", place["kubeconfig"], [NAMESPACE])
        with served(registry, files) as server:
            server.get(f"/services/{NAMESPACE}/config", accept="text/html")
            opened = [server.timed_s(CONFIG, accept="text/html") for _ in range(size.rounds + 1)][1:]
            saved = [_saved_s(server, number) for number in range(size.rounds + 1)][1:]
    for name, times, promise in (
        ("opens", opened, Promise(at_most=OPENED_MS)),
        ("is saved", saved, None),
    ):
        yield Figure(
            name=f"a ConfigMap of 1 MB {name}",
            ours=median(times) * 1000,
            unit="ms",
            promise=promise,
            count=len(times),
            with_="simulated, HTML" if name == "opens" else "simulated, by the API",
        )


def _saved_s(server: Served, number: int) -> float:
    """Save the large one with another beginning; give how long that took."""
    found = json.loads(server.get(f"/api/v1{CONFIG}"))
    text = f"{number:06d}".ljust(LARGE_BYTES, "y")
    body = json.dumps({"values": {"data": text}, "revision": found["revision"], "confirm": True}).encode()
    headers = {"Authorization": f"Bearer {server.tokens[0]}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection(HOST, server.port, timeout=ANSWER_S)
    try:
        began = time.perf_counter()
        connection.request("PUT", f"/api/v1{CONFIG}", body=body, headers=headers)
        answer = connection.getresponse()
        said = answer.read()
        took_s = time.perf_counter() - began
    finally:
        connection.close()
    if answer.status != 200:
        raise RuntimeError(f"saving was answered {answer.status}: {said[:300]!r}")
    return took_s


def _stormed(cluster: Child, server: Served, size: Size) -> tuple[list[float], float, float]:
    """Read pages until a storm is over; give how long each took, the highest memory, and changes a second."""
    cluster.tell(do="churn", rate=size.churn_rate, seconds=size.churn_s)
    heard: list[Mapping[str, float]] = []
    waiting = threading.Thread(target=lambda: heard.append(cluster.hear()), name="storm", daemon=True)
    waiting.start()
    times, peak_mb = [], server.rss_mb
    kept = http.client.HTTPConnection(HOST, server.port, timeout=ANSWER_S)
    try:
        while waiting.is_alive():
            path = f"/services/{NAMESPACE}/instances"
            times.append(server.timed_s(path, accept="text/html", kept=kept))
            peak_mb = max(peak_mb, server.rss_mb)
            time.sleep(STREAMS_PAUSE_S)
    finally:
        kept.close()
    if not heard:
        raise RuntimeError("the simulated cluster ended in the storm")
    return times, peak_mb, heard[0]["made"] / heard[0]["seconds"]


def _polled(server: Served, pages: Sequence[str], seconds: float) -> None:
    """Ask for pages as so many open ones do, each from a moment of its own on."""
    began = time.monotonic()
    due = [began + EVERY_S * number / len(pages) for number in range(len(pages))]
    while (now := time.monotonic()) < began + seconds:
        for number, at in enumerate(due):
            if at <= now:
                server.get(pages[number], accept="text/html")
                due[number] = at + EVERY_S
        time.sleep(0.05)


def _by_kind(asked: Mapping[str, int]) -> dict[str, int]:
    """Add up lists, watches and reads of single objects of one kind in one place."""
    kinds: Counter[str] = Counter()
    for name, count in asked.items():
        kinds[_kind(name)] += count
    return dict(kinds)


def _kind(name: str) -> str:
    path = name.split(" ")[1]
    _, found, inside = path.partition("/namespaces/")
    return "/".join(inside.split("/")[:2]) if found else path


def _more(now: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    """Give what was asked meanwhile, metrics apart."""
    grown: dict[str, Any] = {name: count - before.get(name, 0) for name, count in now.items()}
    return {name: count for name, count in grown.items() if count and METRICS not in name}
