"""The Domains facet: the names under which a service is reached, as rows, and every change to one row.

A row is one host and path of an object that may hold rows of others: whatever is not in the row stays as it is. The
same host and path somewhere else is a conflict and is refused. Checks from outside are not this facet's: it says only
what the runtime itself knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

from runtimes.planning import Applied, Plan

if TYPE_CHECKING:
    from runtimes.base import Scope

PathType = Literal["Prefix", "Exact", "ImplementationSpecific"]
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxying:
    """What a proxy does for a route beside leading it on; an Ingress or an HTTPRoute has nothing of it here.

    `tls` is "automatic", "internal" or "none", "" where it is not said. With `redirect`, an address like
    https://www.example.com, visitors are sent there with `redirect_status`, and the row leads to no backend. Headers
    are set on what the backend gets and on what it answers. A time of 0 is the proxy's own.
    """

    tls: str = ""
    redirect: str = ""
    redirect_status: int = 308
    request_headers: Headers = ()
    response_headers: Headers = ()
    connect_timeout_s: int = 0
    answer_timeout_s: int = 0


PLAIN = Proxying()


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainRow:
    """One rule. `id` is opaque, stable while the row is the same, fit for a path segment of an address.

    `kind` is "Ingress", "HTTPRoute" or "route" (Caddy); `object` the name of what holds it. `backend` is the Service
    (or container), `port` its number or name. `class_name` is the ingress class or the gateway. `ready` counts the
    backend's endpoints that are ready; None where not known. `entries` are addresses where the ingress answers.
    """

    id: str
    kind: str
    object: str
    host: str
    path: str = "/"
    path_type: str = "Prefix"
    backend: str = ""
    port: str = ""
    class_name: str = ""
    tls_secret: str = ""
    tls: bool = False
    certificate_not_after: datetime | None = None
    certificate_names: tuple[str, ...] = ()
    ready: int | None = None
    entries: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    """What is wrong as the runtime sees it, in sentences: no such Service, no endpoint ready, Secret missing."""
    managed_by: str = ""
    editable: bool = True
    fixed: str = ""
    """Why it is not changed here, as a sentence; "" where it may be."""
    revision: str = ""
    proxying: Proxying = PLAIN
    listen_port: int = 0
    """Where it is answered, other than at the usual port of HTTP or HTTPS; 0 for that."""
    address: str = ""
    """Where a proxy dials the backend (`127.0.0.1:8080`); "" where something else finds it."""
    moved: bool = False
    """Whether the backend is to be found at another address by now: `renew` mends that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What is missing before any domain can be made: one sentence, what to do, and the one line that does it.

    `broken` is for what should be there: it is registered, and does not answer.
    """

    sentence: str
    hint: str = ""
    command: str = ""
    broken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """Whether the backend of a row takes connections at its port just now: None where that is not asked."""

    ok: bool | None
    sentence: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainChoices:
    """What a row can be made of: backends with their ports, classes, TLS secrets, and kinds that can be made.

    `about` says more of a class ("listens on :443"). `tls` are the ways in which a proxy can give a host TLS. With
    `any_port` the ports of a backend are those that are known, and another one may be named.
    """

    backends: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    tls_secrets: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ("Ingress",)
    about: Mapping[str, str] = field(default_factory=dict)
    tls: tuple[str, ...] = ()
    any_port: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainList:
    """The rows of a service, what new ones can be made of, and in `notes` what could not be read.

    `others` are hosts and paths of the same proxy that are nobody's service here, as text. With `setup` there is
    nothing yet that could hold a row.
    """

    items: tuple[DomainRow, ...]
    choices: DomainChoices
    as_of: datetime
    notes: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    setup: Setup | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainChange:
    """What a row is to be. `id` "" creates it, with `revision` "" as well; `object` "" makes an object of its own.

    `shared_host` says that the host may be one that other namespaces have: whose paths are then put together.
    """

    host: str
    path: str = "/"
    path_type: str = "Prefix"
    backend: str
    port: str
    class_name: str = ""
    tls_secret: str = ""
    kind: str = "Ingress"
    object: str = ""
    id: str = ""
    revision: str = ""
    shared_host: bool = False
    proxying: Proxying = PLAIN


class Domains(Protocol):
    """The Domains tab. All methods raise only `runtimes.errors`.

    The `field` of an error is that of a DomainChange, or `target` for its backend and port together.
    """

    def list(self, scope: Scope) -> DomainList:
        """List the rows of a service, and what new ones can be made of.

        What may not be read is told in `notes`, and less is said then.
        """
        ...

    def setup(self) -> Setup | None:
        """Say what is missing before any service can have a domain; None where nothing is."""
        ...

    def plan(self, scope: Scope, change: DomainChange) -> Plan:
        """Say what saving a row would do, by a dry run.

        Raise Missing for a row or an object that is not the service's, Stale when it is no longer at the revision of
        the change, Invalid for words that cannot be, Lacking for a kind that the runtime does not know. Raise Conflict
        for a host and path that is taken, with by whom; so for a host that other namespaces have and that of the row
        does not, unless `shared_host` is said; and for a row that is not changed here.
        """
        ...

    def save(self, scope: Scope, change: DomainChange) -> Applied:
        """Write a row, once; `made` names the object where that is new. Raise what `plan` raises."""
        ...

    def plan_delete(self, scope: Scope, domain: str) -> Plan:
        """Say what goes with a row: its object too, where it is the last one of it. `domain` is a row's `id`.

        Raise Missing when it is not the service's, Conflict for one that is not removed here.
        """
        ...

    def delete(self, scope: Scope, domain: str, *, revision: str = "") -> Applied:
        """Remove a row, once. Raise what `plan_delete` raises, and Stale when its object is no longer at `revision`.

        Without a `revision` it is removed as it is now.
        """
        ...

    def plan_renew(self, scope: Scope, domain: str) -> Plan:
        """Say what leading a row to where its backend is now would do."""
        ...

    def renew(self, scope: Scope, domain: str = "", *, revision: str = "") -> Applied:
        """Lead a row, or all of a service, to where its backend is now: for whoever has replaced containers.

        Raise Unsupported where rows follow their backends by themselves.
        """
        ...

    def answering(self, scope: Scope, domain: str) -> Answering:
        """Try whether the backend of a row takes connections at its port, by a connection and no byte."""
        ...
