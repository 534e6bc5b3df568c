"""What hardly ever changes is asked once in a while; a refusal is kept as long, and silence never."""

from __future__ import annotations

import pytest

from runtimes.errors import Denied, Unavailable
from runtimes.kubernetes.upkeep.lately import Lately


def test_an_answer_is_given_again_until_it_is_forgotten() -> None:
    lately, answers = Lately[int](), iter(range(10))
    assert [lately.asked(lambda: next(answers)) for _ in range(3)] == [0, 0, 0]
    lately.forget()
    assert lately.known() is None
    assert lately.asked(lambda: next(answers)) == 1


def test_an_answer_that_is_too_old_is_asked_anew() -> None:
    lately, answers = Lately[int](kept_s=0.0), iter(range(10))
    assert [lately.asked(lambda: next(answers)) for _ in range(3)] == [0, 1, 2]


def test_a_refusal_is_kept_and_silence_is_not() -> None:
    refused, silent = Lately[int](), Lately[int]()
    asked: list[str] = []

    def ask(problem: Exception) -> int:
        asked.append(str(problem))
        raise problem

    for _ in range(2):
        with pytest.raises(Denied):
            refused.asked(lambda: ask(Denied("no")))
        with pytest.raises(Unavailable):
            silent.asked(lambda: ask(Unavailable("away")))
    assert asked == ["no", "away", "away"]
