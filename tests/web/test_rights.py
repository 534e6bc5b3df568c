"""What may I do here, and who gave it to me; and who can do what on a service: by page and by API, for every role."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, update

from opsmodal.permissions import GIVES, Permission, Role
from opsmodal.store import tables
from opsmodal.tabs import TABS
from tests.web.conftest import ROLES, Installation

Value = dict[str, Any]


def here(installation: Installation, who: str, service: str = "shop") -> Value:
    answer = installation.client(who).get(f"/services/{service}/rights")
    assert answer.status_code == 200, answer.text
    return {**answer.json, "by": {each["permission"]: each for each in answer.json["permissions"]}}


@pytest.mark.parametrize("role", ROLES)
def test_everybody_is_told_what_they_may_do_and_by_which_grant(shown: Installation, role: str) -> None:
    told = here(shown, role)["by"]
    assert list(told) == [each.value for each in Permission]
    for permission in Permission:
        mine = told[permission.value]
        assert mine["allowed"] == (permission in GIVES[Role(role)])
        if mine["allowed"]:
            (given,) = mine["given_by"]
            assert (given["role"], given["holder_kind"], given["holder"]) == (role, "user", role)
            assert (given["target_kind"], given["target"]) == ("service", "shop")
            assert given["updated_at"]
        else:
            assert mine["given_by"] == []


def test_what_a_permission_lets_one_do_comes_from_the_tabs_and_the_actions(shown: Installation) -> None:
    shown.client("manager").get("/services/shop/instances")  # the runtime is open, and says what it offers
    told = here(shown, "manager")["by"]
    for permission in Permission:
        labels = {tab.label("kubernetes") for tab in TABS if tab.permission == permission}
        assert set(told[permission.value]["tabs"]) == labels
    assert "delete pods" in told["manage"]["lets"]
    assert "restart pods" not in told["manage"]["lets"], "this runtime restarts no pod"
    assert {"follow logs", "download logs"} <= set(told["logs"]["lets"])


def test_an_administrator_is_told_so(shown: Installation) -> None:
    told = here(shown, "admin", "payments")["by"]
    assert all(each["allowed"] for each in told.values())
    assert told["manage"]["given_by"][0]["kind"] == "administrator"


def test_a_token_that_keeps_something_back_is_told_so(shown: Installation) -> None:
    told = here(shown, "narrow")
    assert told["token"] == "You use an API token that is for shop only and for view only."
    assert (told["by"]["view"]["allowed"], told["by"]["view"]["kept_back"]) == (True, False)
    assert (told["by"]["manage"]["allowed"], told["by"]["manage"]["kept_back"]) == (False, True)
    assert told["by"]["manage"]["given_by"][0]["role"] == "manager"


def test_groups_are_told_with_where_they_come_from_and_who_gave_them_something(changed: Installation) -> None:
    registry, people = changed.registry, changed.people
    registry.put("groups", {"name": "oncall", "users": ["nobody"]}, by="admin")
    registry.put("grants", {"group": "oncall", "role": "operator", "runtimes": ["demo"]}, by="alice")
    registry.put("grants", {"group": "provider", "role": "viewer", "all": True}, by="bob")
    secret = people.start_session("nobody", groups=["provider"])
    client = changed.app.test_client()
    client.set_cookie("opsmodal", secret)
    told = {each["permission"]: each for each in client.get("/api/v1/services/shop/rights").json["permissions"]}
    by = {given["holder"]: given for given in told["view"]["given_by"]}
    assert set(by) == {"oncall", "provider"}
    assert (by["oncall"]["from_registry"], by["oncall"]["from_sign_in"]) == (True, False)
    assert (by["provider"]["from_registry"], by["provider"]["from_sign_in"]) == (False, True)
    assert (by["oncall"]["updated_by"], by["provider"]["updated_by"]) == ("alice", "bob")
    assert [given["holder"] for given in told["exec"]["given_by"]] == ["oncall"]
    page = client.get("/services/shop/rights").text
    assert "in which you are by the registry" in page
    assert "in which you are by your sign-in" in page
    assert "given by alice" in page


def test_the_page_says_in_words_who_gave_it_and_whom_to_ask(shown: Installation) -> None:
    page = shown.browser("developer").get("/services/shop/rights").text
    assert "What you may do on shop" in page
    assert page.count("> yes</span>") == 2
    assert page.count("> no</span>") == 2
    assert page.count("Nothing gives it to you. Ask admin.") == 2
    assert "<b>Developer</b> on the service shop, to you" in page
    assert "Who can do what here" not in page


def test_the_list_has_what_one_sees_and_nothing_else(shown: Installation) -> None:
    mine = shown.client("operator").get("/rights").json
    assert [(row["service"], row["permissions"]) for row in mine["items"]] == [("shop", ["view", "logs", "exec"])]
    assert shown.client("nobody").get("/rights").json["items"] == []
    assert "You have no right on any service yet." in shown.browser("nobody").get("/rights").text
    everything = shown.client("admin").get("/rights").json
    assert {row["service"] for row in everything["items"]} == {"shop", "payments", "reports"}
    found = shown.client("admin").get("/rights?search=pay&sort=-permissions").json
    assert [row["service"] for row in found["items"]] == ["payments"]
    assert "No service matches." in shown.browser("admin").get("/rights?search=nothing-like-this").text


def test_a_page_that_is_refused_leads_to_what_one_may_do(shown: Installation) -> None:
    refused = shown.browser("viewer").get("/services/shop/logs")
    assert refused.status_code == 403
    assert 'href="/services/shop/rights"' in refused.text
    assert 'href="/rights"' in shown.browser("viewer").get("/registry").text
    assert 'href="/services/shop/rights"' in shown.browser("viewer").get("/services/shop/overview").text


def reach(installation: Installation, query: str = "") -> dict[str, Value]:
    answer = installation.client("admin").get(f"/services/shop/people{query}")
    assert answer.status_code == 200, answer.text
    return {f"{row['kind']} {row['name']}": row for row in answer.json["items"]}


def test_administrators_are_told_who_can_do_what(changed: Installation) -> None:
    registry, people = changed.registry, changed.people
    registry.put("groups", {"name": "oncall", "users": ["auditor"]})
    registry.put("grants", {"group": "oncall", "role": "viewer", "runtimes": ["demo"]})
    registry.put("grants", {"group": "provider", "role": "manager", "services": ["shop"]})
    people.start_session("nobody", groups=["provider"])
    people.new_token("operator", label="ci", services=["shop"], permissions=[Permission.VIEW, Permission.LOGS])
    people.new_token("operator", label="elsewhere", services=["payments"])
    people.disable("developer")
    told = reach(changed)
    assert told["user admin"]["given_by"][0]["kind"] == "administrator"
    assert told["user admin"]["admin"]
    assert told["user developer"]["disabled"]
    assert told["user auditor"]["auditor"]
    assert told["user auditor"]["permissions"] == ["view"]
    assert told["user nobody"]["permissions"] == [each.value for each in Permission], "as somebody who is signed in"
    assert told["user nobody"]["given_by"][0]["from_sign_in"]
    assert told["group oncall"]["members"] == ["auditor"]
    assert not told["group provider"]["in_registry"]
    assert told["token ci"]["permissions"] == ["view", "logs"]
    assert told["token ci"]["owner"] == "operator"
    assert "token elsewhere" not in told


def test_what_is_told_of_somebody_is_what_they_are_told(changed: Installation) -> None:
    changed.registry.put("groups", {"name": "oncall", "users": ["viewer", "nobody"]})
    changed.registry.put("grants", {"group": "oncall", "role": "operator", "all": True})
    told = reach(changed)
    for who in ("nobody", *ROLES, "admin"):
        own = [name for name, each in here(changed, who)["by"].items() if each["allowed"]]
        assert told[f"user {who}"]["permissions"] == own, who


def test_expired_tokens_reach_nothing(changed: Installation) -> None:
    changed.people.new_token("operator", label="old", lifetime_s=60)
    assert "token old" in reach(changed)
    with changed.store.session() as session:
        past = datetime.now(UTC) - timedelta(seconds=1)
        session.execute(update(tables.Token).where(tables.Token.label == "old").values(expires_at=past))
    assert "token old" not in reach(changed)


@pytest.mark.parametrize(
    ("query", "first"), [("?kind=user&sort=name", "user admin"), ("?search=oper", "user operator")]
)
def test_it_is_searched_sorted_and_narrowed(shown: Installation, query: str, first: str) -> None:
    assert next(iter(reach(shown, query))) == first


def test_the_page_of_administrators_marks_people_and_leads_to_theirs(changed: Installation) -> None:
    changed.people.disable("developer")
    browser = changed.browser("admin")
    page = browser.get("/services/shop/people").text
    assert 'href="/people/developer"' in page
    assert "disabled" in page
    assert '<span class="tag">Administrator</span>' in page
    assert "Nobody matches." in browser.get("/services/shop/people?search=nothing-like-this").text
    assert browser.get("/services/shop/people?kind=bad").status_code == 400
    assert browser.get("/services/no-such-service/people").status_code == 404
    assert changed.browser("manager").get("/services/shop/people").status_code == 403


@pytest.fixture
def asked(shown: Installation) -> Iterator[list[str]]:
    """Collect what the store is asked by this thread, which the test client answers in; others work in theirs."""
    statements: list[str] = []
    mine = threading.get_ident()

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if threading.get_ident() == mine:
            statements.append(statement)

    event.listen(shown.store.engine, "before_cursor_execute", note)
    yield statements
    event.remove(shown.store.engine, "before_cursor_execute", note)


PATHS = ("", "/overview", "/instances", "/instances/x", "/logs", "/timeline", "/rights", "/people")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("actor", ["nobody", "viewer", "manager", "narrow", "auditor"])
def test_a_foreign_service_costs_the_same_questions_as_one_that_is_not_there(
    shown: Installation, asked: list[str], actor: str, path: str
) -> None:
    """Time is told by work: the statements are counted, because a clock on a busy machine proves nothing."""
    questions = {}
    client = shown.client(actor)
    client.get(f"/services/payments{path}")  # "last used" of the token is written once a minute
    for service in ("payments", "no-such-service"):
        asked.clear()
        assert client.get(f"/services/{service}{path}").status_code == 404
        questions[service] = list(asked)
    assert questions["payments"] == questions["no-such-service"]
    assert questions["payments"]


@pytest.mark.parametrize("path", PATHS[1:5])
def test_the_page_of_a_foreign_service_costs_the_same_questions(
    shown: Installation, asked: list[str], path: str
) -> None:
    browser = shown.browser("viewer")
    questions = {}
    for service in ("payments", "no-such-service"):
        asked.clear()
        assert browser.get(f"/services/{service}{path}").status_code == 404
        questions[service] = list(asked)
    assert questions["payments"] == questions["no-such-service"]
