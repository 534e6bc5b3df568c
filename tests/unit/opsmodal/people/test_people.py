from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from opsmodal.errors import LastAdministrator, NotSignedIn, NotThere, Rejected, TooMany
from opsmodal.people import People
from opsmodal.people.links import INVITATION
from opsmodal.people.passwords import matches
from opsmodal.people.tokens import TOKENS_MAX
from opsmodal.permissions import Permission
from opsmodal.store import Store

PASSWORD = "correct horse"
HERE = "192.0.2.1"
YEAR_S = 365 * 24 * 3600


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def pass_s(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def people(store: Store, clock: Clock) -> People:
    people = People(store, now=clock)
    people.add("alice", password=PASSWORD)
    return people


def everything(store: Store) -> str:
    with store.engine.connect() as connection:
        rows = []
        for table in ("users", "tokens", "sessions", "tickets", "sign_in_failures"):
            rows += [str(tuple(row)) for row in connection.execute(text(f'SELECT * FROM "{table}"'))]
    return "\n".join(rows)


def test_no_secret_is_kept_in_the_store(people: People, store: Store) -> None:
    secrets = [
        people.new_token("alice").secret,
        people.start_session("alice"),
        people.issue_ticket("alice"),
        PASSWORD,
    ]
    kept = everything(store)
    assert "alice" in kept
    assert [secret for secret in secrets if secret in kept or secret.removeprefix("opm_") in kept] == []


@pytest.mark.parametrize("name", ["", "-a", "a b", "../a", "a/b", "a\n", "a\x00", "<b>", "ä", "a" * 129, "a-"])
def test_a_name_that_cannot_be_one_is_refused(people: People, name: str) -> None:
    with pytest.raises(Rejected) as refused:
        people.add(name)
    assert [problem.field for problem in refused.value.problems] == ["name"]


@pytest.mark.parametrize(
    "name",
    [
        "Alice",
        "ALICE",
        "\u0430lice",
        "al\u0131ce",
        "\uff41lice",
        "alice\u0301",
        "alic\u00e9",
        "alice ",
        " alice",
        "alice\u200b",
        "alice\x00",
        "\u202ealice",
        "ali\u00adce",
    ],
)
def test_a_name_that_looks_like_another_can_neither_be_made_nor_signed_in_with(people: People, name: str) -> None:
    with pytest.raises(Rejected):
        people.add(name)
    with pytest.raises(NotSignedIn):
        people.sign_in(name, PASSWORD, address=HERE)
    assert [user.name for user in people.users()] == ["alice"]


@pytest.mark.parametrize("name", ["b", "Bob", "bob.smith", "bob@example.org", "b_o-b+ops", "a" * 128])
def test_names_of_people_and_their_addresses_are_taken(people: People, name: str) -> None:
    people.add(name)
    assert people.user(name) is not None


def test_a_name_is_given_once(people: People) -> None:
    with pytest.raises(Rejected, match="already"):
        people.add("alice")


@pytest.mark.parametrize("password", ["", "short12", "x" * 1025, "é" * 600])
def test_a_password_that_is_too_short_or_too_long_is_refused(people: People, password: str) -> None:
    with pytest.raises(Rejected):
        people.add("bob", password=password)
    assert people.user("bob") is None


def test_only_the_right_password_of_an_active_user_is_right(people: People) -> None:
    people.add("nopassword")
    assert people.verify_password("alice", PASSWORD) == people.user("alice")
    for name, password in (
        ("alice", "wrong"),
        ("alice", ""),
        ("alice", "\ud800"),
        ("alice", "x" * 2000),
        ("nobody", PASSWORD),
        ("alice\x00", PASSWORD),
        ("\ud800", PASSWORD),
        ("nopassword", ""),
        ("nopassword", "the password of nobody"),
    ):
        assert people.verify_password(name, password) is None
    people.disable("alice")
    assert people.verify_password("alice", PASSWORD) is None


def test_a_name_that_nobody_has_costs_a_hash_too(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str | None] = []
    monkeypatch.setattr(
        "opsmodal.people.users.matches", lambda given, kept: hashed.append(kept) or matches(given, kept)
    )
    people.verify_password("nobody", PASSWORD)
    assert hashed == [None]
    assert not matches(PASSWORD, None)


def test_another_password_ends_sessions_and_links(people: People) -> None:
    session, ticket = people.start_session("alice"), people.issue_ticket("alice")
    people.set_password("alice", "another horse")
    assert people.session(session) is None
    assert people.redeem(ticket) is None
    assert people.verify_password("alice", "another horse")


def test_somebody_who_is_disabled_is_out_by_every_door(people: People) -> None:
    token, session, ticket = (
        people.new_token("alice").secret,
        people.start_session("alice"),
        people.issue_ticket("alice"),
    )
    people.disable("alice")
    assert (people.token(token), people.session(session), people.redeem(ticket)) == (None, None, None)
    with pytest.raises(NotThere):
        people.new_token("alice")
    people.enable("alice")
    assert people.token(token) is not None
    assert people.session(session) is None


def test_flags_are_set_and_taken(people: People) -> None:
    people.add("zoe", password=PASSWORD, admin=True)
    assert people.set_flags("alice", admin=True).admin
    user = people.set_flags("alice", admin=False, auditor=True)
    assert (user.admin, user.auditor) == (False, True)
    with pytest.raises(NotThere):
        people.set_flags("nobody", admin=True)


def test_five_failures_within_a_minute_shut_a_name_out_from_everywhere(people: People, clock: Clock) -> None:
    for index in range(5):
        with pytest.raises(NotSignedIn):
            people.sign_in("alice", "wrong", address=f"192.0.2.{index}")
    with pytest.raises(TooMany) as refused:
        people.sign_in("ALICE", PASSWORD, address="192.0.2.99")
    assert 0 < refused.value.retry_after_s <= 60
    clock.pass_s(61)
    assert people.sign_in("alice", PASSWORD, address=HERE).name == "alice"


def test_five_failures_within_a_minute_shut_an_address_out_for_every_name(people: People) -> None:
    for index in range(5):
        with pytest.raises(NotSignedIn):
            people.sign_in(f"name{index}", "wrong", address=HERE)
    with pytest.raises(TooMany):
        people.sign_in("alice", PASSWORD, address=HERE)
    assert people.sign_in("alice", PASSWORD, address="192.0.2.2").name == "alice"


def test_signing_in_well_does_not_count_as_a_failure(people: People) -> None:
    for _ in range(7):
        people.sign_in("alice", PASSWORD, address=HERE)


def test_attempts_side_by_side_do_not_slip_under_the_limit(people: People) -> None:
    answers: list[str] = []

    def attempt() -> None:
        try:
            people.sign_in("alice", "wrong", address=HERE)
        except (NotSignedIn, TooMany) as refusal:
            answers.append(type(refusal).__name__)

    threads = [threading.Thread(target=attempt, name=f"attempt-{index}") for index in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (answers.count("NotSignedIn"), answers.count("TooMany")) == (5, 7)


def test_a_token_is_found_by_its_secret_until_it_expires(people: People, clock: Clock) -> None:
    secret = people.new_token(
        "alice", lifetime_s=60, services=["shop"], permissions=[Permission.VIEW], label="ci"
    ).secret
    found = people.token(secret)
    assert secret.startswith("opm_")
    assert found is not None
    assert (found.user.name, found.label, found.services, found.permissions) == ("alice", "ci", {"shop"}, {"view"})
    clock.pass_s(60)
    assert people.token(secret) is None


def test_a_token_without_limits_is_as_wide_as_its_owner(people: People, clock: Clock) -> None:
    secret = people.new_token("alice").secret
    clock.pass_s(5 * 365 * 86400)
    found = people.token(secret)
    assert found is not None
    assert (found.services, found.permissions, found.expires_at) == (None, None, None)


def test_a_token_that_is_narrowed_to_nothing_stays_narrowed(people: People) -> None:
    found = people.token(people.new_token("alice", services=[], permissions=[]).secret)
    assert found is not None
    assert (found.services, found.permissions) == (frozenset(), frozenset())


@pytest.mark.parametrize("secret", ["", "opm_", "opm_wrong", "\ud800", "x" * 10_000, "'; DROP TABLE tokens; --"])
def test_a_secret_that_nobody_has_finds_nothing(people: People, secret: str) -> None:
    assert people.token(secret) is None
    assert people.session(secret) is None
    assert people.redeem(secret) is None


def test_use_of_a_token_is_written_once_a_minute(people: People, clock: Clock) -> None:
    secret = people.new_token("alice").secret
    people.token(secret)
    first = clock.at
    clock.pass_s(30)
    people.token(secret)
    assert [one.last_used_at for one in people.tokens("alice")] == [first]
    clock.pass_s(31)
    people.token(secret)
    assert [one.last_used_at for one in people.tokens()] == [clock.at]


def test_a_revoked_token_works_no_more(people: People) -> None:
    secret = people.new_token("alice").secret
    people.revoke_token(people.tokens("alice")[0].id)
    assert people.token(secret) is None
    with pytest.raises(NotThere):
        people.revoke_token("nonsense")


@pytest.mark.parametrize("lifetime_s", [0, -1, 1e12, float("nan")])
def test_a_lifetime_that_makes_no_sense_is_refused(people: People, lifetime_s: float) -> None:
    with pytest.raises(Rejected):
        people.new_token("alice", lifetime_s=lifetime_s)


def test_a_session_ends_when_it_is_idle_for_too_long(people: People, clock: Clock) -> None:
    secret = people.start_session("alice")
    for _ in range(3):
        clock.pass_s(11 * 3600)
        assert people.session(secret) is not None
    clock.pass_s(12 * 3600)
    assert people.session(secret) is None


def test_a_session_ends_after_a_week_however_busy(people: People, clock: Clock) -> None:
    secret = people.start_session("alice")
    for _ in range(7 * 24 - 1):
        clock.pass_s(3600)
        assert people.session(secret) is not None
    clock.pass_s(3600)
    assert people.session(secret) is None


def test_a_session_ends_on_request_and_alone(people: People) -> None:
    one, other = people.start_session("alice"), people.start_session("alice")
    people.end_session(one)
    assert people.session(one) is None
    assert people.session(other) is not None
    people.end_sessions("alice")
    assert people.session(other) is None


def test_sessions_that_have_ended_are_swept_away(people: People, clock: Clock, store: Store) -> None:
    people.start_session("alice")
    clock.pass_s(13 * 3600)
    people.start_session("alice", address=HERE, agent="Browser\x1b[31m" + "x" * 1000)
    with store.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM sessions")).scalar() == 1
    (listed,) = people.sessions("alice")
    assert listed.address == HERE
    assert listed.agent.startswith("Browser[31mx")
    assert len(listed.agent) == 300


def test_a_ticket_works_once_for_its_purpose_and_in_time(people: People, clock: Clock) -> None:
    ticket = people.issue_ticket("alice")
    assert people.redeem(ticket, purpose="socket") is None
    assert people.redeem(ticket) == people.user("alice")
    assert people.redeem(ticket) is None
    late = people.issue_ticket("alice")
    clock.pass_s(60)
    assert people.redeem(late) is None


def test_a_ticket_lives_no_longer_than_its_purpose_allows(people: People, clock: Clock) -> None:
    at_once = people.issue_ticket("alice", 3600)
    handed_on = people.issue_ticket("alice", 3600, purpose=INVITATION)
    forever = people.issue_ticket("alice", 10**8, purpose=INVITATION)
    clock.pass_s(61)
    assert people.redeem(at_once) is None
    assert people.redeem(handed_on) is None
    assert people.redeem(handed_on, purpose=INVITATION) == people.user("alice")
    clock.pass_s(24 * 3600)
    assert people.redeem(forever, purpose=INVITATION) is None


@pytest.mark.parametrize("kind", ["session", "ticket"])
def test_what_a_clock_of_next_year_has_made_ends_when_the_clock_is_right_again(
    people: People, clock: Clock, kind: str
) -> None:
    clock.pass_s(YEAR_S)
    secret = people.start_session("alice") if kind == "session" else people.issue_ticket("alice")
    clock.pass_s(-YEAR_S)
    assert (people.session(secret) if kind == "session" else people.redeem(secret)) is None
    assert people.sessions("alice") == ()


def test_a_clock_that_is_a_little_back_ends_no_session(people: People, clock: Clock) -> None:
    secret = people.start_session("alice")
    clock.pass_s(-60)
    assert people.session(secret) is not None


def test_failures_of_the_future_lock_nobody_out(people: People, clock: Clock) -> None:
    clock.pass_s(YEAR_S)
    for _ in range(6):
        with pytest.raises((NotSignedIn, TooMany)):
            people.sign_in("alice", "wrong password", address=HERE)
    clock.pass_s(-YEAR_S)
    assert people.sign_in("alice", PASSWORD, address=HERE).name == "alice"


def test_a_ticket_that_many_try_at_once_lets_one_in(people: People) -> None:
    ticket = people.issue_ticket("alice")
    users: list[object] = []
    threads = [
        threading.Thread(target=lambda: users.append(people.redeem(ticket)), name=f"redeem-{index}")
        for index in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len([user for user in users if user is not None]) == 1
    assert len(users) == 8


def test_workers_share_failures_and_sessions(people: People, made: str, clock: Clock, tmp_path: Path) -> None:
    from opsmodal.store import open_store

    second = open_store(made)
    other = People(second, now=clock)
    for index in range(5):
        with pytest.raises(NotSignedIn):
            (people if index % 2 else other).sign_in("alice", "wrong", address=HERE)
    with pytest.raises(TooMany):
        other.sign_in("alice", PASSWORD, address="192.0.2.2")
    assert other.session(people.start_session("alice")) is not None
    second.close()


def test_a_session_says_how_it_began_and_which_groups_came_with_it(people: People) -> None:
    plain = people.session(people.start_session("alice", how="password"))
    told = people.session(people.start_session("alice", how="oidc", groups=["oncall", "oncall", "dev"]))
    assert plain is not None
    assert told is not None
    assert (plain.how, plain.groups) == ("password", frozenset())
    assert (told.how, told.groups) == ("oidc", {"oncall", "dev"})


def admins(people: People, *able: str, unable: str = "") -> None:
    for name in able:
        people.add(name, password=PASSWORD, admin=True)
    if unable:
        people.add(unable, admin=True)


@pytest.mark.parametrize(
    ("able", "unable", "name", "is_last"),
    [
        (("zoe",), "", "zoe", True),
        (("zoe", "yan"), "", "zoe", False),
        (("zoe",), "link-only", "zoe", True),
        (("zoe",), "link-only", "link-only", False),
        ((), "link-only", "link-only", True),
    ],
)
def test_the_last_administrator_who_can_sign_in_stays_one(
    people: People, able: tuple[str, ...], unable: str, name: str, is_last: bool
) -> None:
    admins(people, *able, unable=unable)
    for change in (lambda: people.set_flags(name, admin=False), lambda: people.disable(name)):
        if is_last:
            with pytest.raises(LastAdministrator):
                change()
            assert [one.name for one in people.users() if one.admin and not one.disabled].count(name) == 1
    if not is_last:
        people.disable(name)
        people.set_flags(name, admin=False)


def test_of_two_administrators_who_depose_each_other_at_once_one_stays(people: People) -> None:
    admins(people, "zoe", "yan")
    refused: list[Exception] = []

    def depose(name: str) -> None:
        try:
            people.set_flags(name, admin=False)
        except LastAdministrator as problem:
            refused.append(problem)

    threads = [threading.Thread(target=depose, args=(name,), name=f"depose-{name}") for name in ("zoe", "yan")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(refused) == 1
    assert len([one for one in people.users() if one.admin]) == 1


def test_another_password_ends_the_other_sessions_and_keeps_this_one(people: People) -> None:
    mine, other = people.start_session("alice"), people.start_session("alice")
    kept = people.session(mine)
    assert kept is not None
    people.change_password("alice", old=PASSWORD, new="another horse", address=HERE, keep=kept.id)
    assert people.session(mine) is not None
    assert people.session(other) is None
    assert people.sign_in("alice", "another horse", address=HERE).name == "alice"


def test_guessing_the_old_password_is_stopped_as_a_sign_in_is(people: People) -> None:
    for _ in range(5):
        with pytest.raises(Rejected):
            people.change_password("alice", old="wrong", new="another horse", address=HERE, keep="")
    with pytest.raises(TooMany):
        people.change_password("alice", old=PASSWORD, new="another horse", address=HERE, keep="")


def test_a_session_is_ended_by_its_id_and_by_its_owner_only(people: People) -> None:
    people.add("bob", password=PASSWORD)
    secret = people.start_session("alice")
    (found,) = people.sessions("alice")
    with pytest.raises(NotThere):
        people.end_session_of("bob", found.id)
    people.end_session_of("alice", found.id)
    assert people.session(secret) is None


def test_what_people_use_is_counted_without_what_has_ended(people: People, clock: Clock) -> None:
    people.start_session("alice")
    clock.pass_s(13 * 3600)
    people.start_session("alice")
    token = people.new_token("alice").secret
    assert people.session_use() == {"alice": (1, clock.at)}
    assert people.token_use() == {"alice": (1, None)}
    people.token(token)
    assert people.token_use() == {"alice": (1, clock.at)}
    assert [one.user.name for one in people.sessions()] == ["alice"]


def test_tokens_have_a_bound_and_all_of_somebody_are_revoked_at_once(people: People) -> None:
    people.add("bob")
    kept = people.new_token("bob").secret
    for _ in range(TOKENS_MAX):
        people.new_token("alice")
    with pytest.raises(Rejected):
        people.new_token("alice")
    assert people.revoke_tokens("alice") == TOKENS_MAX
    assert people.token(kept) is not None


@pytest.mark.parametrize("label", ["x" * 101, "two\nlines", "\u202eright"])
def test_a_label_that_cannot_be_shown_is_refused(people: People, label: str) -> None:
    with pytest.raises(Rejected):
        people.new_token("alice", label=label)


@pytest.mark.parametrize("name", ["", "\x00", "\ud800", "x" * 5000, "../1", "0123456789ab"])
def test_what_cannot_be_a_session_or_a_token_is_none(people: People, name: str) -> None:
    with pytest.raises(NotThere):
        people.end_session_of("alice", name)
    with pytest.raises(NotThere):
        people.revoke_token(name)
