"""Start a real, certified OpenID provider on a loopback port, and sign people in on its pages as a browser would.

npm's oidc-provider, fetched by `make provider` as axe-core is. Debian's glewlwyd was the other one: it brings a MariaDB
client and a web server's worth of packages, and is set up by a database script.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import urllib.request
from dataclasses import dataclass
from html import unescape
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode, urljoin

import urllib3

from tests.engines.process import CannotStart, Daemon, own_folder, sweep

SCRIPT = Path(__file__).with_suffix(".mjs")
MODULES = Path(__file__).resolve().parents[2] / ".test-engines" / "oidc"
CLIENT, SECRET = "opsmodal+tests", "PLANTED secret: %/+"
"""Signs that a form-encoded header has to carry."""
PEOPLE: dict[str, dict[str, Any]] = {
    "subject-olivia": {
        "preferred_username": "olivia",
        "email": "olivia@example.org",
        "email_verified": True,
        "groups": ["/ops/on call", "/all"],
    },
    "subject-rob": {
        "preferred_username": "rob",
        "email": "rob@example.net",
        "email_verified": False,
        "groups": ["/ops/admins"],
    },
    "subject-of-another-viewer": {"preferred_username": "viewer", "groups": []},
}
"""Who they are, by their subject."""
HOPS_MAX = 12


@dataclass
class RealProvider:
    """A running provider."""

    issuer: str
    daemon: Daemon
    folder: Path

    def entry(self, **more: Any) -> dict[str, Any]:
        """Give the registry's entry for it; its secret is to be sent along."""
        entry = {"issuer": self.issuer, "clientId": CLIENT, "clientSecretFile": "oidc.secret", "name": "the test badge"}
        return {**entry, "create": True, "groups": {"/ops/on call": "oncall"}, "adminGroups": ["/ops/admins"], **more}

    def close(self) -> None:
        """End it."""
        self.daemon.stop()
        sweep(self.folder)


def start(*, claims_in_token: bool = False, **parameters: Any) -> RealProvider:
    """Start one; raise CannotStart with the reason. `parameters` are those of the client's registration."""
    node = shutil.which("node")
    if node is None or not (MODULES / "node_modules" / "oidc-provider").is_dir():
        raise CannotStart(
            "oidc-provider is not here: `make provider` fetches it with npm, which needs a package registry"
        )
    port, folder = _free_port(), own_folder("oidc")
    options = {"people": PEOPLE, "client": CLIENT, "secret": SECRET, "claimsInToken": claims_in_token}
    given = json.dumps({**options, "parameters": parameters})
    issuer = f"http://127.0.0.1:{port}"
    daemon = Daemon([node, SCRIPT, MODULES, str(port), given], folder=folder, ready=lambda: _answers(issuer))
    try:
        daemon.start()
    except CannotStart:
        sweep(folder)
        raise
    return RealProvider(issuer, daemon, folder)


class Visitor:
    """A browser's way through the provider's pages: it follows redirects, keeps cookies and fills in forms."""

    def __init__(self) -> None:
        self._pool = urllib3.PoolManager(retries=False, timeout=10)
        self._cookies: dict[str, str] = {}

    def sign_in(self, address: str, subject: str) -> str:
        """Go where the application sends somebody, sign in there, agree, and give where it leads back to."""
        issuer = address[: address.index("/", len("http://"))]
        fields: dict[str, str] | None = None
        for _ in range(HOPS_MAX):
            status, location, page = self._ask(address, fields)
            if location:
                address, fields = urljoin(address, location), None
                if not address.startswith(issuer):
                    return address
                continue
            assert status == HTTPStatus.OK, page[-500:]
            address, fields = urljoin(address, _action(page)), _filled(page, subject)
        raise AssertionError("the provider leads in circles")

    def _ask(self, address: str, fields: dict[str, str] | None) -> tuple[int, str, str]:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        body = None
        if fields is not None:
            headers["Content-Type"], body = "application/x-www-form-urlencoded", urlencode(fields)
        answer = self._pool.request("POST" if body else "GET", address, body=body, headers=headers, redirect=False)
        for cookie in answer.headers.getlist("Set-Cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer.status, answer.headers.get("Location", ""), answer.data.decode()


def _action(page: str) -> str:
    found = re.search(r'<form[^>]* action="([^"]+)"', page)
    assert found is not None, page[-500:]
    return unescape(found[1])


def _filled(page: str, subject: str) -> dict[str, str]:
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    return {**hidden, "login": subject, "password": "any"} if 'name="login"' in page else hidden


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def _answers(issuer: str) -> bool:
    try:
        with urllib.request.urlopen(f"{issuer}/.well-known/openid-configuration", timeout=5) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except (URLError, OSError):
        return False
