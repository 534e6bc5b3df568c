"""The calls that take each action which leaves rows in the audit log: one for each, on a part of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from opsmodal.registry.hostkeys import Trusted
from opsmodal.registry.logins import KnownLogin
from opsmodal.registry.rights import name_of
from tests.web.conftest import PASSWORD, Installation


@dataclass(frozen=True)
class Call:
    """One way to take an action, on a part of the installation of its own. It must be answered with success."""

    method: str
    path: str
    body: dict[str, Any] | None = None
    by_browser: bool = False
    target: str = ""


def _fresh(made: Installation, name: str = "temp") -> str:
    """Make somebody for one test."""
    made.people.add(name, password=PASSWORD)
    return name


def _session(made: Installation, name: str) -> str:
    """Sign somebody in elsewhere; give the session's id."""
    made.people.start_session(name, how="password", address="127.0.0.1", agent="another")
    return next(one.id for one in made.people.sessions(name) if one.agent == "another")


def _pod(made: Installation, service: str) -> str:
    return str(made.client().get(f"/services/{service}/instances").json["items"][0]["name"])


CALLS: dict[str, Callable[[Installation], Call]] = {
    "instance.delete": lambda _: Call("DELETE", "/services/shop/instances/db-0?confirm=shop", target="pod/db-0"),
    "instance.force-delete": lambda made: Call(
        "DELETE", f"/services/shop/instances/{_pod(made, 'shop')}?confirm=shop&force=true"
    ),
    "instances.delete-pending": lambda _: Call("POST", "/services/reports/instances/delete-pending?confirm=true"),
    "logs.download": lambda _: Call("GET", "/services/shop/logs?download=true&instance=db-0", target="db-0/"),
    "registry.test": lambda _: Call("POST", "/registry/runtimes/demo/test", target="runtimes/demo"),
    "registry.change": lambda _: Call(
        "PUT", "/registry/services/new", {"runtime": "demo", "namespace": "new"}, target="services/new"
    ),
    "registry.remove": lambda _: Call("DELETE", "/registry/services/payments?confirm=payments"),
    "connection.choose": lambda _: Call("PUT", "/services/shop/connection", {"name": "auto"}, target="auto"),
    "host-key.forget": lambda made: Call(
        "DELETE", f"/registry/host-keys/{_trusted(made)}?confirm=true", target="edge:22"
    ),
    "registry-login.put": lambda made: Call(
        "PUT", f"/registry/runtimes/{_engine(made)}/logins/ghcr.io", {"user": "ci", "password": "x"}
    ),
    "registry-login.remove": lambda made: Call(
        "DELETE", f"/registry/runtimes/{_engine(made)}/logins/quay.io?confirm=true", target="runtimes/box quay.io"
    ),
    "audit.export": lambda _: Call("GET", "/audit/export", target="jsonl"),
    "sign-in": lambda _: Call("POST", "/sign-in", {"name": "viewer", "password": PASSWORD}, by_browser=True),
    "sign-out": lambda _: Call("POST", "/sign-out", {}, by_browser=True),
    "user.add": lambda _: Call("POST", "/people", {"name": "eve"}, target="eve"),
    "user.password": lambda made: Call("PUT", f"/people/{_fresh(made)}/password", {"password": "another long one"}),
    "user.link": lambda made: Call("POST", f"/people/{_fresh(made)}/link", target="temp"),
    "user.disable": lambda made: Call("POST", f"/people/{_fresh(made)}/disable?confirm=true", target="temp"),
    "user.enable": lambda made: Call("POST", f"/people/{_disabled(made)}/enable", target="temp"),
    "user.give-flag": lambda made: Call("PUT", f"/people/{_fresh(made)}/flags/auditor", target="temp"),
    "user.take-flag": lambda _: Call("DELETE", "/people/auditor/flags/auditor?confirm=true", target="auditor"),
    "session.end": lambda made: Call("DELETE", f"/people/viewer/sessions/{_session(made, 'viewer')}", target="viewer"),
    "token.create": lambda made: Call("POST", f"/people/{_fresh(made)}/tokens", {"label": "ci"}, target="temp"),
    "token.revoke": lambda made: Call(
        "DELETE", f"/people/viewer/tokens/{made.people.new_token('viewer').id}?confirm=true", target="viewer"
    ),
    "group.change": lambda _: Call("PUT", "/groups/oncall", {"users": ["viewer"]}, target="oncall"),
    "group.remove": lambda made: Call("DELETE", f"/groups/{_group(made)}?confirm=true", target="oncall"),
    "grant.change": lambda _: Call("POST", "/grants", {"user": "eve", "role": "viewer", "services": ["shop"]}),
    "grant.remove": lambda made: Call("DELETE", f"/grants/{_grant(made)}?confirm=true"),
    "account.password": lambda _: Call(
        "POST", "/account/password", {"old": PASSWORD, "new": "another long one"}, by_browser=True
    ),
    "account.end-session": lambda made: Call("DELETE", f"/account/sessions/{_session(made, 'admin')}"),
    "account.create-token": lambda _: Call("POST", "/account/tokens", {"label": "ci"}, by_browser=True),
    "account.revoke-token": lambda made: Call(
        "DELETE", f"/account/tokens/{made.people.new_token('admin').id}?confirm=true"
    ),
}
ELSEWHERE = {
    "deployment.redeploy": "tests/web/test_engine_deployment.py: only containers are replaced",
    "deployment.restart-policy": "tests/web/test_engine_revisions.py: only containers have one that is set by itself",
    "instance.restart": "tests/web/test_engines.py: only containers are restarted",
    "instance.stop": "tests/web/test_engines.py",
    "instance.start": "tests/web/test_engines.py",
    "health.check": "tests/web/test_podman.py: only Podman lets one be run",
    "host-key.trust": "tests/web/test_host_keys.py: it needs a server that shows one",
    "command.run": "tests/web/test_commands.py, with all other typed lines",
    "command.exec": "tests/web/test_commands.py",
    "command.change": "tests/web/test_commands.py",
    "command.destroy": "tests/web/test_commands.py",
    "command.runbook": "tests/web/test_commands_engines.py",
    "command.stop": "tests/web/test_commands_streaming.py",
    "user.identity": "test_commands_of_the_machine_leave_their_rows: by the command line alone",
    "access.ended": "tests/web: it is opsmodal's own, when a right ends",
    "connection.switched": "tests/web/test_switched.py: it is opsmodal's own, when Auto takes another way",
}
"""Actions that need what is not here, and where they are tried."""


def _disabled(made: Installation) -> str:
    name = _fresh(made)
    made.people.disable(name)
    return name


def _trusted(made: Installation) -> str:
    line = "edge ssh-ed25519 AAAA"
    made.registry.trust(Trusted("edge", 22, "ssh-ed25519", line, "SHA256:x", "admin", datetime.now(UTC)))
    return "edge/22"


def _engine(made: Installation) -> str:
    """Register an engine that nobody asks, with a login."""
    made.registry.put("runtimes", {"name": "box", "kind": "docker", "socket": "/run/none.sock"})
    made.registry.logins.put(KnownLogin("box", "quay.io", "ci", "admin", datetime.now(UTC)), "x")
    return "box"


def _group(made: Installation) -> str:
    made.registry.put("groups", {"name": "oncall", "users": ["viewer"]})
    return "oncall"


def _grant(made: Installation) -> str:
    made.registry.put("grants", {"user": "eve", "role": "viewer", "services": ["shop"]})
    return quote(next(name_of(one.spec) for one in made.registry.granted() if one.spec.user == "eve"), safe="")
