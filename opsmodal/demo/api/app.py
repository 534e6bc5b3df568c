"""The WSGI application of the simulated API server: who asks, is there a fault, what is asked, may they, answer.

Every refusal leaves as a Status document in the real server's words; no trace ever does.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs

from opsmodal.demo.api.access import Access, path_refusal
from opsmodal.demo.api.discovery import Discovery, version
from opsmodal.demo.api.exec import Exec
from opsmodal.demo.api.fields import check_dry_run
from opsmodal.demo.api.impersonation import acting
from opsmodal.demo.api.logs import Logs
from opsmodal.demo.api.metrics import Metrics
from opsmodal.demo.api.openapi import OpenAPI
from opsmodal.demo.api.requests import JSON, Answer, Request, Target, target
from opsmodal.demo.api.resources import Resources
from opsmodal.demo.api.reviews import Reviews
from opsmodal.demo.api.sockets import Closed
from opsmodal.demo.api.subresources import Subresources
from opsmodal.demo.api.users import ANONYMOUS, Tokens, User
from opsmodal.demo.documents import encode
from opsmodal.demo.faults import Fault, Faults
from opsmodal.demo.life.inside import Inside
from opsmodal.demo.life.output import Outputs
from opsmodal.demo.problems import Problem, internal, no_such_resource, too_many_requests, unauthorized
from opsmodal.demo.server import hung_up
from opsmodal.demo.world import World

BODY_MAX_BYTES = 3 * 2**20
"""What a request may carry (kube-apiserver: MaxRequestBodyBytes)."""
SILENCE_MAX_S = 600.0
WEBHOOK = "policy.example.com"
"""What the webhook is called that a fault lets deny."""
Start = Callable[..., Any]
PHRASES = {
    200: "OK",
    201: "Created",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    410: "Gone",
    413: "Request Entity Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
log = logging.getLogger(__name__)


class Cut(Exception):
    """The connection ends here, without another byte."""


class Api:
    """Answer requests to one simulated cluster."""

    def __init__(
        self, world: World, *, outputs: Outputs, inside: Inside, tokens: Tokens, faults: Faults, bookmark_s: float
    ) -> None:
        self._world = world
        self._tokens = tokens
        self._faults = faults
        self._access = Access(world.storage)
        self._resources = Resources(world, bookmark_s=bookmark_s)
        self._reviews = Reviews(self._access)
        self._subresources = Subresources(world, self._resources, tokens)
        self._metrics = Metrics(world)
        self._discovery = Discovery(world.catalogue)
        self._openapi = OpenAPI(world.catalogue)
        self._logs = Logs(outputs, world.clock)
        self._exec = Exec(inside, outputs)
        self.is_ending = False
        """Whether streams are to end: the cluster stops."""

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        """Answer one request."""
        connection: socket.socket = environ["werkzeug.socket"]
        fault = self._faults.of(environ["PATH_INFO"], environ["REQUEST_METHOD"])
        try:
            answer = self._faulty(fault) or self._answer(environ, connection)
        except Problem as problem:
            answer = _refused(problem)
        except (Cut, Closed):
            # werkzeug ends a request without an answer only by an error of the connection, and would wait for another
            _end(connection)
            raise ConnectionError from None
        except Exception:  # the top of a request: whatever is wrong must become a Status
            log.exception("simulated API server failed", extra={"path": environ["PATH_INFO"]})
            answer = _refused(internal("the simulated API server failed"))
        return self._send(answer, start, connection, half=fault is not None and fault.kind == "half")

    def _faulty(self, fault: Fault | None) -> Answer | None:
        """Do what a fault says; None when the request goes on."""
        if fault is None or fault.kind == "half":
            return None
        if fault.kind == "delay":
            time.sleep(fault.delay_s)
            return None
        if fault.kind == "silence":
            deadline = time.monotonic() + SILENCE_MAX_S
            while not (self.is_ending or self._faults.wait_cleared(0.2)) and time.monotonic() < deadline:
                continue
            raise Cut
        if fault.kind == "cut":
            raise Cut
        return _refused(_made_up(fault))

    def _answer(self, environ: dict[str, Any], connection: socket.socket) -> Answer:
        request = self._request(environ, connection)
        first = request.path.strip("/").split("/")[0]
        is_resource = (first == "api" and request.path.count("/") > 2) or (
            first == "apis" and request.path.rstrip("/").count("/") > 3
        )
        if is_resource:
            return self._resource(request, target(request, self._world.catalogue))
        if not self._access.allows_path(request.user, request.path):
            raise path_refusal(request.user, request.method, request.path)
        return self._plain(request, first)

    def _request(self, environ: dict[str, Any], connection: socket.socket) -> Request:
        body = _body(environ)
        drops = self._faults.watch_drops
        return Request(
            method=environ["REQUEST_METHOD"],
            path=environ["PATH_INFO"],
            params=parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True),
            body=body,
            accept=environ.get("HTTP_ACCEPT", ""),
            content_type=environ.get("CONTENT_TYPE") or JSON,
            user=self._user(environ),
            environ=environ,
            gone=lambda: hung_up(connection),
            ending=lambda: self.is_ending or self._faults.watch_drops != drops,
        )

    def _user(self, environ: Mapping[str, Any]) -> User:
        kind, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if not token:
            return ANONYMOUS
        user = self._tokens.user(token, self._world.clock.now()) if kind.lower() == "bearer" else None
        if user is None:
            raise unauthorized()
        return acting(self._access, user, environ)

    def _plain(self, request: Request, first: str) -> Answer:
        """Answer what is not a resource."""
        if first in ("api", "apis"):
            return self._discovery.answer(request)
        if first == "version":
            return Answer(200, encode(version()))
        if first == "openapi":
            return self._openapi.answer(request)
        if first in ("healthz", "livez", "readyz"):
            return Answer(200, b"ok", "text/plain")
        raise no_such_resource()

    def _resource(self, request: Request, wanted: Target) -> Answer:
        self._access.check(request.user, wanted)
        check_dry_run(request)
        if self._reviews.serves(wanted):
            return self._reviews.answer(request, wanted)
        if self._metrics.serves(wanted):
            return self._metrics.answer(request, wanted)
        if wanted.subresource == "log":
            return self._logs.answer(request, self._resources.find(wanted).document)
        if wanted.subresource in ("exec", "attach"):
            pod = self._resources.find(wanted).document
            return self._exec.answer(request, pod, attach=wanted.subresource == "attach")
        if self._subresources.serves(wanted):
            return self._subresources.answer(request, wanted)
        return self._resources.answer(request, wanted)

    def _send(self, answer: Answer, start: Start, connection: socket.socket, *, half: bool) -> Iterable[bytes]:
        headers = [("Content-Type", answer.content_type), ("Cache-Control", "no-cache, private"), *answer.headers]
        status = f"{answer.status} {PHRASES.get(answer.status, 'Unknown')}"
        if isinstance(answer.body, bytes):
            start(status, [*headers, ("Content-Length", str(len(answer.body)))])
            return _half(answer.body, connection) if half else [answer.body]
        start(status, headers)
        return _streamed(answer.body)


def _body(environ: Mapping[str, Any]) -> bytes:
    """Read what a request carries, of a known length or in chunks. Raise a 413 Problem when it is too large."""
    is_chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
    length = BODY_MAX_BYTES + 1 if is_chunked else int(environ.get("CONTENT_LENGTH") or 0)
    body: bytes = b""
    if is_chunked or length <= BODY_MAX_BYTES:
        body = environ["wsgi.input"].read(length) if length else b""
    if length > BODY_MAX_BYTES and (not is_chunked or len(body) > BODY_MAX_BYTES):
        raise Problem(413, "RequestEntityTooLarge", f"Request entity too large: limit is {BODY_MAX_BYTES}")
    return body


def _made_up(fault: Fault) -> Problem:
    """Word an answer that a fault asks for."""
    if fault.kind == "deny":
        return Problem(403, "Forbidden", f'admission webhook "{WEBHOOK}" denied the request: {fault.words}')
    after_s = fault.retry_after_s
    if fault.status == 429:
        return too_many_requests("Too many requests, please try again later.", 1 if after_s is None else after_s)
    words = {
        401: ("Unauthorized", "Unauthorized"),
        403: ("Forbidden", "forbidden: switched on as a fault"),
        404: ("NotFound", "the server could not find the requested resource"),
        410: ("Expired", "too old resource version: 1 (2)"),
        500: ("InternalError", "Internal error occurred: switched on as a fault"),
        503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
    }
    reason, message = words.get(fault.status, ("", "switched on as a fault"))
    details = {} if after_s is None else {"retryAfterSeconds": after_s}
    return Problem(fault.status, reason, message, details=details)


def _refused(problem: Problem) -> Answer:
    after_s = problem.details.get("retryAfterSeconds")
    headers = (("Retry-After", str(after_s)),) if after_s is not None else ()
    return Answer(problem.code, encode(problem.status()), JSON, headers)


def _streamed(body: Iterable[bytes]) -> Iterator[bytes]:
    """Send the head at once, by an empty piece: a watch in which nothing happens must still be answered."""
    yield b""
    yield from body


def _half(body: bytes, connection: socket.socket) -> Iterator[bytes]:
    yield body[: len(body) // 2]
    _end(connection)


def _end(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        log.debug("the connection was already closed")
