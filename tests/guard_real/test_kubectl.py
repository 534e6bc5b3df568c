"""The real kubectl runs what the guard allows: what it sends stays in the namespace, what it does in its folder.

The lines are the guard's own table, and the same lines with hostile words put in somewhere: whatever of these the guard
still allows has to be harmless, whatever it looks like.
"""

from __future__ import annotations

import random
import shlex
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from opsmodal.demo.cluster import Cluster, start
from opsmodal.guard.judge import judge
from opsmodal.guard.verdict import Verdict
from opsmodal.guard.world import Asked, Known, Mode
from tests.engines.kubectl import NoKubectl, find_kubectl
from tests.guard_real.recorder import Recorder, Recording, breach, recording
from tests.guard_real.tracing import ran, traced, untraceable

TABLES = Path(__file__).parent.parent / "unit" / "guard"
NAMESPACE = "shop"
AUTOSCALED = frozenset({"deployment/web"})
WORLD = Known(autoscaled=AUTOSCALED)
LIMIT_S = 4.0
"""Follows and watches never end; what they ask for, they ask at once."""
SIDE_BY_SIDE = 4
SMOKE, SMOKE_TRACED = 60, 12
SEED = 20_261_121

HOSTILE = (
    *("-A", "--all-namespaces", "-Aw", "-wA", "-A=false", "--all_namespaces", "-n other", "-nother", "-n=other"),
    *("--namespace=other", "--namespace other", "-n shop -n other", "-n ''", "--as=admin", "--as-group=system:masters"),
    *("--server=https://127.0.0.1:1", "-s https://127.0.0.1:1", "--token=x", "--kubeconfig=/etc/passwd", "--user=x"),
    *("--context=other", "--cluster=x", "--insecure-skip-tls-verify", "--cache-dir=/tmp/x", "--profile=cpu", "-v=9"),
    *("-f /etc/passwd", "-f -", "-k .", "-R", "--raw=/api/v1/secrets", "--raw /api", "-it", "-i", "-t", "-ti=false"),
    *(
        "--stdin",
        "--tty=true",
        "-o go-template-file=/etc/passwd",
        "-ojsonpath-file=/etc/passwd",
        "--template=/etc/passwd",
    ),
    *("-o json", "-oyaml", "-owide", "-w", "--watch", "--watch-only", "--dry-run -A", "--cascade -A", "--validate -A"),
    *("--dry-run=server", "-l app=web", "--selector=app", "--all", "--force", "--replicas=3", "--subresource=scale"),
    *(
        "nodes",
        "secrets",
        "pods,nodes",
        "ns",
        "pods/web-0",
        "node/demo-worker-1",
        "deploy/web",
        "all",
        "--",
        "-- -n other",
    ),
    *(
        "--timeout=1s",
        "--request-timeout=0",
        "-c it",
        "--since=1h",
        "--tail=5",
        "-p",
        "--previous",
        "--edit",
        "--save-config",
    ),
    *(
        "--patch-file=/etc/passwd",
        "--overwrite",
        "--record",
        "--field-manager=x",
        "--output-watch-events",
        "--show-managed-fields",
    ),
    *(
        "--subresource=status",
        "--subresource=token",
        "--local",
        "--containers",
        "--sort-by=.spec",
        "--chunk-size=1",
        "--prefix",
    ),
)


@dataclass(frozen=True)
class Line:
    """A line that the guard allows, and why."""

    line: str
    verdict: Verdict


def asked(mode: str = "oneshot") -> Asked:
    return Asked(kind="kubernetes", mode=Mode(mode), namespace=NAMESPACE, world=WORLD)


def table() -> list[tuple[str, str]]:
    """Give the kubectl lines of the guard's own tables, with their modes, whatever is expected of them."""
    found = []
    for path in sorted(TABLES.rglob("*.yaml")):
        document: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        for case in document.get("cases", ()) if isinstance(document, dict) else ():
            if case.get("runtime") == "kubernetes" and case.get("namespace") == NAMESPACE and not case.get("container"):
                found.append((case["command"], case["mode"]))
    return found


def allowed(lines: Sequence[tuple[str, str]]) -> list[Line]:
    """Keep the lines that the guard lets through in this world."""
    judged = (Line(line, judge(line, asked(mode))) for line, mode in lines if isinstance(line, str))
    return [each for each in judged if each.verdict.allowed]


def spoiled(lines: Sequence[tuple[str, str]], count: int) -> list[tuple[str, str]]:
    """Put hostile words into lines of the table, anywhere."""
    chance, made = random.Random(SEED), []
    for _ in range(count):
        line, mode = chance.choice(lines)
        words = line.split(" ")
        for _ in range(chance.choice((1, 1, 2))):
            words.insert(chance.randint(1, len(words)), chance.choice(HOSTILE))
        made.append((" ".join(words), chance.choice((mode, "streaming"))))
    return made


@pytest.fixture
def traceable() -> None:
    if why := untraceable():
        pytest.skip(why)


@pytest.fixture(scope="module")
def kubectl() -> str:
    try:
        return str(find_kubectl())
    except NoKubectl as problem:
        pytest.skip(str(problem))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    running = start()
    running.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}})
    yield running
    running.stop()


@pytest.fixture
def server(cluster: Cluster) -> Iterator[Recording]:
    with recording(cluster, namespace=NAMESPACE) as listening:
        yield listening


def environment(folder: Path) -> dict[str, str]:
    return {"HOME": str(folder), "KUBECONFIG": str(folder / "config"), "KUBERC": "off", "PATH": str(folder)}


def prepared(folder: Path, server: Recording) -> Path:
    folder.mkdir(parents=True)
    (folder / "config").write_text(server.kubeconfig)
    return folder


def breaches(line: Line, server: Recording, kubectl: str, folder: Path) -> list[str]:
    """Run one line with nothing else running, and say what it asked for that it may not."""
    prepared(folder, server)
    server.recorder.taken()
    code, said = ran([kubectl, *line.verdict.argv[1:]], folder=folder, environment=environment(folder), limit_s=LIMIT_S)
    return _judged(server.recorder, line, server.token) + ([f"{line.line}: {said}"] if _misread(code, said) else [])


def _judged(recorder: Recorder, line: Line, token: str) -> list[str]:
    found = []
    for request in recorder.taken():
        if wrong := breach(request, namespace=NAMESPACE, token=token, autoscaled=AUTOSCALED):
            found.append(f"{line.line}  ({shlex.join(line.verdict.argv)}): {wrong}: {request}")
    return found


def _misread(code: int, said: str) -> bool:
    """Tell whether kubectl did not understand what the guard had: then the guard has not understood kubectl."""
    words = ("unknown flag", "unknown shorthand flag", "unknown command", "flag needs an argument", "panic:")
    return code != 0 and any(word in said for word in words)


def run_all(lines: Sequence[Line], cluster: Cluster, kubectl: str, folder: Path) -> list[str]:
    """Run lines a few at a time, each in a world of requests of its own."""

    def run_some(number: int) -> list[str]:
        with recording(cluster, namespace=NAMESPACE) as server:
            mine = list(enumerate(lines))[number::SIDE_BY_SIDE]
            return [wrong for at, line in mine for wrong in breaches(line, server, kubectl, folder / str(at))]

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        return [wrong for found in pool.map(run_some, range(SIDE_BY_SIDE)) for wrong in found]


def test_the_recorder_notices_what_breaks_the_wall(server: Recording, kubectl: str, tmp_path: Path) -> None:
    """What nobody may, run past the guard: a recorder that sees nothing wrong proves nothing."""
    for number, words in enumerate(
        (
            "get pods -A",
            "get pods -n other",
            "get nodes",
            "get --raw /api/v1/secrets",
            "exec -i db-0 -- cat",
            "get pods --as=x",
            "scale deploy/web --replicas=3",
            "port-forward pod/db-0 :80",
        )
    ):
        line = Line(words, Verdict(decision="allow", rule="", reason="", argv=("kubectl", *words.split())))  # type: ignore[arg-type]
        assert breaches(line, server, kubectl, tmp_path / str(number)), words


@pytest.mark.usefixtures("traceable")
def test_the_tracer_notices_what_leaves_its_folder(server: Recording, kubectl: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    for number, words in enumerate(
        (
            f"get pods --cache-dir={outside}",
            f"get pods -o go-template-file={tmp_path}/x",
            "get pods --server=https://127.0.0.2:9",
            "create configmap x --from-file=/root",
        )
    ):
        folder = prepared(tmp_path / str(number), server)
        done = traced(
            [kubectl, *words.split()], folder=folder, environment=environment(folder), port=server.port, limit_s=LIMIT_S
        )
        assert done.breaches, words


def test_what_the_table_allows_stays_in_the_namespace(cluster: Cluster, kubectl: str, tmp_path: Path) -> None:
    lines = allowed(table())
    chosen = random.Random(SEED).sample(lines, min(SMOKE, len(lines)))
    assert len(chosen) == SMOKE
    assert run_all(chosen, cluster, kubectl, tmp_path) == []


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
def test_all_that_the_table_allows_stays_in_the_namespace(cluster: Cluster, kubectl: str, tmp_path: Path) -> None:
    assert run_all(allowed(table()), cluster, kubectl, tmp_path) == []


@pytest.mark.parametrize(
    "count", [2_000, pytest.param(40_000, marks=[pytest.mark.exhaustive, pytest.mark.timeout(3000)])]
)
def test_spoiled_lines_that_still_pass_stay_in_the_namespace(
    cluster: Cluster, kubectl: str, tmp_path: Path, count: int
) -> None:
    lines = allowed(spoiled(table(), count))[: count // 20]
    assert lines
    assert run_all(lines, cluster, kubectl, tmp_path) == []


@pytest.mark.parametrize(
    "count", [SMOKE_TRACED, pytest.param(400, marks=[pytest.mark.exhaustive, pytest.mark.timeout(1800)])]
)
@pytest.mark.usefixtures("traceable")
def test_nothing_is_touched_outside_the_folder(server: Recording, kubectl: str, tmp_path: Path, count: int) -> None:
    lines = allowed(table())
    wrong = []
    for number, line in enumerate(random.Random(SEED + 1).sample(lines, min(count, len(lines)))):
        folder = prepared(tmp_path / str(number), server)
        argv = [kubectl, *line.verdict.argv[1:]]
        done = traced(argv, folder=folder, environment=environment(folder), port=server.port, limit_s=LIMIT_S)
        wrong += [f"{line.line}: {each}" for each in done.breaches]
    assert wrong == []
