"""Secrets planted wherever a person can type and an engine can answer are found nowhere in what a real server keeps."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from opsmodal.demo.cluster import Cluster, start
from tests.engines.process import CannotStart
from tests.unit.opsmodal.audit.receivers import Webhook
from tests.unit.opsmodal.store.postgresql import started
from tests.web.test_serving import PASSWORD, Server

MARK = "Pl4nted"
"""Every secret holds it, and nothing else does."""
WAIT_S = 40
EVENT = "Failed to pull image: https://robot:Pl4ntedPull@registry.example/v2/ answered 401"


def secret(name: str) -> str:
    """Make a secret that is named by where it was planted."""
    return f"{MARK}{name}"


class Planting:
    """A server into which secrets are planted, by its pages, its API and its command line."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.answers: list[str] = []

    def ask(self, method: str, path: str, body: object = None, *, form: bool = False, **headers: str) -> str:
        """Ask, and keep what was answered."""
        data = None
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if form:
            assert isinstance(body, dict)
            data = urllib.parse.urlencode(body).encode()
            sent |= {"Origin": f"http://127.0.0.1:{self.server.port}", "Sec-Fetch-Site": "same-origin"}
        elif body is not None:
            data = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        url = f"http://127.0.0.1:{self.server.port}{path}"
        request = urllib.request.Request(url, data=data, headers=sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text: str = answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                text = refused.read().decode()
        self.answers.append(text)
        return text

    def api(self, method: str, path: str, body: object = None) -> Any:
        """Ask as the administrator."""
        text = self.ask(method, f"/api/v1{path}", body, Authorization=f"Bearer {self.server.token}")
        return json.loads(text) if text.startswith("{") else text

    def run(self, *words: str, given: str = "") -> None:
        """Run a command, whatever comes of it."""
        from tests.unit.opsmodal.cli.programs import run

        settings = {name: value for name, value in self.server._environment.items() if name.startswith("OPSMODAL_")}
        run(*words, given=given.encode(), env=settings)


def kubeconfig(server: str, token: str) -> str:
    """Write a kubeconfig with a planted token."""
    return yaml.safe_dump(
        {
            "current-context": "a",
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
            "clusters": [{"name": "a", "cluster": {"server": server}}],
            "users": [{"name": "a", "user": {"token": token}}],
        }
    )


def plant(planting: Planting, folder: Path, cluster: Cluster) -> None:
    """Put a secret wherever one can be put."""
    _at_the_door(planting)
    _in_the_registry(planting, folder)
    _in_actions(planting)
    _in_config(planting, cluster)
    _in_a_manifest(planting, cluster)
    planting.run("user", "add", "zoe", "--password-stdin", given=secret("NewPassword") + "\n")
    planting.run("user", "add", "yan", "--password-stdin", given=secret("x")[:3] + "\n")
    planting.run("token", "create", "nobody-of-this-name")


def _at_the_door(planting: Planting) -> None:
    for name, password in (("admin", secret("WrongPassword")), (secret("PasswordAsName"), PASSWORD)):
        planting.ask("POST", "/sign-in", {"name": name, "password": password}, form=True)
    planting.ask("GET", f"/sign-in?ticket={secret('Ticket')}")
    planting.ask("POST", "/sign-in/link", {"ticket": secret("PostedTicket")}, form=True)
    basic = base64.b64encode(f"joe:{secret('Basic')}".encode()).decode()
    for header in (f"Bearer opm_{secret('Token')}", f"Basic {basic}"):
        planting.ask("GET", "/api/v1/services", Authorization=header)
    planting.ask("GET", f"/services?password={secret('Query')}", Cookie=f"opsmodal={secret('Cookie')}")
    planting.ask("GET", f"/api/v1/services/opm_{secret('Path0123')}/overview")
    planting.ask("GET", "/api/v1/services", X_Request_Id=f"opm_{secret('RequestId')}")
    planting.ask("GET", "/", Referer=f"https://joe:{secret('Referer')}@example.org/", User_Agent=secret("Agent"))


def _in_the_registry(planting: Planting, folder: Path) -> None:
    with_credentials = f"https://joe:{secret('ServerUrl')}@127.0.0.1:1"
    for name, server in (("plain", "https://127.0.0.1:1"), ("credentials", with_credentials)):
        files = {"kubeconfig": kubeconfig(server, secret("KubeconfigToken"))}
        planting.api(
            "PUT", f"/registry/runtimes/{name}", {"kind": "kubernetes", "kubeconfig": {"file": "k"}, "files": files}
        )
        planting.api("POST", f"/registry/runtimes/{name}/test")
    planting.api(
        "PUT", "/registry/runtimes/tcp", {"kind": "docker", "socket": f"tcp://joe:{secret('Socket')}@127.0.0.1:1"}
    )
    planting.api("POST", "/registry/runtimes/tcp/test")
    planting.api("PUT", "/registry/runtimes/bad", {"kind": "kubernetes", "password": secret("UnknownKey")})
    document = {"apiVersion": "opsmodal/v1", "runtimes": [{"name": "x", "kind": "docker", "token": secret("Document")}]}
    (folder / "refused.yaml").write_text(yaml.safe_dump(document))
    planting.run("apply", "-f", str(folder / "refused.yaml"))
    planting.api("PUT", "/registry/services/far", {"runtime": "plain", "namespace": "far"})
    planting.api("GET", "/services/far/overview")
    planting.api("GET", "/services/far/logs")


def _in_actions(planting: Planting) -> None:
    reason = (
        f"rotated with --password {secret('Reason')}, "
        f"postgresql://joe:{secret('ReasonUrl')}@db/shop and opm_{secret('ReasonToken')}"
    )
    (instance, *_) = planting.api("GET", "/services/shop/instances?search=web")["items"]
    planting.api("DELETE", f"/services/shop/instances/{instance['id']}", {"confirm": "shop", "reason": reason})
    planting.api("DELETE", f"/services/shop/instances/--token={secret('Instance')}", {"confirm": "shop"})
    planting.api("GET", f"/services/shop/logs?download=true&instance=https://joe:{secret('LogOf')}@x/")
    planting.api("GET", "/services/shop/logs?tail=5")
    for path in ("overview", "instances", "timeline", f"instances/{instance['id']}"):
        planting.api("GET", f"/services/shop/{path}")


def _in_config(planting: Planting, cluster: Cluster) -> None:
    """Save, preview, restore and delete Secrets, and let a webhook quote them."""
    config, registry = "/services/shop/config/secrets", secret("Registry")
    auth = base64.b64encode(f"joe:{registry}".encode()).decode()
    login = json.dumps({"auths": {"ghcr.io": {"username": "joe", "password": registry, "auth": auth}}})
    opaque = {"name": "opaque", "values": {"key": secret("Value"), "env": f"A=b\nPASSWORD={secret('Line')}\n"}}
    pull = {"name": "pull", "type": "kubernetes.io/dockerconfigjson", "values": {".dockerconfigjson": login}}
    for body in (opaque, pull):
        planting.api("POST", config, body)
        planting.api("POST", f"{config}?preview=true", {**body, "name": "other"})
    planting.api("PUT", f"{config}/opaque", {"values": {"key": secret("Later")}})
    planting.api("PUT", f"{config}/opaque", {"binary": {"key": f"no base64 {secret('Binary')}"}})
    planting.api("PUT", f"{config}/opaque", {"values": [secret("List")]})
    (version, *_) = planting.api("GET", f"{config}/opaque/versions")["items"][-1:]
    planting.api("POST", f"{config}/opaque/versions/{version['id']}/restore", {"preview": True})
    planting.api("POST", f"{config}/opaque/versions/{version['id']}/restore")
    words = f'denied: "{registry}" and "{secret("Line")}" were leaked, and so was {secret("Denied")}'
    cluster.faults.deny(words, "/api/v1/namespaces/shop/secrets")
    for name, key in (("opaque", "key"), ("pull", ".dockerconfigjson")):
        value = secret("Denied") if name == "opaque" else login.replace("joe", secret("Denied"))
        assert MARK not in json.dumps(planting.api("PUT", f"{config}/{name}", {"values": {key: value}}))
        assert MARK not in json.dumps(planting.api("DELETE", f"{config}/{name}", {"confirm": "shop"}))
    cluster.faults.clear()
    planting.api("GET", f"{config}/opaque?reveal=true")
    planting.api("DELETE", f"{config}/opaque", {"confirm": "shop"})


def _in_a_manifest(planting: Planting, cluster: Cluster) -> None:
    """Put a secret into an environment, and let a webhook quote it."""
    path = "/services/shop/deployment/deployment.web/manifest"
    found = planting.api("GET", path)
    entry = f"        env:\n        - name: API_PASSWORD\n          value: {secret('EnvironmentTyped')}\n"
    text = found["text"].replace("        env:\n", entry, 1)
    assert text != found["text"]
    cluster.faults.deny(f"API_PASSWORD={secret('EnvironmentTyped')}", "/apis/apps/v1/namespaces/shop/deployments")
    planting.api("PUT", path, {"text": text, "revision": found["revision"]})
    cluster.faults.clear()
    planting.api("PUT", path, {"text": text, "revision": found["revision"], "preview": True})
    planting.api("PUT", path, {"text": f"{text}\nother: {secret('Field')}", "revision": found["revision"]})
    planting.api("PUT", path, {"text": text, "revision": found["revision"], "reason": f"token={secret('Why')}"})


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    made = start()
    made.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "planted", "namespace": "shop"},
            "stringData": {"password": secret("SecretValue")},
        }
    )
    made.create(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "planted", "namespace": "shop", "labels": {"app.kubernetes.io/part-of": "shop"}},
            "spec": {
                "containers": [
                    {
                        "name": "main",
                        "image": "registry.example/app:1",
                        "command": ["app", "--password", secret("CommandLine")],
                        "env": [{"name": "PASSWORD", "value": secret("Environment")}],
                    }
                ]
            },
        }
    )
    made.create(
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": "planted.1", "namespace": "shop"},
            "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "planted", "uid": "planted"},
            "reason": "Failed",
            "message": EVENT,
            "type": "Warning",
            "firstTimestamp": _now(),
            "lastTimestamp": _now(),
        }
    )
    yield made
    made.stop()


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.exhaustive)])
def test_no_planted_secret_is_kept_anywhere(tmp_path: Path, cluster: Cluster, database: str) -> None:
    hook = Webhook()
    hook.manners = ["500"] * 3
    settings = {
        "OPSMODAL_AUDIT_FORWARD": f"http://127.0.0.1:{hook.port}/{secret('Hook')},file:{tmp_path}/forwarded",
        "OPSMODAL_AUDIT_FORWARD_TOKEN": secret("ForwardToken"),
        "OPSMODAL_METRICS_TOKEN": secret("MetricsToken"),
        "OPSMODAL_AUDIT_HEADS_EVERY_S": "1",
        "OPSMODAL_LOG_FORMAT": "json",
    }
    with ExitStack() as ending:
        ending.callback(hook.close)
        if database == "postgresql":
            try:
                settings["OPSMODAL_DATABASE_URL"] = ending.enter_context(started()).new_database()
            except CannotStart as reason:
                pytest.skip(str(reason))
        server = Server(tmp_path, cluster, **settings)
        ending.callback(lambda: server.end() if server.process.poll() is None else None)
        planting = Planting(server)
        plant(planting, tmp_path, cluster)
        _until_collected(planting)
        live = kept(server, tmp_path)
        server.end()
        for place, text in {
            **live,
            **{f"{name} at the end": text for name, text in kept(server, tmp_path).items()},
        }.items():
            assert MARK not in text, f"{place}: {text[max(0, text.index(MARK) - 200) :][:300]}"
        assert all(MARK not in line.decode() for line in hook.lines()), "forwarded"
        _demand_that_all_was_looked_through(live, planting, hook)


def _until_collected(planting: Planting) -> None:
    """Wait until the event with the planted address was collected."""
    deadline = time.monotonic() + WAIT_S
    while "registry.example" not in json.dumps(planting.api("GET", "/services/shop/timeline?search=answered")):
        assert time.monotonic() < deadline, "the event is not collected"
        time.sleep(0.2)


def kept(server: Server, folder: Path) -> dict[str, str]:
    """Give everything that a server has written, by where it stands."""
    found = {"log": server._log.read_text(), "forwarded": (folder / "forwarded").read_text()}
    for path in server.data.rglob("*"):
        if path.is_file() and path.name != "secret.key":
            found[str(path.relative_to(server.data))] = path.read_bytes().decode("latin-1")
    if server.database:
        program = shutil.which("pg_dump")
        assert program is not None, "PostgreSQL brings it"
        argv = [program, "--no-owner", server.database]
        found["dump"] = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stdout
    return found


def _demand_that_all_was_looked_through(places: dict[str, str], planting: Planting, hook: Webhook) -> None:
    """Find what stands beside each secret: else nothing was planted, or nothing looked through."""
    store = places.get("dump") or "".join(text for name, text in places.items() if name.startswith("opsmodal.db"))
    rows = (
        "rotated with --password •••",
        "joe:•••@db/shop",
        "(unknown name ",
        "robot:•••@registry.example",
        "secret/opaque",
    )
    for beside in rows:
        in_file = beside.encode().decode("latin-1")
        assert beside in store or in_file in store, beside
    assert "audit-heads.jsonl" in places
    assert '"message":"request"' in places["log"]
    assert any(b"rotated with" in line for line in hook.lines())
    assert hook.headers[0]["Authorization"] == f"Bearer {secret('ForwardToken')}"
    assert len(planting.answers) > 25
