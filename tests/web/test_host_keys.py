"""Trusting a host key, with a real sshd: only what was seen and is still shown, on record, and taken back again."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.engines import sshd
from tests.engines.process import CannotStart
from tests.unit.opsmodal.cli.programs import Done, run
from tests.web.conftest import Installation, own_page
from tests.web.test_connection import LAN, register

WAYS = "/registry/runtimes/demo/connections"


@pytest.fixture
def server() -> Iterator[sshd.Sshd]:
    """Give an sshd of the test's own, whose key may change."""
    try:
        started = sshd.start()
    except CannotStart as reason:
        pytest.skip(str(reason))
    yield started
    started.close()


@pytest.fixture
def seen(changed: Installation, server: sshd.Sshd) -> Installation:
    """Give an installation with a way over a server whose key nobody knows."""
    way = through(server)
    del way["knownHosts"]
    register(changed, LAN, way, files=files_of(server))
    return changed


def through(server: sshd.Sshd, *, priority: int = 30) -> dict[str, Any]:
    """Give the connection that leads over a server; its files are those of `files_of`."""
    way = {"name": "bastion", "kind": "ssh", "priority": priority, "host": server.host, "port": server.port}
    login = {"user": server.user, "identityFile": {"file": "client_key"}, "knownHosts": {"file": "known_hosts"}}
    return {**way, **login}


def files_of(server: sshd.Sshd) -> dict[str, str]:
    files = {"identityFile": server.key.read_text(), "knownHosts": server.known_hosts.read_text()}
    return {f"connections.bastion.{field}": text for field, text in files.items()}


def fingerprint(server: sshd.Sshd) -> str:
    """Ask ssh-keygen, as a person on the server does."""
    command = ["ssh-keygen", "-lf", str(server.folder / "host_key.pub")]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout.split()[1]


def bastion(made: Installation) -> dict[str, Any]:
    answer = made.client().call("POST", f"{WAYS}/test")
    if answer.status_code == 429:  # tested a moment ago: what was found is told
        answer = made.client().get(WAYS)
    return next(each for each in answer.json if each["name"] == "bastion")


def trust(made: Installation, print_seen: str, actor: str = "admin", **more: str) -> TestResponse:
    body = {"fingerprint": print_seen, **more}
    return made.client(actor).call("POST", f"{WAYS}/bastion/trust", json=body)


def test_an_unknown_key_is_shown_as_ssh_keygen_prints_it(seen: Installation, server: sshd.Sshd) -> None:
    way = bastion(seen)
    assert (way["word"], way["alarm"]) == ("unknown host key", False)
    assert way["host_key"]["fingerprint"] == fingerprint(server)
    assert way["host_key"]["algorithm"] == "ssh-ed25519"
    page = seen.browser().get("/registry/runtimes/demo").text
    assert fingerprint(server) in page
    assert "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" in page
    assert "Trust this key…" in page


def test_people_of_a_service_are_told_the_reason_and_no_more(seen: Installation) -> None:
    seen.client("viewer").call("POST", "/services/shop/connection/test")
    way = seen.client("viewer").get("/services/shop/connection").json["candidates"][1]
    assert (way["word"], way["host_key"], way["facts"]) == ("unknown host key", None, [])
    assert way["last_error"]


def test_trust_asks_first_and_then_the_way_carries(seen: Installation, server: sshd.Sshd) -> None:
    asked = trust(seen, fingerprint(server))
    assert (asked.status_code, asked.json["code"]) == (409, "confirmation-required")
    assert any(fingerprint(server) in hit for hit in asked.json["hits"])
    assert any("ssh-keygen -lf" in hit for hit in asked.json["hits"])
    assert seen.client().get("/registry/host-keys").json == []
    done = trust(seen, fingerprint(server), confirm="true")
    assert done.status_code == 200, done.text
    key = seen.client().get("/registry/host-keys").json[0]
    assert (key["host"], key["port"], key["trusted_by"]) == (server.host, server.port, "admin")
    assert key["fingerprint"] == fingerprint(server)
    assert ("admin", "host-key.trust", "done") in seen.audited()
    found = bastion(seen)
    assert (found["word"], found["host_key"]) == ("answers", None), found


def test_another_key_than_the_one_that_was_seen_is_not_trusted(seen: Installation) -> None:
    answer = trust(seen, "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", confirm="true")
    assert answer.status_code == 422
    assert "shows another key by now" in answer.json["problems"][0]["sentence"]
    assert seen.client().get("/registry/host-keys").json == []


def test_a_key_that_changes_while_somebody_compares_is_not_trusted(seen: Installation, server: sshd.Sshd) -> None:
    before = fingerprint(server)
    assert bastion(seen)["host_key"]["fingerprint"] == before
    renew(server)
    answer = trust(seen, before, confirm="true")
    assert answer.status_code == 422
    assert seen.client().get("/registry/host-keys").json == []


def test_a_changed_key_is_an_alarm_without_a_button(seen: Installation, server: sshd.Sshd) -> None:
    assert trust(seen, fingerprint(server), confirm="true").status_code == 200
    renew(server)
    way = bastion(seen)
    assert (way["word"], way["alarm"], way["host_key"]) == ("changed host key", True, None)
    page = seen.browser().get("/registry/runtimes/demo").text
    assert "changed host key" in page
    assert "Trust this key" not in page
    assert trust(seen, fingerprint(server), confirm="true").status_code == 422


def test_a_key_is_forgotten_after_a_question(seen: Installation, server: sshd.Sshd) -> None:
    assert trust(seen, fingerprint(server), confirm="true").status_code == 200
    path = f"/registry/host-keys/{server.host}/{server.port}"
    assert seen.client().call("DELETE", path).status_code == 409
    assert seen.client().call("DELETE", f"{path}?confirm=true").status_code == 200
    assert seen.client().get("/registry/host-keys").json == []
    assert ("admin", "host-key.forget", "done") in seen.audited()
    assert seen.client().call("DELETE", f"{path}?confirm=true").status_code == 404
    assert bastion(seen)["word"] == "unknown host key"


@pytest.mark.parametrize("actor", ["viewer", "manager", "auditor", "nobody", "narrow"])
def test_only_administrators_trust_and_forget(seen: Installation, server: sshd.Sshd, actor: str) -> None:
    assert trust(seen, fingerprint(server), actor, confirm="true").status_code == 403
    forgotten = seen.client(actor).call("DELETE", f"/registry/host-keys/{server.host}/{server.port}?confirm=true")
    assert forgotten.status_code == 403
    assert seen.client().get("/registry/host-keys").json == []


def test_the_form_asks_back_on_a_page(seen: Installation, server: sshd.Sshd) -> None:
    browser, path = seen.browser(), f"{WAYS}/bastion/trust"
    question = browser.post(path, data={"fingerprint": fingerprint(server)}, headers=own_page())
    assert question.status_code == 409
    assert f'name="fingerprint" value="{fingerprint(server)}"' in question.text
    body = {"fingerprint": fingerprint(server), "confirm": "true"}
    answer = browser.post(path, data=body, headers=own_page())
    assert (answer.status_code, answer.headers["Location"]) == (303, "/registry/runtimes/demo")
    page = browser.get("/registry/runtimes/demo").text
    assert "Trusted host keys" in page
    assert "Forget…" in page


@pytest.mark.parametrize("port", ["0", "no", "99999", "-1", "22a"])
def test_what_is_no_port_has_no_key(shown: Installation, port: str) -> None:
    assert shown.client().call("DELETE", f"/registry/host-keys/edge/{port}?confirm=true").status_code == 404


def test_the_command_line_shows_trusts_and_forgets(seen: Installation, server: sshd.Sshd) -> None:
    def opsmodal(*words: str) -> Done:
        return run(*words, "--data-dir", seen.folder)

    shown = opsmodal("host-key", "trust", "demo", "bastion")
    assert shown.code == 0
    assert fingerprint(server) in shown.out
    assert "ssh-keygen -lf" in shown.out
    told = opsmodal("doctor")
    assert fingerprint(server) in told.out
    assert "ssh-keygen -lf" in told.out
    assert opsmodal("host-key", "trust", "demo", "bastion", "--fingerprint", "SHA256:other").code == 1
    assert opsmodal("host-key", "list").out == ""
    assert opsmodal("host-key", "trust", "demo", "bastion", "--fingerprint", fingerprint(server)).code == 0
    assert fingerprint(server) in opsmodal("host-key", "list").out
    assert "ok     kubernetes demo over bastion (ssh): " in opsmodal("doctor").out
    assert opsmodal("host-key", "trust", "demo", "bastion").code == 1
    assert opsmodal("host-key", "forget", server.host, "--port", str(server.port)).code == 0
    assert opsmodal("host-key", "forget", server.host, "--port", str(server.port)).code == 1
    done = {(action, outcome) for actor, action, outcome in seen.audited() if actor.startswith("cli:")}
    assert {("host-key.trust", "done"), ("host-key.forget", "done")} <= done


def renew(server: sshd.Sshd) -> None:
    """Install the server anew: it has another host key from now on."""
    for name in ("host_key", "host_key.pub"):
        (server.folder / name).unlink()
    sshd.make_key(server.folder / "host_key")
    server.kill()
    server.daemon.start()


def test_a_refused_login_is_tried_at_once_for_an_administrator_only(changed: Installation, server: sshd.Sshd) -> None:
    register(changed, LAN, through(server), files=files_of(server))
    allowed = server.folder / "client_key.pub"
    key = allowed.read_text()
    allowed.write_text("")
    assert bastion(changed)["word"] != "answers"
    allowed.write_text(key)  # somebody has mended it on the server
    changed.client("viewer").call("POST", "/services/shop/connection/test")
    viewed = changed.client("viewer").get("/services/shop/connection").json["candidates"][1]
    assert viewed["word"] != "answers", "servers count refused logins: not everybody may ask again at once"
    assert settled(changed)["word"] == "answers"


def settled(made: Installation) -> dict[str, Any]:
    """Test again until it was not a moment ago that somebody did."""
    deadline = time.monotonic() + 20
    while made.client().call("POST", f"{WAYS}/test").status_code == 429:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return next(each for each in made.client().get(WAYS).json if each["name"] == "bastion")
