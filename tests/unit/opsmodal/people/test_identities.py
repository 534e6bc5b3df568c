"""Identities: tied by issuer and subject, never by a name, and nobody is taken over."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from opsmodal.errors import InUse, NotThere, Rejected
from opsmodal.people import People
from opsmodal.people.identities import Identities
from opsmodal.people.once import Once
from opsmodal.store import Store

ISSUER = "https://login.example.org"


@pytest.fixture
def people(store: Store) -> People:
    return People(store)


@pytest.fixture
def identities(store: Store) -> Identities:
    return Identities(store)


def test_somebody_new_is_found_again_by_issuer_and_subject(identities: Identities, people: People) -> None:
    made = identities.adopt(ISSUER, "42", "alice")
    assert (made.name, made.admin, made.auditor, made.disabled, made.has_password) == (
        "alice",
        False,
        False,
        False,
        False,
    )
    found = identities.owner(ISSUER, "42")
    assert found is not None
    assert found.name == "alice"
    assert identities.owner("https://other.example", "42") is None
    assert identities.owner(ISSUER, "43") is None
    people.disable("alice")
    disabled = identities.owner(ISSUER, "42")
    assert disabled is not None
    assert disabled.disabled, "whoever asks decides what that means"


@pytest.mark.parametrize("name", ["alice", "Alice", "ALICE"])
def test_a_name_that_is_somebodys_is_not_taken_over(identities: Identities, people: People, name: str) -> None:
    people.add("alice", password=None, admin=True)
    with pytest.raises(InUse, match="alice"):
        identities.adopt(ISSUER, "42", name)
    assert identities.owner(ISSUER, "42") is None
    assert identities.named(name) == "alice"


def test_an_administrator_ties_and_unties(identities: Identities, people: People) -> None:
    people.add("alice")
    people.add("bob")
    identities.tie("alice", ISSUER, "42")
    identities.tie("alice", ISSUER, "42")
    assert [(one.issuer, one.subject) for one in identities.identities("alice")] == [(ISSUER, "42")]
    with pytest.raises(InUse, match="alice's"):
        identities.tie("bob", ISSUER, "42")
    begun, other = people.start_session("alice", how="oidc"), people.start_session("alice", how="password")
    identities.untie("alice", ISSUER, "42")
    assert people.session(begun) is None
    assert people.session(other) is not None
    assert identities.identities("alice") == ()
    with pytest.raises(NotThere):
        identities.untie("alice", ISSUER, "42")


@pytest.mark.parametrize(
    ("user", "issuer", "subject", "error"),
    [
        ("nobody-here", ISSUER, "42", NotThere),
        ("../x", ISSUER, "42", NotThere),
        ("alice", "", "42", Rejected),
        ("alice", ISSUER, "", Rejected),
        ("alice", ISSUER, "a" * 256, Rejected),
        ("alice", ISSUER, "a\nb", Rejected),
        ("alice", "https://" + "a" * 500, "42", Rejected),
    ],
)
def test_what_cannot_be_tied_is_said(
    identities: Identities, people: People, user: str, issuer: str, subject: str, error: type[Exception]
) -> None:
    people.add("alice")
    with pytest.raises(error):
        identities.tie(user, issuer, subject)


def test_of_many_at_once_one_is_made(identities: Identities) -> None:
    def adopt(number: int) -> bool:
        try:
            identities.adopt(ISSUER, f"subject-{number % 2}", "alice")
        except InUse:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(adopt, range(12))) == 1


def test_something_is_used_once_and_forgotten_when_nobody_can_use_it_again(store: Store) -> None:
    moment = [datetime(2026, 1, 1, tzinfo=UTC)]
    once = Once(store, now=lambda: moment[0])
    assert once.use("state", life_s=600)
    assert not once.use("state", life_s=600)
    assert once.use("another", life_s=600)
    moment[0] += timedelta(seconds=601)
    assert once.use("third", life_s=600)
    assert once.use("state", life_s=600), "its row was swept with the third"


def test_of_many_uses_at_once_one_counts(store: Store) -> None:
    once = Once(store)
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: once.use("state", life_s=600), range(16))) == 1
