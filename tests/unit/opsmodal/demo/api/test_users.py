"""Tokens: whose they are, how long, and how they are made worthless."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from opsmodal.demo.api import users
from opsmodal.demo.api.users import ADMIN, Tokens, service_account

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ROBOT = service_account("shop", "robot", "uid-1")


def test_a_lent_token_holds_until_its_end() -> None:
    tokens = Tokens()
    tokens.lend("t", ROBOT, NOW + timedelta(seconds=10))
    assert tokens.user("t", NOW + timedelta(seconds=9)) == ROBOT
    assert tokens.user("t", NOW + timedelta(seconds=10)) is None


def test_to_expire_takes_every_token_of_a_user_and_of_nobody_else() -> None:
    tokens = Tokens()
    own, other = tokens.of(ROBOT), tokens.of(ADMIN)
    tokens.lend("lent", ROBOT, NOW + timedelta(hours=1))
    tokens.expire(service_account("shop", "robot", "uid-1"))
    assert tokens.user(own, NOW) is None
    assert tokens.user("lent", NOW) is None
    assert tokens.user(other, NOW) == ADMIN
    assert tokens.of(ROBOT) != own


def test_the_oldest_lent_token_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "LENT_MAX", 2)
    tokens = Tokens()
    for name in ("a", "b", "c"):
        tokens.lend(name, ROBOT, NOW + timedelta(hours=1))
    assert [tokens.user(name, NOW) is not None for name in ("a", "b", "c")] == [False, True, True]
