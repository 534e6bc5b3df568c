"""A rollout is followed to its end, through silence, and no further than somebody wants."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from opsmodal.operations import rollouts
from opsmodal.operations.rollouts import TOO_LONG, followed
from opsmodal.tasks import Stopped
from runtimes.errors import Denied, Missing, Unavailable
from runtimes.planning import Progress

ONE = Progress(state="running", sentence="1 of 3.")
TWO = Progress(state="running", sentence="2 of 3.")
DONE = Progress(state="done", sentence="All 3 are ready.")
STUCK = Progress(state="failed", sentence="It is stuck.", hint="Roll back.")
HELD = Progress(state="paused", sentence="It is held.")
Answer = Progress | Exception


class Cluster:
    """Answers in turn; the last answer again and again."""

    def __init__(self, *answers: Answer) -> None:
        self._answers: Iterator[Answer] = iter(answers)
        self._last: Answer = answers[-1]
        self.told: list[Progress] = []
        self.changes = 0

    def read(self) -> Progress:
        answer = next(self._answers, self._last)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def note(self) -> None:
        self.changes += 1

    def follow(self) -> list[str]:
        followed(self.read, self.told.append, changed=self.note, every_s=0.0)
        return [each.sentence for each in self.told]


@pytest.mark.parametrize("end", [DONE, STUCK, HELD])
def test_it_is_told_until_it_goes_on_no_more(end: Progress) -> None:
    cluster = Cluster(ONE, ONE, TWO, end)
    assert cluster.follow()[-1] == end.sentence
    assert cluster.changes == 3  # what pages have kept is forgotten when something is other than before, and only then


def test_silence_is_waited_for_and_what_was_known_stays() -> None:
    cluster = Cluster(ONE, Unavailable("The API server does not answer."), DONE)
    assert cluster.follow() == [ONE.sentence, "Trying again: The API server does not answer.", DONE.sentence]
    assert cluster.told[1].steps == ONE.steps


def test_silence_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollouts, "SILENT_MAX_S", -1.0)
    with pytest.raises(Unavailable):
        Cluster(Unavailable("The API server does not answer.")).follow()


@pytest.mark.parametrize("refusal", [Denied("The cluster refuses that."), Missing("It is gone.")])
def test_what_the_cluster_refuses_ends_it(refusal: Exception) -> None:
    with pytest.raises(type(refusal)):
        Cluster(ONE, refusal).follow()


def test_it_ends_when_it_is_stopped() -> None:
    def tell(_progress: Progress) -> None:
        raise Stopped("Stopped by eve.")

    with pytest.raises(Stopped):
        followed(lambda: ONE, tell, changed=lambda: None, every_s=0.0)


def test_nothing_is_followed_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollouts, "FOLLOWED_MAX_S", 0.05)
    assert Cluster(ONE).follow()[-1] == TOO_LONG.sentence
