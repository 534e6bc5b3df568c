"""One rule of one object, as it was read: what it says, and where in the object it stands. Pure.

A rule is known by what it says, not by its place: rows keep their address while others of the object come and go.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from runtimes.kubernetes.objects.common import Metadata

Document = dict[str, Any]
"""An object as the API server writes it: kept whole, since whatever is sent back is made of it."""
ANY_HOST = "*"
"""Shown for a rule that holds for every host that no other rule names."""
INGRESS, ROUTE = "Ingress", "HTTPRoute"
RESOURCES: Mapping[str, str] = {INGRESS: "ingresses", ROUTE: "httproutes"}
ID_CHARS = 12
REVISION_CHARS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One host and path. `place` is (rule, path) as indexes into the object; -1 where there is nothing to point at.

    `fixed` is why it is not changed here, "" where it may be. `number` tells apart what says the same twice.
    """

    kind: str
    namespace: str
    object: str
    host: str
    path: str
    path_type: str
    place: tuple[int, int]
    backend: str = ""
    port: str = ""
    class_name: str = ""
    tls: bool = False
    tls_secret: str = ""
    entries: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    fixed: str = ""
    number: int = 0

    @property
    def id(self) -> str:
        """Give the row's address: `ingress.web.3f2a9c01d2e4`."""
        said = json.dumps([self.kind, self.object, self.host, self.path, self.path_type, self.number])
        return f"{self.kind.lower()}.{self.object}.{hashlib.sha256(said.encode()).hexdigest()[:ID_CHARS]}"

    @property
    def words(self) -> str:
        """Name it for a person: `shop.example.com/cart`."""
        return f"{self.host}{self.path}"

    @property
    def holder(self) -> str:
        """Name what holds it: `Ingress web`."""
        return f"{self.kind} {self.object}"

    def key(self) -> tuple[str, str, bool]:
        """Give what no two rules of a cluster may share: host, path and whether the path is exact."""
        return key(self.host, self.path, self.path_type)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """One object with its rules. `raw` is the whole of it, `version` its resourceVersion."""

    kind: str
    name: str
    namespace: str
    uid: str
    version: str
    raw: Document = field(repr=False)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()

    @property
    def revision(self) -> str:
        """Give what people look at, as a digest: a resourceVersion moves with every report of a controller, too."""
        said = json.dumps([self.raw.get("spec"), self.labels, self.annotations], sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()[:REVISION_CHARS]


def key(host: str, path: str, path_type: str) -> tuple[str, str, bool]:
    """Give what makes two rules the same: a prefix with and without its last slash is one (Ingress, path types)."""
    exact = path_type == "Exact"
    return host.lower() or ANY_HOST, path if exact else path.rstrip("/") or "/", exact


def as_holder(kind: str, raw: Document, metadata: Metadata, rules: Iterable[Rule]) -> Holder:
    """Join an object as it was read with what is known of it and with its rules."""
    return Holder(
        kind=kind,
        name=metadata.name,
        namespace=metadata.namespace,
        uid=metadata.uid,
        version=metadata.resource_version,
        raw=raw,
        labels=metadata.labels or {},
        annotations=metadata.annotations or {},
        rules=_numbered(rules),
    )


def _numbered(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Count what says the same twice in one object, so that each has an address of its own."""
    seen: Counter[tuple[str, str, str]] = Counter()
    found = []
    for rule in rules:
        said = (rule.host, rule.path, rule.path_type)
        found.append(replace(rule, number=seen[said]))
        seen[said] += 1
    return tuple(found)
