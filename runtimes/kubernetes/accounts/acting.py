"""Sends requests as a service's own account instead of as the runtime: with a token of it, or by impersonation.

An account never falls back to the runtime's credential: where we may not be it, nothing is sent. A client certificate
of the runtime would win over a token (the API server asks it first), so tokens go over connections that have none.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, NamedTuple

import urllib3

from runtimes.errors import Denied, Missing
from runtimes.kubernetes.accounts.identities import Identities
from runtimes.kubernetes.accounts.private import Identity
from runtimes.kubernetes.login.access import Access, Login, closed, proof
from runtimes.kubernetes.login.configuring import certless

REQUEST_S = 60.0
"""A token is used for a request only when it lasts so much longer."""
IMPERSONATING = "impersonate-"


class Certless:
    """The connections of one runtime that show no client certificate: made when first needed, and for all accounts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool: urllib3.PoolManager | None = None

    def pool(self, login: Login) -> urllib3.PoolManager:
        """Give connections on which nothing but the headers says who we are."""
        if not login.configuration.cert_file:
            return login.pool
        with self._lock:
            if self._pool is None:
                self._pool = certless(login.configuration)
            return self._pool

    def close(self) -> None:
        """Close them. May be called twice."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            closed(pool)


class Who(NamedTuple):
    """A service account, by its namespace and name."""

    namespace: str
    account: str


@dataclass(slots=True, kw_only=True)
class ActingAccess:
    """The way into a cluster as a service account, over what others close. Safe for several threads."""

    access: Access
    identities: Identities
    connections: Certless
    who: Who
    _refused: bool = False

    @property
    def server(self) -> str:
        return self.access.server

    def request(self, method: str, path: str, **options: Any) -> urllib3.BaseHTTPResponse:
        """Send one request, see `Access.request`. Raise Denied where we may not be the account, or there is none."""
        identity = self._identity()
        login = self.access.login()
        headers = urllib3.HTTPHeaderDict(_own(login, identity), **options.pop("headers", {}))
        options |= {"preload_content": False, "retries": False, "redirect": False}
        pool = self.connections.pool(login) if identity.token else login.pool
        return pool.request(method, login.base + path, headers=headers, **options)

    def renew(self) -> bool:
        """Take a new token after the last one was refused: its account was made anew, or somebody took it back."""
        refused, self._refused = self._refused, False
        return refused and self.identities.forget(*self.who)

    def lapsed(self) -> str:
        """Note that the token was refused (401); since when is not known."""
        self._refused = True
        return ""

    def close(self) -> None:
        """Close nothing: the connections are the runtime's."""

    def _identity(self) -> Identity:
        try:
            return self.identities.of(*self.who, for_s=REQUEST_S)
        except Missing as missing:  # who looks for a pod would take it for the pod
            raise Denied(missing.sentence, hint=missing.hint, detail=missing.detail) from missing


def _own(login: Login, identity: Identity) -> dict[str, str]:
    """Give the headers that say who we are, and which host is meant."""
    kept = {name: value for name, value in login.headers if not name.lower().startswith(IMPERSONATING)}
    if identity.token:
        return kept | {"authorization": f"Bearer {identity.token}"}
    return proof(login.configuration) | kept | {"Impersonate-User": identity.as_user}
