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


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainChoices:
    """What a row can be made of: backends with their ports, classes, TLS secrets, and kinds that can be made."""

    backends: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    tls_secrets: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ("Ingress",)


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainList:
    """The rows of a service, what new ones can be made of, and in `notes` what could not be read."""

    items: tuple[DomainRow, ...]
    choices: DomainChoices
    as_of: datetime
    notes: tuple[str, ...] = ()


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


class Domains(Protocol):
    """The Domains tab. All methods raise only `runtimes.errors`.

    The `field` of an error is that of a DomainChange, or `target` for its backend and port together.
    """

    def list(self, scope: Scope) -> DomainList:
        """List the rows of a service, and what new ones can be made of.

        What may not be read is told in `notes`, and less is said then.
        """
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
