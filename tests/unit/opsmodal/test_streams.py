"""Jobs of the server: a bound that holds however many ask at once, and nothing left open when a start fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from opsmodal.errors import TooMany
from opsmodal.store.errors import Unusable
from opsmodal.streams import JOBS_MAX_PER_OWNER, Job, Streams
from runtimes.base import LogLine


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


def test_a_hundred_starts_at_once_do_not_slip_past_the_bound(streams: Streams) -> None:
    """Counted before, and registered after, opening: whoever opened slowly enough had as many as they liked."""
    together = threading.Barrier(30)

    def start(_number: int) -> Job | TooMany:
        together.wait(20)
        try:
            return streams.start(_slowly, owner="eve", service="shop")
        except TooMany as refusal:
            return refusal

    with ThreadPoolExecutor(30) as pool:
        started = list(pool.map(start, range(30)))
    assert sum(isinstance(one, Job) for one in started) == JOBS_MAX_PER_OWNER == streams.count()
    assert streams.start(Quiet, owner="alice", service="shop").owner == "alice", "others have places of their own"


def test_a_start_that_fails_gives_its_place_back(streams: Streams) -> None:
    for _ in range(JOBS_MAX_PER_OWNER + 1):
        with pytest.raises(ZeroDivisionError):
            streams.start(_failing, owner="eve", service="shop")
    assert streams.start(Quiet, owner="eve", service="shop")


def test_a_folder_that_cannot_be_written_closes_what_was_opened(tmp_path: Path) -> None:
    (tmp_path / "streams").write_text("a file where the folder should be")
    streams, stream = Streams(tmp_path / "streams"), Quiet()
    with pytest.raises(Unusable, match="cannot keep these lines"):
        streams.start(lambda: stream, owner="eve", service="shop")
    assert stream.closed.is_set()
    assert streams.count() == 0
    streams.close()


def _slowly() -> Quiet:
    threading.Event().wait(0.2)
    return Quiet()


def _failing() -> Quiet:
    raise ZeroDivisionError
