"""Jobs of the server: a bound that holds however many ask at once, and nothing left open when a start fails."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path

import pytest

from opsmodal.access import Access
from opsmodal.actions import LOGS_FOLLOW
from opsmodal.errors import TooMany
from opsmodal.explaining import Basis, Explanation
from opsmodal.job import END_WAIT_S, SPOOL_MAX_BYTES, UNREAD_MAX_BYTES, Job
from opsmodal.permissions import NOTHING, Actor
from opsmodal.store.errors import Unusable
from opsmodal.streams import JOBS_MAX_PER_OWNER, Streams, new_job
from runtimes.base import LogLine, Stream


class Quiet:
    """A stream that says nothing until it is closed."""

    def __init__(self) -> None:
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[LogLine]:
        self.closed.wait(30)
        return iter(())

    def close(self) -> None:
        self.closed.set()


@pytest.fixture
def streams(tmp_path: Path) -> Iterator[Streams]:
    """Give the jobs of a process."""
    streams = Streams(tmp_path / "streams")
    yield streams
    streams.close()


def begun(streams: Streams, open_stream: Callable[[], Stream[LogLine]], *, owner: str) -> Job:
    """Take a slot and begin in it, as the door does."""
    job_id = new_job()
    with streams.slot(job_id, owner=owner, service="shop"):
        return streams.start(open_stream, job_id=job_id, owner=owner, service="shop", hold=partial(access_of, owner))


def access_of(owner: str) -> Access:
    """Give the leave of a job that nobody watches over."""
    nothing = Explanation(permissions=NOTHING, sources=(), kept_back=NOTHING)
    basis = Basis(actor=Actor(name=owner), service="shop", runtime="prod", explanation=nothing, granted={})
    return Access(basis, LOGS_FOLLOW)


def test_a_slot_in_which_nothing_begins_is_given_back(streams: Streams) -> None:
    for _ in range(JOBS_MAX_PER_OWNER + 1):
        with streams.slot(new_job(), owner="eve", service="shop"):
            assert streams.count() == 0


def test_a_hundred_starts_at_once_do_not_slip_past_the_bound(streams: Streams) -> None:
    """Counted before, and registered after, opening: whoever opened slowly enough had as many as they liked."""
    together = threading.Barrier(30)

    def start(_number: int) -> Job | TooMany:
        together.wait(20)
        try:
            return begun(streams, _slowly, owner="eve")
        except TooMany as refusal:
            return refusal

    with ThreadPoolExecutor(30) as pool:
        started = list(pool.map(start, range(30)))
    assert sum(isinstance(one, Job) for one in started) == JOBS_MAX_PER_OWNER == streams.count()
    assert begun(streams, Quiet, owner="alice").owner == "alice", "others have places of their own"


class Flood:
    """A log that is faster than any reader, for a while; `given` says how far it was taken."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.given = 0
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[LogLine]:
        return chain.from_iterable(self.batches())

    def batches(self) -> Iterator[list[LogLine]]:
        while self.given < self.count and not self.closed.is_set():
            yield [line_of(self.given + number) for number in range(100)]
            self.given += 100

    def close(self) -> None:
        self.closed.set()


def line_of(number: int) -> LogLine:
    text = f"{number} {'x' * 2000}"
    return LogLine(at=None, nanoseconds=0, instance="web-0", container="app", stream="stdout", text=text)


def test_a_log_waits_for_its_reader_and_nothing_is_dropped(streams: Streams) -> None:
    """20 MB/s of log would overwrite in a second what a slow line still has to take."""
    flood = Flood(count=25_000)
    job = begun(streams, lambda: flood, owner="alice")
    until(lambda: job.read(0, limit=1, wait_s=5) and flood.given * 2000 > UNREAD_MAX_BYTES * 0.9)
    assert flood.given * 2000 < SPOOL_MAX_BYTES, "nobody has read on: the log waits"
    texts: list[str] = []
    while records := job.read(len(texts), limit=2000, wait_s=5):
        texts += [json.loads(record)["text"] for _, record in records]
    assert [int(text.split()[0]) for text in texts] == list(range(flood.count))


def test_a_log_that_waits_ends_when_it_is_stopped(streams: Streams) -> None:
    job = begun(streams, lambda: Flood(count=10**9), owner="alice")
    until(lambda: len(job.read(0, limit=10**6, wait_s=5)) > 1000)
    began = time.monotonic()
    streams.end(job)
    assert time.monotonic() - began < END_WAIT_S / 2
    assert job.reason == "stopped"


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "the deadline passed"
        time.sleep(0.01)


def test_a_start_that_fails_gives_its_place_back(streams: Streams) -> None:
    for _ in range(JOBS_MAX_PER_OWNER + 1):
        with pytest.raises(ZeroDivisionError):
            begun(streams, _failing, owner="eve")
    assert begun(streams, Quiet, owner="eve")


def test_nothing_is_opened_where_no_lines_can_be_kept(tmp_path: Path) -> None:
    (tmp_path / "streams").write_text("a file where the folder should be")
    streams = Streams(tmp_path / "streams")
    with pytest.raises(Unusable, match="cannot keep these lines"):
        begun(streams, _failing, owner="eve")
    assert streams.count() == 0
    streams.close()


def test_what_was_opened_and_cannot_be_taken_in_is_closed(streams: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_job: Job, _name: str) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Job, "_begin", fail)
    stream = Quiet()
    with pytest.raises(RuntimeError):
        begun(streams, lambda: stream, owner="eve")
    assert (stream.closed.is_set(), streams.count()) == (True, 0)


def _slowly() -> Quiet:
    threading.Event().wait(0.2)
    return Quiet()


def _failing() -> Quiet:
    raise ZeroDivisionError
