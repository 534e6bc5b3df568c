"""The way into one cluster: what to dial, how TLS is checked, and which headers prove who we are.

The client library turns a kubeconfig or a pod's own service account into a configuration and a connection pool; what
it leaves open is settled here: a credential is renewed before it ends, nothing is redirected or retried behind our
back, and key material lives in a private folder that goes away on close.
"""

from __future__ import annotations

import tempfile
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import urllib3

from connectors.sockets import Folder
from runtimes.errors import Unavailable
from runtimes.kubernetes.login import expiry

RENEW_BEFORE = timedelta(minutes=1)
"""A credential this close to its end is renewed first: the request and two clocks need some room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A configured client. `base` is what paths are put after: the configuration's own `host` is set back to the
    kubeconfig's whenever its credential is looked at. `expires_at` is None where nothing but a new kubeconfig helps.
    """

    base: str
    configuration: Any
    pool: urllib3.PoolManager
    headers: tuple[tuple[str, str], ...] = ()
    expires_at: datetime | None = None


class Entrance(Protocol):
    """What a client sends over: `Access`, or the same way in as somebody else (`accounts.acting`)."""

    @property
    def server(self) -> str: ...

    def request(self, method: str, path: str, **options: Any) -> urllib3.BaseHTTPResponse: ...

    def renew(self) -> bool: ...

    def lapsed(self) -> str: ...

    def close(self) -> None: ...


class Access:
    """An open way in. `server` is the API server's own host and port, for sentences.

    `log_in` is given a private folder for key material; it is called again when the credential has to be renewed.
    """

    def __init__(self, log_in: Callable[[Path], Login], *, server: str) -> None:
        self.server = server
        self._log_in = log_in
        self._lock = threading.Lock()
        self._closed = False
        home = Folder(Path(tempfile.gettempdir()))  # what a killed server left of one is swept by this
        self._folder = home.next()
        self._folder.mkdir(mode=0o700)
        self._sweep = weakref.finalize(self, home.close)
        try:
            self._login = log_in(self._folder)
        except BaseException:
            self._sweep()
            raise

    def request(self, method: str, path: str, **options: Any) -> urllib3.BaseHTTPResponse:
        """Send one request with `headers` added to the credential's; body and timeout as urllib3 takes them.

        Raise urllib3's own exceptions: who knows what was asked for can say more about them.
        """
        login = self._current()
        headers = urllib3.HTTPHeaderDict(proof(login.configuration), **options.pop("headers", {}))
        for name, value in login.headers:  # one name may come several times: a user has many groups
            headers.add(name, value)
        # A redirect followed would carry the token elsewhere; a retry would hide a broken line.
        options |= {"preload_content": False, "retries": False, "redirect": False}
        return login.pool.request(method, login.base + path, headers=headers, **options)

    def login(self) -> Login:
        """Give what requests are sent with just now, its credential renewed when it is about to end.

        Raise Unavailable when it is closed, and what renewing raises.
        """
        return self._current()

    def renew(self) -> bool:
        """Get a new credential after a refusal; False when there is no way to get one."""
        with self._lock:
            if self._login.expires_at is None:
                return False
            self._relogin()
        return True

    def lapsed(self) -> str:
        """Say since when the credential has been expired, if it has."""
        configuration = self._login.configuration
        token = proof(configuration).get("authorization", "").rpartition(" ")[2]
        ends = [expiry.token_expires_at(token)]
        if configuration.cert_file:
            ends.append(expiry.certificate_expires_at(Path(configuration.cert_file).read_bytes()))
        return next((said for end in ends if (said := expiry.lapsed(end, datetime.now(UTC)))), "")

    def close(self) -> None:
        """Close the kept connections and remove the key material. May be called twice."""
        with self._lock:
            self._closed = True
            closed(self._login.pool)
        self._sweep()

    def _current(self) -> Login:
        with self._lock:
            if self._closed:
                raise Unavailable(f"The way to the API server at {self.server} is closed.")
            expires_at = self._login.expires_at
            if expires_at is not None and expires_at - RENEW_BEFORE < datetime.now(UTC):
                self._relogin()
            return self._login

    def _relogin(self) -> None:
        previous, self._login = self._login, self._log_in(self._folder)
        closed(previous.pool)


def proof(configuration: Any) -> dict[str, str]:
    """Give the header that the configuration proves us with; an in-cluster token is read again when it is old."""
    settings = configuration.auth_settings().values()
    return {entry["key"]: entry["value"] for entry in settings if entry["in"] == "header"}


def closed(manager: urllib3.PoolManager) -> None:
    """Close the kept connections now: `clear` alone leaves that to the garbage collector."""
    known = manager.pools.keys()  # a set; the container itself refuses to be iterated over
    for pool in [manager.pools.get(key) for key in known]:
        if pool is not None:
            pool.close()
    manager.clear()
