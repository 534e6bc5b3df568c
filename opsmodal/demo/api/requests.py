"""A request to the API server, read: which verb on which kind, and in which form the answer is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opsmodal.demo.api.users import User
from opsmodal.demo.kinds import Catalogue, Kind
from opsmodal.demo.problems import bad_request, no_such_resource

JSON = "application/json"
TRUE = ("true", "1", "True", "t", "T")
COLLECTION_VERBS = {"GET": "list", "POST": "create", "DELETE": "deletecollection"}
OBJECT_VERBS = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "POST": "create"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What came in. `gone` tells whether the client has hung up; `ending` whether the server wants streams to end."""

    method: str
    path: str
    params: Mapping[str, Sequence[str]]
    body: bytes = b""
    accept: str = ""
    content_type: str = ""
    user: User
    environ: Mapping[str, Any] = field(default_factory=dict)
    gone: Callable[[], bool] = lambda: False
    ending: Callable[[], bool] = lambda: False

    def text(self, name: str, default: str = "") -> str:
        """Give a parameter of the query."""
        values = self.params.get(name)
        return values[0] if values else default

    def flag(self, name: str) -> bool:
        """Tell whether a parameter of the query is switched on."""
        return self.text(name) in TRUE

    def number(self, name: str) -> int | None:
        """Give a whole number of the query, None when it is absent. Refuse anything else with a 400."""
        text = self.text(name)
        if not text:
            return None
        try:
            return int(text)
        except ValueError:
            raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes out; a body that is not bytes is streamed."""

    status: int
    body: bytes | Iterable[bytes]
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a path names. `name` is empty for a collection, `namespace` for the whole cluster."""

    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    verb: str = ""

    @property
    def space(self) -> str:
        """Give the namespace that storage keeps the object under."""
        return self.namespace if self.kind.namespaced else ""

    @property
    def resource(self) -> str:
        """Give the resource with its subresource, as roles name it: `pods/log`."""
        return f"{self.kind.plural}/{self.subresource}" if self.subresource else self.kind.plural


def _after_group(path: str) -> tuple[str, str, list[str]]:
    parts = path.strip("/").split("/")
    if parts[0] == "api" and len(parts) > 2:
        return "", parts[1], parts[2:]
    if parts[0] == "apis" and len(parts) > 3:
        return parts[1], parts[2], parts[3:]
    raise no_such_resource()


def target(request: Request, catalogue: Catalogue) -> Target:
    """Read what a request is about. Raise a 404 Problem when the path names nothing that is served."""
    group, version, rest = _after_group(request.path)
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    elif rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
    kind = catalogue.at(group, version, rest[0])
    if kind is None or (namespace and not kind.namespaced and rest[0] != "namespaces"):
        raise no_such_resource()
    name = rest[1] if len(rest) > 1 else ""
    subresource = "/".join(rest[2:])
    if subresource and subresource not in kind.subresources:
        raise no_such_resource()
    verb = (OBJECT_VERBS if name else COLLECTION_VERBS).get(request.method, "")
    if verb in ("list", "get") and request.flag("watch"):
        verb = "watch"
    return Target(kind=kind, namespace=namespace, name=name, subresource=subresource, verb=verb)
