from __future__ import annotations

import threading
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Unreachable
from connectors.ssh import turns
from connectors.ssh.turns import Queue, Ticket, Turns
from tests.engines.process import wait_for


def order(*parties: str) -> str:
    """Give the order in which requests of these parties are served, all there from the start."""
    queue, names = Queue(), {}
    for number, party in enumerate(parties):
        ticket = Ticket(party)
        names[ticket] = f"{party}{number}"
        queue.add(ticket)
    served = []
    while (ticket := queue.next()) is not None:
        served.append(names[ticket])
    return " ".join(served)


@pytest.mark.parametrize(
    ("parties", "served"),
    [
        ("", ""),
        ("a", "a0"),
        ("aaa", "a0 a1 a2"),
        ("aab", "a0 b2 a1"),
        ("aaabbc", "a0 b3 c5 a1 b4 a2"),
        ("abab", "a0 b1 a2 b3"),
    ],
)
def test_the_parties_come_in_turn_and_each_in_its_order(parties: str, served: str) -> None:
    assert order(*parties) == served


@given(parties=st.lists(st.sampled_from("abcdef"), max_size=60))
def test_nobody_waits_for_more_than_one_of_each_other_party(parties: list[str]) -> None:
    """No starvation: between two requests of one party, no other party is served twice."""
    queue = Queue()
    for party in parties:
        queue.add(Ticket(party))
    left, since = Counter(parties), {party: Counter[str]() for party in parties}
    while (ticket := queue.next()) is not None:
        left[ticket.party] -= 1
        for party, others in since.items():
            if left[party] and party != ticket.party:
                others[ticket.party] += 1
                assert others[ticket.party] <= 1
        since[ticket.party] = Counter()
    assert not +left


@given(
    steps=st.lists(st.one_of(st.sampled_from("abc"), st.just("next"), st.integers(0, 20)), max_size=60),
)
def test_every_request_is_served_once_or_dropped(steps: list[str | int]) -> None:
    queue, waiting, over = Queue(), [], []
    for step in steps:
        if isinstance(step, int):
            if step < len(waiting):
                ticket = waiting.pop(step)
                assert queue.drop(ticket)
                assert not queue.drop(ticket)
        elif step == "next":
            ticket = queue.next()
            assert (ticket is None) == (not waiting)
            if ticket is not None:
                waiting.remove(ticket)
                over.append(ticket)
        else:
            waiting.append(Ticket(step))
            queue.add(waiting[-1])
        assert len(queue) == len(waiting)
    assert len(set(over)) == len(over)


def test_a_turn_that_does_not_come_in_time_is_not_kept() -> None:
    one = Turns(1)
    assert one.take("a", timeout_s=1)

    assert not one.take("b", timeout_s=0.01)

    one.give()
    assert (one.used, one.waiting) == (0, 0)
    assert one.take("b", timeout_s=0)


def test_too_many_that_wait_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "WAITING_MAX", 0)
    one = Turns(1)
    one.take("a", timeout_s=1)

    with pytest.raises(Unreachable, match="wait for this line already"):
        one.take("b", timeout_s=60)


def test_a_lower_limit_holds_from_the_next_turn_on() -> None:
    three = Turns(3)
    for _ in range(3):
        assert three.take("a", timeout_s=0)
    three.allow(1)
    three.give()
    three.give()

    assert not three.take("a", timeout_s=0)
    three.give()
    assert three.take("a", timeout_s=0)


def test_a_person_with_one_request_is_served_before_the_second_of_one_with_many() -> None:
    one, served = Turns(1), []
    one.take("first", timeout_s=0)

    def ask(party: str) -> None:
        assert one.take(party, timeout_s=20)
        served.append(party)
        one.give()

    people = [threading.Thread(target=ask, args=(party,)) for party in ["many"] * 5 + ["one"]]
    for number, person in enumerate(people, start=1):
        person.start()
        wait_for(lambda number=number: one.waiting == number, "the request waits")
    one.give()
    for person in people:
        person.join(20)

    assert served[:2] == ["many", "one"]
