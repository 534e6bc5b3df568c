"""One-shot commands are counted by person, and a stream's slot is handed over to its job."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from opsmodal.errors import TooMany
from opsmodal.operations.command_slots import HandedOver, OneShots


def test_one_too_many_is_refused_to_its_person_alone_and_places_come_back() -> None:
    oneshots = OneShots(most=2)
    with ExitStack() as held:
        for _ in range(2):
            held.enter_context(oneshots.slot("alice"))
        with pytest.raises(TooMany) as refused, oneshots.slot("alice"):
            pass
        assert refused.value.retry_after_s > 0
        with oneshots.slot("bob"):
            pass
    with oneshots.slot("alice"):
        pass


def test_a_slot_that_was_handed_over_is_given_back_once_and_at_once() -> None:
    told = list[str]()

    @contextmanager
    def slot() -> Iterator[None]:
        told.append("taken")
        yield
        told.append("given back")

    with HandedOver(slot()) as held:
        assert told == ["taken"]
        held.hand_over()
        assert told == ["taken", "given back"]
    assert told == ["taken", "given back"]
    with pytest.raises(RuntimeError), HandedOver(slot()):
        raise RuntimeError
    assert told[2:] == ["taken", "given back"], "a job that never began"
