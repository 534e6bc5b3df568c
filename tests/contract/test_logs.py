"""The Logs facet reads and follows the same on every runtime: no line lost, none twice, none of another service."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from runtimes.base import LogLine, LogQuery, Logs
from runtimes.errors import Conflict, Missing, RuntimeProblem
from runtimes.lines import Position
from runtimes.records import written
from tests.contract.worlds import World, settle

FOLLOW_S = 30.0


def logs(world: World) -> Logs:
    assert world.runtime.logs is not None
    return world.runtime.logs


def read(world: World, **query: object) -> list[LogLine]:
    return list(logs(world).read(world.scope, LogQuery(**query)))  # type: ignore[arg-type]


def texts(lines: list[LogLine]) -> list[str]:
    return [line.text for line in lines]


class Following:
    """Reads a follow on a thread of its own until it has what the case wants; always closes it."""

    def __init__(self, world: World, query: LogQuery) -> None:
        self.lines: list[LogLine] = []
        self.error: BaseException | None = None
        self._stream = logs(world).follow(world.scope, query)
        self._thread = threading.Thread(target=self._read, name="test-follow")
        self._thread.start()

    def _read(self) -> None:
        try:
            for line in self._stream:
                self.lines.append(line)
        except RuntimeProblem as problem:
            self.error = problem

    def until(self, condition: Callable[[list[LogLine]], bool], what: str) -> None:
        settle(lambda: condition(self.lines) or not self._thread.is_alive(), what, within_s=FOLLOW_S)
        assert condition(self.lines), f"{what}; got {texts(self.lines)[-5:]}, {self.error}"

    def ended(self, *, within_s: float) -> bool:
        self._thread.join(within_s)
        return not self._thread.is_alive()

    def close(self) -> None:
        self._stream.close()
        assert self.ended(within_s=20), "the follow did not end when it was closed"

    def __enter__(self) -> Following:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@pytest.mark.smoke
def test_lines_come_in_order_with_time_and_source(world: World) -> None:
    name = world.chatty(50)
    lines = read(world, instance=name)
    assert texts(lines) == [f"line {number}" for number in range(1, 51)]
    assert {line.instance for line in lines} == {name}
    assert all(line.at is not None and abs((line.at - datetime.now(UTC)).total_seconds()) < 300 for line in lines)
    assert [line.nanoseconds for line in lines] == sorted(line.nanoseconds for line in lines)


@pytest.mark.often("docker", "simulated")
@pytest.mark.parametrize("tail", [0, 1, 7, 100])
def test_tail_gives_the_last_lines(world: World, tail: int) -> None:
    name = world.chatty(20)
    assert texts(read(world, instance=name, tail=tail)) == [f"line {n}" for n in range(1, 21)][20 - min(tail, 20) :]


def test_since_gives_what_came_after(world: World) -> None:
    name = world.chatty(3)
    lines = read(world, instance=name)
    at = lines[-1].at
    assert texts(read(world, instance=name, since=at))[-1] == "line 3"
    assert read(world, instance=name, since=datetime.now(UTC).replace(year=2100)) == []


def test_all_replicas_are_merged_by_time(world: World) -> None:
    names = world.replicas(3, lines=10)
    lines = read(world, instance="*", tail=None)
    assert sorted(texts(lines)) == sorted([f"line {n}" for n in range(1, 11)] * 3)
    assert {line.instance for line in lines} == set(names)
    assert [line.nanoseconds for line in lines] == sorted(line.nanoseconds for line in lines)
    assert read(world, instance="*", tail=5) == lines[-5:]


def test_one_container_or_all_of_them(world: World) -> None:
    name = world.paired()
    assert texts(read(world, instance=name)) == ["web"] * 10
    assert texts(read(world, instance=name, container="side")) == ["side"] * 10
    both = read(world, instance=name, container="*")
    assert sorted(texts(both)) == ["side"] * 10 + ["web"] * 10
    assert {line.container for line in both} == {"web", "side"}
    with pytest.raises(Missing):
        read(world, instance=name, container="nobody")


def test_the_run_before_the_last_restart_is_kept(world: World) -> None:
    if world.kind != "kubernetes":
        world.skip("keeps the lines of all runs in one log")
    name = world.crashing(last_words="giving up")
    settle(lambda: "giving up" in texts(read(world, instance=name, previous=True)), "the previous run")


def test_without_a_previous_run_it_says_so(world: World) -> None:
    name = world.healthy()
    with pytest.raises(RuntimeProblem) as caught:
        read(world, instance=name, previous=True)
    assert caught.value.sentence


def test_an_instance_that_has_not_started_is_a_conflict(world: World) -> None:
    name = world.pending()
    with pytest.raises(Conflict) as caught:
        read(world, instance=name)
    assert name in caught.value.sentence


def test_what_is_no_utf8_is_shown_and_nothing_fails(world: World) -> None:
    data = b"caf\xc3\xa9\n\xff\xfe broken\n\x1b[31mred\x1b[0m \x07\x00nul\n" + b"x" * 80_000 + b"\nend\n"
    lines = texts(read(world, instance=world.saying(data), tail=None))
    assert lines[0] == "café"
    assert "broken" in lines[1]
    assert "\ufffd" in lines[1]
    assert "\x1b[31mred" in lines[2]
    assert "".join(lines[3:-1]) == "x" * 80_000
    assert lines[-1] == "end"


BYTES = (
    b"caf\xc3\xa9\n\xff\xfe broken\ncr\r\n\r\n2020-01-01T00:00:00Z own stamp\n" + b"\xe2\x82\xac" * 330_000 + b"\nend\n"
)
"""One line of nearly a megabyte, cut by engines within characters; and what is easily taken for something else."""


def test_one_log_is_given_byte_for_byte_as_the_engine_has_it(world: World) -> None:
    name = world.saying(BYTES)
    settle(lambda: world.logged(name).endswith(b"end\n"), "its last line")
    logged = world.logged(name)
    assert b"".join(map(written, read(world, instance=name, tail=None, exact=True))) == logged
    assert b"".join(map(written, read(world, instance=name, tail=None))) == logged, "with stamps taken out as well"
    last = b"".join(map(written, read(world, instance=name, tail=2, exact=True)))  # engines count the pieces of a line
    assert logged.endswith(last)
    assert last.endswith(b"\xac\nend\n")


def test_another_services_lines_are_never_given(world: World) -> None:
    own, strange = world.chatty(3), world.healthy(elsewhere=True)
    assert {line.instance for line in read(world, instance="*")} == {own}
    for ask in (logs(world).read, logs(world).follow):
        with pytest.raises(Missing):
            list(ask(world.scope, LogQuery(instance=strange)))


@pytest.mark.smoke
def test_follow_gives_what_is_there_and_then_what_comes(world: World) -> None:
    with Following(world, LogQuery(instance=world.ticking(), tail=None)) as following:
        following.until(lambda lines: len(lines) >= 20, "twenty ticks")
    got = [int(text.split()[1]) for text in texts(following.lines)]
    assert got == list(range(1, len(got) + 1))


def test_a_cut_line_loses_and_repeats_nothing(world: World) -> None:
    with Following(world, LogQuery(instance=world.ticking(), tail=None)) as following:
        for count in (10, 30):
            following.until(lambda lines, n=count: len(lines) >= n, f"{count} ticks")
            world.line.cut()
            held = len(following.lines)
            time.sleep(0.5)  # ticks go on while the line is cut: these are the lines that could be lost
            world.line.mend()
            following.until(lambda lines, n=held: len(lines) >= n + 8, "ticks after the cut")
    got = [int(text.split()[1]) for text in texts(following.lines)]
    assert got == list(range(1, len(got) + 1))


def test_another_process_goes_on_where_a_follow_stopped(world: World) -> None:
    """As after a restart of the server: all that is known is a mark for each log, and when the follow began."""
    name, began_at = world.ticking(), datetime.now(UTC)
    with Following(world, LogQuery(instance="*", tail=None)) as following:
        following.until(lambda lines: len(lines) >= 8, "eight ticks")
    given, place = list(following.lines), Position()
    for line in given:
        place.take(line.nanoseconds, line.text)
    marks = {(given[0].instance, given[0].container): place.mark}
    second = world.ticking()
    with Following(world, LogQuery(instance="*", tail=None, since=began_at, marks=marks)) as following:
        following.until(lambda lines: sum(line.instance == given[0].instance for line in lines) >= 8, "eight more")
        following.until(lambda lines: second in {line.instance for line in lines}, "ticks of the new one")
        both = [*given, *following.lines]
    for instance in (name, second):
        got = [int(line.text.split()[1]) for line in both if line.instance == instance]
        assert got == list(range(1, 1 + len(got))), "nothing lost, nothing repeated"


def test_follow_takes_up_new_replicas(world: World) -> None:
    first = world.ticking()
    with Following(world, LogQuery(instance="*", tail=None)) as following:
        following.until(lambda lines: len(lines) >= 3, "ticks of the first")
        second = world.ticking()
        following.until(lambda lines: second in {line.instance for line in lines}, "ticks of the second")
        got = [int(line.text.split()[1]) for line in following.lines if line.instance == second]
        assert got[0] == 1
    assert {line.instance for line in following.lines} == {first, second}


def test_a_quiet_follow_ends_at_once_when_it_is_closed(world: World) -> None:
    with Following(world, LogQuery(instance=world.healthy())) as following:
        following.until(lambda lines: len(lines) >= 1, "its only line")
        began = time.monotonic()
        following.close()
        assert time.monotonic() - began < 5


def test_a_follow_ends_with_its_instance(world: World) -> None:
    name = world.ticking()
    with Following(world, LogQuery(instance=name)) as following:
        following.until(lambda lines: len(lines) >= 1, "a tick")
        world.remove(name)
        assert following.ended(within_s=FOLLOW_S)
    assert following.error is None


def test_a_follow_of_what_has_ended_gives_its_lines_and_ends(world: World) -> None:
    with Following(world, LogQuery(instance=world.finished())) as following:
        assert following.ended(within_s=FOLLOW_S)
    assert following.error is None
    assert len(following.lines) == 1


def test_closing_a_read_in_its_middle_leaves_no_thread(world: World) -> None:
    name = world.chatty(500)
    before = {thread.ident for thread in threading.enumerate()}
    stream = logs(world).read(world.scope, LogQuery(instance=name, tail=None))
    assert next(iter(stream)).text == "line 1"
    stream.close()
    settle(lambda: not ({t.ident for t in threading.enumerate()} - before), "the end of its threads", within_s=10)
