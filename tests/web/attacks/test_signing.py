"""Signing in under attack: guesses side by side, one ticket for twenty, floods of failures, cookies that travel."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from opsmodal.audit.chain import GENESIS, chained
from opsmodal.people import passwords
from opsmodal.store.tables import AuditRow
from tests.web.conftest import PASSWORD, Installation, own_page

T = TypeVar("T")
REAL = PasswordHasher()


def at_once(count: int, act: Callable[[int], T]) -> list[T]:
    """Do something in many threads that begin together."""
    together = Barrier(count)

    def begin(number: int) -> T:
        together.wait(30)
        return act(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))


def rows(installation: Installation) -> list[AuditRow]:
    """Read the audit log in its order."""
    with installation.store.reading() as session:
        return list(session.scalars(select(AuditRow).order_by(AuditRow.id)))


def demand_chain(installation: Installation) -> int:
    """Walk the chain by the rule it was written by; give its length."""
    before = GENESIS
    for row in rows(installation):
        assert row.hash == chained(before, row), row.id
        before = row.hash
    return len(rows(installation))


def test_one_ticket_lets_one_of_twenty_in(changed: Installation) -> None:
    ticket = changed.people.issue_ticket("admin", 60)

    def use(number: int) -> int:
        address = {"REMOTE_ADDR": f"10.0.0.{number}"}
        return changed.app.test_client().get(f"/sign-in?ticket={ticket}", environ_base=address).status_code

    assert sorted(at_once(20, use)) == [303, *[401] * 19]


def test_who_only_looks_at_a_link_does_not_use_it_up(changed: Installation) -> None:
    ticket = changed.people.issue_ticket("admin", 60)
    client = changed.app.test_client()
    looked = client.head(f"/sign-in?ticket={ticket}")
    assert (looked.status_code, "Set-Cookie" in looked.headers) == (200, False)
    assert client.get(f"/sign-in?ticket={ticket}").status_code == 303


def test_guesses_side_by_side_do_not_slip_under_the_limit(changed: Installation) -> None:
    def guess(number: int) -> int:
        form = {"name": "viewer", "password": f"guess {number}"}
        address = {"REMOTE_ADDR": f"10.0.{number}.1"}
        return (
            changed.app.test_client().post("/sign-in", data=form, headers=own_page(), environ_base=address).status_code
        )

    codes = at_once(16, guess)
    assert sorted(codes) == [*[401] * 5, *[429] * 11]


def test_a_name_is_limited_whatever_its_case(changed: Installation) -> None:
    client = changed.app.test_client()
    codes = []
    for number, name in enumerate(["viewer", "VIEWER", "Viewer", "vIewer", "viEwer", "viewer"]):
        form, address = {"name": name, "password": "guess"}, {"REMOTE_ADDR": f"10.1.{number}.1"}
        codes.append(client.post("/sign-in", data=form, headers=own_page(), environ_base=address).status_code)
    assert codes == [401] * 5 + [429]


def test_one_network_of_ipv6_is_one_address(changed: Installation) -> None:
    client = changed.app.test_client()
    codes = []
    for number in range(6):
        form, address = {"name": f"user{number}", "password": "guess"}, {"REMOTE_ADDR": f"2001:db8::{number}:1"}
        codes.append(client.post("/sign-in", data=form, headers=own_page(), environ_base=address).status_code)
    assert codes == [401] * 5 + [429]
    other = {"REMOTE_ADDR": "2001:db8:0:1::1"}
    form = {"name": "viewer", "password": PASSWORD}
    assert client.post("/sign-in", data=form, headers=own_page(), environ_base=other).status_code == 303


@pytest.mark.parametrize("kind", ["password", "ticket"])
def test_a_flood_of_failures_does_not_fill_the_audit_log(changed: Installation, kind: str) -> None:
    """Each failure was one row, on any number of them, for anybody on the network."""
    client, before = changed.app.test_client(), len(rows(changed))
    for number in range(40):
        if kind == "ticket":
            answer = client.get(f"/sign-in?ticket=guess{number}")
        else:
            form = {"name": f"user{number}", "password": "guess"}
            answer = client.post("/sign-in", data=form, headers=own_page())
        assert answer.status_code == (401 if number < 5 else 429)
    written = rows(changed)[before:]
    assert [row.rule for row in written] == [*[kind] * 5, "too-many"]


def test_a_flood_out_of_one_network_of_ipv6_does_not_fill_the_audit_log(changed: Installation) -> None:
    """The limit held for the network, and yet each of its 2^64 addresses was a row a minute that says so."""
    client, before = changed.app.test_client(), len(rows(changed))
    for number in range(30):
        form, address = {"name": f"user{number}", "password": "guess"}, {"REMOTE_ADDR": f"2001:db8::{number:x}:1"}
        client.post("/sign-in", data=form, headers=own_page(), environ_base=address)
    assert [row.rule for row in rows(changed)[before:]] == [*["password"] * 5, "too-many"]


def test_the_chain_holds_under_eight_writers(changed: Installation) -> None:
    def act(number: int) -> None:
        for _ in range(10):
            if number % 2:
                changed.client("viewer").call("DELETE", "/services/shop/instances/db-0?confirm=shop")
            else:
                changed.client("developer").get("/services/shop/logs?instance=db-0&tail=1&download=true").close()

    at_once(8, act)
    assert demand_chain(changed) >= 4 * 10 + 4 * 10 * 2
    with pytest.raises(IntegrityError, match="append-only"):
        _tamper(changed)
    with changed.store.engine.begin() as connection:
        for name in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars().all():
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
    _tamper(changed)
    with pytest.raises(AssertionError):
        demand_chain(changed)


def _tamper(installation: Installation) -> None:
    with installation.store.session() as session:
        session.get_one(AuditRow, 10).actor = "somebody else"


def test_signing_in_gives_a_session_of_its_own_and_never_one_that_was_brought(changed: Installation) -> None:
    client = changed.app.test_client()
    client.set_cookie("opsmodal", "chosen-by-the-attacker")
    form = {"name": "viewer", "password": PASSWORD}
    assert client.post("/sign-in", data=form, headers=own_page()).status_code == 303
    mine = client.get_cookie("opsmodal")
    assert mine is not None
    assert mine.value != "chosen-by-the-attacker"
    thief = changed.app.test_client()
    thief.set_cookie("opsmodal", "chosen-by-the-attacker")
    assert thief.get("/services").status_code == 303


def test_every_cookie_is_kept_from_scripts_and_from_other_sites(changed: Installation) -> None:
    page = {"Origin": "https://localhost", "Sec-Fetch-Site": "same-origin"}
    client = changed.app.test_client()
    form = {"name": "admin", "password": PASSWORD}
    signed = client.post("/sign-in", data=form, headers=page, base_url="https://localhost")
    starred = client.post("/services/shop/favorite", headers=page, base_url="https://localhost")
    cookies = [*signed.headers.getlist("Set-Cookie"), *starred.headers.getlist("Set-Cookie")]
    assert len(cookies) == 2
    for cookie in cookies:
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
        assert "Domain" not in cookie


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP", "CF-Connecting-IP"])
def test_nobody_chooses_the_address_they_are_recorded_by(changed: Installation, header: str) -> None:
    value = "for=203.0.113.9" if header == "Forwarded" else "203.0.113.9"
    changed.client("viewer").call("DELETE", "/services/shop/instances/db-0?confirm=shop", headers={header: value})
    assert {row.address for row in rows(changed)} == {"127.0.0.1"}


@pytest.mark.parametrize("header", ["X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "X-Original-URL"])
def test_no_forwarded_header_is_believed(changed: Installation, header: str) -> None:
    value = {"X-Forwarded-Proto": "https", "X-Original-URL": "/registry"}.get(header, "evil.example")
    browser = changed.browser("viewer")
    for path in ("/services", "/services/shop", "/"):
        answer = browser.get(path, headers={header: value})
        assert "evil.example" not in answer.text + str(answer.headers)
        assert "Strict-Transport-Security" not in answer.headers
    foreign = {"Origin": f"https://{value}", header: value}
    assert browser.post("/services/shop/favorite", headers=foreign).status_code == 403


@pytest.fixture
def at_real_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords as they are for people; other tests hash cheaply."""
    monkeypatch.setattr(passwords, "_hasher", lambda: REAL)
    nobodys = REAL.hash("the password of nobody")
    monkeypatch.setattr(passwords, "_nobodys", lambda: nobodys)


def test_a_name_that_nobody_has_takes_as_long_as_a_wrong_password(changed: Installation, at_real_cost: None) -> None:
    changed.people.set_password("viewer", "some real password")

    def seconds(name: str) -> float:
        began = time.perf_counter()
        assert changed.people.verify_password(name, "guess") is None
        return time.perf_counter() - began

    names = ("viewer", "nobody-has-this", "../etc")
    for name in names:
        seconds(name)  # the first of a process makes what the others compare with
    taken = {name: min(seconds(name) for _ in range(3)) for name in names}
    assert max(taken.values()) < 3 * min(taken.values()), taken


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "multipart/form-data; boundary=x", ""])
def test_no_kind_of_body_goes_round_the_origin(changed: Installation, kind: str) -> None:
    browser = changed.browser()
    for origin in ("null", "http://evil.example", "http://localhost.evil.example", "http://localhost:1", "file://", ""):
        headers = {"Origin": origin, "Content-Type": kind}
        answer = browser.post("/services/shop/instances/db-0/delete", data='{"confirm":"shop"}', headers=headers)
        assert answer.status_code == 403, origin
        answer = browser.put("/api/v1/services/shop/favorite", data='{"x":1}', headers=headers)
        assert answer.status_code == 403, origin
    for site in ("cross-site", "same-site", "nonsense"):
        headers = {"Origin": "http://localhost", "Sec-Fetch-Site": site}
        assert browser.post("/services/shop/favorite", headers=headers).status_code == 403, site
    assert changed.client().get("/services/shop/instances/db-0").status_code == 200


def test_no_answer_invites_other_sites(shown: Installation) -> None:
    headers = {"Origin": "http://evil.example", "Access-Control-Request-Method": "DELETE"}
    for path in ("/api/v1/services", "/services", "/sign-in", "/static/main.js", "/healthz", "/api/v1/openapi.json"):
        for method in ("OPTIONS", "GET"):
            with shown.app.test_client().open(path, method=method, headers=headers) as answer:
                assert not [name for name in answer.headers.keys() if name.startswith("Access-Control")]  # noqa: SIM118


def beside(*secrets: str) -> dict[str, str]:
    """Send cookies of the session's name in this order, as a browser does that was given several paths."""
    return {"Cookie": "; ".join(f"opsmodal={secret}" for secret in secrets)}


def test_a_cookie_put_beside_ours_by_another_program_of_the_host_changes_nothing(changed: Installation) -> None:
    mine, theirs = (changed.people.start_session(name) for name in ("viewer", "manager"))
    bare = changed.app.test_client(use_cookies=False)
    for tossed in ("garbage", "\x00", "x" * 4_000, "eyJhIjoxfQ.signed.by-nobody", "gASVAAAAAAAAAC4="):
        for order in ((mine, tossed), (tossed, mine)):
            page = bare.get("/services", headers=beside(*order))
            assert (page.status_code, "viewer" in page.text) == (200, True)
    for order in ((mine, theirs), (theirs, mine)):
        answer = bare.get("/services", headers=beside(*order))
        assert (answer.status_code, "two sessions" in answer.text) == (401, True)
        answer = bare.post("/services/shop/favorite", headers={**own_page(), **beside(*order)})
        assert answer.status_code == 401
    assert bare.get("/services", headers=beside(mine, mine)).status_code == 200
    assert bare.post("/sign-out", headers={**own_page(), **beside(mine, theirs)}).status_code == 303
    assert bare.get("/services", headers=beside(mine)).status_code == 303


def test_over_tls_a_cookie_that_any_page_of_the_host_can_set_is_none(changed: Installation) -> None:
    secret = changed.people.start_session("viewer")
    bare = changed.app.test_client(use_cookies=False)
    plain = bare.get("/services", headers=beside(secret), base_url="https://localhost")
    assert plain.status_code == 303
    named = bare.get("/services", headers={"Cookie": f"__Host-opsmodal={secret}"}, base_url="https://localhost")
    assert named.status_code == 200


@pytest.mark.parametrize(
    "value",
    [
        "x" * 7_000,
        "%00%ff",
        '"quoted\\073"',
        "gASVHgAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOUjAJpZJSFlFKULg==",
        "eyJfcGVybWFuZW50Ijp0cnVlfQ.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb",
        "\u00e9\u00ff",
        "a=b; opsmodal",
    ],
)
@pytest.mark.parametrize("name", ["opsmodal", "session"])
def test_no_cookie_is_unpacked_or_breaks_a_page(shown: Installation, name: str, value: str) -> None:
    bare = shown.app.test_client(use_cookies=False)
    for path in ("/services", "/sign-in", "/api/v1/services"):
        answer = bare.get(path, headers={"Cookie": f"{name}={value}"})
        assert answer.status_code in (200, 303, 401), path


def test_a_session_of_another_installation_opens_nothing_here(changed: Installation, shown: Installation) -> None:
    elsewhere = changed.people.start_session("admin")
    own = shown.app.test_client(use_cookies=False)
    assert changed.app.test_client(use_cookies=False).get("/services", headers=beside(elsewhere)).status_code == 200
    assert own.get("/services", headers=beside(elsewhere)).status_code == 303
    headers = {"Authorization": f"Bearer {elsewhere}"}
    assert own.get("/api/v1/services", headers=headers).status_code == 401


def test_signing_out_empties_what_the_browser_kept(changed: Installation) -> None:
    answer = changed.browser("viewer").post("/sign-out", headers=own_page())
    assert answer.headers["Clear-Site-Data"] == '"cache"'
    assert "Max-Age=0" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("path", ["/services/shop/logs?instance=db-0&download=true", "/audit/export?format=csv"])
def test_a_link_of_another_site_takes_nothing_away_in_somebodys_name(
    changed: Installation, path: str, site: str
) -> None:
    browser = changed.browser("admin")
    clicked = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    answer = browser.get(path, headers=clicked)
    assert (answer.status_code, "on record as yours" in answer.text) == (403, True)
    assert not {action for _, action, _ in changed.audited()} & {"logs.download", "audit.export"}
    with browser.get(path, headers={**clicked, "Sec-Fetch-Site": "same-origin"}) as own:
        assert own.status_code == 200
    assert browser.get("/services/shop/logs", headers=clicked).status_code == 200, "and a page it may lead to"


@pytest.mark.parametrize("name", ["token", "access_token", "api_key", "ticket", "session", "opsmodal"])
def test_no_address_signs_anybody_in_but_that_of_a_link(shown: Installation, name: str) -> None:
    for secret in (shown.tokens["admin"], shown.people.start_session("admin")):
        client = shown.app.test_client()
        assert client.get(f"/api/v1/services?{name}={secret}").status_code == 401
        assert client.get(f"/services?{name}={secret}").status_code == 303
        assert client.get(f"/sign-in?{name}={secret}").status_code in (200, 401, 429)
        assert client.get_cookie("opsmodal") is None
