"""What a one-shot of kubectl costs beside the bare CLI: through the API, and at the runtime's facet."""

from __future__ import annotations

import http.client
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from connectors.base import Exit
from connectors.direct import Direct
from runtimes.base import Scope
from runtimes.commands import Command, Commands
from runtimes.kubernetes.open import open_kubernetes
from tests.bench.command_streams import _served
from tests.bench.crowd import NAMESPACE
from tests.bench.measure import Figure, Promise, in_turns, median
from tests.bench.served import ANSWER_S, Served, crowded
from tests.bench.sizes import Size
from tests.engines.kubectl import find_kubectl
from tests.engines.sshd import HOST

TIMES = 1.15
PLUS_MS = 60.0
PODS = 20
POD = "crowd-00000"
GET, EXEC = ("get", "pods"), ("exec", POD, "--", "echo", "hi")
LIMIT_S = 30.0


def one_shots(size: Size) -> Iterator[Figure]:
    """Run `get pods` and an `exec`, in turns with the bare CLI, whose cache of the cluster's kinds is warm too."""
    rounds = max(size.rounds, size.requests // 2)
    with crowded(pods=PODS) as (_, place), tempfile.TemporaryDirectory() as folder:
        kubeconfig = Path(folder, "kubeconfig")
        kubeconfig.write_text(place["kubeconfig"])
        client = [str(find_kubectl()), "--kubeconfig", str(kubeconfig), "--cache-dir", folder, "-n", NAMESPACE]
        with _served(place) as server:
            yield _figure("through the API", GET, in_turns(_asks(server, GET), _bare(client, GET), rounds=rounds))
        for words in (GET, EXEC):
            with _Facet(place) as facet:
                taken = in_turns(facet.runs(words), _bare(client, words), rounds=rounds)
            yield _figure("at the facet", words, taken)


def _figure(where: str, words: Sequence[str], taken: tuple[list[float], list[float]]) -> Figure:
    ours, peer = map(median, taken)
    return Figure(
        name=f"one-shot kubectl {words[0]} {where}",
        ours=ours,
        unit="ms",
        peer=peer,
        peer_name="the bare CLI",
        promise=Promise(at_most=TIMES * peer + PLUS_MS) if words is GET else None,
        count=len(taken[0]),
        with_=f"simulated, {PODS} pods; promised {TIMES} times the CLI and {PLUS_MS:g} ms",
    )


class _Facet:
    """The Commands facet of a runtime, in this process."""

    def __init__(self, place: Mapping[str, str]) -> None:
        self._runtime = open_kubernetes(
            "bench",
            kubeconfig=place["kubeconfig"],
            context=None,
            connection=Direct(),
            kubectl=str(find_kubectl()),
        )

    def __enter__(self) -> _Facet:
        return self

    def __exit__(self, *_: object) -> None:
        self._runtime.close()

    def runs(self, words: Sequence[str]) -> _Runs:
        facet = self._runtime.commands
        assert facet is not None
        return _Runs(facet, words)


class _Runs:
    """One run of a line; gives how long it took in ms."""

    def __init__(self, facet: Commands, words: Sequence[str]) -> None:
        inner = words.index("--") + 4 if "--" in words else 0
        argv = ("kubectl", "-n", NAMESPACE, *words)
        self._facet = facet
        self._command = Command(argv=argv, limit_s=LIMIT_S, pod=POD if inner else "", inner=inner)

    def __call__(self) -> float:
        began = time.perf_counter()
        *_, last = self._facet.run(Scope(service="bench", namespace=NAMESPACE), self._command).stream
        took_ms = (time.perf_counter() - began) * 1000
        if last != Exit(code=0):
            raise RuntimeError(f"{self._command.argv} ended with {last}")
        return took_ms


class _Bare:
    """One run of the bare CLI; gives how long it took in ms."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._argv = argv

    def __call__(self) -> float:
        began = time.perf_counter()
        subprocess.run(self._argv, capture_output=True, check=True, timeout=LIMIT_S)
        return (time.perf_counter() - began) * 1000


def _bare(client: Sequence[str], words: Sequence[str]) -> _Bare:
    return _Bare([*client, *words])


class _Asks:
    """One request for a one-shot; gives how long it took in ms."""

    def __init__(self, server: Served, line: str) -> None:
        self._server = server
        self._body = json.dumps({"command": line, "mode": "oneshot"})

    def __call__(self) -> float:
        connection = http.client.HTTPConnection(HOST, self._server.port, timeout=ANSWER_S)
        headers = {"Authorization": f"Bearer {self._server.tokens[0]}", "Content-Type": "application/json"}
        began = time.perf_counter()
        try:
            connection.request("POST", f"/api/v1/services/{NAMESPACE}/commands", self._body, headers)
            response = connection.getresponse()
            said = json.loads(response.read())
        finally:
            connection.close()
        took_ms = (time.perf_counter() - began) * 1000
        if response.status != 200 or said["exit_code"] != 0:
            raise RuntimeError(f"{self._body} was answered {response.status}: {said}")
        return took_ms


def _asks(server: Served, words: Sequence[str]) -> _Asks:
    return _Asks(server, f"kubectl {' '.join(words)}")
