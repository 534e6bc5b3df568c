"""Asks one API server: reads, pages through lists, deletes, and holds streams open. The only module that sends.

Every request has a deadline and every answer a size; whatever goes wrong leaves as an error of `runtimes.errors`.
A read is repeated once, when a kept connection turns out dead or the server asks to wait a moment; a write never is.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeVar
from urllib.parse import urlencode

import msgspec
import urllib3
from urllib3 import exceptions as wire

from runtimes.errors import Denied, Expired, Malformed, RuntimeProblem, Unavailable
from runtimes.kubernetes.api import answers
from runtimes.kubernetes.api.answers import Asked
from runtimes.kubernetes.api.chunks import Chunks
from runtimes.kubernetes.api.decoding import decoded, salvaged
from runtimes.kubernetes.api.media import JSON
from runtimes.kubernetes.api.spoiled import Listing
from runtimes.kubernetes.api.written import Written
from runtimes.kubernetes.login.access import Entrance
from runtimes.kubernetes.objects.common import Page
from runtimes.way import Standings

T = TypeVar("T")
Query = Mapping[str, str | int | None]

MANAGER = "opsmodal"
"""Who wrote a field, as `managedFields` has it."""

PAGE_ITEMS = 500
"""Asked for at once, as kubectl does: keeps the API server's memory and ours flat."""
PAGES_MAX = 200
RESTARTS_MAX = 2
"""How often a list begins anew when its position expired (410) under way."""
CHUNK_BYTES = 65_536
BODY_MAX_BYTES = 256 * 1024 * 1024
BODY_MAX_S = 60.0
ERROR_MAX_BYTES = 64 * 1024
WAIT_MAX_S = 2.0
"""Longest Retry-After that a read sits out; longer ones are told to the person."""
FOLLOW_QUIET_S = 300.0
"""A stream silent for longer ends with Unavailable; whoever follows opens it again from where it stood."""
CONNECT_MAX_S = 5.0


class Client:
    """Requests to one API server with one identity. Safe to use from several threads."""

    def __init__(self, access: Entrance, *, runtime: str, timeout_s: float, standing: Standings | None = None) -> None:
        self.server = access.server
        self.written = Written()
        self._standing = standing
        self._access = access
        self._runtime = runtime
        self._timeout_s = timeout_s

    def acting(self, access: Entrance) -> Client:
        """Give a client that is another identity, and like this one otherwise."""
        return Client(access, runtime=self._runtime, timeout_s=self._timeout_s, standing=self._standing)

    def get(self, path: str, kind: type[T], *, what: str, query: Query | None = None, accept: str = "") -> T:
        """Read one object. `what` names it in errors: "pod web-0". Raise any RuntimeProblem."""
        asked = self._asked("GET", what)
        body = self._read(asked, path, query or {}, accept)
        return decoded(body, kind, asked)

    def listed(
        self,
        path: str,
        kind: type[T],
        *,
        what: str,
        query: Query | None = None,
        accept: str = "",
        lenient: bool = False,
    ) -> list[T]:
        """Read a whole collection, page by page; begin anew when the position expires. Raise RuntimeProblem.

        `lenient` leaves out objects of another shape, and says so (`Listing`): for what is only shown.
        """

        def read() -> list[T]:
            words: list[str] | None = [] if lenient else None
            found = Listing(self._pages(path, kind, what, query or {}, accept, words))
            found.left_out = tuple(words or ())
            return found

        for _ in range(RESTARTS_MAX):
            with contextlib.suppress(Expired):
                return read()
        return read()

    def page(
        self,
        path: str,
        kind: type[T],
        *,
        what: str,
        query: Query | None = None,
        accept: str = "",
        position: str = "",
        limit: int = PAGE_ITEMS,
        words: list[str] | None = None,
    ) -> Page[T]:
        """Read one page of a collection, from `position` on. Raise RuntimeProblem, Expired for a lost position.

        With `words` objects of another shape are left out, and what is wrong with each is added to them.
        """
        wanted = {**(query or {}), "limit": limit, "continue": position or None}
        asked = self._asked("GET", what)
        body = self._read(asked, path, wanted, accept)
        try:
            page: Page[T] = decoded(body, Page[kind], asked)  # type: ignore[valid-type]  # a type made at run time
        except Malformed as problem:
            if words is None:
                raise
            page, more = salvaged(body, kind, asked, problem)
            words += more
        return page

    def create(self, path: str, kind: type[T], body: object, *, what: str) -> T:
        """Post an object and read what became of it. Raise RuntimeProblem."""
        asked = self._asked("POST", what)
        return decoded(self._sent(asked, path, msgspec.json.encode(body)), kind, asked)

    def write(
        self,
        method: Literal["POST", "PUT", "PATCH"],
        path: str,
        kind: type[T],
        body: object,
        *,
        what: str,
        query: Query | None = None,
        media: str = JSON,
    ) -> T:
        """Send an object or a patch of one, once, and read what became of it. Raise RuntimeProblem, Stale if it moved.

        `query` may ask for `dryRun=All`; our name as the writer of fields is always sent. `media` is a patch's type.
        """
        asked = self._asked(method, what)
        query = {"fieldManager": MANAGER, **(query or {})}
        return decoded(self._sent(asked, path, msgspec.json.encode(body), query=query, media=media), kind, asked)

    def delete(
        self,
        path: str,
        *,
        what: str,
        uid: str,
        revision: str = "",
        grace_s: int | None = None,
        propagation: Literal["", "Background", "Foreground"] = "",
    ) -> None:
        """Delete one object, and only the very one with this `uid`, as it was at `revision`, where one is given.

        `propagation` says what becomes of what it owns; "" leaves that to its kind. Raise Stale when another has taken
        its name, or it has changed.
        """
        only = {"uid": uid, **({"resourceVersion": revision} if revision else {})}
        options: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": only}
        options |= {} if grace_s is None else {"gracePeriodSeconds": grace_s}
        options |= {"propagationPolicy": propagation} if propagation else {}
        self._sent(self._asked("DELETE", what), path, msgspec.json.encode(options))

    def stream(self, path: str, *, what: str, query: Query, quiet_s: float = FOLLOW_QUIET_S) -> Chunks:
        """Open a stream of bytes; it must be closed. Raise RuntimeProblem when the server refuses it."""
        asked = self._asked("GET", what)
        response = self._answer(asked, path, query, headers={"Accept": "*/*"}, read_s=quiet_s)
        return Chunks(response, asked, quiet_s)

    def close(self) -> None:
        self._access.close()

    def _pages(
        self, path: str, kind: type[T], what: str, query: Query, accept: str, words: list[str] | None
    ) -> Iterator[T]:
        position = ""
        for _ in range(PAGES_MAX):
            page = self.page(path, kind, what=what, query=query, accept=accept, position=position, words=words)
            yield from page.items or ()
            position = page.metadata.continue_
            if not position:
                return
        raise Unavailable(f"There are more than {PAGES_MAX * PAGE_ITEMS:,} {what}: that is too much for one page.")

    def _read(self, asked: Asked, path: str, query: Query, accept: str) -> bytearray:
        headers = {"Accept": accept or "application/json"}
        try:
            return self._body(self._answer(asked, path, query, headers=headers), asked)
        except _Dropped:
            pass  # a kept connection that the server had closed in the meantime
        except Unavailable as problem:
            if not problem.retry_after_s or problem.retry_after_s > WAIT_MAX_S:
                raise
            time.sleep(problem.retry_after_s)
        return self._body(self._answer(asked, path, query, headers=headers), asked)

    def _sent(
        self, asked: Asked, path: str, body: bytes, *, query: Query | None = None, media: str = JSON
    ) -> bytearray:
        headers = {"Accept": JSON, "Content-Type": media}
        try:
            return self._body(self._answer(asked, path, query or {}, headers=headers, body=body), asked)
        finally:
            if not (query or {}).get("dryRun"):  # also where it failed: nobody knows what became of it
                self.written.note(path)

    def _answer(
        self, asked: Asked, path: str, query: Query, *, headers: Mapping[str, str], **options: Any
    ) -> urllib3.BaseHTTPResponse:
        try:
            return self._accepted(asked, path, query, headers=headers, **options)
        except Denied:
            if not (options.get("body") is None and self._access.renew()):
                raise
            return self._accepted(asked, path, query, headers=headers, **options)

    def _accepted(
        self,
        asked: Asked,
        path: str,
        query: Query,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        read_s: float | None = None,
    ) -> urllib3.BaseHTTPResponse:
        parameters = urlencode({key: value for key, value in query.items() if value is not None})
        target = f"{path}?{parameters}" if parameters else path
        timeout = urllib3.Timeout(connect=min(CONNECT_MAX_S, self._timeout_s), read=read_s or self._timeout_s)
        try:
            response = self._access.request(asked.method, target, headers=headers, body=body, timeout=timeout)
        except (wire.HTTPError, OSError) as error:
            raise self._unanswered(error, asked) from error
        if 200 <= response.status < 300:
            return response
        with contextlib.closing(response):
            said = self._start(response)
        lapsed = self._access.lapsed() if response.status == 401 else ""
        known = Asked(server=asked.server, runtime=asked.runtime, method=asked.method, what=asked.what, lapsed=lapsed)
        raise answers.refused(response.status, said, known, retry_after=response.headers.get("Retry-After", ""))

    def _start(self, response: urllib3.BaseHTTPResponse) -> bytes:
        try:
            return response.read(ERROR_MAX_BYTES)
        except (wire.HTTPError, OSError):
            return b""

    def _body(self, response: urllib3.BaseHTTPResponse, asked: Asked) -> bytearray:
        # One growing piece of memory: many that are joined in the end take twice as much of it.
        deadline, body = time.monotonic() + BODY_MAX_S, bytearray()
        try:
            # read1 gives what is there; stream() would wait for CHUNK_BYTES, however slowly they come
            while part := response.read1(CHUNK_BYTES):
                body += part
                if len(body) > BODY_MAX_BYTES or time.monotonic() > deadline:
                    response.close()
                    raise Unavailable(f"The API server at {asked.server} sends more than can be taken in time.")
        except (wire.HTTPError, OSError) as error:
            response.close()
            raise answers.unanswered(error, asked, timeout_s=self._timeout_s) from error
        response.release_conn()
        return body

    def _unanswered(self, error: Exception, asked: Asked) -> RuntimeProblem:
        known = answers.unanswered(error, asked, timeout_s=self._timeout_s)
        dropped = isinstance(error, wire.ProtocolError) and asked.method == "GET" and isinstance(known, Unavailable)
        return _Dropped(known.sentence, hint=known.hint, detail=known.detail) if dropped else known

    def _asked(self, method: str, what: str) -> Asked:
        return Asked(server=self.server, runtime=self._runtime, method=method, what=what, standing=self._standing)


class _Dropped(Unavailable):
    """The connection ended before an answer began: worth one more try for a read."""
