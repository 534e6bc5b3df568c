"""A copy of a model engine, which forgets events, answers late and hangs, is the engine's truth in the end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtimes.engine import containerwatch
from runtimes.engine.answers import Inspected, Row
from runtimes.engine.containerwatch import ContainerSource
from runtimes.engine.events import Events
from runtimes.engine.held import Held, held
from runtimes.engine.pods import Membership
from runtimes.engine.problems import Place
from runtimes.engine.recent import RecentRestarts
from runtimes.errors import Missing, Unavailable, Unsupported
from runtimes.replica import Change, Did, Replica
from tests.unit.runtimes.engine.test_signals import Body

PLACE = Place(kind="docker", address="unix:///x.sock", socket="/x.sock")
IDS = ("a", "b", "c")


class Told:
    """The events of an engine, and then the end of them."""

    def __init__(self, chunks: list[bytes]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._chunks)

    def close(self) -> None:
        """End it."""


@dataclass
class Engine:
    """What a ContainerSource asks: an engine, its list and inspect answers, its pool. `hanging` answer nothing."""

    states: dict[str, str] = field(default_factory=dict)
    hanging: set[str] = field(default_factory=set)
    down: bool = False
    place: Place = PLACE
    asked: list[str] = field(default_factory=list)
    events: list[bytes] = field(default_factory=list)
    body: Body | None = None
    checked: bool = False

    def download(self, path: str, params: dict[str, Any], *, quiet_s: float) -> Told | Body:
        self._ask(f"{path} with {sorted(params)} for {quiet_s:g} s")
        return self.body or Told(self.events)

    def now(self) -> datetime | None:
        self.ping()
        return datetime.now(UTC)

    def ping(self, *, timeout_s: float = 0.0) -> None:
        self._ask(f"ping within {timeout_s:g} s")

    def everything(self) -> list[Row]:
        self._ask("list")
        rows = [{"Id": id_, "Names": [f"/{id_}"], "State": state} for id_, state in self.states.items()]
        return msgspec.convert(rows, list[Row])

    def inspected(self, container: str, *, timeout_s: float) -> Inspected:
        self._ask(f"inspect {container} within {timeout_s:g} s")
        if container in self.hanging:
            raise Unavailable("It hangs.")
        if container not in self.states:
            raise Missing("It is gone.")
        state: dict[str, Any] = {"Status": self.states[container], "Running": self.states[container] == "running"}
        if self.checked:
            state["Health"] = {"Status": "healthy"}
        return msgspec.convert({"Id": container, "Name": f"/{container}", "State": state}, Inspected)

    def each(self, ask: Any, things: Any) -> list[Any]:
        return [ask(thing) for thing in things]

    def pods(self) -> dict[str, Membership]:
        self._ask("pods")
        return {"a": Membership("pod")}

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.down:
            raise Unavailable("It is down.")


def source(engine: Any) -> ContainerSource:
    restarts = RecentRestarts(Events(engine, really="docker"))
    return ContainerSource(engine, engine, pool=engine, pods=engine.pods, restarts=restarts, name="test")


def copied(made: ContainerSource) -> Replica[Held]:
    copy: Replica[Held] = Replica()
    page = made.list("")
    copy.replace(page.items, page.version)
    return copy


def take(copy: Replica[Held], changes: Iterator[Change[Held]]) -> None:
    for change in changes:
        assert copy.apply(change)


def shown(copy: Replica[Held]) -> dict[str, str]:
    return {each.container.id: each.container.state.status for each in copy.items}


STATES = st.dictionaries(st.sampled_from(IDS), st.sampled_from(["running", "exited", "paused"]))
MOVES = st.lists(st.tuples(STATES, st.sets(st.sampled_from(IDS)), st.sets(st.sampled_from(IDS))), max_size=6)


@settings(deadline=None)
@given(begin=STATES, moves=MOVES)
def test_whatever_was_told_twice_or_not_at_all_one_more_look_gives_the_truth(
    begin: dict[str, str], moves: list[tuple[dict[str, str], set[str], set[str]]]
) -> None:
    engine = Engine(states=begin)
    made = source(engine)
    copy = copied(made)
    for states, told, hanging in moves:
        engine.states, engine.hanging = states, hanging
        take(copy, made.again(told))
        for container in told - hanging:
            assert shown(copy).get(container) == states.get(container), "what was told is true at once"
    engine.hanging = set()
    take(copy, made.relook())
    assert shown(copy) == engine.states


def test_what_is_told_again_is_no_news() -> None:
    engine = Engine(states={"a": "running", "b": "exited"})
    made = source(engine)
    copy = copied(made)
    serial = copy.serial
    take(copy, made.again(["a", "b", "a"]))
    take(copy, made.relook())
    assert copy.serial == serial


def test_one_container_that_hangs_hides_no_other_and_no_service() -> None:
    engine = Engine(states={"a": "running", "b": "running"}, hanging={"b"})
    made = source(engine)
    copy = copied(made)
    assert shown(copy) == {"a": "running", "b": "running"}
    assert copy.get("b").unread == "It hangs."  # type: ignore[union-attr]  # it is there, as the line above says
    engine.states["a"] = "exited"
    take(copy, made.again(["a", "b"]))
    take(copy, made.again(["b"]))
    assert shown(copy) == {"a": "exited", "b": "running"}
    assert f"ping within {containerwatch.PING_MAX_S:g} s" in engine.asked


def test_a_known_container_that_hangs_stays_as_it_was_known() -> None:
    engine = Engine(states={"a": "running", "b": "running"})
    made = source(engine)
    copy = copied(made)
    engine.hanging, engine.states["a"] = {"b"}, "exited"
    take(copy, made.relook())
    assert shown(copy) == {"a": "exited", "b": "running"}
    assert copy.get("b").unread == ""  # type: ignore[union-attr]  # it is there, as the line above says


@pytest.mark.parametrize("look", [lambda made: made.again(["a"]), lambda made: made.relook()])
def test_an_engine_that_is_down_is_not_taken_for_one_without_containers(look: Any) -> None:
    engine = Engine(states={"a": "running"})
    made = source(engine)
    copied(made)
    engine.down = True
    with pytest.raises(Unavailable, match="down"):
        list(look(made))


def test_pods_are_asked_for_only_when_a_container_is_new() -> None:
    engine = Engine(states={"a": "running"})
    made = source(engine)
    copy = copied(made)
    engine.asked.clear()
    take(copy, made.again(["a"]))
    assert "pods" not in engine.asked
    assert copy.items[0].pod == "pod"
    engine.states["b"] = "running"
    take(copy, made.again(["b"]))
    assert engine.asked.count("pods") == 1


def end_of(made: ContainerSource) -> str:
    with closing(made.watch("")) as changes, pytest.raises(Unavailable) as caught:
        list(changes)
    return caught.value.sentence


def test_where_events_only_ever_end_at_once_they_are_taken_for_none_until_tried_again() -> None:
    made = source(Engine(events=[b""]))
    assert "ended its events" in end_of(made)
    assert "ended its events" in end_of(made)
    with pytest.raises(Unsupported, match="keeps no events"):
        made.watch("")
    end_of(made)
    with pytest.raises(Unsupported, match="keeps no events"):
        made.watch("")


def test_a_stream_that_gave_an_event_is_one_however_often_it_is_cut() -> None:
    made = source(Engine(events=[b'{"Actor": {"ID": "a"}}\n']))
    for _ in range(4):
        assert "ended its events" in end_of(made)


def test_an_engine_that_says_that_it_has_no_events_is_believed() -> None:
    made = source(Engine(events=[b'{"message": "no backend"}\n']))
    assert "no backend" in end_of(made)
    with pytest.raises(Unsupported, match="no backend"):
        made.watch("")


@pytest.mark.parametrize("checked", [True, False])
def test_a_health_that_is_told_before_it_is_written_down_is_looked_at_once_more(checked: bool) -> None:
    engine = Engine(states={"a": "running"}, checked=checked)
    engine.body = Body(b'{"Action": "health_status", "Actor": {"ID": "a"}}\n')
    made = source(engine)
    copy = copied(made)
    began = time.monotonic()
    with closing(made.watch("")) as changes:
        for change in changes:
            copy.apply(change)
            if change.did is Did.PUT:
                engine.states["a"] = "paused"  # stands for whatever the engine wrote after it told
            elif not checked or shown(copy) == {"a": "paused"} or time.monotonic() - began > 3:
                break
    assert shown(copy) == {"a": "paused" if checked else "running"}


def test_what_is_kept_holds_no_environment_and_no_command_line() -> None:
    answer = {
        "Id": "a",
        "Path": "hunter2",
        "Args": ["hunter2"],
        "Config": {"Env": ["PASSWORD=hunter2"], "Labels": {"x": "y"}, "User": "hunter2"},
        "State": {"Health": {"Status": "healthy", "Log": [{"Output": "hunter2"}]}},
        "Mounts": [{"Source": "hunter2"}],
        "NetworkSettings": {"Networks": {"hunter2": {}}},
    }
    kept = held(msgspec.convert(answer, Inspected), pod="")
    assert "hunter2" not in repr(kept)
    assert kept.container.labels == {"x": "y"}
