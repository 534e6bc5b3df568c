"""Signing in with a real provider, through the pages: who one becomes, with which rights, and how it ends."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from opsmodal.people.identities import Identities
from opsmodal.store.tables import AuditRow
from tests.engines.provider import SECRET, RealProvider, Visitor
from tests.web.conftest import PASSWORD, Installation, own_page

OLIVIA, ROB, OTHER_VIEWER = "subject-olivia", "subject-rob", "subject-of-another-viewer"


def rules(installation: Installation) -> list[tuple[str, str]]:
    """Give (actor, rule) of every refused sign-in."""
    with installation.store.reading() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.verdict == "refuse", AuditRow.action == "sign-in"))
        return [(row.actor, row.rule) for row in rows]


def registered(installation: Installation, provider: RealProvider, **more: Any) -> None:
    installation.registry.put("oidc", provider.entry(**more), {"clientSecretFile": SECRET})


def signed_in(
    installation: Installation, subject: str, *, target: str = "", client: FlaskClient | None = None
) -> tuple[FlaskClient, TestResponse]:
    """Walk through the pages of both as a browser does."""
    browser = client or installation.app.test_client()
    away = browser.get("/sign-in/oidc", query_string={"next": target} if target else {})
    assert away.status_code == 303, away.text
    back = urlsplit(Visitor().sign_in(away.location, subject))
    assert (back.hostname, back.path) == ("localhost", "/sign-in/oidc/callback")
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    return browser, browser.get(f"{back.path}?{back.query}", headers=headers)


@pytest.fixture
def badge(changed: Installation, oidc_provider: RealProvider) -> Installation:
    """Give an installation whose people may sign in with the provider."""
    registered(changed, oidc_provider)
    changed.registry.put("grants", {"group": "oncall", "role": "operator", "services": ["shop"]})
    return changed


def test_somebody_new_signs_in_and_goes_on_to_where_they_wanted(badge: Installation) -> None:
    browser, answer = signed_in(badge, OLIVIA, target="/services/shop/logs?tail=5")
    assert answer.status_code == 303, answer.text
    assert answer.location == "/services/shop/logs?tail=5"
    session = browser.get_cookie("opsmodal")
    assert session is not None
    assert session.http_only
    assert browser.get_cookie("opsmodal-oidc") is None, "what carried the sign-in is gone"
    known = [(one.user.name, one.how) for one in badge.people.sessions("olivia")]
    assert known == [("olivia", "oidc")]
    assert {("olivia", "sign-in", "done"), ("olivia", "user.add", "done")} <= badge.audited()
    with badge.store.reading() as session:
        added = session.scalars(select(AuditRow).where(AuditRow.action == "user.add", AuditRow.actor == "olivia")).all()
    assert added
    assert all(row.address and row.request_id for row in added)
    user = badge.people.user("olivia")
    assert user is not None
    assert not user.has_password
    assert not user.admin


def test_every_row_of_a_sign_in_has_the_id_of_its_request(badge: Installation) -> None:
    client = badge.app.test_client()
    client.get("/sign-in/oidc/callback?state=x", headers={"X-Request-Id": "of-the-oidc-callback"})
    wrong = {**own_page(), "X-Request-Id": "of-the-password"}
    client.post("/sign-in", data={"name": "viewer", "password": "wrong"}, headers=wrong)
    with badge.store.reading() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action == "sign-in").order_by(AuditRow.id))
        assert [row.request_id for row in rows] == ["of-the-oidc-callback", "of-the-password"]


def test_groups_of_the_provider_give_what_the_registry_grants_them_and_no_longer(
    badge: Installation, oidc_provider: RealProvider
) -> None:
    browser, _ = signed_in(badge, OLIVIA)
    assert browser.get("/api/v1/services/shop/logs?instance=*").status_code == 200
    assert browser.get("/api/v1/services/payments").status_code == 404
    assert browser.get("/registry").status_code == 403
    account = browser.get("/account").text
    assert "oncall" in account
    assert "/ops/on call" not in account
    registered(badge, oidc_provider, groups={"/ops/other": "oncall"})
    assert browser.get("/api/v1/services/shop/logs?instance=*").status_code == 404, "the mapping was taken away"


def test_a_group_makes_an_administrator_for_the_session_only(badge: Installation, oidc_provider: RealProvider) -> None:
    browser, _ = signed_in(badge, ROB)
    assert browser.get("/registry").status_code == 200
    user = badge.people.user("rob")
    assert user is not None
    assert not user.admin
    token = badge.people.new_token("rob").secret
    assert badge.client(token).get("/registry/runtimes").status_code == 403, "a token has what its user has"
    registered(badge, oidc_provider, adminGroups=[], auditorGroups=["/ops/admins"])
    assert browser.get("/registry").status_code == 403
    assert browser.get("/audit").status_code == 200


def test_the_same_person_is_known_again(badge: Installation) -> None:
    signed_in(badge, OLIVIA)
    _, again = signed_in(badge, OLIVIA)
    assert again.status_code == 303
    assert [user.name for user in badge.people.users()].count("olivia") == 1
    assert len(badge.people.sessions("olivia")) == 2


def test_a_user_who_is_here_is_not_taken_over_until_an_administrator_ties_the_two(badge: Installation) -> None:
    _, refused = signed_in(badge, OTHER_VIEWER)
    assert refused.status_code == 401
    assert "There is a user viewer here who is not tied to this account." in refused.text
    assert "opsmodal user identity viewer" in refused.text
    assert "Set-Cookie" not in refused.headers or "opsmodal=" not in refused.headers["Set-Cookie"]
    assert badge.people.sessions("viewer") == ()
    assert ("viewer", "oidc-taken") in rules(badge)
    spec = badge.registry.oidc()
    assert spec is not None
    Identities(badge.store).tie("viewer", spec.issuer, OTHER_VIEWER)
    _, answer = signed_in(badge, OTHER_VIEWER)
    assert answer.status_code == 303
    assert [one.how for one in badge.people.sessions("viewer")] == ["oidc"]


def test_who_is_new_stays_out_where_nobody_is_made(badge: Installation, oidc_provider: RealProvider) -> None:
    registered(badge, oidc_provider, create=False)
    _, refused = signed_in(badge, OLIVIA)
    assert refused.status_code == 401
    assert "There is no user olivia here." in refused.text
    assert badge.people.user("olivia") is None
    assert ("olivia", "oidc-unknown") in rules(badge)


def test_a_disabled_user_stays_out(badge: Installation) -> None:
    browser, _ = signed_in(badge, OLIVIA)
    badge.people.disable("olivia")
    assert browser.get("/api/v1/services").status_code == 401
    _, refused = signed_in(badge, OLIVIA)
    assert refused.status_code == 401
    assert "The user olivia is disabled here." in refused.text
    assert badge.people.sessions("olivia") == ()
    assert ("olivia", "oidc-disabled") in rules(badge)


@pytest.mark.parametrize(
    ("subject", "more", "words", "rule"),
    [
        (OLIVIA, {"allowedDomains": ["Example.org"]}, "", ""),
        (OLIVIA, {"allowedDomains": ["example.com"]}, "of a domain that is not let in", "oidc-domain"),
        (ROB, {"allowedDomains": ["example.net"]}, "does not say that your mail address is verified", "oidc-email"),
        (OTHER_VIEWER, {"allowedDomains": ["example.org"]}, "does not say that your mail address", "oidc-email"),
        (OLIVIA, {"userClaim": "email"}, "", ""),
        (ROB, {"userClaim": "email"}, "does not say that your mail address is verified", "oidc-email"),
        (OLIVIA, {"userClaim": "groups"}, "gives nothing as your groups", "oidc-name"),
        (OLIVIA, {"userClaim": "no-such-claim"}, "gives nothing as your no-such-claim", "oidc-name"),
    ],
)
def test_claims_make_a_user_or_say_why_not(
    badge: Installation, oidc_provider: RealProvider, subject: str, more: dict[str, Any], words: str, rule: str
) -> None:
    registered(badge, oidc_provider, **more)
    _, answer = signed_in(badge, subject)
    if not words:
        assert answer.status_code == 303, answer.text
        return
    assert answer.status_code == 401
    assert words in answer.text
    assert [one for _, one in rules(badge)] == [rule]


def test_signing_out_leads_to_the_sign_out_of_the_provider_without_going_there(badge: Installation) -> None:
    browser, _ = signed_in(badge, OLIVIA)
    out = browser.post("/sign-out", headers=own_page())
    assert out.location == "/sign-in?left=oidc"
    assert badge.people.sessions("olivia") == ()
    page = browser.get(out.location)
    assert "Sign out of the test badge too" in page.text
    assert "/session/end?client_id=opsmodal%2Btests&amp;post_logout_redirect_uri=http%3A%2F%2Flocalhost" in page.text
    by_password = badge.browser("viewer")
    assert by_password.post("/sign-out", headers=own_page()).location == "/sign-in"


def test_the_page_names_the_provider_and_keeps_the_password(badge: Installation) -> None:
    page = badge.app.test_client().get("/sign-in?next=/services/shop/logs?tail=5").text
    assert "Sign in with the test badge" in page
    assert 'href="/sign-in/oidc?next=%2Fservices%2Fshop%2Flogs%3Ftail%3D5"' in page.replace("&#34;", '"')
    assert 'name="password"' in page
    assert badge.browser("viewer").get("/services").status_code == 200


def test_without_a_provider_there_is_no_way_to_one(changed: Installation) -> None:
    client = changed.app.test_client()
    assert "/sign-in/oidc" not in client.get("/sign-in").text
    for path in ("/sign-in/oidc", "/sign-in/oidc/callback?code=a&state=b"):
        answer = client.get(path)
        assert answer.status_code in (401, 404)
        assert "There is no provider to sign in with here." in answer.text


def test_the_code_is_bound_to_the_browser_that_began(badge: Installation) -> None:
    """Somebody who makes another person's browser finish their sign-in would have that person work as them."""
    away = badge.app.test_client().get("/sign-in/oidc")
    back = urlsplit(Visitor().sign_in(away.location, OLIVIA))
    victim = badge.app.test_client()
    victim.get("/sign-in/oidc")
    answer = victim.get(f"{back.path}?{back.query}")
    assert answer.status_code == 401
    assert "belongs to another sign-in than the one begun in this browser" in answer.text
    assert victim.get_cookie("opsmodal") is None
    assert badge.people.user("olivia") is None
    assert rules(badge) == [("", "oidc-state")]


def test_a_callback_works_once_even_for_who_kept_the_cookie(badge: Installation) -> None:
    client = badge.app.test_client()
    away = client.get("/sign-in/oidc")
    kept = client.get_cookie("opsmodal-oidc")
    assert kept is not None
    back = urlsplit(Visitor().sign_in(away.location, OLIVIA))
    assert client.get(f"{back.path}?{back.query}").status_code == 303
    client.set_cookie("opsmodal-oidc", kept.value)
    again = client.get(f"{back.path}?{back.query}")
    assert again.status_code == 401
    assert "was finished already" in again.text
    assert rules(badge) == [("", "oidc-replayed")]
    assert len(badge.people.sessions("olivia")) == 1


def test_the_code_of_another_sign_in_is_worth_nothing(badge: Installation) -> None:
    """The provider holds the code against the verifier of PKCE, which is in the other browser."""
    theirs = badge.app.test_client().get("/sign-in/oidc")
    code = parse_qs(urlsplit(Visitor().sign_in(theirs.location, OLIVIA)).query)["code"][0]
    client = badge.app.test_client()
    asked = parse_qs(urlsplit(client.get("/sign-in/oidc").location).query)
    spec = badge.registry.oidc()
    assert spec is not None
    sent = {"code": code, "state": asked["state"][0], "iss": spec.issuer}
    answer = client.get("/sign-in/oidc/callback", query_string=sent)
    assert answer.status_code == 401
    assert "did not take the code" in answer.text
    assert rules(badge) == [("", "oidc-code-refused")]


def test_over_https_the_cookie_is_bound_to_the_host(badge: Installation) -> None:
    answer = badge.app.test_client().get("/sign-in/oidc", base_url="https://localhost")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-opsmodal-oidc=")
    for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=600"):
        assert part in cookie
    assert "Domain" not in cookie
    asked = parse_qs(urlsplit(answer.location).query)
    assert asked["redirect_uri"] == ["https://localhost/sign-in/oidc/callback"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["nonce"][0] not in cookie
    assert PASSWORD not in cookie


def test_the_secret_of_the_client_is_nowhere_in_clear(badge: Installation) -> None:
    signed_in(badge, OLIVIA)
    kept = b"".join(path.read_bytes() for path in badge.folder.iterdir() if path.is_file())
    assert SECRET.encode() not in kept
    exported = badge.client().get("/registry/document").text
    assert "fingerprint" in exported
    assert SECRET not in exported
