from __future__ import annotations

from runtimes.engine.refusals import CONTAINERS_MAX, Refusals
from tests.unit.runtimes.engine.made import container, in_state

STARTED = "2026-01-01T10:00:00Z"
AGAIN = "2026-01-01T11:00:00Z"


def test_what_was_said_is_known_until_the_container_has_run_again() -> None:
    refusals = Refusals()
    down = in_state("exited", StartedAt=STARTED)
    refusals.note(down, "no such volume")
    assert refusals.of(down) == "no such volume"
    assert refusals.of(in_state("running", StartedAt=AGAIN)) == ""
    assert refusals.of(in_state("exited", StartedAt=AGAIN)) == ""


def test_the_last_words_count() -> None:
    refusals = Refusals()
    refusals.note(in_state("created"), "port taken")
    refusals.note(in_state("created"), "no such volume")
    assert refusals.of(in_state("created")) == "no such volume"


def test_of_one_that_was_never_refused_nothing_is_said() -> None:
    assert Refusals().of(in_state("exited", StartedAt=STARTED)) == ""


def test_the_longest_known_goes_first() -> None:
    refusals = Refusals()
    every = [container(Id=f"{number:064x}") for number in range(CONTAINERS_MAX + 1)]
    for each in every:
        refusals.note(each, "no")
    assert refusals.of(every[0]) == ""
    assert refusals.of(every[-1]) == "no"
