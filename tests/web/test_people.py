"""People, groups and grants, by pages and by API: what administrators do to others, and what nobody does to himself."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from opsmodal.permissions import Permission
from opsmodal.store.tables import AuditRow
from tests.web.conftest import PASSWORD, Caller, Installation, own_page

LINK = re.compile(r"http://localhost/sign-in#ticket=([\w-]+)")
TOKEN = re.compile(r"opm_[\w-]+")


def post(browser: FlaskClient, path: str, **fields: object) -> str:
    """Send a form and give the page that it leads to."""
    answer = browser.post(path, data=fields, headers=own_page())
    assert answer.status_code == 303, answer.text
    return browser.get(answer.location).text


def put_flag(admin: Caller, name: str, flag: str = "admin") -> None:
    assert admin.call("PUT", f"/people/{name}/flags/{flag}").status_code == 200


def everything_written(installation: Installation) -> str:
    """Give the audit log, and the file of the store as it lies on the disk."""
    with installation.store.reading() as session:
        rows = [str(row) for row in session.execute(select(AuditRow.__table__))]
    files = [path.read_bytes().decode("latin-1") for path in installation.folder.rglob("*") if path.is_file()]
    assert files, "the store is a file"
    return "\n".join([*rows, *files])


def test_a_user_is_added_by_link_signs_in_once_and_chooses_a_password(changed: Installation) -> None:
    admin = changed.browser("admin")
    page = post(admin, "/people", name="new.one")
    found = LINK.search(page)
    assert found, "the link is shown"
    newcomer = changed.app.test_client()
    assert newcomer.post("/sign-in", data={"ticket": found[1]}, headers=own_page()).status_code == 303
    account = newcomer.get("/account").text
    assert "Set a password" in account
    assert "Old password" not in account, "who has none gives none"
    post(newcomer, "/account/password", new="a password of mine")
    again = changed.app.test_client()
    data = {"name": "new.one", "password": "a password of mine"}
    assert again.post("/sign-in", data=data, headers=own_page()).status_code == 303
    assert ("admin", "user.add", "done") in changed.audited()
    assert ("new.one", "account.password", "done") in changed.audited()


def test_a_secret_is_shown_once_and_loading_the_page_again_makes_no_other(
    changed: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="opsmodal")
    admin = changed.browser("admin")
    for path, fields, pattern in (
        ("/people/viewer/tokens", {"label": "pipeline", "expires": "7d"}, TOKEN),
        ("/people/viewer/link", {}, LINK),
    ):
        answer = admin.post(path, data=fields, headers=own_page())
        assert answer.status_code == 303
        assert not pattern.search(answer.location + answer.text + str(answer.headers)), "not on the way either"
        first, second = admin.get(answer.location), admin.get(answer.location)
        found = pattern.search(first.text)
        assert found
        assert not pattern.search(second.text)
        for each in (answer, first, second):
            each.close()  # a request is logged when its answer has gone out
        assert found[0] not in everything_written(changed)
        assert found[0] not in caplog.text + "".join(str(each.__dict__) for each in caplog.records)
        assert caplog.records, "what is done is logged"
    assert len(changed.people.tokens("viewer")) == 2, "that of the seed, and one"


def test_a_secret_is_shown_to_the_session_and_on_the_page_that_it_is_for(changed: Installation) -> None:
    admin, other = changed.browser("admin"), changed.browser("admin")
    answer = admin.post("/people/viewer/tokens", data={"label": "x", "expires": "7d"}, headers=own_page())
    cookie = admin.get_cookie("opsmodal-once")
    assert cookie is not None
    assert (cookie.http_only, cookie.same_site) == (True, "Strict")
    other.set_cookie("opsmodal-once", cookie.value)
    assert not TOKEN.search(other.get(answer.location).text), "another session"
    assert not TOKEN.search(admin.get("/people/developer").text), "another page"
    assert TOKEN.search(admin.get(answer.location).text)


def test_disabling_asks_first_and_says_what_ends(changed: Installation) -> None:
    admin = changed.client()
    changed.browser("viewer")
    asked = admin.call("POST", "/people/viewer/disable")
    assert asked.status_code == 409
    assert "1 session" in " ".join(asked.json["hits"])
    assert "1 API token" in " ".join(asked.json["hits"])
    assert changed.client("viewer").get("/services").status_code == 200, "nothing was done yet"
    assert admin.call("POST", "/people/viewer/disable", json={"confirm": True}).status_code == 200
    assert changed.client("viewer").get("/services").status_code == 401
    assert admin.get("/people/viewer").json["row"]["disabled"] is True
    assert admin.call("POST", "/people/viewer/enable").status_code == 200
    assert changed.client("viewer").get("/services").status_code == 200
    assert {("admin", "user.disable", "done"), ("admin", "user.enable", "done")} <= changed.audited()


def test_nobody_disables_himself(changed: Installation) -> None:
    admin = changed.client()
    put_flag(admin, "manager")
    answer = admin.call("POST", "/people/admin/disable", json={"confirm": True})
    assert answer.status_code == 403
    assert answer.json["detail"] == "Nobody can disable himself."
    assert ("admin", "user.disable", "refused") in changed.audited()


def test_the_last_administrator_who_can_sign_in_stays_one(changed: Installation) -> None:
    admin = changed.client()
    last = admin.call("DELETE", "/people/admin/flags/admin", json={"confirm": True})
    assert (last.status_code, last.json["code"]) == (409, "last-administrator")
    changed.people.add("by-link", admin=True)
    last = admin.call("DELETE", "/people/admin/flags/admin", json={"confirm": True})
    assert last.status_code == 409, "who has no password cannot sign in by themselves"
    put_flag(admin, "manager")
    assert admin.call("DELETE", "/people/admin/flags/admin", json={"confirm": True}).status_code == 200
    assert admin.get("/people").status_code == 403, "the token is that of no administrator any more"


def test_flags_are_given_at_once_and_taken_after_asking(changed: Installation) -> None:
    admin = changed.client()
    put_flag(admin, "viewer", "auditor")
    assert changed.client("viewer").get("/audit").status_code == 200
    assert admin.call("DELETE", "/people/viewer/flags/auditor").status_code == 409
    assert admin.call("DELETE", "/people/viewer/flags/auditor?confirm=true").status_code == 200
    assert changed.client("viewer").get("/audit").status_code == 403
    assert admin.call("PUT", "/people/viewer/flags/emperor").status_code == 404


def test_another_password_ends_their_sessions(changed: Installation) -> None:
    theirs = changed.browser("viewer")
    body = {"password": "another one entirely"}
    assert changed.client().call("PUT", "/people/viewer/password", json=body).status_code == 200
    assert theirs.get("/services").status_code == 303
    assert "another one entirely" not in everything_written(changed)


def test_a_password_in_the_address_is_not_read(changed: Installation) -> None:
    answer = changed.client().call("PUT", "/people/viewer/password?password=in-every-log-now")
    assert answer.status_code == 422
    assert changed.people.verify_password("viewer", PASSWORD) is not None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/people/admin/password"),
        ("POST", "/people/admin/tokens"),
        ("POST", "/people/admin/link"),
    ],
)
def test_what_one_signs_in_with_is_not_renewed_here(changed: Installation, method: str, path: str) -> None:
    before = len(changed.people.tokens("admin"))
    answer = changed.client().call(method, path, json={"password": "another horse", "label": "x"})
    assert answer.status_code == 403
    assert len(changed.people.tokens("admin")) == before
    assert changed.people.verify_password("admin", PASSWORD) is not None


def test_sessions_and_tokens_of_somebody_are_ended_one_by_one_and_all(changed: Installation) -> None:
    admin = changed.client()
    one, other = changed.browser("viewer"), changed.browser("viewer")
    shown = admin.get("/people/viewer").json
    assert len(shown["sessions"]) == 2
    newest = shown["sessions"][0]["id"]
    assert admin.call("DELETE", f"/people/developer/sessions/{newest}").status_code == 404, "not theirs"
    assert admin.call("DELETE", f"/people/viewer/sessions/{newest}").status_code == 200
    assert (one.get("/services").status_code, other.get("/services").status_code) == (200, 303)
    assert admin.call("DELETE", "/people/viewer/sessions").status_code == 200
    assert one.get("/services").status_code == 303
    token = shown["tokens"][0]["id"]
    assert admin.call("DELETE", f"/people/viewer/tokens/{token}").status_code == 409
    assert admin.call("DELETE", f"/people/developer/tokens/{token}?confirm=true").status_code == 404
    assert admin.call("DELETE", f"/people/viewer/tokens/{token}?confirm=true").status_code == 200
    assert changed.client("viewer").get("/services").status_code == 401
    assert admin.call("DELETE", "/people/developer/tokens?confirm=true").status_code == 200
    assert changed.client("developer").get("/services").status_code == 401


def test_a_token_is_made_for_somebody_and_narrowed(changed: Installation) -> None:
    body = {"label": "pipeline", "expires": "30d", "services": ["shop"], "permissions": ["view"]}
    made = changed.client().call("POST", "/people/manager/tokens", json=body)
    assert made.status_code == 201
    narrow = changed.client(made.json["token"])
    assert narrow.get("/services/shop/overview").status_code == 200
    assert narrow.get("/services/shop/logs").status_code == 403
    for wrong in ({"services": ["absent"]}, {"services": []}, {"permissions": []}):
        assert changed.client().call("POST", "/people/manager/tokens", json=wrong).status_code == 422
    for wrong in ({"expires": "soon"}, {"permissions": ["everything"]}, {"label": 5}):
        assert changed.client().call("POST", "/people/manager/tokens", json=wrong).status_code == 400


@pytest.mark.parametrize(
    "body", [{"name": "viewer"}, {"name": "../etc"}, {"name": ""}, {"name": "fine", "password": "short"}]
)
def test_a_user_that_cannot_be_is_refused_with_the_field(changed: Installation, body: dict[str, str]) -> None:
    answer = changed.client().call("POST", "/people", json=body)
    assert answer.status_code == 422
    assert answer.json["problems"][0]["field"] in ("name", "password")
    page = changed.browser("admin").post("/people", data=body, headers=own_page())
    assert page.status_code == 422
    assert "This was not done yet." in page.text
    assert f'value="{body["name"]}"' in page.text, "what was typed stays"


def test_a_token_that_is_narrowed_does_nothing_to_people(changed: Installation) -> None:
    for narrowed in ({"services": ["shop"]}, {"permissions": list(Permission)}):
        token = changed.people.new_token("admin", **narrowed).secret
        for method, path in (("GET", "/people"), ("POST", "/people"), ("GET", "/grants"), ("PUT", "/groups/x")):
            assert changed.client(token).call(method, path, json={"name": "x", "users": []}).status_code == 403


def test_a_grant_is_given_changed_and_removed_and_says_who_did_it(changed: Installation) -> None:
    admin = changed.client()
    assert changed.client("nobody").get("/services/shop/overview").status_code == 404
    entry = {"user": "nobody", "role": "viewer", "services": ["shop"]}
    assert admin.call("POST", "/grants", json=entry).status_code == 200
    assert changed.client("nobody").get("/services/shop/overview").status_code == 200
    (row,) = admin.get("/grants?user=nobody").json["items"]
    assert (row["name"], row["role"], row["updated_by"]) == ("user nobody on service shop", "viewer", "admin")
    assert changed.client("nobody").get("/services/shop/logs").status_code == 403
    assert admin.call("PUT", f"/grants/{row['name']}", json={"role": "developer"}).status_code == 200
    assert changed.client("nobody").get("/services/shop/logs").status_code == 200
    assert admin.call("DELETE", f"/grants/{row['name']}").status_code == 409
    assert admin.call("DELETE", f"/grants/{row['name']}?confirm=true").status_code == 200
    assert changed.client("nobody").get("/services/shop/overview").status_code == 404
    assert {("admin", "grant.change", "done"), ("admin", "grant.remove", "done")} <= changed.audited()


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ({"role": "viewer", "services": ["shop"]}, ""),
        ({"user": "nobody", "role": "viewer"}, ""),
        ({"user": "nobody", "role": "emperor", "services": ["shop"]}, "role"),
        ({"user": "nobody", "role": "viewer", "services": ["absent"]}, "services[0]"),
        ({"user": "nobody", "role": "viewer", "services": "shop"}, "services"),
        ({"user": ["nobody"], "role": "viewer", "all": True}, "user"),
    ],
)
def test_a_grant_is_held_to_the_rules_of_the_document(
    changed: Installation, entry: dict[str, object], field: str
) -> None:
    answer = changed.client().call("POST", "/grants", json=entry)
    assert answer.status_code == 422
    assert answer.json["problems"][0]["field"] == field


def test_a_role_that_there_is_not_changes_no_grant(changed: Installation) -> None:
    admin = changed.client()
    assert admin.call("PUT", "/grants/user viewer on service shop", json={"role": "emperor"}).status_code == 400
    assert admin.call("PUT", "/grants/user viewer on service shop", json={}).status_code == 422
    assert admin.call("PUT", "/grants/user viewer on service absent", json={"role": "viewer"}).status_code == 404
    assert changed.client("viewer").get("/services/shop/logs").status_code == 403


def test_a_group_gives_its_members_what_is_granted_to_it(changed: Installation) -> None:
    admin = changed.client()
    assert admin.call("PUT", "/groups/oncall", json={"users": ["nobody", "nobody"]}).status_code == 200
    entry = {"group": "oncall", "role": "viewer", "all": True}
    assert admin.call("POST", "/grants", json=entry).status_code == 200
    assert changed.client("nobody").get("/services/shop/overview").status_code == 200
    assert admin.get("/people/nobody").json["grants"][0]["holder"] == "oncall"
    in_use = admin.call("DELETE", "/groups/oncall?confirm=true")
    assert (in_use.status_code, in_use.json["code"]) == (409, "in-use")
    assert admin.call("PUT", "/groups/oncall", json={"users": []}).status_code == 200
    assert changed.client("nobody").get("/services/shop/overview").status_code == 404
    assert admin.call("DELETE", "/grants/group oncall on all?confirm=true").status_code == 200
    assert admin.call("DELETE", "/groups/oncall?confirm=true").status_code == 200
    assert admin.get("/groups").json["items"] == []


def test_what_somebody_else_changed_meanwhile_is_not_undone_unseen(changed: Installation) -> None:
    admin, browser = changed.client(), changed.browser("admin")
    admin.call("PUT", "/groups/oncall", json={"users": ["viewer"]})
    seen = admin.get("/groups/oncall").json["updated_at"]
    admin.call("PUT", "/groups/oncall", json={"users": ["viewer", "developer"]})
    as_of = re.search(r'name="as_of" value="([^"]+)"', browser.get("/groups/oncall").text)
    assert as_of
    stale = browser.post("/groups/oncall", data={"users": "viewer", "as_of": seen}, headers=own_page())
    assert stale.status_code == 422
    assert "changed this group meanwhile" in stale.text
    fresh = browser.post("/groups/oncall", data={"users": "viewer\noperator", "as_of": as_of[1]}, headers=own_page())
    assert fresh.status_code == 303
    assert admin.get("/groups/oncall").json["users"] == ["viewer", "operator"]


def test_groups_that_cannot_be_are_refused(changed: Installation) -> None:
    admin = changed.client()
    assert admin.call("PUT", "/groups/Not A Name", json={"users": []}).status_code == 422
    assert admin.call("PUT", "/groups/oncall", json={}).status_code == 422
    assert admin.call("PUT", "/groups/oncall", json={"users": ["<script>"]}).status_code == 422
    page = changed.browser("admin").post("/groups", data={"name": "No!", "users": "viewer"}, headers=own_page())
    assert page.status_code == 422
    assert 'value="No!"' in page.text


def test_the_pages_are_searched_sorted_and_narrowed(shown: Installation) -> None:
    admin = shown.client()
    names = [row["name"] for row in admin.get("/people").json["items"]]
    assert names == sorted(names)
    assert [row["name"] for row in admin.get("/people?kind=admin").json["items"]] == ["admin"]
    assert [row["name"] for row in admin.get("/people?search=VIEW").json["items"]] == ["viewer"]
    assert admin.get("/people?sort=-tokens").json["items"][0]["name"] == "manager"
    assert admin.get("/grants?sort=-role").json["items"][0]["role"] == "manager"
    assert admin.get("/people?sort=password").status_code == 400
    assert {row["holder"] for row in admin.get("/grants?role=viewer").json["items"]} == {"viewer"}


PAGES = (
    "/people",
    "/people/viewer",
    "/people/admin",
    "/grants",
    "/groups",
    "/people?search=absent",
    "/grants?search=x",
)


def test_every_page_of_people_opens(shown: Installation) -> None:
    browser = shown.browser("admin")
    for path in PAGES:
        page = browser.get(path)
        assert page.status_code == 200, path
        assert "<h1>" in page.text
    assert 'href="/people"' in browser.get("/services").text
    assert 'href="/people"' not in shown.browser("viewer").get("/services").text


@pytest.fixture
def read_only(changed: Installation) -> Iterator[Installation]:
    """Give an installation whose changes are switched off."""
    from dataclasses import replace

    from opsmodal.app import close_app, create_app
    from opsmodal.settings import Settings

    app = create_app(Settings(data_dir=changed.folder, read_only=True), changed.store)
    yield replace(changed, app=app)
    close_app(app)


def test_in_read_only_mode_nothing_is_changed_and_no_button_says_so(read_only: Installation) -> None:
    admin = read_only.client()
    for method, path, body in (
        ("POST", "/people", {"name": "x"}),
        ("POST", "/people/viewer/disable", {"confirm": True}),
        ("PUT", "/people/viewer/flags/admin", {}),
        ("PUT", "/people/viewer/password", {"password": "long enough now"}),
        ("POST", "/people/viewer/link", {}),
        ("POST", "/people/viewer/tokens", {}),
        ("DELETE", "/people/viewer/sessions", {}),
        ("POST", "/grants", {"user": "nobody", "role": "viewer", "all": True}),
        ("PUT", "/groups/oncall", {"users": []}),
    ):
        answer = admin.call(method, path, json=body)
        assert (answer.status_code, answer.json["code"]) == (403, "read-only"), path
    browser = read_only.browser("admin")
    for path in ("/people", "/people/viewer", "/grants", "/groups"):
        page = browser.get(path).text
        assert 'method="post"' not in page.replace('<form method="post" action="/sign-out">', ""), path


def test_the_form_of_a_grant_takes_a_user_or_a_group_that_may_come_later(changed: Installation) -> None:
    browser = changed.browser("admin")
    target = {"role": "viewer", "target": "all:"}
    for wrong in ({}, {"user": "viewer", "group": "oncall"}, {"user": "viewer", "target": ""}, {"user": "a b"}):
        page = browser.post("/grants", data={**target, **wrong}, headers=own_page())
        assert page.status_code == 422, wrong
        assert f'value="{wrong.get("user", "")}"' in page.text, "what was typed stays"
    assert "no user" in post(browser, "/grants", user="comes.later", **target)
    assert "not in the registry" in post(browser, "/grants", group="of-a-sign-in", role="viewer", target="runtime:demo")
    assert "Grant a role" in post(browser, "/grants", user="viewer", back="/people/viewer", **target)
    away = browser.post(
        "/grants", data={"user": "viewer", "back": "https://evil.example", **target}, headers=own_page()
    )
    assert away.location == "/services", "no way leads out of here"
