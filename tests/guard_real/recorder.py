"""A Kubernetes API server on loopback that writes down what it is asked, and says which of it breaks the wall."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, unquote

from opsmodal.demo import certificates
from opsmodal.demo.cluster import Cluster
from opsmodal.demo.server import LOOPBACK, Front

OPEN = re.compile(
    r"/version|/api|/apis|/api/v1|/apis/[a-z0-9.-]+|/apis/[a-z0-9.-]+/v[0-9a-z]+"
    r"|/openapi/v2|/openapi/v3|/openapi/v3/apis?(/[a-z0-9.-]+)*"
)
"""What every client may ask before it asks for anything: versions, kinds and their schemas. No object is in them."""
REVIEW = re.compile(r"/apis/authorization\.k8s\.io/v1/(selfsubjectaccessreviews|selfsubjectrulesreviews)")
NAMESPACED = re.compile(r"/(?:api/v1|apis/[a-z0-9.-]+/[a-z0-9]+)/namespaces/(?P<namespace>[^/]+)/[^/]+(/[^/]+){0,2}")
OTHERS = ("other", "kube-system", "payments", "reports", "default")
"""The namespaces of the simulated cluster and of the lines, beside the own one."""
RIGHTS = ("impersonate-user", "impersonate-group", "impersonate-uid")
TERMINALS = ("stdin", "tty")
NEVER = ("/attach", "/portforward", "/proxy", "/token", "/ephemeralcontainers")


@dataclass(frozen=True)
class Request:
    """One request, as it arrived."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes = b""

    def __str__(self) -> str:
        return f"{self.method} {self.path} {dict(self.query)}"


@dataclass
class Recorder:
    """A WSGI application that passes everything on and keeps what it saw."""

    app: Callable[..., Any]
    seen: list[Request] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        body = b""
        if environ.get("CONTENT_LENGTH", "").isdecimal():
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            environ["wsgi.input"] = BytesIO(body)
        headers = {name[5:].lower().replace("_", "-"): value for name, value in environ.items() if name[:5] == "HTTP_"}
        query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        raw = environ.get("REQUEST_URI") or environ.get("RAW_URI") or environ["PATH_INFO"]
        path = unquote(raw.split("?")[0])
        with self.lock:
            self.seen.append(Request(environ["REQUEST_METHOD"], path, query, headers, body))
        return self.app(environ, start)

    def taken(self) -> list[Request]:
        """Give what was seen since the last time."""
        with self.lock:
            seen, self.seen = self.seen, []
        return seen


@dataclass(frozen=True)
class Recording:
    """Where the recorder listens, and whom it lets in."""

    recorder: Recorder
    port: int
    kubeconfig: str
    token: str


@contextmanager
def recording(cluster: Cluster, *, namespace: str) -> Iterator[Recording]:
    """Serve a simulated cluster once more, through a recorder, for a kubeconfig of its administrator."""
    recorder = Recorder(cluster._api)
    authority, context = certificates.make()
    front = Front(recorder, context)
    front.switch_on()
    try:
        token = cluster.token()
        yield Recording(recorder, front.port, _kubeconfig(authority, front.port, token, namespace), token)
    finally:
        front.switch_off()


def _kubeconfig(authority: bytes, port: int, token: str, namespace: str) -> str:
    import base64

    trusted = base64.b64encode(authority).decode()
    cluster = {"server": f"https://{LOOPBACK}:{port}", "certificate-authority-data": trusted}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "own",
        "clusters": [{"name": "own", "cluster": cluster}],
        "users": [{"name": "own", "user": {"token": token}}],
        "contexts": [{"name": "own", "context": {"cluster": "own", "user": "own", "namespace": namespace}}],
    }
    return json.dumps(document)


def breach(request: Request, *, namespace: str, token: str, autoscaled: frozenset[str]) -> str:
    """Say how a request breaks the wall around a namespace; "" when it does not."""
    if request.headers.get("authorization") != f"Bearer {token}":
        return "another identity"
    if any(name in request.headers for name in RIGHTS):
        return "impersonates"
    if REVIEW.fullmatch(request.path):
        return _reviewed(request, namespace)
    # kubectl looks for the namespace itself when an object in it is not there
    harmless = OPEN.fullmatch(request.path) or request.path == f"/api/v1/namespaces/{namespace}"
    return "" if harmless and request.method == "GET" else _beyond(request, namespace, autoscaled)


def _beyond(request: Request, namespace: str, autoscaled: frozenset[str]) -> str:
    within = NAMESPACED.fullmatch(request.path)
    if within is None:
        return "reaches beyond namespaces"
    if within["namespace"] != namespace:
        return f"reaches namespace {within['namespace']}"
    return _inside(request, autoscaled)


def _reviewed(request: Request, namespace: str) -> str:
    """Look for the names of the other namespaces: the body is protobuf, and holds names as they are."""
    named = [name for name in OTHERS if name.encode() in request.body]
    return f"asks about namespace {named[0]}" if named and namespace not in named else ""


def _inside(request: Request, autoscaled: frozenset[str]) -> str:
    if any(request.query.get(name, ["false"])[-1] not in ("false", "0", "") for name in TERMINALS):
        return "opens a terminal or standard input"
    if any(part in request.path for part in NEVER):
        return "uses what nobody may"
    *_, kind, name = request.path.removesuffix("/scale").split("/")[-2:]
    if f"{kind.removesuffix('s')}/{name}" in autoscaled and request.method in ("PUT", "PATCH") and _scales(request):
        return "sets replicas against an autoscaler"
    return ""


def _scales(request: Request) -> bool:
    return b'"replicas"' in request.body or b"/spec/replicas" in request.body or request.path.endswith("/scale")
