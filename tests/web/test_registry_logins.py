"""Logins for image registries on pages and by the API: a password goes in, and never comes out again."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from opsmodal.store.tables import RegistryLogin
from runtimes.registries import Login
from tests.web.conftest import Installation, own_page

BOX = "/registry/runtimes/box"
SECRET, OTHER = "PLANTED-password-of-a-registry", "PLANTED-another-password"


@pytest.fixture
def box(changed: Installation) -> Installation:
    """Give an installation with an engine that nobody asks."""
    changed.registry.put("runtimes", {"name": "box", "kind": "docker", "socket": "/run/none.sock"})
    return changed


def test_a_login_is_given_listed_replaced_and_removed_on_the_page(box: Installation) -> None:
    browser = box.browser("admin")
    assert "No login is stored" in browser.get(BOX).text
    fields = {"host": "https://Registry.Example.com:443/", "user": "ci", "password": SECRET}
    assert browser.post(f"{BOX}/logins", data=fields, headers=own_page()).status_code == 303
    page = browser.get(BOX).text
    assert "registry.example.com" in page
    assert "No login is stored" not in page
    again = {**fields, "user": "robot", "password": OTHER}
    assert browser.post(f"{BOX}/logins", data=again, headers=own_page()).status_code == 303
    (row,) = box.client().get(f"{BOX}/logins").json
    assert (row["host"], row["user"], row["given_by"]) == ("registry.example.com", "robot", "admin")
    assert box.registry.logins.login("box", "registry.example.com") == Login(user="robot", secret=OTHER)
    gone = f"{BOX}/logins/registry.example.com/delete"
    asked = browser.post(gone, headers=own_page())
    assert "robot" in asked.text
    assert browser.post(gone, data={"confirm": "true"}, headers=own_page()).status_code == 303
    assert box.client().get(f"{BOX}/logins").json == []
    rows = box.client().get("/audit?limit=50").text
    for text in (page, asked.text, rows, browser.get(BOX).text, box.client().get("/registry").text):
        assert "PLANTED" not in text
    actions = [action for _, action, _ in box.audited()]
    assert actions.count("registry-login.put") == 2
    assert "registry-login.remove" in actions


def test_what_is_wrong_is_said_and_never_repeated(box: Installation) -> None:
    client = box.client()
    wrong = client.call("PUT", f"{BOX}/logins/not a host", json={"user": "a:b", "password": f"{SECRET}\n"})
    assert wrong.status_code == 422
    assert {each["field"] for each in wrong.json["problems"]} == {"host", "user", "password"}
    assert "PLANTED" not in wrong.text
    absent = client.call("PUT", "/registry/runtimes/none/logins/ghcr.io", json={"user": "a", "password": SECRET})
    assert absent.status_code == 404
    cluster = client.call("PUT", "/registry/runtimes/demo/logins/ghcr.io", json={"user": "a", "password": SECRET})
    assert "imagePullSecrets" in cluster.text
    assert "PLANTED" not in absent.text + cluster.text
    assert "Image registries" not in box.browser("admin").get("/registry/runtimes/demo").text
    assert client.call("DELETE", f"{BOX}/logins/ghcr.io?confirm=true").status_code == 404


def test_it_is_stored_sealed_for_its_own_place_and_goes_with_its_runtime(box: Installation) -> None:
    client = box.client()
    for host in ("ghcr.io", "quay.io:443"):
        answer = client.call("PUT", f"{BOX}/logins/{host}", json={"user": "ci", "password": SECRET})
        assert answer.status_code == 200, answer.text
    with box.store.session() as session:
        rows = session.scalars(select(RegistryLogin).order_by(RegistryLogin.host)).all()
        assert [row.host for row in rows] == ["ghcr.io", "quay.io"]
        assert all(b"PLANTED" not in row.sealed for row in rows)
        rows[0].sealed = rows[1].sealed
    with pytest.raises(Exception, match="sealed for another record"):
        box.registry.logins.login("box", "ghcr.io")
    assert client.call("DELETE", f"{BOX}?confirm=true").status_code == 200
    box.registry.put("runtimes", {"name": "box", "kind": "docker", "socket": "/run/none.sock"})
    assert box.registry.logins.known("box") == ()
