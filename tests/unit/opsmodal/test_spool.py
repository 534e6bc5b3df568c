"""The spool keeps the newest records, says what was dropped, and survives any interleaving of writers and readers."""

from __future__ import annotations

import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from opsmodal.spool import READ_MAX_BYTES, RECORD_OVERHEAD_BYTES, SEGMENTS, Gone, Spool

DEADLINE_S = 20.0
MAX_BYTES = 400


class SpoolAgainstModel(RuleBasedStateMachine):
    """Compare with a plain list: what is there is right, what is gone is the oldest, and not too much of it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.spool = Spool(Path(self.folder.name) / "deep" / "job", MAX_BYTES)
        self.written: list[bytes] = []
        self.closed = False

    def teardown(self) -> None:
        self.spool.close()
        self.folder.cleanup()

    @precondition(lambda self: not self.closed)
    @rule(record=st.binary(max_size=MAX_BYTES - RECORD_OVERHEAD_BYTES))
    def append(self, record: bytes) -> None:
        assert self.spool.append(record) == len(self.written)
        self.written.append(record)

    @precondition(lambda self: not self.closed)
    @rule(records=st.lists(st.binary(max_size=MAX_BYTES - RECORD_OVERHEAD_BYTES), max_size=8))
    def extend(self, records: list[bytes]) -> None:
        self.written += records
        assert self.spool.extend(records) == len(self.written)

    @precondition(lambda self: not self.closed)
    @rule(offset=st.integers(0, 100))
    def bytes_from(self, offset: int) -> None:
        left = self.written[max(offset, self.spool.first_offset) :]
        assert self.spool.bytes_from(offset) == sum(len(record) + RECORD_OVERHEAD_BYTES for record in left)

    @rule(offset=st.integers(0, 100), limit=st.integers(0, 12))
    def read(self, offset: int, limit: int) -> None:
        if self.closed:
            assert self.spool.read(offset, limit) == []
        elif limit and offset < self.spool.first_offset:
            with pytest.raises(Gone) as gone:
                self.spool.read(offset, limit)
            assert gone.value.first_offset == self.spool.first_offset
        else:
            result = self.spool.read(offset, limit)
            expected = list(enumerate(self.written))[offset : offset + len(result)]
            assert result == expected
            assert len(result) <= limit
            assert result or not limit or offset >= len(self.written)

    @rule(offset=st.integers(0, 100))
    def wait(self, offset: int) -> None:
        assert self.spool.wait(offset, timeout_s=0) == (self.closed or offset < len(self.written))

    @precondition(lambda self: len(self.written) > 20)
    @rule()
    def close(self) -> None:
        self.spool.close()
        self.closed = True

    @invariant()
    def keeps_the_newest_within_the_bound(self) -> None:
        if self.closed:
            return
        kept = self.written[self.spool.first_offset :]
        cost = sum(len(record) + RECORD_OVERHEAD_BYTES for record in kept)
        assert cost <= MAX_BYTES
        assert self.spool.next_offset == len(self.written)
        if self.spool.first_offset:
            dropped = self.written[self.spool.first_offset - 1]
            largest = max(len(record) for record in (*kept, dropped)) + RECORD_OVERHEAD_BYTES
            assert cost + largest + MAX_BYTES // SEGMENTS > MAX_BYTES, "more was dropped than had to be"

    @invariant()
    def leaves_no_file_with_a_name(self) -> None:
        assert list(Path(self.folder.name).glob("deep/*")) == []


TestSpoolAgainstModel = SpoolAgainstModel.TestCase
TestSpoolAgainstModel.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)


def test_a_record_larger_than_the_spool_is_refused(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "job", 100)
    with pytest.raises(ValueError, match="does not fit"):
        spool.append(b"x" * 100)
    assert spool.read(0, 10) == []
    spool.close()
    with pytest.raises(ValueError, match="closed"):
        spool.append(b"x")


def test_one_read_is_bounded_in_bytes_but_always_goes_on(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "job", 16 * READ_MAX_BYTES)
    sizes = [READ_MAX_BYTES + 1, READ_MAX_BYTES // 2, READ_MAX_BYTES // 2, 1]
    for size in sizes:
        spool.append(b"x" * size)
    assert [len(record) for _, record in spool.read(0, 10)] == sizes[:1]
    assert [len(record) for _, record in spool.read(1, 10)] == sizes[1:3]
    spool.close()


def test_several_readers_each_get_every_record_while_one_writes(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "job", 10_000_000)
    count = 5000
    results: list[list[bytes]] = [[], [], []]

    def read(result: list[bytes]) -> None:
        deadline = monotonic() + DEADLINE_S
        while len(result) < count and monotonic() < deadline:
            spool.wait(len(result), timeout_s=1.0)
            result.extend(record for _, record in spool.read(len(result), 100))

    readers = [threading.Thread(target=read, args=(result,)) for result in results]
    for reader in readers:
        reader.start()
    written = [str(number).encode() for number in range(count)]
    for record in written:
        spool.append(record)
    for reader in readers:
        reader.join(DEADLINE_S)
    assert results == [written] * 3
    spool.close()


def test_a_reader_that_falls_behind_learns_where_to_go_on(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "job", 1000)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            spool.append(b"x" * 50)

    writer = threading.Thread(target=write)
    writer.start()
    offset, gone, deadline = 0, 0, monotonic() + DEADLINE_S
    while gone < 50 and monotonic() < deadline:
        try:
            spool.wait(offset, timeout_s=1.0)
            offset += len(spool.read(offset, 3))
        except Gone as problem:
            gone += problem.first_offset > offset
            offset = problem.first_offset
    stop.set()
    writer.join(DEADLINE_S)
    spool.close()
    assert gone == 50


@pytest.mark.parametrize("action", ["append", "wake", "close"])
def test_whoever_waits_is_woken(tmp_path: Path, action: str) -> None:
    spool = Spool(tmp_path / "job", 1000)
    waiting, result = threading.Event(), []

    def wait() -> None:
        waiting.set()
        result.append(spool.wait(0, timeout_s=DEADLINE_S))

    waiter = threading.Thread(target=wait)
    waiter.start()
    waiting.wait(DEADLINE_S)
    while waiter.is_alive():  # the wake-up may come before the wait, and must not be needed twice by a real waiter
        {"append": lambda: spool.append(b"x"), "wake": spool.wake, "close": spool.close}[action]()
        waiter.join(0.05)
    assert result == [True]
    spool.close()


def test_waiting_ends_in_time(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "job", 1000)
    started = monotonic()
    assert not spool.wait(0, timeout_s=0.05)
    assert 0.04 < monotonic() - started < 5.0
    spool.close()
    spool.close()


def test_files_are_for_their_owner_only_and_descriptors_are_given_back(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    spool = Spool(tmp_path / "folder" / "job", 1000)
    for _ in range(500):
        spool.append(b"x" * 40)
    opened = len(list(Path("/proc/self/fd").iterdir())) - before
    assert 1 < opened <= SEGMENTS + 1
    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o700
    spool.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
