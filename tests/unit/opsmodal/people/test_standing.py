"""Where many sign-ins stand at once is where each of them stands by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event, update

from opsmodal.people import People
from opsmodal.people.standing import ASKED_AT_ONCE, Over, Standing
from opsmodal.permissions import Permission
from opsmodal.store import Store, tables
from tests.unit.opsmodal.clock import Clock

IDLE_S, LIFE_S = 3600.0, 86400.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def people(store: Store, clock: Clock) -> People:
    people = People(store, now=clock, idle_s=IDLE_S, life_s=LIFE_S)
    people.add("alice", admin=True)
    people.add("bob", auditor=True)
    return people


@pytest.fixture
def standing(store: Store, clock: Clock, people: People) -> Standing:
    return Standing(store, now=clock, idle_s=IDLE_S, life_s=LIFE_S)


def via_of(people: People, secret: str) -> str:
    found = people.session(secret)
    assert found is not None
    return f"session:{found.id}"


@pytest.mark.parametrize(
    ("passed_s", "over"),
    [
        (0, None),
        (IDLE_S - 1, None),
        (IDLE_S, Over.SESSION_UNUSED),
        (LIFE_S, Over.SESSION_OVER),
        (-7200, Over.SESSION_OVER),
    ],
)
def test_a_session_stands_as_long_as_it_can_be_used(
    people: People, standing: Standing, clock: Clock, passed_s: float, over: Over | None
) -> None:
    secret = people.start_session("bob", groups=["oncall"])
    via = via_of(people, secret)
    clock.at += timedelta(seconds=passed_s)
    stands = standing.of([("bob", via)])["bob", via]
    assert stands.over is over
    assert (people.session(secret, used=False) is None) == (over is not None), "as when it is asked by itself"
    if over is None:
        assert (stands.admin, stands.auditor, stands.groups) == (False, True, {"oncall"})


def test_why_a_session_has_gone_is_told_by_what_was_last_known(
    people: People, standing: Standing, clock: Clock
) -> None:
    secret = people.start_session("bob")
    via = via_of(people, secret)
    last = standing.of([("bob", via)])["bob", via]
    people.end_session(secret)
    gone = standing.of([("bob", via)])["bob", via]
    assert gone.over is Over.SESSION_ENDED
    assert standing.why_gone(last) is Over.SESSION_ENDED
    clock.at += timedelta(seconds=IDLE_S)
    assert standing.why_gone(last) is Over.SESSION_UNUSED, "it was swept by somebody's sign-in"
    assert standing.why_gone(None) is Over.SESSION_ENDED


def test_a_token_stands_with_what_it_is_narrowed_to(people: People, standing: Standing, clock: Clock) -> None:
    secret = people.new_token("alice", lifetime_s=60, services=["shop"], permissions=[Permission.VIEW]).secret
    token = people.token(secret)
    assert token is not None
    key = ("alice", f"token:{token.id}")
    stands = standing.of([key])[key]
    assert (stands.over, stands.admin, stands.services) == (None, True, {"shop"})
    assert stands.permissions == {Permission.VIEW}
    clock.at += timedelta(seconds=60)
    assert standing.of([key])[key].over is Over.TOKEN_EXPIRED
    people.revoke_token(token.id)
    assert standing.of([key])[key].over is Over.TOKEN_REVOKED


def test_a_disabled_or_missing_user_stands_nowhere(people: People, standing: Standing) -> None:
    token = people.token(people.new_token("bob").secret)
    assert token is not None
    people.disable("bob")
    key, nobody = ("bob", f"token:{token.id}"), ("carol", "token:0")
    stands = standing.of([key, nobody])
    assert stands[key].over is Over.USER_DISABLED
    assert stands[nobody].over is Over.USER_REMOVED


def test_what_somebody_else_carries_is_not_theirs(people: People, standing: Standing) -> None:
    via = via_of(people, people.start_session("alice"))
    assert standing.of([("bob", via)])["bob", via].over is Over.SESSION_ENDED


def test_many_are_asked_for_with_few_questions(people: People, standing: Standing, store: Store) -> None:
    wanted = [("alice", via_of(people, people.start_session("alice")))]
    wanted += [("bob", f"session:{number:012x}") for number in range(ASKED_AT_ONCE + 1)]
    asked: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda _c, _cur, statement, *_: asked.append(statement))
    stands = standing.of(wanted)
    assert len([statement for statement in asked if statement.startswith("SELECT")]) == 3, asked
    assert [key for key, each in stands.items() if each.over is None] == wanted[:1]


def test_groups_are_told_of_open_sessions_only(people: People, standing: Standing, store: Store, clock: Clock) -> None:
    people.start_session("bob", groups=["oncall"])
    people.start_session("bob", groups=["dev"])
    people.start_session("alice")
    assert standing.groups_brought() == {"bob": {"oncall", "dev"}}
    with store.session() as session:
        old = clock.at - timedelta(seconds=IDLE_S)
        session.execute(update(tables.Session).where(tables.Session.user == "bob").values(seen_at=old))
    assert standing.groups_brought() == {}
