"""The output of a one-shot command is taken apart by stream, up to a bound, and ended when nobody waits."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator

import pytest

from connectors.base import Ended, Exit, Output
from connectors.errors import Unreachable
from opsmodal.operations import command_collecting
from opsmodal.operations.command_collecting import as_text, collect
from runtimes.errors import Unavailable
from tests.threads import none_left


class Told:
    """A stream that gives what it is told, until it is closed from another thread."""

    def __init__(self, *items: Output | Exit, lasting: bool = False) -> None:
        self._items: queue.Queue[Output | Exit | None] = queue.Queue()
        for item in items:
            self._items.put(item)
        if not lasting:
            self._items.put(None)
        self.closed = 0

    def __iter__(self) -> Iterator[Output | Exit]:
        while (item := self._items.get(timeout=20)) is not None:
            yield item

    def close(self) -> None:
        self.closed += 1
        self._items.put(None)


def never() -> bool:
    return False


def test_both_streams_come_apart_with_the_exit() -> None:
    stream = Told(Output("stdout", b"a"), Output("stderr", b"b"), Output("stdout", b"c"), Exit(code=3))
    found = collect(stream, limit_s=10, max_bytes=100, is_gone=never)
    assert (found.stdout, found.stderr, found.exit_code, found.reason) == (b"ac", b"b", 3, "exited")
    assert (found.bytes_count, found.truncated, found.timed_out) == (3, False, False)
    assert stream.closed


@pytest.mark.parametrize(("most", "kept", "cut"), [(3, b"abc", True), (6, b"abcdef", False), (4, b"abcd", True)])
def test_what_is_more_than_the_bound_is_dropped_and_counted(most: int, kept: bytes, cut: bool) -> None:
    stream = Told(Output("stdout", b"abc"), Output("stdout", b"def"), Exit(code=0))
    found = collect(stream, limit_s=10, max_bytes=most, is_gone=never)
    assert (found.stdout, found.truncated, found.bytes_count, found.exit_code) == (kept, cut, 6, 0)


def test_a_time_that_is_over_is_said() -> None:
    stream = Told(Output("stdout", b"a"), Exit(code=None, reason=Ended.TIMEOUT, sentence="It was ended after 1 s."))
    found = collect(stream, limit_s=10, max_bytes=100, is_gone=never)
    assert (found.timed_out, found.reason, found.sentence) == (True, "timeout", "It was ended after 1 s.")


def test_a_stream_that_ends_without_a_word_is_lost() -> None:
    found = collect(Told(), limit_s=10, max_bytes=100, is_gone=never)
    assert (found.reason, found.exit_code) == ("lost", None)


def test_who_goes_away_ends_a_command_that_says_nothing() -> None:
    stream, gone = Told(lasting=True), threading.Event()
    threading.Timer(0.3, gone.set).start()
    began = time.monotonic()
    found = collect(stream, limit_s=60, max_bytes=100, is_gone=gone.is_set)
    assert time.monotonic() - began < 5
    assert (found.reason, found.exit_code) == ("stopped", None)
    assert stream.closed


def test_a_runtime_that_forgets_the_limit_is_reminded_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_collecting, "GRACE_S", 0.2)
    found = collect(Told(lasting=True), limit_s=0.2, max_bytes=100, is_gone=never)
    assert found.timed_out


def test_no_watcher_is_left() -> None:
    with none_left("command-watch"):
        collect(Told(Exit(code=0)), limit_s=10, max_bytes=100, is_gone=never)


@pytest.mark.parametrize(
    ("data", "text"), [(b"caf\xc3\xa9", "café"), (b"\xff\xfe", "\\xff\\xfe"), ("한국".encode(), "한국"), (b"", "")]
)
def test_what_is_no_text_is_shown_as_bytes(data: bytes, text: str) -> None:
    assert as_text(data) == text


class Breaking(Told):
    """A stream that breaks after what it was told."""

    def __init__(self, *items: Output | Exit, error: Exception, when_closed: Exception | None = None) -> None:
        super().__init__(*items)
        self._error = error
        self._when_closed = when_closed

    def __iter__(self) -> Iterator[Output | Exit]:
        yield from super().__iter__()
        raise self._error

    def close(self) -> None:
        super().close()
        if self._when_closed is not None:
            raise self._when_closed


@pytest.mark.parametrize(
    "error", [Unavailable("The line was cut.", hint=""), Unreachable("The line was cut.", hint="")]
)
def test_a_stream_that_breaks_is_lost_with_what_it_said_and_its_way_may_be_innocent(error: Exception) -> None:
    stream = Breaking(Output("stdout", b"so far"), error=error, when_closed=error)
    found = collect(stream, limit_s=10, max_bytes=100, is_gone=never)
    assert (found.stdout, found.reason, found.sentence) == (b"so far", "lost", "The line was cut.")
    assert not found.is_way_lost
    assert stream.closed


def test_an_end_that_was_said_counts_although_closing_breaks() -> None:
    stream = Breaking(Exit(code=0), error=Unavailable("Cut.", hint=""), when_closed=Unavailable("Cut.", hint=""))
    found = collect(stream, limit_s=10, max_bytes=100, is_gone=never)
    assert (found.reason, found.exit_code) == ("exited", 0)


@pytest.mark.parametrize(
    ("told", "is_way_lost"), [((Exit(code=None, reason=Ended.LOST, sentence="Cut."),), True), ((), False)]
)
def test_the_way_is_lost_only_where_the_stream_says_so(told: tuple[Exit, ...], is_way_lost: bool) -> None:
    found = collect(Told(*told), limit_s=10, max_bytes=100, is_gone=never)
    assert (found.reason, found.is_way_lost) == ("lost", is_way_lost)


class Lingering(Told):
    """A stream whose end has come, and that takes its time to stop."""

    def __iter__(self) -> Iterator[Output | Exit]:
        yield Exit(code=0)
        yield from super().__iter__()


def test_an_end_that_came_counts_for_who_leaves_after_it() -> None:
    stream = Lingering(lasting=True)
    threading.Timer(3 * command_collecting.LOOK_S, lambda: Told.close(stream)).start()
    found = collect(stream, limit_s=60, max_bytes=100, is_gone=lambda: True)
    assert (found.reason, found.exit_code) == ("exited", 0)


def test_who_leaves_is_told_when_the_way_was_lost_meanwhile() -> None:
    class Cut(Told):
        def close(self) -> None:
            self._items.put(Exit(code=None, reason=Ended.LOST, sentence="Cut."))
            super().close()

    found = collect(Cut(lasting=True), limit_s=60, max_bytes=100, is_gone=lambda: True)
    assert (found.reason, found.sentence, found.is_way_lost) == ("lost", "Cut.", True)


def test_what_closing_says_against_it_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Told):
        def close(self) -> None:
            super().close()
            if threading.current_thread().name == "command-watch":
                raise ZeroDivisionError

    found = collect(Failing(lasting=True), limit_s=60, max_bytes=100, is_gone=lambda: True)
    assert found.reason == "stopped"
    assert "command not watched, or not ended" in caplog.text
