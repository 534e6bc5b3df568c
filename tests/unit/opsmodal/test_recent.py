"""Kept answers: shared while fresh, bridging silence, never hiding a refusal."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from opsmodal import recent
from opsmodal.recent import Recent
from runtimes.base import Snapshot
from runtimes.errors import Denied, Unavailable


def silent() -> str:
    raise Unavailable("Nobody answers at 10.0.0.5:6443.")


def test_an_answer_is_shared_while_it_is_fresh() -> None:
    asked: list[int] = []
    kept = Recent()

    def ask() -> int:
        asked.append(1)
        return len(asked)

    assert [kept.read("key", ask, fresh_s=60).value for _ in range(3)] == [1, 1, 1]
    assert kept.read("key", ask).value == 2
    assert kept.read("other", ask, fresh_s=60).value == 3


def test_silence_is_bridged_with_the_last_answer_and_says_so() -> None:
    kept = Recent()
    first = kept.read("key", lambda: "three pods")
    later = kept.read("key", silent)
    assert (later.value, later.stale, later.problem) == ("three pods", True, "Nobody answers at 10.0.0.5:6443.")
    assert later.as_of == first.as_of


def test_silence_is_not_asked_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    kept = Recent()

    def ask() -> str:
        asked.append(1)
        return silent()

    for _ in range(5):
        with pytest.raises(Unavailable):
            kept.read("key", ask)
    assert len(asked) == 1
    monkeypatch.setattr(recent, "RETRY_S", 0.0)
    assert kept.read("key", lambda: "back").value == "back"


def test_a_refusal_is_never_bridged() -> None:
    kept = Recent()
    kept.read("key", lambda: "secret list")

    def refused() -> str:
        raise Denied("The API server refused the token (401).")

    with pytest.raises(Denied):
        kept.read("key", refused)


def test_identical_questions_at_the_same_time_are_asked_once() -> None:
    kept, started, go_on = Recent(), threading.Event(), threading.Event()
    asked: list[int] = []
    answers: list[str] = []

    def ask() -> str:
        asked.append(1)
        started.set()
        assert go_on.wait(5)
        return "answer"

    threads = [threading.Thread(target=lambda: answers.append(kept.read("key", ask).value)) for _ in range(8)]
    threads[0].start()
    assert started.wait(5)
    for thread in threads[1:]:
        thread.start()
    go_on.set()
    for thread in threads:
        thread.join(5)
    assert answers == ["answer"] * 8
    assert len(asked) <= 2, "one for the first, at most one more for a thread that came after the answer"


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "KEPT_MAX", 3)
    kept = Recent()
    for number in range(10):
        kept.read(number, lambda: "x")
    assert [number for number in range(10) if kept.last(number)] == [7, 8, 9]


def test_what_failed_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error holds its trace and all that stands in it; a service that is gone is never asked again."""
    monkeypatch.setattr(recent, "KEPT_MAX", 3)
    kept, asked = Recent(), []

    def ask() -> str:
        asked.append(1)
        return silent()

    for number in (0, 1, 2, 3, 0):  # 0 has made room for 3 by the time it is asked again
        with pytest.raises(Unavailable):
            kept.read(number, ask)
    assert len(asked) == 5
    kept.forget(lambda key: key == 3)
    assert kept.read(3, lambda: "back").value == "back"


def test_what_a_runtime_gave_out_of_its_memory_is_as_old_as_it_says() -> None:
    then = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
    answer = Recent().read("key", lambda: Snapshot(items=("pod",), as_of=then, stale=True, problem="It is silent."))
    assert (answer.as_of, answer.stale, answer.problem) == (then, True, "It is silent.")
    assert not Recent().read("key", lambda: Snapshot(items=("pod",), as_of=then)).stale


def live(*items: str) -> Snapshot[str]:
    return Snapshot(items=items, as_of=datetime.now(UTC), live=True)


def test_what_the_runtime_keeps_is_not_kept_twice_and_asked_for_each_time() -> None:
    kept = Recent()
    assert kept.read("key", lambda: live("one"), fresh_s=60).value.items == ("one",)
    assert kept.read("key", lambda: live("two"), fresh_s=60).value.items == ("two",)
    assert kept.last("key") is None


def test_who_asks_for_what_the_runtime_keeps_waits_for_nobody() -> None:
    kept, entered, leave = Recent(), threading.Event(), threading.Event()
    kept.read("key", lambda: live("one"))

    def slow() -> Snapshot[str]:
        entered.set()
        assert leave.wait(10)
        return live("slow")

    thread = threading.Thread(target=kept.read, args=("key", slow))
    thread.start()
    try:
        assert entered.wait(10)
        assert kept.read("key", lambda: live("quick")).value.items == ("quick",)
    finally:
        leave.set()
        thread.join(10)


def test_a_runtime_that_keeps_nothing_any_more_is_told_as_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Recent()
    kept.read("key", lambda: live("one"))
    with pytest.raises(Unavailable):
        kept.read("key", silent)
    monkeypatch.setattr(recent, "RETRY_S", 0.0)
    assert kept.read("key", lambda: live("back")).value.items == ("back",)


def test_the_number_of_live_questions_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "KEPT_MAX", 3)
    kept = Recent()
    for number in range(9):
        kept.read(number, live)
    assert len(kept._live) == 3
    kept.forget(lambda key: True)
    assert not kept._live
