"""A long log through the API, beside `docker logs` and `kubectl logs` of the same one."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.bench.crowd import LINE_BYTES, NAMESPACE
from tests.bench.measure import Figure, Promise, in_turns, median
from tests.bench.real import kubectl, real_kubeconfig
from tests.bench.served import ANSWER_S, Served, crowded, of_cluster, of_engine, served
from tests.bench.sizes import Size
from tests.engines import docker
from tests.engines.containers import ContainerEngine
from tests.engines.kubectl import find_kubectl
from tests.engines.process import wait_for

TIMES = 1.5
WRITTEN_S = 120.0
NDJSON = "application/x-ndjson"
POD = "crowd-00000"
REAL_IMAGE = "docker.io/library/busybox:1"
FILLER = "x" * (LINE_BYTES - len("GET /api/orders/000000000 200 \n"))
SEQUENCE = "awk 'BEGIN {{ for (i = 1; i <= {lines}; i++) printf(\"GET /api/orders/%09d 200 {filler}\\n\", i) }}'"


def docker_logs(size: Size) -> Iterator[Figure]:
    """Read the log of a container of a real dockerd."""
    with engine() as started:
        name = "written"
        started.run("sh", "-c", program(size.log_lines), options=["--name", name])
        client = ["docker", "--host", started.url, "logs"]
        wait_for(lambda: _lines([*client, name]) == size.log_lines, "the log is written", within_s=WRITTEN_S)
        with_ = f"dockerd {started.cli('version', '--format', '{{.Server.Version}}')}, json-file, {_bytes(size)}"
        with served(of_engine(started.socket, [name])) as server:
            path = f"/api/v1/services/engine/logs?instance={name}&download=true"
            yield from _figures(size, server, path, [*client, name], [*client, "-t", name], "docker logs", with_)


def kubectl_logs(size: Size) -> Iterator[Figure]:
    """Read the log of a pod of the simulated cluster."""
    with crowded(pods=2, log_lines=size.log_lines) as (_, place), tempfile.TemporaryDirectory() as folder:
        registry, files = of_cluster("crowded", place["kubeconfig"], [NAMESPACE])
        kubeconfig = Path(folder, "kubeconfig")
        kubeconfig.write_text(place["kubeconfig"])
        client = [str(find_kubectl()), "--kubeconfig", str(kubeconfig), "--cache-dir", folder]
        client += ["logs", "-n", NAMESPACE, POD]
        with served(registry, files) as server:
            path = f"/api/v1/services/{NAMESPACE}/logs?instance={POD}&download=true"
            with_ = f"simulated, {_bytes(size)}"
            yield from _figures(size, server, path, client, [*client, "--timestamps"], "kubectl logs", with_)


def kubectl_logs_real(size: Size) -> Iterator[Figure]:
    """Read the log of a pod of the cluster that OPSMODAL_TEST_KUBECONFIG names; nothing where it names none."""
    kubeconfig = real_kubeconfig()
    if kubeconfig is None:
        return
    namespace, pod = f"opsmodal-bench-logs-{int(time.time()) % 100_000}", "written"
    kubectl(kubeconfig, "create", "namespace", namespace)
    try:
        line = [*("run", pod, "-n", namespace, f"--image={REAL_IMAGE}", "--restart=Never", "--")]
        kubectl(kubeconfig, *line, "sh", "-c", program(size.log_lines))
        kubectl(kubeconfig, "wait", "-n", namespace, f"pod/{pod}", "--for=condition=Ready", "--timeout=120s")
        client = [str(find_kubectl()), "--kubeconfig", str(kubeconfig), "logs", "-n", namespace, pod]
        wait_for(lambda: _lines(client) == size.log_lines, "the log is written", within_s=WRITTEN_S)
        shown = kubectl(kubeconfig, "config", "view", "--minify", "--flatten", "--raw")
        registry, files = of_cluster("real", shown, [namespace])
        with served(registry, files) as server:
            path = f"/api/v1/services/{namespace}/logs?instance={pod}&download=true"
            with_ = f"real cluster, {_bytes(size)}"
            yield from _figures(size, server, path, client, [*client, "--timestamps"], "kubectl logs", with_)
    finally:
        kubectl(kubeconfig, "delete", "namespace", namespace, "--wait=false")


def program(lines: int) -> str:
    """Give what a shell runs to write so many lines and then wait."""
    return SEQUENCE.format(lines=lines, filler=FILLER) + "; sleep 100000"


@contextlib.contextmanager
def engine() -> Iterator[ContainerEngine]:
    """Give a dockerd of our own."""
    started = docker.start()
    try:
        yield started
    finally:
        started.close()


def _figures(
    size: Size, server: Served, path: str, plain: Sequence[str], stamped: Sequence[str], peer: str, with_: str
) -> Iterator[Figure]:
    stamps = f"{path}&timestamps=true"
    shapes: tuple[tuple[str, Callable[[], float], Sequence[str]], ...] = (
        ("as it is", lambda: _read_s(server, path, size.log_lines, "text/plain"), plain),
        ("with times", lambda: _read_s(server, stamps, size.log_lines, "text/plain"), stamped),
        ("as JSON lines", lambda: _read_s(server, path, size.log_lines, NDJSON), stamped),
    )
    for name, ours_s, client in shapes:
        ours, other = in_turns(ours_s, lambda client=client: _run_s(client), rounds=size.rounds)  # type: ignore[misc]
        yield Figure(
            name=f"{size.log_lines:,} log lines through the API, {name}",
            ours=median(ours),
            unit="s",
            peer=median(other),
            peer_name=peer,
            promise=Promise(at_most=TIMES, of="ratio"),
            count=len(ours),
            with_=with_,
        )


def _read_s(server: Served, path: str, lines: int, accept: str) -> float:
    began = time.perf_counter()
    body = server.get(path, accept=accept)
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


def _bytes(size: Size) -> str:
    return f"lines of {LINE_BYTES} bytes, {size.log_lines * LINE_BYTES / 1e6:.0f} MB"
