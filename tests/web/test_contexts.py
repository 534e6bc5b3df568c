"""Docker contexts and Podman connections of the server's user, offered where a runtime is registered."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engines.sshd import Sshd
from tests.unit.opsmodal.contexts.test_found import docker_context, podman_json
from tests.web.conftest import Installation, own_page

BAIT = "-----BEGIN hunter2-----"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the server's user a home with one context of each kind and a broken one."""
    folder = tmp_path / "home"
    docker_context(folder, "edge", {"Host": "tcp://edge:2376"}, ca=BAIT, cert=BAIT, key=BAIT)
    docker_context(folder, "broken", {"Host": {"no": "text"}})
    key = folder / ".ssh/id_ed25519"
    key.parent.mkdir(parents=True)
    key.write_text(BAIT)
    podman_json(folder, {"core": {"URI": "ssh://core@far/run/podman/podman.sock", "Identity": str(key)}})
    monkeypatch.setenv("HOME", str(folder))
    return folder


def test_suggestions_are_for_administrators_and_show_no_secret(changed: Installation, home: Path) -> None:
    assert changed.client("manager").get("/registry/suggestions").status_code == 403
    answer = changed.client().get("/registry/suggestions")
    assert {each["source"]: bool(each["problem"]) for each in answer.json if each["entry"]} == {
        "Docker context edge": False,
        "Podman connection core": False,
    }
    assert any("is not what docker writes there" in each["problem"] for each in answer.json)
    page = changed.browser("admin").get("/registry/add-runtime?kind=docker").text
    assert "Docker context edge" in page
    assert "is not what docker writes there" in page
    assert "Podman connection" not in page
    assert BAIT not in answer.text + page


def test_a_suggestion_fills_the_form_and_is_saved_with_its_files(changed: Installation, home: Path) -> None:
    browser, found = changed.browser("admin"), changed.client().get("/registry/suggestions").json
    one = next(each for each in found if each["source"] == "Podman connection core")
    page = browser.get(f"/registry/add-runtime?kind=podman&suggestion={one['id']}").text
    for shown in ("/run/podman/podman.sock", "host: far", "user: core", "id_ed25519", "Take over its files"):
        assert shown in page, shown
    assert BAIT not in page
    assert changed.registry.runtime("core") is None, "looking registers nothing"
    form = {
        "kind": "podman",
        "name": "core",
        "socket": one["entry"]["socket"],
        "connections": "- {name: core, kind: ssh, host: far, user: core, identityFile: id_ed25519}",
        "takeFiles": one["id"],
    }
    saved = browser.post("/registry/add-runtime", data=form, headers=own_page())
    assert saved.status_code == 303, saved.text
    stored = changed.client().get("/registry/runtimes/core").json["entry"]["connections"][0]
    assert stored["identityFile"]["fingerprint"]


def test_the_api_takes_a_suggestion_over_with_its_key(changed: Installation, home: Path, ssh_host: Sshd) -> None:
    key = ssh_host.key.read_text()
    (home / ".ssh/id_ed25519").write_text(key)
    one = next(each for each in changed.client().get("/registry/suggestions").json if each["kind"] == "podman")
    entry = {**one["entry"], "suggestion": one["id"]}
    answer = changed.client().call("PUT", "/registry/runtimes/core", json=entry)
    assert answer.status_code == 200, answer.text
    shown = changed.client().get("/registry/runtimes/core")
    assert shown.json["entry"]["connections"][0]["identityFile"]["fingerprint"]
    assert key not in shown.text


def test_one_that_is_gone_is_a_404_and_one_without_its_file_says_so(changed: Installation, home: Path) -> None:
    assert changed.browser("admin").get("/registry/add-runtime?kind=docker&suggestion=docker-0").status_code == 404
    one = next(each for each in changed.client().get("/registry/suggestions").json if each["kind"] == "podman")
    (home / ".ssh/id_ed25519").unlink()
    entry = {**one["entry"], "suggestion": one["id"]}
    answer = changed.client().call("PUT", "/registry/runtimes/core", json=entry)
    assert answer.status_code == 422
    assert "id_ed25519 is not there" in answer.text
