"""The door goes permit → guard → slot → intent → action → outcome, and nothing slips between two of them.

The edges (registry, audit log, slot, guard, action) are fakes that note their turn; the door between them is real.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, cast

import pytest

from opsmodal.audit import Audit, Row
from opsmodal.errors import ConfirmationRequired, NotPermitted, NotRecorded, NotThere, ReadOnly, Refusal, TooMany
from opsmodal.operations.door import Door, Leave
from opsmodal.operations.guards import Asked, Confirmation, Consent, Judged, Verdict
from opsmodal.operations.slots import Told
from opsmodal.permissions import Action, Actor, Grant, Permission, Role
from opsmodal.registry.registry import Registry
from opsmodal.registry.schema import ServiceSpec

EVE = Actor(name="eve")
STOP = Action(name="thing.stop", permission=Permission.MANAGE, label="Stop", changes=True)
REMOVE = Action(name="thing.remove", permission=Permission.MANAGE, label="Remove", dangerous=True, changes=True)
LOOK = Action(name="thing.look", permission=Permission.VIEW)
SHOP = ServiceSpec(name="shop", runtime="one", namespace="shop", environment="production")
BLOG = ServiceSpec(name="blog", runtime="one", namespace="blog")


class Edges:
    """What the door stands between. `turns` is what was done, in its order."""

    def __init__(self) -> None:
        self.turns: list[str] = []
        self.rows: list[Row] = []
        self.details: list[str] = []
        self.role: Role | None = Role.MANAGER
        self.can_write = True

    # the registry
    def standing(self, name: str) -> tuple[ServiceSpec | None, tuple[Grant, ...]]:
        self.turns.append("permit")
        granted = (Grant(role=self.role, user="eve", everything=True),) if self.role else ()
        return {"shop": SHOP, "blog": BLOG}.get(name), granted

    def admins(self) -> tuple[str, ...]:
        return ("root",)

    # the audit log
    def intend(self, row: Row) -> int:
        self.turns.append("intent")
        self.rows.append(row)
        if not self.can_write:
            raise NotRecorded("The audit log cannot be written, so nothing was done.")
        return 7

    def close(
        self,
        intent: int,
        *,
        outcome: str,
        duration_ms: int,
        detail: str,
        bytes_count: int | None,
        exit_code: int | None,
    ) -> None:
        assert (intent, duration_ms >= 0, bytes_count) == (7, True, None)
        self.turns.append(f"outcome {outcome}" if exit_code is None else f"outcome {outcome} {exit_code}")
        self.details.append(detail)

    def refused(self, row: Row, *, rule: str) -> None:
        self.turns.append(f"refusal {rule}")
        self.rows.append(row)

    # what stands in the way
    def guard(self, asked: Asked) -> Verdict:
        assert isinstance(asked.leave, Leave)
        self.turns.append("guard")
        return Verdict(rule="fine")

    @contextmanager
    def slot(self) -> Iterator[None]:
        self.turns.append("slot")
        try:
            yield
        finally:
            self.turns.append("slot given back")

    def door(self, **more: Any) -> Door:
        return Door(registry=cast(Registry, self), audit=cast(Audit, self), **more)

    def acting(self, action: Action = STOP, name: str = "blog", **more: Any) -> AbstractContextManager[Any]:
        door = self.door()
        leave = door.enter(EVE, action, name)
        return door.act(leave, guards=(self.guard, *more.pop("guards", ())), **{"slot": self.slot(), **more})


@pytest.fixture
def edges() -> Edges:
    return Edges()


def test_an_action_goes_through_in_one_order(edges: Edges) -> None:
    with edges.acting(target="thing/1", consent=Consent(reason="it hangs")) as outcome:
        edges.turns.append("action")
        outcome.detail = "1 thing"
    assert edges.turns == ["permit", "guard", "slot", "intent", "action", "outcome done", "slot given back"]
    assert edges.details == ["1 thing"]
    assert edges.rows == [Row(actor=EVE, action="thing.stop", service="blog", target="thing/1", reason="it hangs")]


def test_a_view_goes_the_same_way_and_leaves_no_row(edges: Edges) -> None:
    edges.can_write = False
    with edges.acting(LOOK):
        edges.turns.append("action")
    assert edges.turns == ["permit", "guard", "slot", "action", "slot given back"]


@pytest.mark.parametrize(
    ("role", "name", "refusal", "turns"),
    [
        (None, "blog", NotThere, ["permit"]),
        (Role.MANAGER, "no-such", NotThere, ["permit"]),
        (Role.OPERATOR, "blog", NotPermitted, ["permit", "refusal needs manage"]),
    ],
)
def test_who_has_no_permit_gets_no_further(
    edges: Edges, role: Role | None, name: str, refusal: type[Refusal], turns: list[str]
) -> None:
    edges.role = role
    with pytest.raises(refusal):
        edges.acting(name=name)
    assert edges.turns == turns


def test_read_only_refuses_what_changes_something_and_lets_views_go_on(edges: Edges) -> None:
    door = edges.door(read_only=True)
    with pytest.raises(ReadOnly):
        door.enter(EVE, STOP, "blog", target="thing/1")
    assert edges.turns == ["permit", "refusal read-only"]
    assert edges.rows[0].target == "thing/1"
    assert door.enter(EVE, LOOK, "blog")
    for way in (door.own, door.administer):
        with pytest.raises(ReadOnly):
            way(Actor(name="root", admin=True), STOP)


def test_what_a_guard_refuses_is_written_under_its_rule_and_nothing_is_kept(edges: Edges) -> None:
    def strict(_: Asked) -> Verdict:
        return Verdict(rule="kubectl.no-such-verb", refusal=Refusal("No such verb."))

    with pytest.raises(Refusal, match="No such verb"), edges.acting(guards=(strict,)):
        edges.turns.append("action")
    assert edges.turns == ["permit", "guard", "refusal kubectl.no-such-verb"]


def test_a_slot_that_is_not_there_is_written_once_a_minute(edges: Edges) -> None:
    @contextmanager
    def none_left() -> Iterator[None]:
        raise TooMany("You already run 3.", retry_after_s=1)
        yield

    door = edges.door()
    leave = door.enter(EVE, STOP, "blog")
    for _ in range(3):
        with pytest.raises(TooMany), door.act(leave, slot=none_left()):
            edges.turns.append("action")
    assert edges.turns == ["permit", "refusal limit"]


def test_an_intent_that_cannot_be_written_runs_nothing_and_keeps_no_slot(edges: Edges) -> None:
    edges.can_write = False
    with pytest.raises(NotRecorded), edges.acting():
        edges.turns.append("action")
    assert edges.turns == ["permit", "guard", "slot", "intent", "slot given back"]


class Broken(Exception):
    sentence = "The engine says no."


@pytest.mark.parametrize(
    ("error", "word", "detail"),
    [
        (Broken(), "failed", "The engine says no."),
        (ValueError("a secret"), "failed", "ValueError"),
        (GeneratorExit(), "stopped", ""),
        (KeyboardInterrupt(), "failed", ""),
    ],
)
def test_an_action_that_fails_has_an_outcome_and_gives_its_slot_back_once(
    edges: Edges, error: BaseException, word: str, detail: str
) -> None:
    with pytest.raises(type(error)), edges.acting():
        raise error
    assert edges.turns == ["permit", "guard", "slot", "intent", f"outcome {word}", "slot given back"]
    assert edges.details == [detail], "foreign words may hold a secret: only our own sentences are kept"


def test_a_generator_that_nobody_reads_on_has_an_outcome(edges: Edges) -> None:
    def lines() -> Iterator[int]:
        with edges.acting():
            yield from range(10)

    reading = lines()
    next(reading)
    cast(Any, reading).close()
    cast(Any, reading).close()
    assert edges.turns == ["permit", "guard", "slot", "intent", "outcome stopped", "slot given back"]


def test_what_outlives_the_request_keeps_its_slot_until_it_ends(edges: Edges) -> None:
    with ExitStack() as request:
        request.enter_context(edges.acting())
        job = request.pop_all()
    assert edges.turns == ["permit", "guard", "slot", "intent"]
    job.close()
    job.close()
    assert edges.turns[4:] == ["outcome done", "slot given back"]


def test_a_dangerous_action_without_a_confirmation_cannot_be_written(edges: Edges) -> None:
    with pytest.raises(TypeError, match="has no confirmation"), edges.acting(REMOVE):
        edges.turns.append("action")
    assert "action" not in edges.turns


@pytest.mark.parametrize(
    ("name", "confirm", "passes", "written"),
    [
        ("blog", "", False, False),
        ("blog", "true", True, False),
        ("blog", "blog", False, True),
        ("shop", "", False, False),
        ("shop", "true", False, True),
        ("shop", "Shop", False, True),
        ("shop", "shop", True, False),
    ],
)
def test_production_is_confirmed_by_its_name(
    edges: Edges, name: str, confirm: str, passes: bool, written: bool
) -> None:
    asked = Confirmation(hits=["a thing"])
    with ExitStack() as outer:
        if not passes:
            outer.enter_context(pytest.raises(ConfirmationRequired))
        with edges.acting(REMOVE, name, guards=(asked,), consent=Consent(confirm=confirm)):
            edges.turns.append("action")
    assert ("action" in edges.turns) is passes
    assert ("refusal confirmation" in edges.turns) is written, "a question is no attempt"


@pytest.mark.parametrize(
    ("required", "name", "wanted"),
    [("never", "shop", False), ("production", "blog", False), ("production", "shop", True), ("always", "blog", True)],
)
def test_an_installation_may_ask_why(edges: Edges, required: str, name: str, wanted: bool) -> None:
    door, asked = edges.door(reason_required=required), Confirmation(hits=["a thing"])
    leave = door.enter(EVE, REMOVE, name)
    word = "shop" if name == "shop" else "true"
    with pytest.raises(ConfirmationRequired) as question, door.act(leave, guards=(asked,)):
        pass
    assert question.value.reason_wanted is wanted
    with ExitStack() as outer:
        if wanted:
            outer.enter_context(pytest.raises(ConfirmationRequired, match="needs a reason"))
        with door.act(leave, guards=(asked,), consent=Consent(confirm=word)):
            edges.turns.append("action")
    assert ("action" in edges.turns) is not wanted
    with door.act(leave, guards=(asked,), consent=Consent(confirm=word, reason="it hangs")):
        edges.turns.append("action with a reason")
    assert "action with a reason" in edges.turns


def test_a_narrowed_token_is_let_to_no_account(edges: Edges) -> None:
    narrow = Actor(name="root", admin=True, permissions=frozenset(Permission))
    for way in (edges.door().own, edges.door().administer, edges.door().audit):
        with pytest.raises(NotPermitted):
            way(narrow, LOOK)
    assert [turn for turn in edges.turns if turn.startswith("refusal")] == [
        "refusal narrowed token",
        "refusal needs an administrator",
        "refusal needs an auditor",
    ]


def test_what_comes_again_and_again_is_told_again_after_a_while() -> None:
    now = 0.0
    told = Told(every_s=60, clock=lambda: now)
    assert [told.is_news("a"), told.is_news("a"), told.is_news("b")] == [True, False, True]
    now = 59.0
    assert not told.is_news("a")
    now = 60.0
    assert told.is_news("a")


def test_what_a_guard_of_lines_said_stands_in_the_row_and_an_action_may_say_how_it_ended(edges: Edges) -> None:
    with edges.acting(judged=Judged(verdict="confirm", rule="kubectl-delete")) as outcome:
        assert outcome.number == 7
        outcome.word, outcome.exit_code = "failed", 1
    assert (edges.rows[-1].verdict, edges.rows[-1].rule) == ("confirm", "kubectl-delete")
    assert edges.turns[-2] == "outcome failed 1"
