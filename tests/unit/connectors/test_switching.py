"""Auto at work, over real sockets: side by side, in time, with no thread left behind."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.auto import Health, Move, Pace
from connectors.base import Probe
from connectors.direct import Direct
from connectors.switching import Candidate, Switch, Switching

QUICK = Pace(
    grace_s=0.3, patience_s=0.6, probe_s=1.5, healthy_s=0.3, healthy_max_s=2.0, reprobe_s=0.05, used_s=0.4, round_s=0.1
)
WAIT_S = 10.0


def eventually(found: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + WAIT_S
    while not (answer := found()):
        assert time.monotonic() < deadline, what
        time.sleep(0.01)
    return answer


class Port:
    """A port on loopback that answers, refuses, or swallows whatever comes."""

    def __init__(self) -> None:
        self._held: list[socket.socket] = []
        self.number = 0
        self.answer()

    def answer(self) -> None:
        self._listen(64)

    def swallow(self) -> None:
        self._listen(0)
        for _ in range(3):  # from then on nothing answers a SYN
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.number))
            self._held.append(filler)

    def refuse(self) -> None:
        for each in self._held:
            each.close()
        self._held = []

    def _listen(self, backlog: int) -> None:
        self.refuse()
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.number))
        listener.listen(backlog)
        self.number = listener.getsockname()[1]
        self._held.append(listener)


class Bench:
    """Auto over some ports."""

    def __init__(self, *names: str, pace: Pace = QUICK, clock: Callable[[], float] = time.monotonic) -> None:
        self.ports = {name: Port() for name in names}
        self.probed: list[str] = []
        self.switches: list[Switch] = []
        self.not_ready = ""
        candidates = [
            Candidate(name=name, priority=number, kind="direct", probe=self._prober(name))
            for number, name in enumerate(names)
        ]
        self.auto = Switching(
            "prod", candidates, ready=lambda _: self.not_ready, tell=self.switches.append, pace=pace, clock=clock
        )

    def use(self) -> str | None:
        decision = self.auto.choose()
        self.auto.take(decision)
        return decision.name

    def lose(self, name: str) -> str | None:
        """Fail in use, as a read does, and decide again."""
        self.auto.report(name, "The read timed out.")
        decision = self.auto.choose(wait=True)
        self.auto.take(decision)
        return decision.name

    def _prober(self, name: str) -> Callable[[float], Probe]:
        def probe(timeout_s: float) -> Probe:
            self.probed.append(name)
            return Direct().probe(f"tcp://127.0.0.1:{self.ports[name].number}", timeout_s=timeout_s)

        return probe


Make = Callable[..., Bench]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[Bench] = []
    before = set(threading.enumerate())

    def bench(*names: str, **more: Any) -> Bench:
        made.append(Bench(*names, **more))
        return made[-1]

    yield bench
    for each in made:
        each.auto.stop()
        for port in each.ports.values():
            port.refuse()
        each.auto.join()
        assert not each.auto.alive
    assert set(threading.enumerate()) <= before


def test_it_takes_the_first_that_answers_past_black_holes_within_the_grace(make: Make) -> None:
    bench = make("lan", "vpn", "bastion")
    bench.ports["lan"].swallow()
    bench.ports["vpn"].swallow()
    began = time.monotonic()
    assert bench.use() == "bastion"
    assert QUICK.grace_s <= time.monotonic() - began < QUICK.probe_s, "their probes are not waited for"
    assert sorted(bench.probed) == ["bastion", "lan", "vpn"], "each once, side by side"


def test_it_waits_for_none_that_has_failed(make: Make) -> None:
    bench = make("lan", "bastion")
    bench.ports["lan"].refuse()
    began = time.monotonic()
    assert bench.use() == "bastion"
    assert time.monotonic() - began < QUICK.grace_s


def test_what_answers_is_not_asked_again_for_every_use(make: Make) -> None:
    bench = make("lan", "bastion")
    assert [bench.use() for _ in range(50)] == ["lan"] * 50
    assert len(bench.probed) == 2
    assert bench.switches == []


def test_many_who_ask_at_once_share_the_probes(make: Make) -> None:
    bench = make("lan", "bastion")
    found: list[str | None] = []
    threads = [threading.Thread(target=lambda: found.append(bench.use())) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    assert found == ["lan"] * 20
    assert len(bench.probed) == 2


def test_it_fails_over_in_use_and_back_when_the_better_one_is_well_again(make: Make) -> None:
    bench = make("lan", "bastion")
    bench.use()
    bench.ports["lan"].refuse()
    time.sleep(QUICK.round_s)
    eventually(lambda: bench.lose("lan") == "bastion", "it fails over")  # a busy machine may be late with a probe
    bench.ports["lan"].answer()
    mended = time.monotonic()
    eventually(lambda: bench.use() == "lan", "it goes back")
    assert time.monotonic() - mended >= QUICK.healthy_s
    assert [(each.before, each.after, each.move) for each in bench.switches] == [
        ("lan", "bastion", Move.OVER),
        ("bastion", "lan", Move.BACK),
    ]


def test_one_that_probes_well_and_cannot_be_made_ready_is_not_taken_back(make: Make) -> None:
    bench = make("lan", "bastion")
    bench.ports["lan"].refuse()
    assert bench.use() == "bastion"
    bench.not_ready = "The API server answers 503."
    bench.ports["lan"].answer()

    def is_turned_down() -> bool:
        assert bench.use() == "bastion"
        return bench.auto.record("lan").error == bench.not_ready

    eventually(is_turned_down, "it is tried")
    assert bench.switches == []


def test_it_stays_while_nothing_else_answers(make: Make) -> None:
    bench = make("lan", "bastion")
    bench.use()
    for port in bench.ports.values():
        port.refuse()
    time.sleep(QUICK.round_s)
    assert bench.lose("lan") == "lan"
    assert bench.switches == []


def test_a_failure_waits_no_longer_than_patience_for_black_holes(make: Make) -> None:
    bench = make("lan", "bastion")
    bench.use()
    for port in bench.ports.values():
        port.swallow()
    time.sleep(QUICK.round_s)
    began = time.monotonic()
    assert bench.lose("lan") == "lan"
    assert time.monotonic() - began < QUICK.probe_s, "their probes are not waited for"


def test_nobody_waits_in_use_for_what_is_only_asked(make: Make) -> None:
    bench = make("lan", "bastion")
    bench.use()
    for port in bench.ports.values():
        port.swallow()
    bench.auto.report("lan", "The read timed out.")
    time.sleep(QUICK.round_s)
    began = time.monotonic()
    assert bench.use() == "lan"
    assert time.monotonic() - began < QUICK.patience_s


def test_better_ones_are_tried_while_it_is_used_and_then_no_more(make: Make) -> None:
    bench = make("lan", "bastion")
    bench.ports["lan"].refuse()
    bench.use()
    assert bench.auto.alive
    deadline = time.monotonic() + QUICK.used_s * 2
    while time.monotonic() < deadline:
        bench.use()
        time.sleep(0.02)
    assert bench.probed.count("lan") >= 3
    assert bench.probed.count("bastion") == 1, "what works needs no probe"
    eventually(lambda: not bench.auto.alive, "nobody uses it: its thread ends")


def test_a_test_asks_all_and_gives_back_at_its_deadline(make: Make) -> None:
    bench = make("lan", "bastion")
    bench.ports["lan"].swallow()
    began = time.monotonic()
    bench.auto.test(deadline_s=0.3)
    assert time.monotonic() - began < QUICK.probe_s
    assert bench.auto.record("bastion").state.health is Health.UP
    assert bench.auto.record("lan").state.asked
    eventually(lambda: bench.auto.record("lan").state.health is Health.DOWN, "its own limit ends it")


def test_a_probe_that_breaks_is_a_way_that_does_not_carry(make: Make) -> None:
    bench = make("lan", "bastion")

    def broken(_: float) -> Probe:
        raise RuntimeError("a mistake in a connector")

    first = Candidate(name="lan", priority=0, kind="direct", probe=broken)
    second = Candidate(name="bastion", priority=1, kind="direct", probe=bench._prober("bastion"))
    auto = Switching("odd", [first, second], ready=lambda _: "", tell=bench.switches.append, pace=QUICK)
    try:
        decision = auto.choose()
        assert decision.name == "bastion"
        assert auto.record("lan").error == "It could not be tried."
    finally:
        auto.stop()
        auto.join()


def test_nothing_is_begun_after_the_end(make: Make) -> None:
    bench = make("lan")
    bench.auto.stop()
    decision = bench.auto.choose()
    assert (decision.name, decision.move) == (None, Move.NONE)
    assert bench.probed == []


def test_time_is_what_its_clock_says(make: Make) -> None:
    """A better way is taken back by the clock that it is given, not by the machine's."""
    moment = [1000.0]
    bench = make("lan", "bastion", pace=Pace(reprobe_s=0.05, used_s=1e9), clock=lambda: moment[0])
    bench.ports["lan"].refuse()
    assert bench.use() == "bastion"
    moment[0] += 10
    bench.ports["lan"].answer()
    eventually(lambda: bench.auto.record("lan").state.health is Health.UP, "it is well again")
    assert bench.use() == "bastion"
    moment[0] += 30
    eventually(lambda: bench.use() == "lan", "30 s later")
    assert bench.switches[0].sentence == "Back to lan: it has answered for 30 s."
