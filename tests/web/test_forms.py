"""Whatever is typed into a form is answered with a page: nothing breaks, and nothing that was typed becomes markup.

The forms are those that stand on the pages, found by looking at them as a browser does; the sign-in form is tried by
strangers. The same texts are typed in every run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from opsmodal.app import ROUTES
from tests.web.conftest import Installation, own_page
from tests.web.test_schemathesis import LIKELY, NASTY, SEED

MARKUP = '"><img src=x onerror=planted>'
TYPED = (*NASTY, MARKUP, "x" * 20_000, "shop", "demo", "viewer", "true", "on", "kubernetes", "-", "a.b@c", "10.0.0.1")
SEEN_BY = {"admin": 30, "manager": 10, "auditor": 4}
"""Who looks for forms, and how many they find at least."""
NOT_TRIED = ("/sign-out",)
"""Ends the session that tries the others."""
EXAMPLES = 3
FIXED = {"database": None, "deadline": None, "phases": [Phase.generate], "suppress_health_check": list(HealthCheck)}


@dataclass
class Form:
    """A form as it stands on a page: where it goes, and its fields with what they hold."""

    method: str
    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Forms(HTMLParser):
    """Find the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._is_open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a form, and the fields within it."""
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(told.get("method", "get").upper(), told.get("action", "")))
            self._is_open = True
        elif self._is_open and tag in ("input", "select", "textarea", "button") and told.get("name"):
            self.found[-1].fields.setdefault(told["name"], told.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        """Leave a form."""
        self._is_open = self._is_open and tag != "form"


def forms_of(client: FlaskClient, path: str) -> list[Form]:
    parser = Forms()
    parser.feed(client.get(path).text)
    sent = [each for each in parser.found if each.method in ("GET", "POST")]
    return [Form(each.method, each.action or path, each.fields) for each in sent]


def pages(installation: Installation) -> Iterator[str]:
    """Give the address of every page, of things that are there."""
    for route in installation.app.extensions[ROUTES]:
        if route.page is not None and route.method == "GET":
            path = route.page
            for name, values in LIKELY.items():
                value = {"/people": "viewer", "/registry/services": "shop"}.get(path.rpartition("/<")[0], values[0])
                path = path.replace(f"<{name}>", value)
            yield path


def judge(answer: TestResponse, told: str) -> None:
    assert answer.status_code < 500 or answer.status_code in (502, 503), f"{told} → {answer.status_code} {answer.text}"
    assert "Something went wrong" not in answer.text, told
    assert MARKUP not in answer.text, told
    assert "<script>alert(1)" not in answer.text, told


def typed(fields: dict[str, str], data: st.DataObject) -> dict[str, str]:
    """Fill a form in: what it holds, and something else in one field or several."""
    texts = st.one_of(st.sampled_from(TYPED), st.text(st.characters(exclude_categories=("Cs",)), max_size=40))
    names = st.lists(st.sampled_from(sorted(fields)), min_size=1, max_size=4) if fields else st.just([])
    return {**fields, **{name: data.draw(texts) for name in data.draw(names)}}


@pytest.mark.timeout(170)
@pytest.mark.parametrize("user", SEEN_BY)
def test_every_form_of_every_page_takes_whatever_is_typed(changed: Installation, user: str) -> None:
    client, tried = changed.browser(user), set()
    for path in pages(changed):
        for form in forms_of(client, path):
            if (form.method, form.action, *form.fields) not in tried and not form.action.startswith(NOT_TRIED):
                tried.add((form.method, form.action, *form.fields))
                fill_in(client, form)
                client = changed.browser(user) if client.get("/services").status_code != 200 else client
    assert len(tried) >= SEEN_BY[user], tried


def fill_in(client: FlaskClient, form: Form) -> None:
    """Send a form a few times, filled in otherwise each time."""

    @seeded(SEED)
    @settings(max_examples=EXAMPLES, **FIXED)
    @given(st.data())
    def run(data: st.DataObject) -> None:
        values = typed(form.fields, data)
        where = {"query_string": values} if form.method == "GET" else {"data": values}
        answer = client.open(form.action, method=form.method, headers=own_page(), **where)
        judge(answer, f"{form.method} {form.action} {values!r}")

    run()


def test_the_sign_in_form_takes_whatever_is_typed(changed: Installation) -> None:
    """From an address of its own each time, or five failures would end it."""

    @seeded(SEED)
    @settings(max_examples=40, **FIXED)
    @given(st.data(), st.ip_addresses(v=4))
    def run(data: st.DataObject, address: object) -> None:
        client = changed.app.test_client()
        values = typed({"name": "viewer", "password": "wrong", "next": "/services", "ticket": "none"}, data)
        sent = {name: values[name] for name in data.draw(st.lists(st.sampled_from(sorted(values)), unique=True))}
        answer = client.post("/sign-in", data=sent, headers=own_page(), environ_base={"REMOTE_ADDR": str(address)})
        judge(answer, f"{sent!r}")
        assert answer.status_code != 303, sent
        assert "Set-Cookie" not in answer.headers or "opsmodal=" not in answer.headers["Set-Cookie"], sent

    run()


def test_the_judge_finds_what_it_looks_for(changed: Installation) -> None:
    client = changed.browser("admin")
    found = [form for form in forms_of(client, "/registry/add-service") if form.method == "POST"]
    assert any({"name", "runtime"} <= set(form.fields) for form in found)
    with pytest.raises(AssertionError):
        judge(TestResponse(iter([MARKUP.encode()]), "200 OK", {}, client.get("/services").request), "planted")
