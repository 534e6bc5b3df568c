"""Which connection Auto takes: a table of what is known, and what holds whatever happens in whichever order."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.auto import PACE, Decision, Health, Move, State, decide
from connectors.base import Probe
from connectors.ledger import APART_S, Ledger

UP, DOWN, UNKNOWN = Health.UP, Health.DOWN, Health.UNKNOWN
NOW_S = 1000.0
REFUSED = "10.0.0.5:6443: connection refused: is the server running?"
PRIORITIES = {"lan": 10, "hq-vpn": 20, "bastion": 30}


def state(name: str, health: Health = UNKNOWN, *, asked: bool = False, for_s: float = 0.0, says: str = "") -> State:
    priority = PRIORITIES[name]
    return State(name=name, priority=priority, health=health, asked=asked, since_s=NOW_S - for_s, sentence=says)


LAN_UP = state("lan", UP, says="10.0.0.5:6443 answered in 2 ms.")
LAN_DOWN = state("lan", DOWN, says=REFUSED)
LAN_ASKED = state("lan", asked=True)
VPN_UP, VPN_ASKED = state("hq-vpn", UP), state("hq-vpn", asked=True)
VPN_DOWN = state("hq-vpn", DOWN, says="The handshake is 300 s old.")
BASTION_UP, BASTION_ASKED = state("bastion", UP), state("bastion", asked=True)
BASTION_DOWN = state("bastion", DOWN, says="No host key of bastion is known.")

TABLE = [
    pytest.param(
        [LAN_UP, VPN_UP, BASTION_UP], None, 0.0,
        Decision("lan", "lan is in use: it answers.", Move.FIRST),
        id="the highest priority that answers",
    ),
    pytest.param(
        [BASTION_UP, LAN_UP], None, 0.0,
        Decision("lan", "lan is in use: it answers.", Move.FIRST),
        id="the order in which they are registered is not their priority",
    ),
    pytest.param(
        [LAN_DOWN, VPN_UP, BASTION_ASKED], None, 0.1,
        Decision("hq-vpn", f"hq-vpn is in use: lan: {REFUSED}.", Move.FIRST),
        id="a lower one at once when all higher ones have failed",
    ),
    pytest.param(
        [LAN_ASKED, VPN_ASKED, BASTION_UP], None, PACE.grace_s - 0.1,
        Decision(None, "Waiting for lan and hq-vpn.", Move.WAIT),
        id="within the grace, higher ones are waited for",
    ),
    pytest.param(
        [LAN_ASKED, VPN_ASKED, BASTION_UP], None, PACE.grace_s,
        Decision("bastion", "bastion is in use: lan: it has not answered yet; hq-vpn: it has not answered yet.",
                 Move.FIRST),
        id="past two black holes when the grace is over",
    ),
    pytest.param(
        [LAN_ASKED, VPN_DOWN], None, PACE.grace_s + 1,
        Decision(None, "Waiting for lan.", Move.WAIT),
        id="with no other, a slow one is waited for",
    ),
    pytest.param(
        [LAN_DOWN, VPN_DOWN, BASTION_DOWN], None, 0.3,
        Decision(None, f"None of the connections answers: lan: {REFUSED}; hq-vpn: The handshake is 300 s old; "
                 "bastion: No host key of bastion is known.", Move.NONE),
        id="when all have failed, each reason is told",
    ),
    pytest.param(
        [LAN_DOWN, VPN_ASKED], None, PACE.probe_s,
        Decision(None, f"None of the connections answers: lan: {REFUSED}; hq-vpn: it has not answered yet.", Move.NONE),
        id="nobody waits longer than a probe may take",
    ),
    pytest.param(
        [LAN_UP, VPN_UP], "lan", 0.0,
        Decision("lan", "lan is in use: it answers.", Move.STAY),
        id="what works is kept",
    ),
    pytest.param(
        [LAN_DOWN, VPN_UP], "hq-vpn", 0.0,
        Decision("hq-vpn", f"hq-vpn is in use: lan: {REFUSED}.", Move.STAY),
        id="what works is kept while better ones are dead",
    ),
    pytest.param(
        [state("lan", UP, for_s=PACE.healthy_s - 1), VPN_UP], "hq-vpn", 0.0,
        Decision("hq-vpn", "hq-vpn is in use; lan is taken back once it has answered for 30 s.", Move.STAY),
        id="a better one that has just come back must prove itself",
    ),
    pytest.param(
        [state("lan", UP, for_s=PACE.healthy_s), VPN_UP], "hq-vpn", 0.0,
        Decision("lan", "Back to lan: it has answered for 30 s.", Move.BACK),
        id="a better one that has been well for a while is taken back",
    ),
    pytest.param(
        [VPN_UP, state("bastion", UP, for_s=9999)], "hq-vpn", 0.0,
        Decision("hq-vpn", "hq-vpn is in use: it answers.", Move.STAY),
        id="nothing is left for one of lower priority",
    ),
    pytest.param(
        [LAN_DOWN, VPN_UP, BASTION_UP], "lan", 0.0,
        Decision("hq-vpn", f"hq-vpn instead of lan: {REFUSED}.", Move.OVER),
        id="the next best when what is in use is gone",
    ),
    pytest.param(
        [LAN_UP, VPN_DOWN], "hq-vpn", 0.0,
        Decision("lan", "lan instead of hq-vpn: The handshake is 300 s old.", Move.OVER),
        id="a better one needs no proof when what is in use is gone",
    ),
    pytest.param(
        [state("lan", asked=True, says="The read timed out."), VPN_UP], "lan", 0.1,
        Decision(None, "Waiting for lan.", Move.WAIT),
        id="what failed once in use is asked first",
    ),
    pytest.param(
        [VPN_UP, state("bastion", asked=True)], "bastion", 0.1,
        Decision(None, "Waiting for bastion.", Move.WAIT),
        id="what failed once in use is asked first, also when a better one answers",
    ),
    pytest.param(
        [LAN_ASKED, VPN_UP], "lan", PACE.grace_s,
        Decision("hq-vpn", "hq-vpn instead of lan: it has not answered yet.", Move.OVER),
        id="what falls silent in use is left when the grace is over",
    ),
    pytest.param(
        [LAN_DOWN, VPN_DOWN], "lan", 0.0,
        Decision("lan", f"None of the connections answers: lan: {REFUSED}; hq-vpn: The handshake is 300 s old; "
                 "lan stays in use.", Move.STAY),
        id="nothing is left for nothing",
    ),
    pytest.param(
        [LAN_DOWN, VPN_ASKED], "lan", PACE.patience_s,
        Decision("lan", f"None of the connections answers: lan: {REFUSED}; hq-vpn: it has not answered yet; "
                 "lan stays in use.", Move.STAY),
        id="a read that failed waits no longer than patience allows",
    ),
    pytest.param(
        [LAN_UP], "gone", 0.0,
        Decision("lan", "lan is in use: it answers.", Move.FIRST),
        id="what is not registered any more is in use no more",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("states", "current", "waited_s", "wanted"), TABLE)
def test_a_table_of_states_gives_a_decision_and_its_sentence(
    states: Sequence[State], current: str | None, waited_s: float, wanted: Decision
) -> None:
    assert decide(states, current, NOW_S, waited_s=waited_s) == wanted


def ledger(current: str | None = None) -> Ledger:
    return Ledger([state(name) for name in PRIORITIES], current=current)


def answer(ok: bool) -> Probe:
    return Probe(ok=ok, latency_ms=1.0 if ok else None, sentence="It answers." if ok else REFUSED)


def health(book: Ledger, name: str) -> Health:
    return book.record(name).state.health


def test_one_failure_in_use_is_judged_by_the_next_probe() -> None:
    book = ledger("lan")
    book.work("lan", 0.0)
    book.report("lan", "The read timed out.", 10.0)
    assert health(book, "lan") is UNKNOWN
    book.answer("lan", answer(ok=True), 10.1)
    assert health(book, "lan") is UP


def test_a_way_that_fails_in_use_again_and_again_is_not_believed_however_well_it_probes() -> None:
    book = ledger("lan")
    book.report("lan", "The read timed out.", 10.0)
    book.answer("lan", answer(ok=True), 10.1)
    book.report("lan", "The read timed out.", 15.0)
    book.answer("lan", answer(ok=True), 15.1)
    assert health(book, "lan") is DOWN
    assert book.record("lan").state.sentence == "The read timed out."
    book.answer("lan", answer(ok=True), 15.0 + PACE.healthy_s)
    assert health(book, "lan") is UP


def test_a_cut_that_fails_many_readers_at_once_is_one_failure() -> None:
    book = ledger("lan")
    for reader in range(50):
        book.report("lan", "Connection reset.", 10.0 + reader * APART_S / 100)
    assert health(book, "lan") is UNKNOWN


def test_an_answer_over_a_way_ends_all_doubts() -> None:
    book = ledger("lan")
    book.report("lan", "The read timed out.", 10.0)
    book.report("lan", "The read timed out.", 15.0)
    book.work("lan", 16.0)
    assert health(book, "lan") is UP


def test_what_is_lost_again_soon_must_be_well_for_twice_as_long_and_at_most_ten_minutes() -> None:
    book, now_s, holds = ledger(), 0.0, []
    for _ in range(7):
        book.take("lan", now_s)
        book.take("bastion", now_s + 60)
        holds.append(book.record("lan").state.hold_s)
        now_s += 100
    assert holds == [60.0, 120.0, 240.0, 480.0, 600.0, 600.0, 600.0]
    book.take("lan", now_s)
    book.take("bastion", now_s + PACE.healthy_max_s)
    assert book.record("lan").state.hold_s == PACE.healthy_s, "it was well for long in between"


NAMES = st.sampled_from(sorted(PRIORITIES))
EVENTS = st.one_of(
    st.tuples(st.just("answer"), NAMES, st.booleans()),
    st.tuples(st.just("ask"), NAMES, st.booleans()),
    st.tuples(st.sampled_from(["report", "fail", "work"]), NAMES, st.booleans()),
)
STEPS = st.lists(st.tuples(EVENTS, st.floats(0.0, 20.0)), max_size=120)


def happen(book: Ledger, event: tuple[str, str, bool], now_s: float) -> None:
    what, name, flag = event
    if what == "answer":
        book.answer(name, answer(ok=flag), now_s)
    elif what == "ask":
        book.ask(name, anew=flag and name != book.current)
    elif what == "work":
        book.work(name, now_s)
    else:
        (book.report if what == "report" else book.fail)(name, REFUSED, now_s)


@given(steps=STEPS, waited_s=st.floats(0.0, 10.0))
@settings(deadline=None)
def test_whatever_happens_auto_never_takes_a_dead_way_nor_leaves_a_healthy_one_without_need(
    steps: list[tuple[tuple[str, str, bool], float]], waited_s: float
) -> None:
    book, now_s = ledger(), 0.0
    backs = losses = overs = 0
    was_up: dict[str, float] = {}
    for event, pause_s in steps:
        now_s += pause_s
        before = book.current is not None and health(book, book.current) is UP
        happen(book, event, now_s)
        states = {each.name: each for each in book.states()}
        up = [each for each in states.values() if each.health is UP]
        was_up = {each.name: was_up.get(each.name, now_s) for each in up}
        losses += before and health(book, str(book.current)) is not UP
        current = book.current
        decision = decide(tuple(states.values()), current, now_s, waited_s=waited_s)
        assert decision.sentence.endswith(".")
        if up and decision.move is not Move.WAIT:
            assert decision.name is not None
            assert states[decision.name].health is UP, "no dead way while a live one is known"
        if decision.move is Move.WAIT:
            assert waited_s < PACE.probe_s, "nobody waits for ever"
            assert any(each.asked for each in states.values()), "nobody waits for what nobody asks"
        if current is not None and states[current].health is UP and decision.name != current:
            assert decision.move is Move.BACK
            assert PRIORITIES[str(decision.name)] < PRIORITIES[current]
            assert now_s - was_up[str(decision.name)] >= PACE.healthy_s, "it was well all the time"
        if decision.name is None or decision.name == current:
            continue
        backs += decision.move is Move.BACK
        overs += decision.move is Move.OVER
        book.take(decision.name, now_s)
    assert backs <= now_s / PACE.healthy_s * (len(PRIORITIES) - 1)
    assert overs <= losses + 1, "what is in use is left only when it is lost"


@given(pauses=st.lists(st.floats(0.5, 30.0), min_size=1, max_size=200))
def test_a_line_that_comes_and_goes_is_taken_back_less_and_less_often(pauses: list[float]) -> None:
    """lan answers every probe, and fails as soon as it is used; bastion is always well."""
    book, now_s, backs = ledger(), 0.0, 0
    book.work("bastion", 0.0)
    for pause_s in pauses:
        now_s += pause_s
        book.answer("lan", answer(ok=True), now_s)
        book.answer("bastion", answer(ok=True), now_s)
        decision = decide(book.states(), book.current, now_s, waited_s=9.0)
        if decision.name is not None and decision.name != book.current:
            backs += decision.move is Move.BACK
            book.take(decision.name, now_s)
        if book.current == "lan":
            book.fail("lan", REFUSED, now_s)
            over = decide(book.states(), "lan", now_s, waited_s=0.0)
            assert over.name == "bastion"
            book.take("bastion", now_s)
    longest_s, bound, hold_s = now_s, 1, PACE.healthy_s
    while longest_s > 0:
        longest_s, bound, hold_s = longest_s - hold_s, bound + 1, min(hold_s * 2, PACE.healthy_max_s)
    assert backs <= bound
