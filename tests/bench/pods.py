"""The Pods tab of a crowded namespace: its first page warm and cold, beside `kubectl get pods` and a bare GET."""

from __future__ import annotations

import http.client
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import urllib3

from tests.bench.crowd import NAMESPACE
from tests.bench.measure import Figure, Promise, in_turns, median, percentile
from tests.bench.real import crowded_really, real_kubeconfig
from tests.bench.served import ANSWER_S, Served, crowded, of_cluster, served
from tests.bench.sizes import Size
from tests.engines.kubectl import find_kubectl
from tests.engines.sshd import HOST

PAGE_MS = 50.0
PAGE_PART = 0.02
TABLE_S = 1.0
COLD_TIMES = 1.5
AS_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
QUICK_PEER = (
    "Most of the page's time is spent on writing out its hundred rows. The simulated cluster makes its Table in a "
    "fifth of a second, so kubectl is quicker here than beside a real API server."
)


def pods_tab(size: Size) -> Iterator[Figure]:
    """Measure on the simulated cluster."""
    with crowded(pods=size.pods) as (_, place):
        yield from _measured(size, place, NAMESPACE, f"simulated, {size.pods:,} pods")


def pods_tab_real(size: Size) -> Iterator[Figure]:
    """Measure on the cluster that OPSMODAL_TEST_KUBECONFIG names; nothing where it names none."""
    if not real_kubeconfig():
        return
    with crowded_really(size.pods) as (place, namespace, version):
        yield from _measured(size, place, namespace, f"real {version}, {size.pods:,} pods")


def _measured(size: Size, place: Mapping[str, str], namespace: str, with_: str) -> Iterator[Figure]:
    api = f"/api/v1/namespaces/{namespace}/pods"
    with tempfile.TemporaryDirectory() as folder:
        kubeconfig = Path(folder, "kubeconfig")
        kubeconfig.write_text(place["kubeconfig"])
        listed = [kubectl_s(kubeconfig, namespace, folder) for _ in range(size.rounds + 1)][1:]
    tables = [bare_s(place, api, accept=AS_TABLE) for _ in range(size.rounds)]
    yield Figure(
        name="the cluster serves the Table itself",
        ours=median(tables),
        unit="s",
        promise=Promise(at_most=TABLE_S),
        count=len(tables),
        with_=with_,
        note="The cluster's own time, not ours: a slow one would flatter the ratio to kubectl.",
    )
    registry, files = of_cluster("crowded", place["kubeconfig"], [namespace])
    instances = f"/services/{namespace}/instances"
    yield from _cold(size, registry, files, instances, place, api, with_)
    with served(registry, files) as server:
        server.get(f"/api/v1{instances}")
        for name, path, accept in (
            ("HTML", instances, "text/html"),
            ("JSON", f"/api/v1{instances}", "application/json"),
        ):
            times = _warm(server, path, accept, size.requests)
            at_p50 = percentile(times, 50)
            yield Figure(
                name=f"Pods tab, first page, warm, {name}: p50",
                ours=at_p50 * 1000,
                unit="ms",
                promise=Promise(at_most=PAGE_MS),
                count=len(times),
                with_=with_,
            )
            yield Figure(
                name=f"Pods tab, first page, warm, {name}: p50 beside kubectl",
                ours=at_p50,
                unit="s",
                peer=median(listed),
                peer_name="kubectl get pods",
                promise=Promise(at_most=PAGE_PART, of="ratio"),
                count=len(times),
                with_=with_,
                note=QUICK_PEER if name == "HTML" else "",
            )


def _warm(server: Served, path: str, accept: str, requests: int) -> list[float]:
    connection = http.client.HTTPConnection(HOST, server.port, timeout=ANSWER_S)
    try:
        return [server.timed_s(path, accept=accept, kept=connection) for _ in range(requests + 2)][2:]
    finally:
        connection.close()


def _cold(
    size: Size,
    registry: Mapping[str, object],
    files: Mapping[str, str],
    instances: str,
    place: Mapping[str, str],
    api: str,
    with_: str,
) -> Iterator[Figure]:
    """Start a server for each round: what was never asked is cold, the connection to the cluster as well."""

    def first_s() -> float:
        with served(registry, files) as server:
            return server.timed_s(f"/api/v1{instances}")

    ours, peer = in_turns(first_s, lambda: bare_s(place, api), rounds=size.rounds)
    yield Figure(
        name="Pods tab, first answer, cold, JSON",
        ours=median(ours),
        unit="s",
        peer=median(peer),
        peer_name="bare GET of the list",
        promise=Promise(at_most=COLD_TIMES, of="ratio"),
        count=len(ours),
        with_=with_,
        note="Cold is the first request to a server that has just started. The simulated cluster has its list ready "
        "as bytes: the bare GET costs it next to nothing, and a real API server a second or more.",
    )


def bare_s(place: Mapping[str, str], path: str, *, accept: str = "application/json") -> float:
    """Read a path of the API server to its end over a new connection; give how long that took."""
    headers = {"Accept": accept}
    if place.get("token"):
        headers["Authorization"] = f"Bearer {place['token']}"
    trust = {"ca_cert_data": place["ca"]} if place["ca"] else {"cert_reqs": "CERT_NONE"}
    keys = {"cert_file": place.get("cert"), "key_file": place.get("key")}
    with warnings.catch_warnings(), urllib3.PoolManager(**trust, **keys) as pool:
        warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)  # as the kubeconfig wants it
        began = time.perf_counter()
        response = pool.request("GET", place["url"] + path, headers=headers, timeout=ANSWER_S)
        took_s = time.perf_counter() - began
    if response.status != 200:
        raise RuntimeError(f"GET {path} was answered {response.status}: {response.data[:300]!r}")
    return took_s


def kubectl_s(kubeconfig: Path, namespace: str, cache: str) -> float:
    """Run `kubectl get pods`; give how long that took."""
    argv = [find_kubectl(), "--kubeconfig", kubeconfig, "--cache-dir", cache, "get", "pods", "-n", namespace]
    began = time.perf_counter()
    subprocess.run([str(part) for part in argv], check=True, capture_output=True, timeout=ANSWER_S)
    return time.perf_counter() - began
