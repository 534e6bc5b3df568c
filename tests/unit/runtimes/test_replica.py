"""The copy is at every moment what the server had at the version that the copy says it stands at."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from runtimes.replica import Change, Did, Listed, Replica

KEYS = st.sampled_from("abcd")
Item = tuple[str, int]


def put(key: str, version: int) -> Change[Item]:
    return Change(did=Did.PUT, version=str(version), key=key, item=(key, version))


def gone(key: str, version: int) -> Change[Item]:
    return Change(did=Did.GONE, version=str(version), key=key, item=(key, version))


def replica(*items: Item, version: int) -> Replica[Item]:
    made: Replica[Item] = Replica()
    made.replace([Listed(key=key, version=str(number), item=(key, number)) for key, number in items], str(version))
    return made


@pytest.mark.parametrize(
    ("event", "trusted"),
    [
        (put("a", 9), True),
        (gone("a", 9), True),
        (gone("z", 9), True),
        (put("a", 3), True),  # repeated
        (put("a", 2), True),  # outdated by what is held
        (gone("a", 2), True),
        (gone("z", 2), True),  # gone and not there is the same
        (put("a", 4), False),  # comes late
        (gone("a", 4), False),
        (put("z", 4), False),  # repeated from before it went, or late: nobody can tell
        (Change(did=Did.BOOKMARK, version="2"), True),
    ],
)
def test_an_event_from_the_past_is_known_or_distrusted(event: Change[Item], trusted: bool) -> None:
    made = replica(("a", 3), version=5)
    assert made.apply(event) is trusted
    if int(event.version) <= 5:
        assert (made.items, made.version) == ((("a", 3),), "5")


def test_versions_that_are_no_numbers_are_taken_as_they_come() -> None:
    made: Replica[str] = Replica()
    made.replace([Listed(key="a", version="", item="one")], "")
    assert made.apply(Change(did=Did.PUT, version="", key="a", item="two"))
    assert made.apply(Change(did=Did.PUT, version="xyz", key="b", item="three"))
    assert made.apply(Change(did=Did.PUT, version="abc", key="a", item="four"))
    assert (made.items, made.version) == (("four", "three"), "abc")


def test_items_are_the_same_tuple_until_something_changes() -> None:
    made = replica(("b", 2), ("a", 1), version=5)
    first = made.items
    assert first == (("a", 1), ("b", 2))
    made.apply(Change(did=Did.BOOKMARK, version="8"))
    assert made.items is first
    made.apply(put("c", 9))
    assert (first, made.items) == ((("a", 1), ("b", 2)), (("a", 1), ("b", 2), ("c", 9)))


def test_a_second_list_counts_only_what_differs() -> None:
    made = replica(("a", 1), ("b", 2), ("c", 3), version=5)
    serial = made.serial
    made.replace([Listed(key=key, version=str(n), item=(key, n)) for key, n in [("a", 1), ("b", 7), ("d", 6)]], "8")
    assert made.serial == serial + 3
    made.replace([Listed(key=key, version=str(n), item=(key, n)) for key, n in [("a", 1), ("b", 7), ("d", 6)]], "9")
    assert made.serial == serial + 3


class Watched(RuleBasedStateMachine):
    """A server with its history, a copy, and two readers of the copy, in every order of events and faults."""

    def __init__(self) -> None:
        super().__init__()
        self.version = 10
        self.truth: dict[str, int] = {}
        self.history: list[Change[Item]] = []
        self.states: dict[int, dict[str, int]] = {10: {}}
        self.copy: Replica[Item] = Replica()
        self.at = 0
        self.readers: list[tuple[int, dict[str, int]]] = []
        self.relist()
        self.readers = [(self.copy.serial, {}), (self.copy.serial, {})]

    @rule(key=KEYS)
    def server_puts(self, key: str) -> None:
        self.version += 1
        self.truth[key] = self.version
        self._happened(put(key, self.version))

    @rule(key=KEYS)
    def server_removes(self, key: str) -> None:
        if self.truth.pop(key, None) is not None:
            self.version += 1
            self._happened(gone(key, self.version))

    @rule()
    def server_is_busy_elsewhere(self) -> None:
        self.version += 1
        self.states[self.version] = dict(self.truth)

    @rule()
    def relist(self) -> None:
        listed = [Listed(key=key, version=str(n), item=(key, n)) for key, n in self.truth.items()]
        self.copy.replace(listed, str(self.version))
        self.at = len(self.history)

    @precondition(lambda self: self.at < len(self.history))
    @rule(count=st.integers(1, 4), data=st.data())
    def events_come_in_any_order(self, count: int, data: st.DataObject) -> None:
        batch = self.history[self.at : self.at + count]
        self._deliver(data.draw(st.permutations(batch)))
        self.at = max(self.at, min(len(self.history), self.at + count))

    @precondition(lambda self: self.at < len(self.history))
    @rule()
    def an_event_comes(self) -> None:
        self._deliver([self.history[self.at]])
        self.at += 1

    @precondition(lambda self: self.at > 0)
    @rule(data=st.data())
    def an_old_event_comes_again(self, data: st.DataObject) -> None:
        self._deliver([self.history[data.draw(st.integers(0, self.at - 1))]])

    @rule()
    def the_stream_is_cut(self) -> None:
        reached = int(self.copy.version)
        self.at = sum(int(event.version) <= reached for event in self.history)

    @precondition(lambda self: self.at == len(self.history))
    @rule()
    def a_bookmark_comes(self) -> None:
        assert self.copy.apply(Change(did=Did.BOOKMARK, version=str(self.version)))

    @rule(which=st.integers(0, 1))
    def a_reader_looks(self, which: int) -> None:
        serial, known = self.readers[which]
        if serial != self.copy.serial:
            known = dict(self.copy.items)
        self.readers[which] = (self.copy.serial, known)
        assert known == dict(self.copy.items)

    @rule()
    def everything_is_forgotten(self) -> None:
        self.copy.clear()
        self.relist()

    @invariant()
    def the_copy_is_what_the_server_had(self) -> None:
        assert dict(self.copy.items) == self.states[int(self.copy.version)]

    def _happened(self, event: Change[Item]) -> None:
        self.history.append(event)
        self.states[self.version] = dict(self.truth)

    def _deliver(self, events: list[Change[Item]]) -> None:
        if not all(self.copy.apply(event) for event in events):
            self.relist()


TestWatched = Watched.TestCase
