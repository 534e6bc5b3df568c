"""The one way to an engine: requests with a time limit and a size limit, answers as structs, failures as problems.

docker.APIClient owns the transport (Unix socket, TLS, connection pool); it is a requests session. Its own methods are
not used for reading: they decode into dictionaries (a list with 50 inspects is ten times slower than msgspec), have no
limit on the size of an answer, and merge stdout with stderr in logs. Refuses redirects, and proxies and credentials
from the environment: an engine's socket is never behind any of them. A read is repeated once when a kept connection
turns out dead, a write never.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import msgspec

from runtimes.bodies import arriving
from runtimes.engine import problems
from runtimes.engine.problems import Place
from runtimes.errors import RuntimeProblem, Unavailable

if TYPE_CHECKING:
    from docker import APIClient

T = TypeVar("T")
Parameters = Mapping[str, str | int | list[str]]

ANSWER_MAX_BYTES = 64 * 1024 * 1024
"""A list of 10,000 containers is about 15 MB; whatever is larger is not an answer of an engine."""
REFUSAL_MAX_BYTES = 64 * 1024
UNREADABLE = (ValueError, RecursionError)
"""What msgspec raises for bytes that are no JSON, no UTF-8, or nested to exhaust whoever reads them."""
NOTHING_TO_DO = 304
"""What engines answer when a container is already in the state that was asked for."""


class Api:
    """An engine's HTTP API. Safe to use from several threads; every method raises only `runtimes.errors`.

    Paths are without their version; `version` "" asks the paths that every version of an engine answers.
    """

    def __init__(self, client: APIClient, *, place: Place, timeout_s: float, released: Callable[[], None]) -> None:
        client.trust_env = False
        self._client = client
        self._released = released
        self.place = place
        self.timeout_s = timeout_s
        self.version = ""
        self._closed = False

    def get(
        self,
        path: str,
        into: type[T],
        params: Parameters | None = None,
        *,
        timeout_s: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        """Read a path into a struct."""
        body = self._body("GET", path, params, timeout_s or self.timeout_s, headers=headers)
        try:
            return msgspec.json.decode(body, type=into, strict=False)
        except UNREADABLE as error:
            raise problems.not_an_engine(self.place) from error

    def last(self, path: str, into: type[T], params: Parameters, *, limit: int) -> list[T]:
        """Read a body of one JSON object on each line; of more than `limit` only the last ones."""
        lines = [line for line in self._body("GET", path, params, self.timeout_s).splitlines() if line.strip()]
        try:
            return [msgspec.json.decode(line, type=into, strict=False) for line in lines[-limit:]]
        except UNREADABLE as error:
            raise problems.not_an_engine(self.place) from error

    def ping(self, *, timeout_s: float | None = None) -> None:
        """Ask whether the engine is there."""
        self._body("GET", "/_ping", None, timeout_s or self.timeout_s)

    def now(self) -> datetime | None:
        """Ask what time it is on the engine's own clock, to the second below; None when it does not say."""
        deadline = time.monotonic() + self.timeout_s
        asked = self._asked("GET", "/_ping", None, timeout_s=self.timeout_s, quiet_s=self.timeout_s)
        with contextlib.closing(asked) as response:
            whole(response, place=self.place, timeout_s=self.timeout_s, deadline=deadline)
            with contextlib.suppress(ValueError):
                at = parsedate_to_datetime(str(response.headers.get("Date", "")))
                return at if at.tzinfo else None
        return None

    def post(self, path: str, params: Parameters | None = None, *, timeout_s: float | None = None) -> None:
        """Ask for something to be done and wait until the engine says that it is."""
        self._body("POST", path, params, timeout_s or self.timeout_s)

    def send(self, path: str, described: Mapping[str, object]) -> None:
        """Ask for something to be done as described, of which the engine says nothing."""
        self._body("POST", path, None, self.timeout_s, described)

    def remove(self, path: str, params: Parameters | None = None, *, timeout_s: float | None = None) -> None:
        """Ask for something to be removed and wait until the engine says that it is."""
        self._body("DELETE", path, params, timeout_s or self.timeout_s)

    def make(self, path: str, into: type[T], described: Mapping[str, object], *, timeout_s: float | None = None) -> T:
        """Ask for something to be made as described; give what the engine says of it."""
        body = self._body("POST", path, None, timeout_s or self.timeout_s, described)
        try:
            return msgspec.json.decode(body, type=into, strict=False)
        except UNREADABLE as error:
            raise problems.not_an_engine(self.place) from error

    def download(self, path: str, params: Parameters, *, quiet_s: float) -> Download:
        """Open a body that may go on for ever, and end it when nothing came for `quiet_s`."""
        response = self._asked("GET", path, params, timeout_s=self.timeout_s, quiet_s=quiet_s)
        return Download(response, place=self.place, quiet_s=quiet_s)

    def begin(self, path: str, params: Parameters, *, quiet_s: float, headers: Mapping[str, str]) -> Download:
        """Ask for something that the engine tells of while it goes on; it ends when nothing came for `quiet_s`."""
        asked = self._asked("POST", path, params, timeout_s=quiet_s, quiet_s=quiet_s, headers=headers)
        return Download(asked, place=self.place, quiet_s=quiet_s)

    def close(self) -> None:
        """Give the connections back and refuse further questions. Safe to call twice."""
        self._closed = True
        self._client.close()
        self._released()

    def _body(
        self,
        method: str,
        path: str,
        params: Parameters | None,
        timeout_s: float,
        described: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        deadline = time.monotonic() + timeout_s
        asked = self._asked(
            method, path, params, timeout_s=timeout_s, quiet_s=timeout_s, described=described, headers=headers
        )
        with contextlib.closing(asked) as response:
            return whole(response, place=self.place, timeout_s=timeout_s, deadline=deadline)

    def _asked(
        self,
        method: str,
        path: str,
        params: Parameters | None,
        *,
        timeout_s: float,
        quiet_s: float,
        described: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        if self._closed:
            raise Unavailable("The runtime was closed.", hint="Load the page again.")
        url = f"{self._client.base_url}{f'/v{self.version}' if self.version else ''}{path}"

        def asked() -> Any:
            return self._client.request(
                method,
                url,
                params=params,
                json=described,
                headers=headers,
                stream=True,
                allow_redirects=False,
                timeout=(timeout_s, quiet_s),
            )

        try:
            response = problems.once_more(asked) if method == "GET" else asked()
        except OSError as error:  # every error of requests is one
            raise problems.failed(error, place=self.place, timeout_s=timeout_s) from error
        if response.status_code >= 300 and response.status_code != NOTHING_TO_DO:
            with contextlib.closing(response):
                if response.status_code < 400:  # no engine sends anybody elsewhere
                    raise problems.not_an_engine(self.place)
                raise self._refusal(response, timeout_s, acting=method == "POST")
        return response

    def _refusal(self, response: Any, timeout_s: float, *, acting: bool) -> RuntimeProblem:
        body = b""
        with contextlib.suppress(Unavailable):
            for chunk in _chunks(response, place=self.place, timeout_s=timeout_s):
                body += chunk
                if len(body) > REFUSAL_MAX_BYTES:
                    break
        return problems.refused(response.status_code, body, place=self.place, acting=acting)


class Download:
    """The bytes of an open body. `close()` may come from another thread: it wakes whoever waits for bytes."""

    def __init__(self, response: Any, *, place: Place, quiet_s: float) -> None:
        self._response = response
        self._place = place
        self._quiet_s = quiet_s
        self._lock = threading.Lock()
        self._begun = self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        with self._lock:
            if self._closed:
                return
            self._begun = True
        try:
            yield from _chunks(self._response, place=self._place, timeout_s=self._quiet_s)
        except Unavailable:
            if not self._closed:
                raise
        finally:
            self._response.close()

    def close(self) -> None:
        """End the body. Closing a socket does not wake a thread that reads from it; shutting it down does."""
        with self._lock:
            self._closed = True
            if not self._begun:
                self._response.close()
                return
        with contextlib.suppress(OSError, ValueError, RuntimeError):  # the body may have ended by itself meanwhile
            self._response.raw.shutdown()


def escaped(part: str) -> str:
    """Make a part of a path of any text, so that it can never become two parts."""
    return quote(part, safe="")


def whole(response: Any, *, place: Place, timeout_s: float, deadline: float) -> bytes:
    """Read a body to its end, within ANSWER_MAX_BYTES and before `deadline` (monotonic)."""
    body = bytearray()
    for chunk in _chunks(response, place=place, timeout_s=timeout_s):
        body += chunk
        if len(body) > ANSWER_MAX_BYTES:
            raise problems.not_an_engine(place)
        if time.monotonic() > deadline:  # a peer that sends a byte now and then never runs into a read timeout
            raise problems.failed(TimeoutError(), place=place, timeout_s=timeout_s)
    return bytes(body)


def _chunks(response: Any, *, place: Place, timeout_s: float) -> Iterator[bytes]:
    import urllib3

    try:
        yield from arriving(response.raw, decode_content=False)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise problems.failed(error, place=place, timeout_s=timeout_s) from error
