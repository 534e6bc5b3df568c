"""Rows are made anew where something changed, and only there; they turn with the time as if they were made anew."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.base import Severity, Usage
from runtimes.kubernetes.figures.metrics import Figures
from runtimes.kubernetes.objects.held import HeldPod
from runtimes.kubernetes.objects.pods import Pod
from runtimes.kubernetes.pods import rows as module
from runtimes.kubernetes.pods.instance import instance
from runtimes.kubernetes.pods.restarts import Restarts
from runtimes.kubernetes.pods.rows import Rows
from runtimes.kubernetes.pods.severity import judged, turns_at
from runtimes.kubernetes.pods.status import printed
from tests.unit.runtimes.kubernetes.making import NOW, container, ended, pod, running, waiting

NONE = Figures()
READY = {"Ready": "True"}
SPACE = "team"


def named(name: str, *containers: dict[str, object], **how: object) -> Pod:
    meta = {"name": name, "uid": f"u-{name}", **how.pop("meta", {})}  # type: ignore[dict-item]
    return pod(*(containers or (container(running()),)), meta=meta, **{"conditions": READY, **how})  # type: ignore[arg-type]


class Clock:
    """Lets time pass for rows, which look at both clocks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.passed = timedelta()
        self._start = time.monotonic()
        monkeypatch.setattr(module, "monotonic", self.monotonic)

    def monotonic(self) -> float:
        return self._start + self.passed.total_seconds()

    def after(self, minutes: float) -> datetime:
        self.passed = timedelta(minutes=minutes)
        return NOW + self.passed


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_nothing_new_is_the_same_tuple_and_one_change_is_one_new_row(clock: Clock) -> None:
    rows, one, two = Rows(Restarts()), named("one"), named("two")
    pods: tuple[HeldPod, ...] = (one, two)
    first = rows.of(SPACE, pods, NONE, NOW)
    assert [row.name for row in first] == ["one", "two"]
    assert rows.of(SPACE, pods, NONE, clock.after(60)) is first
    later = rows.of(SPACE, (one, named("two", container(waiting("CrashLoopBackOff")))), NONE, clock.after(61))
    assert later[0] is first[0]
    assert (first[1].severity, later[1].severity) == (Severity.OK, Severity.ERROR)


def test_figures_change_the_rows_of_which_they_speak() -> None:
    rows, pods = Rows(Restarts()), (named("one"), named("two"))
    first = rows.of(SPACE, pods, NONE, NOW)
    used = Figures({"two": Usage(cpu_cores=0.5)})
    second = rows.of(SPACE, pods, used, NOW)
    assert second[0] is first[0]
    assert (second[1].usage.cpu_cores, second[1].name) == (0.5, "two")
    again = rows.of(SPACE, pods, Figures({"two": Usage(cpu_cores=0.5)}), NOW)
    assert again[1] is second[1]


def test_time_alone_turns_a_row_and_says_when(clock: Clock) -> None:
    unready = named("slow", conditions={"Ready": ("False", "", 0)}, age_s=0)
    pods, rows = (unready, named("fine")), Rows(Restarts())
    assert rows.of(SPACE, pods, NONE, NOW)[0].severity is Severity.PROGRESS
    due = rows.due(SPACE)
    assert due is not None
    assert due - clock.monotonic() == pytest.approx(300, abs=1)
    assert rows.of(SPACE, pods, NONE, clock.after(4.9))[0].severity is Severity.PROGRESS
    assert rows.of(SPACE, pods, NONE, clock.after(5.1))[0].severity is Severity.ERROR
    assert rows.due(SPACE) is None


def test_a_clock_that_is_set_makes_every_row_anew() -> None:
    unready = named("slow", conditions={"Ready": ("False", "", 0)}, age_s=0)
    rows = Rows(Restarts())
    assert rows.of(SPACE, (unready,), NONE, NOW)[0].severity is Severity.PROGRESS
    assert rows.of(SPACE, (unready,), NONE, NOW + timedelta(hours=1))[0].severity is Severity.ERROR
    back = rows.of(SPACE, (unready,), NONE, NOW - timedelta(hours=1))[0]
    assert (back.severity, back.age_s) == (Severity.PROGRESS, 0)


def test_three_restarts_within_ten_minutes_are_an_error_until_they_are_not(clock: Clock) -> None:
    rows = Rows(Restarts())

    def severity(count: int, minutes: float) -> Severity:
        return rows.of(SPACE, (seen[count],), NONE, clock.after(minutes))[0].severity

    seen = {count: named("web", container(running(), restarts=count)) for count in (40, 41, 43)}
    assert severity(40, 0) is Severity.OK
    assert severity(40, 30) is Severity.OK
    assert severity(41, 34) is Severity.OK
    assert severity(43, 38) is Severity.ERROR
    assert severity(43, 43) is Severity.ERROR
    assert severity(43, 44.1) is Severity.OK  # the first of the three was ten minutes ago


def test_a_pod_made_again_starts_from_its_own_count() -> None:
    rows = Rows(Restarts())
    rows.of(SPACE, (named("web", container(running(), restarts=0)),), NONE, NOW)
    other = named("web", container(running(), restarts=5), meta={"uid": "another"})
    assert rows.of(SPACE, (other,), NONE, NOW)[0].severity is Severity.OK


def test_pods_that_do_not_restart_are_not_remembered() -> None:
    restarts = Restarts()
    rows = Rows(restarts)
    for number in range(50):
        rows.of(
            SPACE, (named("web", container(running(), restarts=3), meta={"labels": {"n": str(number)}}),), NONE, NOW
        )
    assert not restarts._changed


def test_the_memory_of_restarts_is_bounded_and_empties(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtimes.kubernetes.pods.restarts.PODS_MAX", 3)
    restarts = Restarts()
    for number in range(10):
        before, after = (named(f"web-{number}", container(running(), restarts=count)) for count in (0, 1))
        restarts.note(before, after, NOW)
    assert len(restarts._changed) == 3
    assert restarts.recent(after, NOW)[0] == 1
    assert restarts.recent(after, NOW + timedelta(minutes=11)) == (0, None)
    restarts.note(before, after, NOW + timedelta(minutes=11))
    assert len(restarts._changed) == 1


def test_a_selector_takes_its_part_and_keeps_it() -> None:
    rows = Rows(Restarts())
    pods = (named("one", meta={"labels": {"app": "a"}}), named("two"))
    whole = rows.of(SPACE, pods, NONE, NOW)
    parts = [
        rows.selected(SPACE, pods, whole, selector="app=a", accepts=lambda labels: labels.get("app") == "a")
        for _ in range(2)
    ]
    assert [row.name for row in parts[0]] == ["one"]
    assert parts[0] is parts[1]
    rows.forget(SPACE)
    assert rows.due(SPACE) is None


ANY = st.sampled_from(
    [
        pod(container(running(20), restarts=3), conditions=READY, age_s=300),
        pod(container(running(), restarts=5), age_s=599, conditions=READY),
        pod(container(running(), restarts=5, last=ended(1, ago_s=30)), conditions=READY),
        pod(container(running(), ready=False), conditions={"Ready": ("False", "ContainersNotReady", 10)}, age_s=100),
        pod(container(waiting("ContainerCreating")), phase="Pending"),
        pod(container(running()), conditions=READY),
    ]
)


@given(known=ANY, at_s=st.floats(0, 1_200), later_s=st.floats(0, 1_200))
def test_between_its_turns_a_pod_is_judged_the_same(known: Pod, at_s: float, later_s: float) -> None:
    at = NOW + timedelta(seconds=at_s)
    turn, later = turns_at(known, at), at + timedelta(seconds=later_s)
    if turn is None or later < turn:
        word = printed(known).word
        assert judged(known, word, now=at) == judged(known, word, now=later)
        assert instance(known, now=at, usage=Usage()).severity is instance(known, now=later, usage=Usage()).severity
