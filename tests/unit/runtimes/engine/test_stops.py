from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

from runtimes.engine.answers import EngineEvent, Inspected
from runtimes.engine.events import Events
from runtimes.engine.stops import ASKS_MAX, Stops
from runtimes.errors import Unavailable
from tests.unit.runtimes.engine.made import ID, event, in_state

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Told:
    """Events that an engine would give; counts how often it is asked."""

    def __init__(self, *events: EngineEvent, fails: bool = False) -> None:
        self.events, self.fails, self.asked = list(events), fails, 0

    def of(self, containers: Sequence[str], **_: object) -> list[EngineEvent]:
        self.asked += 1
        if self.fails:
            raise Unavailable("It is silent.")
        return [each for each in self.events if each.actor.id in containers]


def stops(told: Told) -> Stops:
    return Stops(cast(Events, told))


def ended(seconds_ago: float = 5, *, status: str = "exited") -> Inspected:
    at = NOW - timedelta(seconds=seconds_ago)
    return in_state(status, ExitCode=1, FinishedAt=at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))


def test_the_last_word_decides() -> None:
    for words, by_hand in ((("start", "stop"), True), (("stop", "start"), False), (("restart",), False), ((), False)):
        found = stops(Told(*(event(word) for word in words)))
        found.learn([ended()], NOW)
        assert found.of(ended()) is by_hand, words


def test_a_stop_that_is_told_after_the_end_is_found_with_the_next_look() -> None:
    told = Told(event("start"))
    found = stops(told)
    found.learn([ended()], NOW)
    assert found.of(ended()) is False
    told.events.append(event("stop"))
    found.learn([ended()], NOW)
    assert found.of(ended()) is True
    found.learn([ended()], NOW)
    assert told.asked == 2, "what is known is not asked again"


def test_an_end_that_nobody_asked_for_is_asked_about_a_few_times_only() -> None:
    told = Told()
    found = stops(told)
    for _ in range(10):
        found.learn([ended()], NOW)
    assert told.asked == ASKS_MAX


def test_another_end_of_the_same_container_is_another_question() -> None:
    told = Told(event("stop"))
    found = stops(told)
    found.learn([ended(60)], NOW)
    assert found.of(ended(60)) is True
    assert found.of(ended(5)) is False
    told.events.append(event("start"))
    found.learn([ended(5)], NOW)
    assert found.of(ended(5)) is False


def test_a_stop_from_here_needs_no_event() -> None:
    told = Told(event("start"))
    found = stops(told)
    found.learn([ended()], NOW)
    found.note(ended())
    found.learn([ended()], NOW)
    assert (found.of(ended()), found.of(ended(1)), told.asked) == (True, False, 1)


def test_nothing_is_asked_of_what_runs_or_ended_long_ago_and_nothing_claimed_without_events() -> None:
    told = Told(event("stop"))
    found = stops(told)
    found.learn([in_state("running"), in_state("created"), ended(2 * 86_400), ended(status="restarting")], NOW)
    assert told.asked == 0
    silent = stops(Told(fails=True))
    silent.learn([ended()], NOW)
    assert silent.of(ended()) is False
    assert ended().id == ID
