"""Places for debug pods: who has enough is told so, and two that come at once are counted one after the other."""

from __future__ import annotations

import threading

import pytest

from opsmodal.errors import TooMany
from opsmodal.operations.debug_places import Places
from runtimes.debugging import DebugPod


def pods(*of: str, state: str = "Running") -> list[DebugPod]:
    return [
        DebugPod(name=f"d{number}", pod="p", container="c", image="i", state=state, made_by=who)
        for number, who in enumerate(of)
    ]


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ([], ""),
        (pods("ann"), ""),
        (pods("ann", "ann"), "You have 2 debug pods on this service already, and 2 is the most."),
        (pods("ann", "ann", state="Succeeded"), ""),
        (pods("ann", "ann", state="Terminating"), ""),
        (pods("bob", "bob", "cid"), "This service has 3 debug pods already, and 3 is the most."),
        (pods("bob", "bob"), ""),
    ],
)
def test_a_place_is_there_or_it_is_said_why_not(known: list[DebugPod], words: str) -> None:
    places = Places(per_service=3, per_person=2)
    if not words:
        places.demand(known, "ann")
        return
    with pytest.raises(TooMany) as refused:
        places.demand(known, "ann")
    assert refused.value.sentence == words
    assert refused.value.hint


def test_two_at_once_do_not_both_take_the_last_place() -> None:
    places, there, said = Places(per_service=9, per_person=1), pods(), list[str]()
    began, go_on = threading.Event(), threading.Event()

    def first() -> None:
        with places.place("shop", "ann", lambda: there):
            began.set()
            go_on.wait(5)
            there.extend(pods("ann"))

    def second() -> None:
        with pytest.raises(TooMany) as refused, places.place("shop", "ann", lambda: there):
            pass
        said.append(refused.value.sentence)

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert began.wait(5)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(5)
    assert said == ["You have 1 debug pod on this service already, and 1 is the most."]
