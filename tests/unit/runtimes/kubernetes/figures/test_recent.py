"""Figures are fetched behind the back of those who look, told when they are new, and given back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from time import monotonic, sleep

import pytest

from runtimes.base import Usage
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.figures import recent as module
from runtimes.kubernetes.figures.metrics import Figures
from runtimes.kubernetes.figures.recent import LATE, RecentFigures


def eventually(condition: Callable[[], bool], what: str, *, within_s: float = 10.0) -> None:
    deadline = monotonic() + within_s
    while not condition():
        assert monotonic() < deadline, what
        sleep(0.005)


class Measured:
    """A Metrics API in memory: what it says, how often it was asked, and whether it answers."""

    def __init__(self) -> None:
        self.cores = 0.5
        self.asked = 0
        self.answers = threading.Event()
        self.answers.set()
        self.told: list[str] = []

    def read(self, _: Client, namespace: str) -> Figures:
        self.asked += 1
        assert self.answers.wait(10)
        return Figures({f"{namespace}-0": Usage(cpu_cores=self.cores)})


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Measured:
    made = Measured()
    monkeypatch.setattr("runtimes.kubernetes.figures.metrics.read", made.read)
    monkeypatch.setattr(module, "FRESH_S", 0.1)
    return made


@pytest.fixture
def known(measured: Measured) -> Iterator[RecentFigures]:
    made = RecentFigures(None, name="prod", tell=measured.told.append, idle_s=0.3)  # type: ignore[arg-type]  # not asked
    yield made
    measured.answers.set()
    made.close()
    assert not [each.name for each in threading.enumerate() if each.name == "figures: prod"]


def test_the_first_reader_waits_and_the_next_ones_do_not(known: RecentFigures, measured: Measured) -> None:
    assert known.read("team").by_pod["team-0"].cpu_cores == 0.5
    measured.answers.clear()
    sleep(0.15)
    began = monotonic()
    assert known.read("team").by_pod["team-0"].cpu_cores == 0.5
    assert monotonic() - began < 0.2
    measured.cores = 0.7
    measured.answers.set()
    eventually(lambda: known.read("team").by_pod["team-0"].cpu_cores == 0.7, "newer figures")


def test_a_slow_metrics_api_keeps_nobody_waiting_and_is_news_when_it_comes(
    known: RecentFigures, measured: Measured
) -> None:
    measured.answers.clear()
    began = monotonic()
    assert known.read("team").problem == LATE
    assert monotonic() - began < 2
    assert not measured.told
    measured.answers.set()
    eventually(lambda: measured.told == ["team"], "the news")
    assert known.read("team").by_pod


def test_it_is_asked_while_somebody_watches_and_only_what_is_new_is_told(
    known: RecentFigures, measured: Measured
) -> None:
    known.watch("team")
    eventually(lambda: measured.asked >= 4, "regular looks")
    assert measured.told == ["team"]
    measured.cores = 0.9
    eventually(lambda: measured.told == ["team", "team"], "what is new")
    known.leave("team")
    eventually(lambda: not known._kept, "its end")
    asked = measured.asked
    sleep(0.3)
    assert measured.asked == asked


def test_one_look_asks_once(known: RecentFigures, measured: Measured) -> None:
    known.read("team")
    sleep(0.25)
    assert measured.asked == 1
    eventually(lambda: not known._kept, "nothing kept for nobody")


def test_many_readers_share_one_question(known: RecentFigures, measured: Measured) -> None:
    seen: list[Figures] = []
    threads = [threading.Thread(target=lambda: seen.append(known.read("team"))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert measured.asked == 1
    assert all(each.by_pod for each in seen)


def test_what_is_closed_asks_nobody(known: RecentFigures, measured: Measured) -> None:
    known.close()
    known.close()
    assert not known.read("team").by_pod
    assert not measured.asked
