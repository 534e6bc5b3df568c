"""Following many sources: nothing lost or repeated across cuts, everything ended and joined at the end."""

from __future__ import annotations

import random
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from time import monotonic

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtimes.base import LogLine
from runtimes.errors import Conflict, Denied, Missing, Unavailable
from runtimes.follow import Follow, follow
from runtimes.inbox import LANE_MAX_LINES
from runtimes.lines import Position

DEADLINE_S = 20.0
FAST = {"rediscover_s": 0.02, "backoff_first_s": 0.001, "backoff_max_s": 0.01}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Log:
    """A log that grows, as an engine keeps it; `breaks` says after how many lines each opened stream is cut."""

    def __init__(self, instance: str = "web-0", breaks: list[int] | None = None) -> None:
        self.instance = instance
        self.lines: list[LogLine] = []
        self.breaks = list(breaks or [])
        self.ended = False
        self.opened = 0
        self.open_now = 0
        self.changed = threading.Condition()

    def write(self, nanoseconds: int, text: str) -> None:
        at = EPOCH + timedelta(microseconds=nanoseconds // 1000)
        with self.changed:
            self.lines.append(
                LogLine(
                    at=at,
                    nanoseconds=nanoseconds,
                    instance=self.instance,
                    container="app",
                    stream="stdout",
                    text=text,
                )
            )
            self.changed.notify_all()

    def end(self) -> None:
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def open(self, position: Position) -> Read:
        with self.changed:
            self.opened += 1
            return Read(self, position.since, self.breaks.pop(0) if self.breaks else None)


class Read:
    """One opened stream of a Log; blocks for more until the log ends or it is closed."""

    def __init__(self, log: Log, since: datetime | None, cut_after: int | None) -> None:
        self.log, self.since, self.cut_after, self.closed = log, since, cut_after, False
        log.open_now += 1

    def __iter__(self) -> Iterator[LogLine]:
        next_index = sent = 0
        while True:
            with self.log.changed:
                while next_index >= len(self.log.lines) and not self.closed and not self.log.ended:
                    assert self.log.changed.wait(DEADLINE_S)
                if self.closed or next_index >= len(self.log.lines):
                    return
                line = self.log.lines[next_index]
                next_index += 1
            if self.since and line.at and line.at < self.since:
                continue
            if sent == self.cut_after:
                raise random.choice([Unavailable("The engine went away."), ConnectionResetError("cut")])
            sent += 1
            yield line

    def close(self) -> None:
        with self.log.changed:
            self.log.open_now -= not self.closed
            self.closed = True
            self.log.changed.notify_all()


def until(condition: Callable[[], bool]) -> None:
    deadline = monotonic() + DEADLINE_S
    pause = threading.Event()
    while not condition():
        assert monotonic() < deadline, "the deadline passed"
        pause.wait(0.002)


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("follow")]


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    assert threads() == []


def static(*logs: Log) -> dict[tuple[str, str], Callable[[Position], Read]]:
    return {(log.instance, "app"): log.open for log in logs}


steps = st.lists(st.sampled_from([0, 1, 999, 10**9]), min_size=0, max_size=40)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(steps, st.lists(st.integers(0, 12), max_size=8)), min_size=1, max_size=4), st.integers(0, 9))
def test_no_line_is_lost_or_repeated_however_the_sources_break(
    plans: list[tuple[list[int], list[int]]], early: int
) -> None:
    logs = [Log(f"web-{number}", breaks=breaks) for number, (_, breaks) in enumerate(plans)]
    expected = sum(len(stamps) for stamps, _ in plans)
    current = static(*logs)
    with follow(lambda: dict(current), **FAST) as lines:
        writers = [
            threading.Thread(target=write_all, args=(log, plan[0])) for log, plan in zip(logs, plans, strict=True)
        ]
        for writer in writers:
            writer.start()
        result = list(islice(lines, expected))
        for writer in writers:
            writer.join()
        for log in logs:
            log.end()
        current.clear()
        result += lines
    by_source = defaultdict(list)
    for line in result:
        by_source[line.instance].append(line)
    for log in logs:
        assert by_source[log.instance] == log.lines
        assert log.open_now == 0


def write_all(log: Log, stamp_steps: list[int]) -> None:
    nanoseconds = 10**12
    for number, step in enumerate(stamp_steps):
        nanoseconds += step
        log.write(nanoseconds, f"{number % 3}")


def test_tails_that_are_there_at_the_start_come_merged_by_time() -> None:
    logs = [Log(f"web-{number}") for number in range(3)]
    for number in range(300):
        logs[number % 3].write(number * 1000, str(number))
    with follow(lambda: static(*logs)) as lines:
        assert [line.text for line in islice(lines, 300)] == [str(number) for number in range(300)]


def test_a_line_of_one_source_is_not_held_back_by_quiet_ones() -> None:
    quiet, busy = Log("quiet"), Log("busy")
    with follow(lambda: static(quiet, busy)) as lines:
        busy.write(1, "first")
        assert next(lines).text == "first"
        until(lambda: quiet.open_now == 1)
        started = monotonic()
        for number in range(30):
            busy.write(number, "more")
            next(lines)
        assert monotonic() - started < 1.0, "each line waited for the quiet source"


def test_a_new_source_is_picked_up_and_a_gone_one_is_drained_first() -> None:
    old, new = Log("old"), Log("new")
    old.write(1, "old 1")
    current = static(old)
    with follow(lambda: dict(current), **FAST) as lines:
        assert next(lines).text == "old 1"
        new.write(3, "new 1")
        current.update(static(new))
        assert next(lines).text == "new 1"
        del current["old", "app"]
        old.write(2, "last words")
        old.end()
        assert next(lines).text == "last words"
        until(lambda: sorted(threads()) == ["follow: discovery", "follow: new/app"])
        new.end()
        current.clear()
        assert list(lines) == []


def test_the_stream_ends_when_no_source_is_left() -> None:
    log = Log()
    log.write(1, "only")
    log.end()
    current = static(log)
    lines = follow(lambda: dict(current), **FAST)
    assert next(lines).text == "only"
    current.clear()
    assert list(lines) == []


def test_it_can_wait_for_sources_that_do_not_exist_yet() -> None:
    log = Log()
    current: dict[tuple[str, str], Callable[[Position], Read]] = {}
    with follow(lambda: dict(current), keep_waiting=True, **FAST) as lines:
        log.write(1, "born")
        current.update(static(log))
        assert next(lines).text == "born"


def test_a_source_that_stops_and_comes_back_goes_on_where_it_stood() -> None:
    log = Log()
    log.write(10**12, "before")
    log.end()
    current = static(log)
    looked: list[int] = []

    def discover() -> dict[tuple[str, str], Callable[[Position], Read]]:
        looked.append(len(current))
        return dict(current)

    with follow(discover, keep_waiting=True, **FAST) as lines:
        assert next(lines).text == "before"
        current.clear()
        until(lambda: threads() == ["follow: discovery"])
        looked.clear()
        until(lambda: len(looked) >= 3)
        log.ended = False
        log.write(10**12 + 1, "after")
        current.update(static(log))
        assert next(lines).text == "after"


def test_a_source_that_broke_and_disappeared_is_tried_again_for_its_last_lines() -> None:
    log = Log(breaks=[1])
    for number in range(3):
        log.write(number, str(number))
    log.end()
    refused: list[int] = []

    def down_while_listed(position: Position) -> Read:
        if log.opened and current:
            refused.append(1)
            raise Unavailable("The engine restarts.")
        return log.open(position)

    current: dict[tuple[str, str], Callable[[Position], Read]] = {("web-0", "app"): down_while_listed}
    with follow(lambda: dict(current), **FAST) as lines:
        until(lambda: len(refused) >= 5)
        current.clear()
        assert [line.text for line in lines] == ["0", "1", "2"]
    gone_for_ever = Log(breaks=[1, *[0] * 100])
    gone_for_ever.write(0, "0")
    gone_for_ever.write(1, "1")
    current = static(gone_for_ever)
    with follow(lambda: dict(current), rediscover_s=0.02, backoff_first_s=0.01) as lines:
        current.clear()
        assert [line.text for line in lines] == ["0"]


def test_a_missing_source_ends_and_another_under_its_name_is_followed() -> None:
    successor = Log()

    def gone(position: Position) -> Read:
        raise Missing("There is no pod web-0.")

    current: dict[tuple[str, str], Callable[[Position], Read]] = {("web-0", "app"): gone}
    with follow(lambda: dict(current), keep_waiting=True, **FAST) as lines:
        until(lambda: threads() == ["follow: discovery"])
        current["web-0", "app"] = successor.open
        successor.write(1, "successor")
        assert next(lines).text == "successor"
    assert list(follow(lambda: {("web-0", "app"): gone}, **FAST)) == []


def test_a_denied_source_surfaces_after_the_lines_that_came_before_and_ends_everything() -> None:
    log = Log()

    def denied(position: Position) -> Read:
        until(lambda: log.open_now == 1)
        raise Denied("You may not read the logs of web-1.")

    log.write(1, "before")
    with (
        follow(lambda: {("web-1", "app"): denied, **static(log)}, **FAST) as lines,
        pytest.raises(Denied, match="web-1"),
    ):
        list(lines)
    assert log.open_now == 0


def test_a_denied_discovery_surfaces() -> None:
    calls = iter([static(Log())])

    def discover() -> dict[tuple[str, str], Callable[[Position], Read]]:
        found = next(calls, None)
        if found is None:
            raise Denied("You may not list pods.")
        return found

    with follow(discover, **FAST) as lines, pytest.raises(Denied, match="list pods"):
        next(lines)


def test_what_the_first_discovery_raises_is_raised_at_once() -> None:
    def discover() -> dict[tuple[str, str], Callable[[Position], Read]]:
        raise Missing("There is no such instance.")

    with pytest.raises(Missing):
        follow(discover)


def test_a_fault_in_an_adapter_reaches_the_reader(caplog: pytest.LogCaptureFixture) -> None:
    def faulty(position: Position) -> Read:
        raise ZeroDivisionError("a fault")

    with follow(lambda: {("web-0", "app"): faulty}, **FAST) as lines, pytest.raises(ZeroDivisionError):
        next(lines)
    assert "log source failed" in caplog.text


def test_a_source_that_cannot_be_opened_yet_is_tried_again_and_named() -> None:
    log = Log()
    tries: list[int] = []

    def not_started(position: Position) -> Read:
        tries.append(1)
        if len(tries) < 5:
            raise Conflict("The container has not started.")
        return log.open(position)

    with follow(lambda: {("web-0", "app"): not_started}, backoff_first_s=0.05, rediscover_s=0.02) as lines:
        until(lambda: lines.problems == {("web-0", "app"): "The container has not started."})
        log.write(1, "started")
        assert next(lines).text == "started"
        assert lines.problems == {}


def test_a_discovery_that_fails_for_a_while_keeps_the_sources() -> None:
    log = Log()
    down = threading.Event()

    def discover() -> dict[tuple[str, str], Callable[[Position], Read]]:
        if down.is_set():
            raise Unavailable("The API server does not answer.")
        return static(log)

    with follow(discover, **FAST) as lines:
        down.set()
        until(lambda: lines.problems == {("", ""): "The API server does not answer."})
        log.write(1, "still here")
        assert next(lines).text == "still here"
        down.clear()
        until(lambda: lines.problems == {})


def test_back_off_grows_and_is_capped() -> None:
    moments: list[float] = []

    def down(position: Position) -> Read:
        moments.append(monotonic())
        raise Unavailable("Nobody answers.")

    with follow(lambda: {("web-0", "app"): down}, backoff_first_s=0.01, backoff_max_s=0.08):
        until(lambda: len(moments) >= 9)
    pauses = [later - earlier for earlier, later in pairwise(moments)]
    assert pauses[0] < 0.05 < sum(pauses[-3:])
    assert min(pauses[-3:]) >= 0.04


def test_closing_from_another_thread_ends_a_blocked_reader_and_every_source() -> None:
    logs = [Log(f"web-{number}") for number in range(5)]
    lines = follow(lambda: static(*logs))
    result: list[list[LogLine]] = []
    reader = threading.Thread(target=lambda: result.append(list(lines)))
    reader.start()
    until(lambda: all(log.open_now == 1 for log in logs))
    started = monotonic()
    lines.close()
    reader.join(DEADLINE_S)
    assert result == [[]]
    assert monotonic() - started < 2.0
    assert [log.open_now for log in logs] == [0] * 5
    assert threads() == []
    lines.close()


def test_a_reader_that_does_not_read_holds_its_source_back() -> None:
    log = Log()
    given = 0

    def flood(position: Position) -> Flood:
        return Flood(log)

    class Flood(Read):
        def __init__(self, log: Log) -> None:
            super().__init__(log, None, None)

        def __iter__(self) -> Iterator[LogLine]:
            nonlocal given
            while not self.closed:
                given += 1
                yield line_of(given)

    with follow(lambda: {("web-0", "app"): flood}, **FAST) as lines:
        until(lambda: given == LANE_MAX_LINES + 1)
        assert [line.text for line in islice(lines, 5000)] == [str(number) for number in range(1, 5001)]
        assert given <= 5000 + LANE_MAX_LINES + 1


def line_of(number: int) -> LogLine:
    at = EPOCH + timedelta(microseconds=number)
    return LogLine(
        at=at, nanoseconds=number * 1000, instance="web-0", container="app", stream="stdout", text=str(number)
    )


def test_closing_while_sources_are_held_back_ends_them() -> None:
    logs = [Log(f"web-{number}") for number in range(3)]
    for log in logs:
        for number in range(LANE_MAX_LINES + 10):
            log.write(number, "x")
    lines: Follow = follow(lambda: static(*logs))
    next(lines)
    lines.close()
    assert Counter(log.open_now for log in logs) == {0: 3}
    assert list(lines) == []


def test_a_follow_goes_on_where_one_of_another_process_stopped() -> None:
    old, new = Log("web-0"), Log("web-1")
    for number in range(5):
        old.write(number * 10**9, f"line {number}")
    with follow(lambda: static(old), **FAST) as lines:
        position = Position()
        assert all(position.fresh(each) for each in islice(lines, 3))
    new.write(4 * 10**9, "of another instance")
    left = {("web-0", "app"): Position.at(position.mark)}
    with follow(lambda: static(old, new), positions=left, **FAST) as lines:
        texts = [each.text for each in islice(lines, 3)]
    assert sorted(texts) == ["line 3", "line 4", "of another instance"]
