"""Gateways and HTTPRoutes: which are accepted, where they answer, and what of them leads nowhere.

Source of conditions and reasons: https://gateway-api.sigs.k8s.io/reference/spec/ (v1). No request is ever routed: only
the status is played. Gateways of another controller's class are left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from opsmodal.demo.documents import Obj, dig, is_leaving, labels_of, name_of, namespace_of, uid_of
from opsmodal.demo.gateway import CONTROLLER, GROUP, VERSION
from opsmodal.demo.kinds import NAMESPACES, Kind, stored
from opsmodal.demo.life.conditions import set_condition
from opsmodal.demo.selectors import of_object
from opsmodal.demo.storage import Change, Key, Record
from opsmodal.demo.world import World

SERVICES = stored("services")
ROUTE = "HTTPRoute"
PLURALS = {"GatewayClass": "gatewayclasses", "Gateway": "gateways", ROUTE: "httproutes"}
LISTENER_STATES = (
    ("Accepted", "Listener is accepted"),
    ("Programmed", "Listener is programmed"),
    ("ResolvedRefs", "All references are resolved"),
)
Judged = tuple[str, str, str]
"""Status, reason and message of a condition."""


class Gateways:
    """Keep the status of the Gateway API's kinds. Its keys are "Kind/namespace" and a name."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._storage = world.storage

    def notice(self, kind: Kind, change: Change) -> Iterable[Key]:
        """Look at what changed, and at all gateways and routes when one of them, or a Service, came or went."""
        if kind.group != GROUP and not (kind is SERVICES and change.type != "MODIFIED"):
            return []
        return [(f"{name}/{namespace_of(item.document)}", name_of(item.document)) for name, item in self._all()]

    def _all(self) -> Iterator[tuple[str, Record]]:
        for name in PLURALS:
            for record in self._records(name):
                yield name, record

    def _kind(self, name: str) -> Kind | None:
        return self._world.catalogue.at(GROUP, VERSION, PLURALS[name])

    def _records(self, name: str) -> list[Record]:
        kind = self._kind(name)
        return self._storage.records(kind)[1] if kind else []

    def look(self, key: Key) -> datetime | None:
        """Judge one object."""
        name, _, namespace = key[0].partition("/")
        kind = self._kind(name)
        record = self._storage.get(kind, namespace, key[1]) if kind else None
        if kind is None or record is None or is_leaving(record.document):
            return None
        edit = {"GatewayClass": self._class, "Gateway": self._gateway, ROUTE: self._route}[name]
        self._storage.update(kind, namespace, key[1], edit)
        return None

    def _set(self, document: Obj, place: Obj, type_: str, judged: Judged) -> None:
        status, reason, message = judged
        holder: Obj = {"status": place}
        set_condition(holder, type_, status, self._world.clock.stamp(), reason=reason, message=message)
        for condition in place["conditions"]:
            condition["observedGeneration"] = document["metadata"].get("generation", 1)

    def _class(self, document: Obj) -> None:
        if dig(document, "spec", "controllerName") == CONTROLLER:
            status = document.setdefault("status", {})
            self._set(document, status, "Accepted", ("True", "Accepted", "GatewayClass is accepted"))

    def _is_ours(self, gateway: Obj) -> bool:
        wanted = dig(gateway, "spec", "gatewayClassName")
        return any(
            name_of(item.document) == wanted and dig(item.document, "spec", "controllerName") == CONTROLLER
            for item in self._records("GatewayClass")
        )

    def _gateway(self, document: Obj) -> None:
        if not self._is_ours(document):
            return
        status = document.setdefault("status", {})
        asked = dig(document, "spec", "addresses")
        number = int(uid_of(document)[:4] or "0", 16) % 100
        status["addresses"] = asked or [{"type": "IPAddress", "value": f"172.18.1.{number + 100}"}]
        self._set(document, status, "Accepted", ("True", "Accepted", "Gateway is accepted"))
        self._set(document, status, "Programmed", ("True", "Programmed", "Gateway is programmed"))
        before = {item["name"]: item for item in status.get("listeners") or ()}
        status["listeners"] = [
            self._listener(document, listener, before.get(listener["name"]) or {})
            for listener in document["spec"]["listeners"]
        ]

    def _listener(self, gateway: Obj, listener: Obj, before: Obj) -> Obj:
        attached = sum(self._attaches(route.document, gateway, listener) for route in self._records(ROUTE))
        kinds = [{"group": GROUP, "kind": ROUTE}]
        status = before | {"name": listener["name"], "attachedRoutes": attached, "supportedKinds": kinds}
        for type_, words in LISTENER_STATES:
            self._set(gateway, status, type_, ("True", type_, words))
        return status

    def _attaches(self, route: Obj, gateway: Obj, listener: Obj) -> bool:
        return any(
            self._parent(route, parent) == gateway["metadata"]["uid"]
            and parent.get("sectionName") in (None, listener["name"])
            and self._accepted(route, parent)[0] == "True"
            for parent in dig(route, "spec", "parentRefs") or ()
        )

    def _found(self, route: Obj, parent: Obj) -> Obj | None:
        kind = self._kind("Gateway")
        if kind is None or parent.get("kind", "Gateway") != "Gateway":
            return None
        record = self._storage.get(kind, parent.get("namespace") or namespace_of(route), parent["name"])
        return record.document if record else None

    def _parent(self, route: Obj, parent: Obj) -> str:
        gateway = self._found(route, parent)
        return uid_of(gateway) if gateway else ""

    def _accepted(self, route: Obj, parent: Obj) -> Judged:
        gateway = self._found(route, parent)
        listeners = dig(gateway, "spec", "listeners") or []
        named = [item for item in listeners if parent.get("sectionName") in (None, item["name"])]
        if gateway is None or not named:
            return "False", "NoMatchingParent", "No listener of that name and gateway was found"
        if not any(self._admits(item, gateway, route) for item in named):
            return "False", "NotAllowedByListeners", "No listener allows routes of this namespace"
        hosts = dig(route, "spec", "hostnames") or []
        if not any(_matches(item.get("hostname"), hosts) for item in named):
            return "False", "NoMatchingListenerHostname", "No listener answers for a hostname of the route"
        return "True", "Accepted", "Route is accepted"

    def _admits(self, listener: Obj, gateway: Obj, route: Obj) -> bool:
        allowed = dig(listener, "allowedRoutes", "namespaces") or {}
        how = allowed.get("from", "Same")
        if how == "Selector":
            space = self._storage.get(NAMESPACES, "", namespace_of(route))
            return bool(space and of_object(allowed.get("selector"))(labels_of(space.document)))
        return bool(how == "All" or (how == "Same" and namespace_of(gateway) == namespace_of(route)))

    def _resolved(self, route: Obj) -> Judged:
        for rule in dig(route, "spec", "rules") or ():
            for backend in rule.get("backendRefs") or ():
                if backend.get("kind", "Service") != "Service":
                    return "False", "InvalidKind", f"A backend of kind {backend['kind']} is not known"
                space = backend.get("namespace") or namespace_of(route)
                if self._storage.get(SERVICES, space, backend["name"]) is None:
                    return "False", "BackendNotFound", f"Service {space}/{backend['name']} was not found"
        return "True", "ResolvedRefs", "All references are resolved"

    def _route(self, document: Obj) -> None:
        status = document.setdefault("status", {})
        before = {str(item["parentRef"]): item for item in status.get("parents") or ()}
        status["parents"] = []
        for parent in dig(document, "spec", "parentRefs") or ():
            gateway = self._found(document, parent)
            if gateway is not None and not self._is_ours(gateway):
                continue
            full = {"group": GROUP, "kind": "Gateway"} | parent
            entry = (before.get(str(full)) or {}) | {"parentRef": full, "controllerName": CONTROLLER}
            self._set(document, entry, "Accepted", self._accepted(document, parent))
            self._set(document, entry, "ResolvedRefs", self._resolved(document))
            status["parents"].append(entry)


def _matches(pattern: str | None, hosts: list[str]) -> bool:
    """Tell whether a listener's hostname (None: any) and one of a route's (none: any) have something in common."""
    if not pattern or not hosts:
        return True
    return any(pattern == host or _covers(pattern, host) or _covers(host, pattern) for host in hosts)


def _covers(wild: str, host: str) -> bool:
    return wild.startswith("*.") and host.endswith(wild[1:])
