"""A person at a browser, as the server sees one: cookies, own origin, and an address of their own on loopback."""

from __future__ import annotations

import http.client
from dataclasses import dataclass, field
from urllib.parse import urlencode

ANSWERS_WITHIN_S = 60.0


@dataclass(frozen=True)
class Answer:
    """How the server answered."""

    status: int
    text: str
    headers: dict[str, str]


@dataclass
class Visitor:
    """Somebody at `address`, which is any of 127.0.0.0/8."""

    port: int
    address: str = "127.0.0.1"
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, path: str, form: dict[str, str] | None = None, *, method: str = "", token: str = "") -> Answer:
        """Ask for a page, or send a form."""
        headers = {"Host": f"127.0.0.1:{self.port}"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if form is not None:
            headers |= {"Origin": f"http://127.0.0.1:{self.port}", "Content-Type": "application/x-www-form-urlencoded"}
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=ANSWERS_WITHIN_S, source_address=(self.address, 0)
        )
        try:
            body = None if form is None else urlencode(form)
            connection.request(method or ("GET" if form is None else "POST"), path, body=body, headers=headers)
            response = connection.getresponse()
            for line in response.headers.get_all("Set-Cookie", []):
                name, _, value = line.partition(";")[0].partition("=")
                self.cookies[name] = value
            return Answer(response.status, response.read().decode(), dict(response.headers))
        finally:
            connection.close()

    def sign_in(self, name: str, password: str) -> Answer:
        """Sign in with a password."""
        return self.ask("/sign-in", {"name": name, "password": password})
