"""One runtime over several connections: which is taken, what happens when it is lost, and what a choice means."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from connectors.auto import PACE, Pace
from connectors.base import Phase
from connectors.errors import ConnectionProblem, Unreachable
from connectors.ledger import APART_S
from opsmodal.demo import example
from opsmodal.demo.cluster import Cluster
from opsmodal.fleet import Fleet, Switched, courses, slots
from opsmodal.opening import Opening
from opsmodal.registry.registry import Registry
from opsmodal.registry.schema import ServiceSpec
from opsmodal.settings import Settings
from opsmodal.store import open_store, open_vault
from runtimes.base import Instance, Runtime, Snapshot
from runtimes.errors import RuntimeProblem, Unavailable
from tests.contract.several import Line, Several, lines, ways

QUICK = Pace(
    grace_s=0.5, patience_s=1.0, probe_s=2.0, healthy_s=0.6, healthy_max_s=5.0, reprobe_s=0.15, used_s=30.0, round_s=0.2
)
WAIT_S = 15.0


def eventually(found: Callable[[], Any], what: str, *, within_s: float = WAIT_S) -> Any:
    deadline = time.monotonic() + within_s
    while not (answer := found()):
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
    return answer


@dataclass
class Made:
    """A fleet over lines to a simulated cluster."""

    fleet: Fleet
    registry: Registry
    cluster: Cluster
    line: dict[str, Line]
    switched: list[Switched] = field(default_factory=list)

    @property
    def service(self) -> ServiceSpec:
        found = self.registry.service("shop")
        assert found is not None
        return found

    def ask(self, over: str = "auto") -> Snapshot[Instance]:
        """Ask what no cache answers."""
        return self.fleet.read("demo", _listed, over=over)

    def in_use(self) -> str:
        return self.fleet.connection_in_use("demo")

    def register(self, *names: str) -> None:
        document = example.registry("demo.yaml")
        entry = {**document["runtimes"][0], "connections": ways(*names)}
        self.registry.put("runtimes", entry, {"kubeconfig": self.cluster.kubeconfig()})


def _listed(runtime: Runtime) -> Any:
    runtime.check()
    return runtime.kind


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    store = open_store(Settings(data_dir=tmp_path).store_url)
    yield Registry(store, open_vault(store, data_dir=tmp_path))
    store.close()


@pytest.fixture
def make(
    tmp_path: Path, registry: Registry, simulated_cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Made]]:
    for place in (slots, courses):
        monkeypatch.setattr(place, "RETRY_S", 0.2)
    with lines(simulated_cluster.url, "lan", "vpn", "bastion") as laid:
        fleets = []

        def made(*names: str, pace: Pace = QUICK) -> Made:
            switched: list[Switched] = []
            fleet = Fleet(registry, Opening(registry, Several(tmp_path, laid)), tell=switched.append, pace=pace)
            fleets.append(fleet)
            result = Made(fleet, registry, simulated_cluster, laid, switched)
            result.register(*names)
            registry.put("services", {"name": "shop", "runtime": "demo", "namespace": "shop"})
            return result

        yield made
        for fleet in fleets:
            fleet.close()
        left = [each.name for each in threading.enumerate() if each.name.startswith(("probe demo", "auto demo"))]
        assert left == []


def test_the_highest_priority_that_answers_is_taken(make: Callable[..., Made]) -> None:
    made = make("lan", "bastion")
    made.ask()
    assert made.in_use() == "lan"
    assert made.switched == [], "the first is no switch"
    assert [(way.name, way.in_use) for way in made.fleet.ways("demo")] == [("lan", True), ("bastion", False)]


def test_the_next_is_taken_when_the_first_is_refused(make: Callable[..., Made]) -> None:
    made = make("lan", "bastion")
    made.line["lan"].cut()
    made.ask()
    assert made.in_use() == "bastion"
    lan, bastion = made.fleet.ways("demo")
    assert (lan.phase, bastion.phase) == (Phase.DOWN, Phase.UP)
    assert "connection refused" in lan.sentence
    assert lan.checked_at is not None
    assert (lan.last_error, bastion.last_error) == (lan.sentence, "")


@pytest.mark.parametrize("hole", ["swallow", "hang"])
def test_it_is_decided_within_two_seconds_past_two_black_holes(make: Callable[..., Made], hole: str) -> None:
    made = make("lan", "vpn", "bastion", pace=PACE)
    getattr(made.line["lan"], hole)()
    getattr(made.line["vpn"], hole)()
    began = time.monotonic()
    decision = made.fleet._courses.of("demo").switching.choose()  # opening comes after it, and depends on the server
    took_s = time.monotonic() - began
    assert decision.name == "bastion"
    assert took_s <= 2.0
    made.fleet.runtime("demo")
    assert made.in_use() == "bastion"
    made.line["lan"].mend(), made.line["vpn"].mend()  # so that the probes under way end


def test_a_read_whose_way_is_lost_is_answered_over_another_way(make: Callable[..., Made]) -> None:
    made = make("lan", "bastion")
    made.ask()
    made.line["lan"].cut()
    assert made.ask() == "kubernetes"
    assert made.in_use() == "bastion"
    assert [(each.runtime, each.before, each.after) for each in made.switched] == [("demo", "lan", "bastion")]
    assert made.switched[0].sentence.startswith("bastion instead of lan: ")
    assert "refused" in made.switched[0].sentence


def test_many_readers_of_a_way_that_is_lost_make_one_switch(make: Callable[..., Made]) -> None:
    made = make("lan", "bastion")
    made.ask()
    made.line["lan"].cut()
    answers: list[Any] = []
    readers = [threading.Thread(target=lambda: answers.append(made.ask())) for _ in range(20)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(WAIT_S)
    assert answers == ["kubernetes"] * 20
    assert len(made.switched) == 1


def test_what_changes_something_is_sent_once(make: Callable[..., Made]) -> None:
    made = make("lan", "bastion")
    rows = made.fleet.instances(made.service, fresh_s=0).value.items
    made.line["lan"].cut()
    with pytest.raises((RuntimeProblem, ConnectionProblem)):
        made.fleet.runtime("demo").instances.delete(made.service.scope(), rows[0].id, force=False, uid=rows[0].uid)
    assert b"DELETE " not in bytes(made.line["bastion"].heard)


def test_a_fixed_choice_fails_with_its_reason_and_names_the_others(make: Callable[..., Made]) -> None:
    made = make("lan", "vpn", "bastion")
    made.line["vpn"].cut()
    with pytest.raises((Unavailable, ConnectionProblem)) as failed:
        made.ask(over="vpn")
    assert "refused" in str(failed.value)
    assert failed.value.hint.endswith("Choose another connection: lan, bastion, auto.")
    assert made.fleet.connection_in_use("demo", "vpn") == ""
    made.ask()
    assert made.in_use() == "lan"


def test_a_fixed_choice_that_is_lost_in_use_never_falls_back(make: Callable[..., Made]) -> None:
    made = make("lan", "bastion")
    made.ask(over="bastion")
    assert made.fleet.connection_in_use("demo", "bastion") == "bastion"
    sent = len(made.line["lan"].heard)
    made.line["bastion"].cut()
    with pytest.raises((Unavailable, ConnectionProblem)) as failed:
        made.ask(over="bastion")
    assert "Choose another connection: lan, auto." in failed.value.hint
    assert len(made.line["lan"].heard) == sent
    made.line["bastion"].mend()
    eventually(lambda: _succeeds(lambda: made.ask(over="bastion")), "it works again by itself", within_s=5.0)


def test_the_only_way_is_shown_as_it_was_when_it_was_used_last(make: Callable[..., Made]) -> None:
    made = make("lan")
    assert [way.sentence for way in made.fleet.ways("demo")] == ["Not tried yet."]
    made.ask()
    assert [(way.phase, way.in_use) for way in made.fleet.ways("demo")] == [(Phase.UP, True)]
    made.line["lan"].cut()
    for _ in range(2):
        assert not _succeeds(made.ask)
        time.sleep(APART_S)
    (way,) = made.fleet.ways("demo")
    assert way.phase is Phase.DOWN
    assert "refused" in way.last_error
    made.line["lan"].mend()
    eventually(lambda: _succeeds(made.ask), "it works again", within_s=5.0)
    assert made.fleet.ways("demo")[0].phase is Phase.UP


def test_a_choice_that_is_not_registered_any_more_is_auto(make: Callable[..., Made]) -> None:
    made = make("lan", "bastion")
    assert made.ask(over="gone") == "kubernetes"
    assert made.fleet.meant("demo", "gone") == "auto"
    assert made.fleet.connection_in_use("demo", "gone") == "lan"


def test_a_better_way_is_taken_back_when_it_has_been_well_for_a_while(make: Callable[..., Made]) -> None:
    made = make("lan", "bastion")
    made.line["lan"].cut()
    made.ask()
    made.line["lan"].mend()
    mended_s = time.monotonic()
    eventually(lambda: made.in_use() == "lan", "it goes back")
    assert time.monotonic() - mended_s >= QUICK.healthy_s
    assert [(each.before, each.after, each.is_back) for each in made.switched] == [("bastion", "lan", True)]
    assert made.switched[0].sentence.startswith("Back to lan: it has answered for ")


def test_better_ways_are_tried_only_while_somebody_uses_the_runtime(make: Callable[..., Made]) -> None:
    made = make("lan", "bastion", pace=Pace(grace_s=0.5, probe_s=2.0, healthy_s=60.0, reprobe_s=0.1, used_s=0.5))
    made.line["lan"].cut()
    made.ask()
    assert _minders() == ["auto demo"]
    eventually(lambda: _minders() == [], "nobody uses it: nobody tries")
    made.ask()
    assert _minders() == ["auto demo"]


def test_a_way_that_cannot_be_opened_over_is_passed_over_however_well_it_probes(make: Callable[..., Made]) -> None:
    """The port answers to TLS, and then the server says that it is not there. Nothing goes back to it for seconds."""
    made = make("lan", "bastion", pace=PACE)
    made.cluster.faults.answer(503, "/version", times=1)
    made.ask()
    assert made.in_use() == "bastion"
    lan, _ = made.fleet.ways("demo")
    assert lan.latency_ms is not None
    assert lan.phase is Phase.DOWN


def test_a_line_that_returns_works_again_within_five_seconds(make: Callable[..., Made], monkeypatch: Any) -> None:
    monkeypatch.undo()  # as it is in use
    made = make("lan", "bastion", pace=PACE)
    made.ask()
    for name in ("lan", "bastion"):
        made.line[name].cut()
    with pytest.raises((Unavailable, ConnectionProblem)):
        made.ask()
    assert made.fleet.connection_in_use("demo") == "lan", "nothing is left for nothing"
    made.line["bastion"].mend()
    eventually(lambda: _succeeds(made.ask), "it works again", within_s=5.0)
    assert made.in_use() == "bastion"


def test_when_no_way_carries_each_reason_is_told(make: Callable[..., Made]) -> None:
    made = make("lan", "bastion")
    made.line["lan"].cut()
    made.line["bastion"].cut()
    with pytest.raises(Unreachable) as failed:
        made.ask()
    assert failed.value.sentence.startswith("No connection to demo carries. lan: ")
    assert "; bastion: " in failed.value.sentence
    made.line["bastion"].mend()
    eventually(lambda: _succeeds(made.ask), "it works again", within_s=5.0)


def test_what_is_registered_anew_is_reached_anew_and_what_is_in_use_is_kept(make: Callable[..., Made]) -> None:
    made = make("lan", "bastion")
    made.ask()
    runtime = made.fleet.runtime("demo")
    made.register("bastion", "lan", "vpn")
    made.fleet.refresh()
    assert made.ask() == "kubernetes"
    assert made.fleet.runtime("demo") is not runtime
    assert made.in_use() == "lan", "it works"
    assert [way.name for way in made.fleet.ways("demo")] == ["bastion", "lan", "vpn"]
    made.register("vpn")
    made.fleet.refresh()
    assert made.ask() == "kubernetes"
    assert made.in_use() == "vpn"


def test_a_test_tries_all_side_by_side_and_says_how_each_is(make: Callable[..., Made]) -> None:
    made = make("lan", "vpn", "bastion", pace=PACE)
    made.line["lan"].swallow()
    made.line["vpn"].swallow()
    began = time.monotonic()
    found = {way.name: way for way in made.fleet.test_ways("demo", deadline_s=0.7)}
    assert time.monotonic() - began < 1.4
    assert found["bastion"].latency_ms is not None
    assert found["bastion"].phase is Phase.UP
    assert (found["lan"].phase, found["lan"].latency_ms) == (Phase.OPENING, None)
    made.line["lan"].mend(), made.line["vpn"].mend()
    found = {way.name: way for way in made.fleet.test_ways("demo", ["lan"], deadline_s=10.0)}
    assert found["lan"].phase is Phase.UP


def test_people_who_want_a_dead_way_keep_nobody_else_waiting(make: Callable[..., Made]) -> None:
    made = make("lan", "bastion")
    made.line["bastion"].hang()
    services = [
        ServiceSpec(name=f"s{number}", runtime="demo", namespace="shop", environment=str(number)) for number in range(8)
    ]
    overs = {service.name: "bastion" for service in services}
    made.fleet.glances(services, fresh_s=0, wait_s=0.3, overs=overs)
    began = time.monotonic()
    answer = made.fleet.glances([made.service], fresh_s=0, wait_s=5.0)["shop"]
    assert getattr(answer, "instances", None) is not None
    assert time.monotonic() - began < 4.0
    made.line["bastion"].mend()


def _succeeds(ask: Callable[[], Any]) -> bool:
    try:
        ask()
    except (RuntimeProblem, ConnectionProblem):
        return False
    return True


def _minders() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name == "auto demo"]
