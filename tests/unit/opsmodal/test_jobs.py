"""Jobs across workers: a limit that counts them all, dead workers swept, and nobody finds what is not theirs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from opsmodal.errors import TooMany
from opsmodal.jobs import DEAD_AFTER, Jobs, Worker
from opsmodal.place import Place
from opsmodal.store import Store
from opsmodal.store.tables import JobRow
from opsmodal.streams import JOBS_MAX_PER_OWNER, Streams
from runtimes.base import LogLine
from tests.unit.opsmodal.clock import Clock
from tests.unit.opsmodal.test_streams import begun


@pytest.fixture
def clock() -> Clock:
    return Clock()


def worker(store: Store, clock: Clock, *, place: int | None = None, host: str = "one") -> Jobs:
    return Jobs(store, Worker(place=place, host=host), now=clock)


def test_the_limit_counts_all_workers_and_hosts(store: Store, clock: Clock) -> None:
    here, there = worker(store, clock), worker(store, clock, host="two")
    here.take("a", person="eve", service="shop", most=2)
    there.take("b", person="eve", service="shop", most=2)
    with pytest.raises(TooMany):
        here.take("c", person="eve", service="blog", most=2)
    here.take("d", person="alice", service="shop", most=2)
    there.give_back("b")
    here.take("c", person="eve", service="blog", most=2)


def test_a_worker_that_is_not_heard_of_counts_no_more_and_is_swept(store: Store, clock: Clock) -> None:
    dead, alive = worker(store, clock), worker(store, clock)
    dead.take("a", person="eve", service="shop", most=1)
    clock.at += DEAD_AFTER / 2
    dead.beat()
    clock.at += DEAD_AFTER * 0.75
    with pytest.raises(TooMany):
        alive.take("b", person="eve", service="shop", most=1)
    clock.at += DEAD_AFTER / 2
    alive.take("b", person="eve", service="shop", most=1)
    alive.beat()
    assert alive.find("a", person="eve", service="shop") is None


def test_who_takes_a_place_sweeps_what_was_left_in_it(store: Store, clock: Clock) -> None:
    killed, next_one, elsewhere = worker(store, clock, place=3), worker(store, clock, place=3), "two"
    killed.take("a", person="eve", service="shop", most=1)
    worker(store, clock, place=3, host=elsewhere).take("b", person="bob", service="shop", most=1)
    next_one.begin()
    next_one.take("c", person="eve", service="shop", most=1)
    with pytest.raises(TooMany):
        next_one.take("d", person="bob", service="shop", most=1)


def test_a_job_is_found_by_its_owner_on_its_service_and_host_only(store: Store, clock: Clock) -> None:
    holder, other = worker(store, clock, place=1), worker(store, clock, place=2)
    holder.take("a", person="eve", service="shop", most=1)
    assert other.find("a", person="eve", service="shop") == holder.worker
    assert other.find("a", person="bob", service="shop") is None
    assert other.find("a", person="eve", service="blog") is None
    assert worker(store, clock, host="two").find("a", person="eve", service="shop") is None
    assert holder.find("a", person="eve", service="shop") is None, "its own is no neighbour's"


def test_a_log_that_has_ended_takes_no_place_while_its_page_is_open(store: Store, tmp_path: Path) -> None:
    streams = Streams(tmp_path / "streams", jobs=Jobs(store, Worker()))
    for _ in range(JOBS_MAX_PER_OWNER + 1):
        job = begun(streams, Ended, owner="eve")
        deadline = time.monotonic() + 20
        while entered(store) and time.monotonic() < deadline:
            time.sleep(0.005)
        assert job.reason == "ended"
    streams.close()


def test_a_follow_that_cannot_begin_takes_no_place(store: Store, tmp_path: Path) -> None:
    streams = Streams(tmp_path / "streams", jobs=Jobs(store, Worker()))
    with pytest.raises(ZeroDivisionError):
        begun(streams, lambda: cast(Ended, 1 // 0), owner="eve")
    assert entered(store) == 0
    streams.close()


class Ended:
    """A log that has nothing more to say."""

    def __iter__(self) -> Iterator[LogLine]:
        return iter(())

    def close(self) -> None:
        """Nothing is open."""


def entered(store: Store) -> int:
    with store.reading() as session:
        return session.query(JobRow).count()


def test_a_place_is_held_by_one_and_tidied_after_a_death(tmp_path: Path) -> None:
    deep = tmp_path / ("a" * 90) / "workers"
    first, second = Place(deep), Place(deep)
    assert (first.number, second.number) == (0, 1)
    listener = first.listen()
    assert (deep / "0.sock").stat().st_mode & 0o777 == 0o600
    assert deep.stat().st_mode & 0o777 == 0o700
    with second.dial(0, timeout_s=5) as dialled:
        assert dialled.fileno() >= 0
    assert list(second.others()) == [0]
    listener.close()
    first.close()
    (deep / "0.sock").touch()  # as one that is killed leaves it
    third = Place(deep)
    assert third.number == 0
    assert not (deep / "0.sock").exists()
    third.close()
    second.close()
