"""A live collection ends up as the server is whatever happens on the way, says how old it is, leaves no thread."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtimes.errors import Denied, Expired, RuntimeProblem, Unavailable
from runtimes.replica import Change, Did, Listed
from runtimes.watch import Reflector
from runtimes.watched import ListPage, Pace

DEADLINE_S = 20.0
FAST = Pace(backoff_first_s=0.001, backoff_max_s=0.01, demand_gap_s=0.001, short_watch_s=0.0, fresh_s=0.0)
HOUSE = Path(__file__).resolve().parents[3]
Item = tuple[str, int]


def eventually(condition: Callable[[], bool], what: str, *, within_s: float = DEADLINE_S) -> None:
    deadline = monotonic() + within_s
    while not condition():
        assert monotonic() < deadline, what
        sleep(0.002)


class Server:
    """A collection with its history. `mess` spoils what streams give next; the other switches make it refuse."""

    def __init__(self, *, page_items: int = 2) -> None:
        self.news = threading.Condition()
        self.page_items = page_items
        self.version = 100
        self.truth: dict[str, int] = {}
        self.history: list[Change[Item]] = []
        self.kept_from = 100
        self.mess: list[str] = []
        self.cuts = 0
        self.lists = self.watches = self.open_now = 0
        self.list_problem: list[RuntimeProblem] = []
        self.watch_problem: list[RuntimeProblem] = []
        self.always: RuntimeProblem | None = None
        self.never_watch: RuntimeProblem | None = None
        self._listing: dict[str, tuple[list[Item], str]] = {}

    def put(self, key: str) -> None:
        with self.news:
            self.version += 1
            self.truth[key] = self.version
            self._tell(Did.PUT, key)

    def remove(self, key: str) -> None:
        with self.news:
            if self.truth.pop(key, None) is not None:
                self.version += 1
                self._tell(Did.GONE, key)

    def bookmark(self) -> None:
        with self.news:
            self.version += 1
            self._tell(Did.BOOKMARK, "")

    def compact(self) -> None:
        with self.news:
            self.kept_from = self.version
            self.history.clear()
            self.cut()

    def cut(self) -> None:
        with self.news:
            self.cuts += 1
            self.news.notify_all()

    def items(self) -> list[Item]:
        with self.news:
            return sorted(self.truth.items())

    def list(self, next_page: str) -> ListPage[Item]:
        with self.news:
            self.lists += not next_page
            self._refuse(self.list_problem)
            rest, version = self._listing.pop(next_page, (sorted(self.truth.items()), str(self.version)))
            page, rest = rest[: self.page_items], rest[self.page_items :]
            token = f"{version}/{len(rest)}" if rest else ""
            if rest:
                self._listing[token] = (rest, version)
            return ListPage(
                items=[Listed(key=key, version=str(number), item=(key, number)) for key, number in page],
                version=version,
                next_page=token,
            )

    def watch(self, version: str) -> Events:
        with self.news:
            self.watches += 1
            self._refuse(self.watch_problem)
            if self.never_watch:
                raise self.never_watch
            if int(version) < self.kept_from:
                raise Expired("too old")
            self.open_now += 1
            return Events(self, int(version))

    def _refuse(self, problems: list[RuntimeProblem]) -> None:
        if self.always:
            raise self.always
        if problems:
            raise problems.pop()

    def _tell(self, did: Did, key: str) -> None:
        self.history.append(Change(did=did, version=str(self.version), key=key, item=(key, self.version)))
        self.news.notify_all()


class Events:
    """One watch."""

    def __init__(self, server: Server, at: int) -> None:
        self.server, self.at, self.cuts = server, at, server.cuts
        self.ended = False

    def __iter__(self) -> Iterator[Change[Item]]:
        while True:
            yield from self._next()

    def _next(self) -> list[Change[Item]]:
        with self.server.news:
            assert self.server.news.wait_for(self._due, DEADLINE_S), "a stream that nobody needs"
            if self.ended:
                raise ValueError("closed under the reader")
            if self.cuts != self.server.cuts:
                raise Unavailable("cut")
            new = [event for event in self.server.history if int(event.version) > self.at]
            self.at = int(new[-1].version)
            return self._spoilt(new)

    def _due(self) -> bool:
        return self.ended or self.cuts != self.server.cuts or self._latest() > self.at

    def _latest(self) -> int:
        return int(self.server.history[-1].version) if self.server.history else 0

    def _spoilt(self, new: list[Change[Item]]) -> list[Change[Item]]:
        fault = self.server.mess.pop() if self.server.mess else ""
        if fault == "repeat":
            return [*new, *self.server.history[-3:]]
        if fault == "reverse":
            return new[::-1]
        if fault == "lose":  # the rest of the stream is lost with its connection
            self.cuts -= 1
            return new[: len(new) // 2]
        if fault == "expire":
            raise Expired("too old")
        return new

    def close(self) -> None:
        with self.server.news:
            self.server.open_now -= not self.ended
            self.ended = True
            self.server.news.notify_all()


@contextmanager
def reflecting(server: Server, pace: Pace = FAST) -> Iterator[Reflector[Item]]:
    made: Reflector[Item] = Reflector(server, name="test pods", pace=pace)
    try:
        yield made
    finally:
        made.close()
        assert not [thread.name for thread in threading.enumerate() if thread.name == "watch: test pods"]
        assert server.open_now == 0


def _lists_for_a_read(live: Reflector[Item], server: Server) -> int:
    before = server.lists
    live.read()
    return server.lists - before


FAULTS = ["repeat", "reverse", "lose", "expire"]
STEPS = st.one_of(
    st.tuples(st.just("put"), st.sampled_from("abcdef")),
    st.tuples(st.just("put"), st.sampled_from("abcdef")),
    st.tuples(st.just("remove"), st.sampled_from("abcdef")),
    st.tuples(st.just("mess"), st.sampled_from(FAULTS)),
    st.tuples(st.sampled_from(["cut", "compact", "bookmark", "bad list", "bad watch", "look", "take"]), st.just("")),
)


def step(server: Server, did: str, what: str) -> None:
    busy = Unavailable("busy")
    if did in {"put", "remove"}:
        getattr(server, did)(what)
    elif did in {"cut", "compact", "bookmark"}:
        getattr(server, did)()
    else:
        faults: dict[str, Callable[[], None]] = {
            "mess": lambda: server.mess.append(what),
            "bad list": lambda: server.list_problem.append(busy),
            "bad watch": lambda: server.watch_problem.append(busy),
        }
        faults[did]()


@given(steps=st.lists(STEPS, max_size=40))
def test_whatever_happens_it_ends_up_as_the_server_is(steps: list[tuple[str, str]]) -> None:
    server, ever = Server(), set()
    for key in "ace":
        server.put(key)
        ever.add((key, server.truth[key]))
    with reflecting(server) as live, closing(live.watch()) as watch:
        known = dict(live.read().items)

        def look() -> dict[str, int]:
            """Read when there is news, and only then."""
            nonlocal known
            if watch.wait(0):
                known = dict(live.read().items)
            return known

        for did, what in steps:
            if did == "look":
                assert ever.issuperset(live.read().items)
            elif did == "take":
                look()
            else:
                step(server, did, what)
                ever.update(server.truth.items())
        server.mess.clear()
        eventually(lambda: list(live.read().items) == server.items(), "the collection is not what the server has")
        eventually(lambda: sorted(look().items()) == server.items(), "the watcher does not know what the server has")
        eventually(lambda: not live.read().stale, "still stale")


def test_events_out_of_order_are_not_believed() -> None:
    server = Server()
    with reflecting(server) as live:
        eventually(lambda: not live.read().stale and server.open_now == 1, "a watch")
        with server.news:
            server.mess.append("reverse")
            server.put("a")
            server.put("b")
        eventually(lambda: len(live.read().items) == 2, "the event that came late")
        assert server.lists == 2


def test_however_many_look_the_server_is_asked_once() -> None:
    server = Server()
    server.put("a")
    with reflecting(server) as live:
        seen: list[tuple[Item, ...]] = []
        threads = [threading.Thread(target=lambda: seen.append(live.read().items)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert seen == [(("a", 101),)] * 20
        assert (server.lists, server.watches) == (1, 1) or server.watches == 0
        server.put("b")
        eventually(lambda: len(live.read().items) == 2, "a change")
        assert server.lists == 1


def test_nothing_runs_before_somebody_looks_and_after_nobody_does() -> None:
    server = Server()
    pace = Pace(idle_s=0.05, backoff_first_s=0.001, short_watch_s=0.0)
    with reflecting(server, pace) as live:
        assert (live.running, server.lists) == (False, 0)
        with closing(live.watch()):
            sleep(0.1)
            server.bookmark()
            assert live.running
        eventually(lambda: server.bookmark() is None and not live.running, "an end for want of readers")
        eventually(lambda: server.open_now == 0, "the end of its stream")
        assert live._shown._replica.items == ()
        server.put("a")
        assert [key for key, _ in live.read().items] == ["a"]


def test_silence_keeps_the_last_truth_with_its_age_and_the_reason() -> None:
    server = Server()
    server.put("a")
    with reflecting(server) as live:
        eventually(lambda: not live.read().stale and server.open_now == 1, "a watch")
        server.always = Unavailable("The API server is not reachable")
        server.cut()
        eventually(lambda: live.read().stale, "stale")
        old = live.read()
        assert (old.items, old.problem) == ((("a", 101),), "The API server is not reachable")
        sleep(0.05)
        assert live.read().as_of == old.as_of
        server.put("b")
        server.always = None
        eventually(lambda: not live.read().stale, "recovery")
        assert len(live.read().items) == 2


def test_a_refusal_is_told_and_hides_behind_no_older_data() -> None:
    server = Server()
    server.put("a")
    with reflecting(server) as live, closing(live.watch()) as watch:
        eventually(lambda: not live.read().stale and server.open_now == 1, "a watch")
        while watch.wait(0.05):
            pass
        server.always = Denied("You may not list pods")
        server.cut()

        def refused() -> bool:
            try:
                live.read()
            except Denied:
                return True
            return False

        eventually(refused, "a refusal")
        assert watch.wait(0)
        server.always = None
        assert live.read().items == (("a", 101),)
        assert watch.wait(5)


def test_a_failure_from_before_the_question_is_not_its_answer() -> None:
    server = Server()
    with reflecting(server) as live:
        for _ in range(20):
            server.always = Unavailable("down")
            with pytest.raises(Unavailable, match="down"):
                live.read()
            server.always = None
            assert live.read().items == ()
            live.close()
            live.__init__(server, name="test pods", pace=FAST)  # type: ignore[misc]


def test_a_server_that_asks_to_wait_is_left_alone() -> None:
    server = Server()
    with reflecting(server) as live:
        server.always = Unavailable("busy", retry_after_s=0.3)
        for _ in range(50):
            with pytest.raises(Unavailable, match="busy"):
                live.read()
        assert server.lists <= 2
        server.always = None
        eventually(lambda: _reads(live), "an answer after the wait")


def _reads(live: Reflector[Item]) -> bool:
    try:
        live.read()
    except Unavailable:
        return False
    return True


def test_a_server_that_is_down_is_asked_less_and_less() -> None:
    server = Server()
    pace = Pace(backoff_first_s=0.02, backoff_max_s=0.2, short_watch_s=0.0)
    with reflecting(server, pace) as live:
        live.read()
        before = server.lists
        server.always = Unavailable("down")
        server.cut()
        sleep(1.0)
        assert 4 <= server.lists - before <= 20


def test_a_watch_that_ends_at_once_is_not_opened_in_a_circle() -> None:
    server = Server()
    with reflecting(server, Pace(backoff_first_s=0.05, backoff_max_s=0.2)) as live:
        live.read()
        deadline = monotonic() + 0.7
        while monotonic() < deadline:
            server.cut()
            sleep(0.001)
        assert server.watches <= 15


def test_what_may_be_listed_and_not_watched_is_listed_for_each_reader() -> None:
    server = Server()
    server.never_watch = Denied("You may not watch pods")
    with reflecting(server) as live:
        live.read()
        # Until the first watch has been refused, the list of a moment ago is as good as a new one.
        eventually(lambda: _lists_for_a_read(live, server) > 0, "lists for each reader")
        for key in "abc":
            server.put(key)
            seen = live.read()
            assert (list(seen.items), seen.stale) == (server.items(), False)
        assert server.watches == 1


def test_who_changed_something_can_wait_until_it_shows() -> None:
    server = Server()
    server.put("a")
    with reflecting(server) as live:
        eventually(lambda: not live.read().stale and server.open_now == 1, "a watch")
        server.remove("a")
        assert live.settle("a", lambda item: item is None, within_s=5)
        assert live.read().items == ()
        assert not live.settle("a", lambda item: item is not None, within_s=0.01)


def test_closing_may_be_done_twice_and_refuses_readers() -> None:
    with reflecting(Server()) as live:
        live.read()
        live.close()
        live.close()
        with pytest.raises(Unavailable):
            live.read()
        with pytest.raises(Unavailable):
            live.watch()


def test_a_source_that_fails_as_nobody_foresaw_is_told_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    server = Server()
    with reflecting(server) as live:
        server.list_problem.append(KeyError("what"))  # type: ignore[arg-type]
        with pytest.raises(Unavailable, match="KeyError"):
            live.read()
        assert live.read().items == ()
    assert "watch failed" in caplog.text


def main() -> None:
    """Run the cases that need no fixture, under gevent: started by the test below."""
    settings.register_profile("gevent", deadline=None, max_examples=30, database=None)
    settings.load_profile("gevent")
    cases = [case for name, case in globals().items() if name.startswith("test_") and not case.__code__.co_argcount]
    for case in cases:
        if "gevent" not in case.__name__:
            case()
    print(f"{len(cases)} cases ran")


def test_the_same_holds_under_gevent() -> None:
    program = "from gevent import monkey; monkey.patch_all(); from tests.unit.runtimes.test_watch import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=HOUSE, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert "cases ran" in ran.stdout


def test_an_interest_is_told_once_of_what_happened_since() -> None:
    server = Server()
    with reflecting(server) as live:
        watch = live.watch()
        assert watch.wait(DEADLINE_S)  # the first list
        eventually(lambda: server.open_now == 1, "a watch")
        while watch.wait(0.05):
            pass
        server.put("a")
        server.put("b")
        assert watch.wait(DEADLINE_S)
        eventually(lambda: len(live.read().items) == 2, "both")
        while watch.wait(0.05):
            pass
        live.stir()
        assert watch.wait(0)
        assert not watch.wait(0.05)
        watch.close()


def test_an_interest_is_told_that_the_server_is_gone_and_back() -> None:
    server = Server()
    with reflecting(server) as live:
        watch = live.watch()
        eventually(lambda: server.open_now == 1, "a watch")
        while watch.wait(0.1):
            pass
        server.always = Unavailable("gone")
        server.cut()
        eventually(lambda: watch.wait(0.1) and live.read().stale, "news of the silence")
        while watch.wait(0.1):
            pass
        server.always = None
        eventually(lambda: watch.wait(0.1) and not live.read().stale, "news of the recovery")
        watch.close()


def test_an_interest_keeps_a_collection_and_its_end_gives_it_back() -> None:
    server = Server()
    with reflecting(server, pace=Pace(idle_s=0.05, backoff_first_s=0.001, short_watch_s=0.0)) as live:
        watch = live.watch()
        eventually(lambda: server.open_now == 1, "a watch")
        for _ in range(10):
            server.bookmark()
            sleep(0.02)
        assert live.running
        watch.close()
        watch.close()
        eventually(lambda: server.bookmark() is None and not live.running, "its end")


def test_closing_wakes_who_waits_and_tells_the_end_once() -> None:
    for close in ("interest", "collection"):
        with reflecting(Server()) as live:
            watch = live.watch()
            eventually(lambda: not watch.wait(0.1), "silence")  # noqa: B023
            told: list[bool] = []
            thread = threading.Thread(target=lambda: told.append(watch.wait(DEADLINE_S)))  # noqa: B023
            thread.start()
            (watch if close == "interest" else live).close()
            thread.join(DEADLINE_S)
            assert told == [True]
            assert watch.ended
            assert not watch.wait(DEADLINE_S)
            watch.close()
