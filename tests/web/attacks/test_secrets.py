"""Planted secrets, looked for everywhere afterwards: in the store, the logs, the pages, the API and the audit rows."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import yaml
from sqlalchemy import select

from opsmodal.store.tables import AuditRow
from tests.web.conftest import PASSWORD, Installation, own_page

KUBECONFIG_TOKEN = "planted-kubeconfig-token"
TLS_KEY = "-----BEGIN PRIVATE KEY-----\nplanted-tls-key\n-----END PRIVATE KEY-----"
WRONG_PASSWORD = "planted-wrong-password"
PLANTED = (KUBECONFIG_TOKEN, "planted-tls-key", WRONG_PASSWORD, PASSWORD, "planted-in-the-query", "planted-cookie")
JSON = {"Content-Type": "application/json"}


def kubeconfig(server: str = "http://127.0.0.1:1") -> str:
    """Write a kubeconfig whose token is planted."""
    return yaml.safe_dump(
        {
            "current-context": "a",
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
            "clusters": [{"name": "a", "cluster": {"server": server}}],
            "users": [{"name": "a", "user": {"token": KUBECONFIG_TOKEN}}],
        }
    )


def use(installation: Installation) -> list[str]:
    """Put secrets wherever one can be put, use them, break things; give all that was answered."""
    admin, browser, texts = installation.client(), installation.browser(), []
    form = {"name": "vault", "kind": "kubernetes", "kubeconfig": kubeconfig()}
    tls = {"name": "edge", "kind": "docker", "socket": "tcp://127.0.0.1:1", "tls.ca": TLS_KEY}
    broken = {**form, "name": "other", "kubeconfig": kubeconfig() + "\n  broken: [", "connections": "- {"}
    both = {**form, "name": "third", "context": "no-such-context", "environment": "nonsense"}
    for sent in (form, tls, broken, both):
        texts.append(browser.post("/registry/add-runtime", data=sent, headers=own_page()).text)
    entry = {"kind": "kubernetes", "kubeconfig": {"file": "k"}, "files": {"kubeconfig": kubeconfig()}, "nonsense": 1}
    texts.append(admin.call("PUT", "/registry/runtimes/fourth", json=entry).text)
    admin.call("PUT", "/registry/services/far", data='{"runtime":"vault","namespace":"far"}', headers=JSON)
    for path in ("/registry/runtimes/vault", "/registry/runtimes/edge", "/registry/document", "/registry/runtimes"):
        texts += [admin.get(path).text, browser.get(path).text]
    texts += [admin.call("POST", f"/registry/runtimes/{name}/test").text for name in ("vault", "edge")]
    texts += [browser.get(path).text for path in ("/registry", "/services", "/services/far/overview")]
    wrong = {"name": "viewer", "password": WRONG_PASSWORD}
    texts.append(installation.app.test_client().post("/sign-in", data=wrong, headers=own_page()).text)
    stranger = installation.app.test_client()
    stranger.set_cookie("opsmodal", "planted-cookie")
    texts += [stranger.get(f"/services?token=planted-in-the-query&n={number}").text for number in range(2)]
    texts.append(admin.get("/openapi.json").text)
    return texts


def test_no_secret_is_found_again(changed: Installation, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    texts = use(changed)
    everywhere = {
        "answers": "\n".join(texts),
        "logs": caplog.text + "".join(str(each.__dict__) for each in caplog.records),
    }
    with changed.store.reading() as session:
        rows = session.scalars(select(AuditRow)).all()
        everywhere["audit"] = "\n".join(str(row.__dict__) for row in rows)
    everywhere["files"] = "".join(_read(path) for path in changed.folder.rglob("*") if path.name != "secret.key")
    cluster_token = changed.cluster.token()
    for place, text in everywhere.items():
        for secret in (*PLANTED, *changed.tokens.values(), cluster_token):
            if place == "answers" and secret == "planted-in-the-query":
                continue  # one's own address is kept to come back to after signing in
            assert secret not in text, f"{secret[:12]}… in {place}"
    assert "sign-in" in everywhere["audit"], "else nothing was looked through"
    assert len(everywhere["logs"]) > 10_000
    assert len(everywhere["files"]) > 10_000


def _read(path: Path) -> str:
    return path.read_bytes().decode("latin-1") if path.is_file() else ""


def test_a_session_is_found_by_no_text_of_the_store(changed: Installation) -> None:
    cookie = changed.browser("viewer").get_cookie("opsmodal")
    ticket = changed.people.issue_ticket("admin", 60)
    assert cookie is not None
    stored = "".join(_read(path) for path in changed.folder.rglob("*"))
    assert cookie.value not in stored
    assert ticket not in stored


def test_nobody_else_reads_what_the_installation_keeps(changed: Installation) -> None:
    for path in changed.folder.rglob("*"):
        assert not path.stat().st_mode & 0o077 or path.parent.stat().st_mode & 0o077 == 0, path


def of_user(**fields: object) -> dict[str, object]:
    """Give the users of a kubeconfig whose one user is this."""
    return {"users": [{"name": "a", "user": fields}]}


def of_cluster(**fields: object) -> dict[str, object]:
    """Give the clusters of a kubeconfig whose one cluster is this."""
    return {"clusters": [{"name": "a", "cluster": {"server": "http://127.0.0.1:1", **fields}}]}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (of_user(exec={"apiVersion": "client.authentication.k8s.io/v1", "command": "id"}), "program"),
        (of_user(**{"auth-provider": {"name": "x", "config": {"cmd-path": "/bin/id"}}}), "auth-provider"),
        (of_user(tokenFile="/etc/shadow"), "tokenFile"),
        (of_user(**{"client-key": "/etc/shadow"}), "client-key"),
        (of_cluster(**{"certificate-authority": "/etc/passwd"}), "certificate-authority"),
        (of_cluster(**{"proxy-url": "socks5://evil.example"}), "proxy-url"),
        (of_cluster(server="file:///etc/passwd"), "server"),
    ],
)
def test_a_kubeconfig_from_a_form_reads_no_file_and_starts_no_program(
    changed: Installation, change: dict[str, object], word: str
) -> None:
    text = yaml.safe_dump({**yaml.safe_load(kubeconfig()), **change})
    entry = {"kind": "kubernetes", "kubeconfig": {"file": "k"}, "files": {"kubeconfig": text}}
    answer = changed.client().call("PUT", "/registry/runtimes/x", json=entry)
    assert answer.status_code == 422
    assert word in answer.text
    assert "root:" not in answer.text


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "DOCKER_HOST", "DOCKER_CONFIG"])
def test_the_servers_environment_sends_no_credential_elsewhere(
    changed: Installation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    """The proxy and the engine of whoever started the server are not those of what is registered."""
    (tmp_path / "config.json").write_text('{"proxies": {"default": {"httpProxy": "http://127.0.0.1:9"}}}')
    monkeypatch.setenv(name, str(tmp_path) if name == "DOCKER_CONFIG" else "tcp://127.0.0.1:9")
    for runtime, kind in (("d", "docker"), ("p", "podman")):
        changed.client().call(
            "PUT", f"/registry/runtimes/{runtime}", json={"kind": kind, "socket": "tcp://127.0.0.1:1"}
        )
        tested = changed.client().call("POST", f"/registry/runtimes/{runtime}/test").json
        assert "tcp://127.0.0.1:1" in tested["sentence"]
        assert ":9" not in tested["sentence"]
    changed.client().call("POST", "/registry/runtimes/demo/test")
    assert changed.client().get("/services/shop/instances").status_code == 200
