"""An engine on a Unix socket that answers docker and podman plausibly, and writes down what it is asked.

It has containers of two services, filters as an engine does, and does nothing: what a client prints of the other
service's was not narrowed.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

CLOSE_S = 5.0
STARTED = "2026-11-21T10:00:00.000000000Z"
READS = re.compile(r"/containers/(?P<id>[^/]+)/(?:json|top|changes|stats|logs|healthcheck|exists)")
ACTS = re.compile(r"/containers/(?P<id>[^/]+)/(?:restart|stop|start|kill|pause|unpause)")
EXECS = re.compile(r"/containers/(?P<name>.+)/exec")
LISTS: Mapping[str, str] = {"/containers/json": "id", "/events": "container"}
"""What names no container in its path, and the filter that narrows it."""
OPEN = frozenset({"/_ping", "/version"})
"""What every client asks of an engine first. No container is in it."""
LOOKED_UP = frozenset({"port", "restart", "stop", "start", "kill", "pause", "unpause"})
API = re.compile(r"^(?:/v[0-9.]+)?(?:/libpod)?")


@dataclass(frozen=True)
class Request:
    """One request, as it arrived; `path` without the version of the API in front."""

    method: str
    path: str
    raw: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes = b""

    def __str__(self) -> str:
        return f"{self.method} {self.path} {dict(self.query)} {self.body[:200]!r}"


@dataclass
class Recording:
    """Where it listens, whose containers it has, and what it saw."""

    socket: Path
    own: Mapping[str, str]
    other: Mapping[str, str]
    seen: list[Request] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def taken(self) -> list[Request]:
        """Give what was seen since the last time."""
        with self.lock:
            seen, self.seen = self.seen, []
        return seen


def breach(request: Request, *, own: frozenset[str], verb: str, changes: bool) -> str:
    """Say how a request reaches past the service's own containers, or does what its line does not; "" if neither."""
    if {"upgrade", "x-registry-auth"} & set(request.headers):
        return "takes the connection over"
    if within := ACTS.fullmatch(request.path):
        wrong = "" if changes and request.method == "POST" and request.body in (b"", b"{}") else "acts on a container"
        return wrong or _foreign([within["id"]], own)
    if request.method not in ("GET", "HEAD"):
        return "writes where it reads"
    if request.path in OPEN or _looks_up(request, verb):
        return ""
    return _foreign(_read_from(request), own)


def _looks_up(request: Request, verb: str) -> bool:
    """Tell whether podman looks for an id in the whole list, as its remote client does before it acts on one."""
    return "/libpod/" in request.raw and request.path == "/containers/json" and verb in LOOKED_UP


def _read_from(request: Request) -> list[str]:
    """Give the containers that a reading request is about; none is what no line may ask for."""
    if within := READS.fullmatch(request.path):
        return [within["id"]]
    if request.path == "/containers/stats":
        return request.query.get("containers", [])
    return _filtered(request, LISTS[request.path]) if request.path in LISTS else []


def _foreign(named: list[str], own: frozenset[str]) -> str:
    """Full ids only: a name or a beginning would be read by the engine once more."""
    return "names no container" if not named else ", ".join(f"names {each}" for each in named if each not in own)


def _filtered(request: Request, key: str) -> list[str]:
    """Give the values of one filter: docker sends a set as an object, podman a list."""
    given: Any = json.loads(request.query.get("filters", ["{}"])[0])
    return list(given.get(key, ()))


@contextmanager
def recording(socket: Path, own: Mapping[str, str], other: Mapping[str, str]) -> Iterator[Recording]:
    """Listen until the end."""
    kept = Recording(socket, own, other)
    handler = type("Recorded", (Handler,), {"kept": kept})
    server = Server(str(socket), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="engine-socket")
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        thread.join(CLOSE_S)
        server.server_close()
        socket.unlink(missing_ok=True)


class Server(ThreadingMixIn, UnixStreamServer):
    """A thread a connection; none outlives the test, as every client is ended before."""

    daemon_threads = True
    request_queue_size = 64


class Handler(BaseHTTPRequestHandler):
    """Answers one client."""

    protocol_version = "HTTP/1.1"
    kept: ClassVar[Recording]

    def setup(self) -> None:
        super().setup()
        self.client_address = ("unix", 0)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def handle(self) -> None:
        with suppress(ConnectionError):
            super().handle()

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        path = API.sub("", unquote(parts.path))
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", "0")))
        seen = Request(self.command, path, parts.path, parse_qs(parts.query, keep_blank_values=True), headers, body)
        with self.kept.lock:
            self.kept.seen.append(seen)
        status, document = answer(seen, self.kept)
        self._send(status, document)

    def _send(self, status: int, document: object) -> None:
        content = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Api-Version", "1.41")
        self.send_header("Libpod-API-Version", "4.3.1")
        self.send_header("OSType", "linux")
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def answer(request: Request, kept: Recording) -> tuple[int, object]:
    """Give what an engine would say, as far as the clients look."""
    if within := READS.fullmatch(request.path):
        return 200, _read(request.path.rpartition("/")[2], within["id"], kept.own)
    if ACTS.fullmatch(request.path):
        return 204, b""
    if EXECS.fullmatch(request.path):
        return 201, {"Id": "e" * 64}
    containers = {**kept.own, **kept.other}
    if request.path in LISTS and (wanted := _filtered(request, LISTS[request.path])):
        containers = {name: full for name, full in containers.items() if full in wanted}
    answers: dict[str, object] = {
        "/_ping": b"OK",
        "/version": {
            "Version": "20.10.24",
            "ApiVersion": "1.41",
            "MinAPIVersion": "1.12",
            "Os": "linux",
            "Arch": "amd64",
        },
        "/containers/json": [_listed(name, full, "/libpod/" in request.raw) for name, full in containers.items()],
        "/containers/stats": {
            "Error": None,
            "Stats": [{"ContainerID": full, "Name": name} for name, full in kept.own.items()],
        },
        "/events": b"".join(_event(name, full) for name, full in containers.items()),
    }
    if request.path not in answers:
        return 404, {"message": "no such thing", "cause": "no such thing", "response": 404}
    return 200, answers[request.path]


def _event(name: str, full: str) -> bytes:
    actor = {"ID": full, "Attributes": {"name": name, "image": "busybox", "containerExitCode": "0", "podId": ""}}
    shared = {
        "Type": "container",
        "Action": "died",
        "status": "died",
        "id": full,
        "scope": "local",
        "time": 1_763_700_000,
    }
    return json.dumps({**shared, "Actor": actor}).encode() + b"\n"


def _read(what: str, full: str, own: Mapping[str, str]) -> object:
    name = next((name for name, each in own.items() if each == full), full)
    answers: dict[str, object] = {
        "json": _inspected(name, full),
        "top": {"Titles": ["PID", "CMD"], "Processes": [["1", "sh"]]},
        "changes": [{"Path": "/etc", "Kind": 0}],
        "stats": {"id": full, "name": f"/{name}", "read": STARTED, "cpu_stats": {}, "memory_stats": {}},
        "healthcheck": {"Status": "healthy", "FailingStreak": 0, "Log": []},
    }
    return answers.get(what, b"")


def _listed(name: str, full: str, libpod: bool) -> dict[str, Any]:
    shared = {"Id": full, "Image": "busybox", "State": "running", "Status": "Up 2 hours", "Labels": {}, "Mounts": []}
    if libpod:
        return {**shared, "Names": [name], "Created": STARTED, "Command": ["sh"], "StartedAt": 1, "Ports": [], "Pid": 1}
    return {**shared, "Names": [f"/{name}"], "Created": 1, "Command": "sh", "Ports": []}


def _inspected(name: str, full: str) -> dict[str, Any]:
    return {
        "Id": full,
        "Name": name,
        "Created": STARTED,
        "State": {"Status": "running", "Running": True, "Pid": 1, "StartedAt": STARTED, "FinishedAt": STARTED},
        "Config": {"Tty": False, "Image": "busybox", "Labels": {}, "Env": ["A=b"]},
        "HostConfig": {"LogConfig": {"Type": "json-file"}},
        "NetworkSettings": {"Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]}, "Networks": {}},
        "Mounts": [],
    }
