"""On a real engine with the containers of two services, no line that the guard allows shows the other service's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from opsmodal.guard.engine.tables import Program
from opsmodal.guard.judge import judge
from opsmodal.guard.world import Asked, Known, Mode
from runtimes.engine.client import Client
from tests.engines.containers import ContainerEngine
from tests.guard_real import tracing
from tests.unit.guard.test_engine_tables import installed

LIMIT_S = 20.0
STREAM_S = 3.0
LOOP = ("sh", "-c", "trap : HUP; while true; do echo from-$0; sleep 1; done")
LISTS = (
    *("ps", "ps -a", "ps -aq --no-trunc", "ps -n 1", "ps -n 5", "ps -n 0", "ps -s", "ps --filter status=running"),
    *("ps --filter name=shop", "ps --filter name=g2-", "ps -a --filter status=exited", "ps --filter since=g2-shop-web"),
    *("ps --filter id=g2-shop-db", "ps --filter label=none", "ps --format '{{.ID}} {{.Names}}'", "container ls --all"),
    *("stats --no-stream", "stats --no-stream --format '{{.Name}}'", "stats --no-stream g2-shop-db"),
    *("events --since 1h ENDED", "events --since 1h ENDED --filter event=kill"),
    *("events --since 1h ENDED --filter type=container --filter event=exec_start --filter event=exec",),
    *("events --since 1h ENDED --filter container=g2-shop-web --filter container=g2-shop-db",),
    *("inspect g2-shop-web", "top g2-shop-web", "port g2-shop-web", "diff g2-shop-db"),
    "logs --tail 5 g2-shop-web",
)
DOCKER_ONLY = (
    "ps -l",
    "top g2-shop-web -eo user,pid,args",
    "ps --latest -q",
    "top g2-shop-web aux",
    "top g2-shop-web -o pid,user,comm --sort=-pid",
)
PODMAN_ONLY = ("ps --ns", "ps -p", "ps --sort id", "events --stream=false --since 1h", "top g2-shop-web pid comm %C")
STREAMS = {
    "docker": ("stats", "events", "logs -f g2-shop-web"),
    "podman": ("stats", "events", "ps -w 1", "logs -f g2-shop-db"),
}
ENDED = "ENDED"
"""What ends a list of events; podman 4.3 prints nothing at all for --until 0s."""
COPIES = pytest.mark.parametrize("copies", [1, pytest.param(None, marks=pytest.mark.exhaustive)])
EMPTY_HANDED = ("status=exited", "label=none", "port ", "diff ", "--filter event=exec")
"""Lines that rightly show nothing here, or may."""


@dataclass(frozen=True, slots=True)
class Two:
    """An engine with two services, and the world of one of them."""

    kind: Program
    engine: ContainerEngine
    world: Known

    def asked(self, mode: Mode = Mode.ONESHOT, world: Known | None = None) -> Asked:
        return Asked(kind=self.kind, mode=mode, world=world or self.world)

    def said(
        self, line: str, folder: Path, asked: Asked, *, limit_s: float = LIMIT_S, copies: int | None = 1
    ) -> Iterator[str]:
        """Judge a line and give what each copy of the program says to it."""
        end = "--stream=false" if self.kind == "podman" else "--until 0s"
        verdict = judge(f"{self.kind} {line.replace(ENDED, end)}", asked)
        assert verdict.allowed, f"{line}: {verdict.reason}"
        client = object.__new__(Client)
        client._kind = self.kind
        for path in installed(self.kind)[:copies]:
            argv = client._argv(verdict.argv, self.engine.url)
            variables = {**client._environment(folder, self.engine.url), "HOME": str(folder), "PATH": str(folder)}
            yield tracing.ran([path, *argv[1:]], folder=folder, environment=variables, limit_s=limit_s)[1]

    def foreign(self, said: str) -> list[str]:
        return [name for name, full in self.world.other.items() if name in said or full[:12] in said]


@pytest.fixture(params=["docker", "podman"])
def two(request: pytest.FixtureRequest) -> Two:
    kind: Program = request.param
    engine: ContainerEngine = request.getfixturevalue(f"{kind}_engine")
    own = {name: engine.run(*LOOP, name, options=["--name", name]) for name in ("g2-shop-web", "g2-shop-db")}
    other = {name: engine.run(*LOOP, name, options=["--name", name]) for name in ("g2-pay-db", "g2-pay-web")}
    for name in (*own, *other):
        engine.cli("exec", name, "true")
        engine.cli("kill", "-s", "HUP", name)
    return Two(kind, engine, Known(own=own, other=other))


@COPIES
def test_lists_hold_own_containers_only(two: Two, tmp_path: Path, copies: int | None) -> None:
    assert two.foreign(two.engine.cli("ps")), "nothing to hide"
    for words in (*LISTS, *(DOCKER_ONLY if two.kind == "docker" else PODMAN_ONLY)):
        for said in two.said(words, tmp_path, two.asked(), copies=copies):
            assert not two.foreign(said), f"{words}: {said}"
            shown = "g2-shop" in said or any(full[:12] in said for full in two.world.own.values()) or "PID" in said
            assert shown or any(sign in words for sign in EMPTY_HANDED), f"{words}: {said}"


@pytest.mark.exhaustive
def test_streams_hold_own_containers_only(two: Two, tmp_path: Path) -> None:
    for words in STREAMS[two.kind]:
        for said in two.said(words, tmp_path, two.asked(Mode.STREAMING), limit_s=STREAM_S):
            assert not two.foreign(said), f"{words}: {said}"


@pytest.mark.exhaustive
def test_a_service_without_containers_sees_none(two: Two, tmp_path: Path) -> None:
    nobody = two.asked(world=Known(other={**two.world.own, **two.world.other}))
    for words in ("ps -a", "ps -n 3", "events --since 1h ENDED"):
        for said in two.said(words, tmp_path, nobody):
            assert "g2-" not in said, f"{words}: {said}"


@pytest.mark.exhaustive
def test_what_acts_hits_own_containers_only(two: Two, tmp_path: Path) -> None:
    short = {name: full[:12] for name, full in two.world.own.items()}
    before = _started(two)
    for words in (
        f"stop -t 0 {short['g2-shop-web']}",
        "start /g2-shop-web",
        "pause g2-shop-db",
        "unpause g2-shop-db",
        "kill -s HUP g2-shop-db",
        "restart -t 0 g2-shop-web g2-shop-db",
    ):
        (said,) = two.said(words, tmp_path, two.asked())
        assert "rror" not in said, f"{words}: {said}"
    after = _started(two)
    assert {name for name in before if before[name] != after[name]} == set(two.world.own)


def _started(two: Two) -> dict[str, str]:
    names = (*two.world.own, *two.world.other)
    return {name: two.engine.cli("inspect", "-f", "{{.State.StartedAt}} {{.State.Status}}", name) for name in names}
