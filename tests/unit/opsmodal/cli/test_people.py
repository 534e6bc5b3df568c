from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from opsmodal.people import People
from opsmodal.people.links import INVITATION
from opsmodal.store import open_store
from tests.unit.opsmodal.cli.programs import Done, run

Call = Callable[..., Done]


@pytest.fixture
def call(tmp_path: Path) -> Call:
    def called(*args: str, given: bytes = b"") -> Done:
        return run(*args, "--data-dir", tmp_path, given=given)

    return called


@contextmanager
def people_in(folder: Path) -> Iterator[People]:
    """Open the people of a data folder."""
    store = open_store(f"sqlite:///{folder}/opsmodal.db")
    try:
        yield People(store)
    finally:
        store.close()


def test_somebody_is_added_with_a_password_and_flags(call: Call, tmp_path: Path) -> None:
    added = call("user", "add", "alice", "--admin", "--password-stdin", given=b"correct horse\n")
    assert added.out == "Added alice (admin).\n"
    with people_in(tmp_path) as people:
        user = people.verify_password("alice", "correct horse")
    assert user is not None
    assert user.admin
    assert call("user", "list").out.startswith("alice\tadmin\t20")


def test_somebody_without_a_password_signs_in_by_a_link(call: Call, tmp_path: Path) -> None:
    added = call("user", "add", "bob")
    assert (added.code, "opsmodal user link bob" in added.err) == (0, True)
    link = call("user", "link", "bob", "--address", "https://ops.example/").out.strip()
    address, ticket = link.split("#ticket=")
    assert address == "https://ops.example/sign-in"
    with people_in(tmp_path) as people:
        assert people.redeem(ticket) is None, "what is handed on is not taken from an address"
        user = people.redeem(ticket, purpose=INVITATION)
    assert user is not None
    assert user.name == "bob"


@pytest.mark.parametrize(
    ("args", "given", "words"),
    [
        (("user", "add", "a b"), b"", "cannot be the name"),
        (("user", "add", "bob", "--password-stdin"), b"short\n", "at least 8 characters"),
        (("user", "disable", "nobody"), b"", "There is no user 'nobody'"),
        (("user", "link", "nobody"), b"", "no active user"),
        (("token", "create", "nobody"), b"", "no active user"),
        (("token", "revoke", "nothing"), b"", "no such token"),
    ],
)
def test_what_cannot_be_done_is_said_and_exits_with_one(
    call: Call, args: tuple[str, ...], given: bytes, words: str
) -> None:
    refused = call(*args, given=given)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("opsmodal: ")
    assert words in refused.err
    assert "Traceback" not in refused.err


def test_a_token_is_printed_once_alone_and_narrowed(call: Call, tmp_path: Path) -> None:
    call("user", "add", "alice")
    document = "apiVersion: opsmodal/v1\nruntimes: [{name: e, kind: docker, socket: /a}]\n"
    call("apply", "-f", "-", given=f"{document}services: [{{name: shop, runtime: e, project: a}}]".encode())
    narrowed = ("--service", "shop", "--permission", "view", "--permission", "logs")
    created = call("token", "create", "alice", "--expires", "30d", *narrowed)
    assert created.out.count("\n") == 1
    with people_in(tmp_path) as people:
        token = people.token(created.out.strip())
    assert token is not None
    assert (token.services, token.permissions) == ({"shop"}, {"view", "logs"})
    assert token.expires_at is not None
    assert (token.expires_at - token.created_at).days == 30
    listed = call("token", "list", "alice").out
    assert created.out.strip() not in listed
    assert call("token", "revoke", listed.split("\t")[0]).code == 0
    with people_in(tmp_path) as people:
        assert people.token(created.out.strip()) is None


def test_a_token_for_a_service_that_there_is_not_is_refused(call: Call) -> None:
    call("user", "add", "alice")
    assert "no service 'shop'" in call("token", "create", "alice", "--service", "shop").err


def test_somebody_who_is_disabled_is_listed_so_and_out(call: Call, tmp_path: Path) -> None:
    call("user", "add", "alice", "--password-stdin", given=b"correct horse")
    assert call("user", "disable", "alice").out == "Disabled alice.\n"
    assert "disabled" in call("user", "list").out
    with people_in(tmp_path) as people:
        assert people.verify_password("alice", "correct horse") is None
    assert call("user", "enable", "alice").code == 0
    with people_in(tmp_path) as people:
        assert people.verify_password("alice", "correct horse") is not None


def test_another_password_is_given(call: Call, tmp_path: Path) -> None:
    call("user", "add", "alice")
    assert call("user", "password", "alice").code == 2
    assert call("user", "password", "alice", "--password-stdin", given=b"another horse").code == 0
    with people_in(tmp_path) as people:
        assert people.verify_password("alice", "another horse") is not None


def test_flags_are_given_and_taken_but_never_those_of_the_last_administrator(call: Call) -> None:
    call("user", "add", "alice", "--admin", "--password-stdin", given=b"correct horse\n")
    call("user", "add", "bob", "--password-stdin", given=b"correct horse\n")
    for args in (("user", "flags", "alice", "--no-admin"), ("user", "disable", "alice")):
        refused = call(*args)
        assert refused.code == 1
        assert "alice is the last administrator who can sign in." in refused.err
    given = call("user", "flags", "bob", "--admin", "--auditor")
    assert given.out == "bob is now an administrator.\nbob is now an auditor.\n"
    assert call("user", "flags", "alice", "--no-admin").out == "alice is no longer an administrator.\n"
    assert call("user", "disable", "bob").code == 1
    assert call("user", "flags", "bob").code == 2


def test_sessions_are_listed_and_ended(call: Call, tmp_path: Path) -> None:
    call("user", "add", "alice")
    with people_in(tmp_path) as people:
        one = people.start_session("alice", how="password", address="192.0.2.1", agent="Firefox/128.0 Linux")
        others = [people.start_session("alice") for _ in range(2)]
        number = next(each.id for each in people.sessions("alice") if each.how == "password")
    listed = call("session", "list", "alice").out.splitlines()
    assert len(listed) == 3
    assert any(
        line.startswith(f"{number}\talice\tby password\t192.0.2.1\tFirefox on Linux\tstarted ") for line in listed
    )
    assert one not in "\n".join(listed), "the secret of a session is not shown"
    assert call("session", "end", number).out == f"Ended the session {number} of alice.\n"
    assert call("session", "end", number).code == 1
    assert call("session", "end", "--user", "alice").out == "Ended 2 sessions of alice.\n"
    with people_in(tmp_path) as people:
        assert [people.session(secret) for secret in (one, *others)] == [None, None, None]
    assert call("session", "end").code == 2
    assert call("session", "end", "--user", "nobody").code == 1
