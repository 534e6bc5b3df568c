from __future__ import annotations

import threading
import time

import pytest

from runtimes.engine import looking
from runtimes.engine.looking import Looking


class Interest:
    """Waits like the real one, and is told by the test."""

    def __init__(self) -> None:
        self.news = threading.Event()
        self.ended = False
        self.waits_s: list[float] = []

    def wait(self, timeout_s: float) -> bool:
        self.waits_s.append(timeout_s)
        told = self.news.wait(timeout_s)
        self.news.clear()
        return told

    def close(self) -> None:
        self.ended = True
        self.news.set()


def look(interest: Interest, *, due_s: float) -> tuple[Looking, list[float], list[None]]:
    renewed: list[float] = []
    left: list[None] = []

    def renew() -> float:
        renewed.append(time.monotonic())
        return due_s

    opened = Looking(interest, renew=renew, left=lambda: left.append(None))  # type: ignore[arg-type]  # the test's own
    return opened, renewed, left


def test_figures_are_renewed_when_they_are_due_and_not_at_every_news() -> None:
    interest = Interest()
    opened, renewed, _ = look(interest, due_s=60.0)
    for _ in range(20):
        interest.news.set()
        assert opened.wait(1.0)
    assert len(renewed) == 1
    opened, renewed, _ = look(interest, due_s=0.3)
    assert not opened.wait(0.7)
    assert len(renewed) >= 2


def test_what_is_due_at_once_is_not_asked_for_without_a_pause() -> None:
    opened, renewed, _ = look(Interest(), due_s=0.0)
    assert not opened.wait(looking.RENEW_GAP_S * 2.5)
    assert 2 <= len(renewed) <= 3
    assert renewed[1] - renewed[0] >= looking.RENEW_GAP_S


def test_time_alone_is_news_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "TURN_S", 0.2)
    opened, _, _ = look(Interest(), due_s=60.0)
    began = time.monotonic()
    assert opened.wait(10.0)
    assert 0.2 <= time.monotonic() - began < 5
    assert not opened.wait(0.0)


def test_nobody_waits_longer_than_was_asked_for() -> None:
    interest = Interest()
    opened, _, _ = look(interest, due_s=60.0)
    assert not opened.wait(0.05)
    assert not opened.wait(0.0)
    assert max(interest.waits_s) <= 0.05


def test_closing_twice_leaves_once_and_wakes_who_waits() -> None:
    interest = Interest()
    opened, _, left = look(interest, due_s=60.0)
    waiting = threading.Thread(target=opened.wait, args=(30.0,), name="waits")
    waiting.start()
    opened.close()
    opened.close()
    waiting.join(5.0)
    assert not waiting.is_alive()
    assert (opened.ended, len(left)) == (True, 1)
