"""Endpoints and EndpointSlices: which pods a Service reaches."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from opsmodal.demo import writing
from opsmodal.demo.documents import Obj, dig, is_leaving, labels_of, name_of, namespace_of, owned_by, uid_of
from opsmodal.demo.kinds import PODS, Kind, stored
from opsmodal.demo.life.making import is_active, is_ready
from opsmodal.demo.names import letters_of
from opsmodal.demo.storage import Change, Key
from opsmodal.demo.world import World

SERVICES = stored("services")
ENDPOINTS = stored("endpoints")
SLICES = stored("endpointslices")
SERVICE_LABEL = "kubernetes.io/service-name"
ADDRESSES_MAX = 1000
"""Addresses in one Endpoints object (the real controller truncates there too)."""


def _port_number(port: Obj, pod: Obj) -> int:
    wanted = port.get("targetPort")
    if isinstance(wanted, int):
        return wanted
    for container in dig(pod, "spec", "containers") or ():
        for known in container.get("ports") or ():
            if known.get("name") == wanted:
                return int(known["containerPort"])
    return int(port["port"])


def _matters(change: Change) -> bool:
    """Tell whether a changed pod may come or go as an address."""
    if change.type == "DELETED" or change.before is None:
        return True
    now, before = change.record.document, change.before.document
    facts: list[Any] = [(is_ready(pod), dig(pod, "status", "podIP"), labels_of(pod)) for pod in (now, before)]
    return bool(facts[0] != facts[1])


class Endpoints:
    """Keep Endpoints and EndpointSlices of Services with a selector."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._storage = world.storage

    def notice(self, kind: Kind, change: Change) -> Iterable[Key]:
        """Look at changed Services and at those that select a changed pod."""
        document = change.record.document
        if kind is SERVICES:
            if change.type == "DELETED":
                self._storage.remove(ENDPOINTS, namespace_of(document), name_of(document))
                return []
            return [(namespace_of(document), name_of(document))]
        if kind is not PODS or not _matters(change):
            return []
        labels = labels_of(document).items()
        services = self._storage.records(SERVICES, namespace_of(document))[1]
        selecting = [s.document for s in services if (dig(s.document, "spec", "selector") or {}).items() <= labels]
        return [(namespace_of(service), name_of(service)) for service in selecting if service["spec"].get("selector")]

    def look(self, key: Key) -> datetime | None:
        """Write the addresses of a Service."""
        record = self._storage.get(SERVICES, *key)
        if record is None or is_leaving(record.document) or not dig(record.document, "spec", "selector"):
            return None
        service = record.document
        wanted = service["spec"]["selector"].items()
        found = [item.document for item in self._storage.records(PODS, key[0])[1]]
        pods = [
            pod for pod in found if wanted <= labels_of(pod).items() and is_active(pod) and dig(pod, "status", "podIP")
        ][:ADDRESSES_MAX]
        self._put(ENDPOINTS, key, name_of(service), {"subsets": _subsets(service, pods)}, {})
        name = f"{name_of(service)}-{letters_of(uid_of(service))}"
        body = {"addressType": "IPv4", "endpoints": _endpoints(pods), "ports": _ports(service, pods)}
        owned = {"labels": {SERVICE_LABEL: name_of(service)}, "ownerReferences": [owned_by(service)]}
        self._put(SLICES, key, name, body, owned)
        return None

    def _put(self, kind: Kind, key: Key, name: str, body: Obj, metadata: Obj) -> None:
        if self._storage.update(kind, key[0], name, lambda document: document.update(body)) is None:
            manifest: Obj = {"metadata": {"name": name} | metadata} | body
            writing.create(self._world, kind, key[0], manifest)


def _ports(service: Obj, pods: list[Obj]) -> list[Obj]:
    first = pods[0] if pods else {}
    return [
        {"name": port.get("name", ""), "port": _port_number(port, first), "protocol": port.get("protocol", "TCP")}
        for port in dig(service, "spec", "ports") or ()
    ]


def _reference(pod: Obj) -> Obj:
    return {"kind": "Pod", "namespace": namespace_of(pod), "name": name_of(pod), "uid": uid_of(pod)}


def _subsets(service: Obj, pods: list[Obj]) -> list[Obj]:
    groups: dict[str, list[Obj]] = {"addresses": [], "notReadyAddresses": []}
    for pod in pods:
        address = {"ip": pod["status"]["podIP"], "nodeName": pod["spec"]["nodeName"], "targetRef": _reference(pod)}
        groups["addresses" if is_ready(pod) else "notReadyAddresses"].append(address)
    filled: Obj = {name: group for name, group in groups.items() if group}
    return [filled | {"ports": _ports(service, pods)}] if filled else []


def _endpoints(pods: list[Obj]) -> list[Obj]:
    return [
        {
            "addresses": [pod["status"]["podIP"]],
            "conditions": {"ready": is_ready(pod), "serving": is_ready(pod), "terminating": False},
            "nodeName": pod["spec"]["nodeName"],
            "targetRef": _reference(pod),
        }
        for pod in pods
    ]
