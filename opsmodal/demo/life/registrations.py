"""APIServices: what another server adds to the API is served while it is registered, and answers while its pods do.

Only the Metrics API is added in this way. A registration without a Service stands for the cluster itself and always
answers. Source of reasons and words: k8s.io/kube-aggregator pkg/controllers/status.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from opsmodal.demo.documents import Obj, dig, labels_of, name_of, namespace_of
from opsmodal.demo.kinds import METRICS, Kind, stored
from opsmodal.demo.life.conditions import is_true, set_condition
from opsmodal.demo.life.endpoints import SERVICE_LABEL, SERVICES, SLICES
from opsmodal.demo.problems import Problem
from opsmodal.demo.storage import Change, Key, Storage
from opsmodal.demo.world import World

REGISTRATIONS = stored("apiservices")
GROUP_VERSION = METRICS[0].api_version.split("/")
METRICS_NAME = f"{GROUP_VERSION[1]}.{GROUP_VERSION[0]}"
"""What the registration of the Metrics API is called: `v1beta1.metrics.k8s.io`."""
LOCAL = ("True", "Local", "Local APIServices are always available")
PASSED = ("True", "Passed", "all checks passed")


def of_metrics() -> Obj:
    """Give the registration by which the cluster itself measures."""
    spec = {"group": GROUP_VERSION[0], "version": GROUP_VERSION[1], "groupPriorityMinimum": 100, "versionPriority": 100}
    head: Obj = {"apiVersion": REGISTRATIONS.api_version, "kind": REGISTRATIONS.name}
    return head | {"metadata": {"name": METRICS_NAME}, "spec": spec}


def is_measured(storage: Storage) -> bool:
    """Tell whether the Metrics API answers."""
    record = storage.get(REGISTRATIONS, "", METRICS_NAME)
    return record is not None and (is_true(record.document, "Available") or not dig(record.document, "spec", "service"))


def demand_measured(storage: Storage) -> None:
    """Raise the Problem with which the API server answers for a Metrics API that does not."""
    if not is_measured(storage):
        words = "the server is currently unable to handle the request"
        raise Problem(503, "ServiceUnavailable", words)


class Registrations:
    """Serve what is registered, and say whether it answers."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._storage = world.storage
        world.storage.listen(self._serve)

    def _serve(self, kind: Kind, change: Change) -> None:
        """Change the catalogue at once: whoever has deleted the registration finds no metrics any more."""
        if kind is REGISTRATIONS and name_of(change.record.document) == METRICS_NAME:
            self._world.catalogue.serve(METRICS, is_on=change.type != "DELETED")

    def notice(self, kind: Kind, change: Change) -> Iterable[Key]:
        """Look at registrations, and at those whose Service or its addresses changed."""
        document = change.record.document
        if kind is REGISTRATIONS:
            return [] if change.type == "DELETED" else [("", name_of(document))]
        if kind not in (SERVICES, SLICES):
            return []
        service = name_of(document) if kind is SERVICES else labels_of(document).get(SERVICE_LABEL)
        place = (namespace_of(document), service)
        known = (record.document for record in self._storage.records(REGISTRATIONS)[1])
        return [("", name_of(each)) for each in known if _place(each) == place]

    def look(self, key: Key) -> datetime | None:
        """Say whether a registered server answers."""
        record = self._storage.get(REGISTRATIONS, *key)
        if record is not None:
            status, reason, message = self._judged(record.document)
            stamp = self._world.clock.stamp()

            def edit(document: Obj) -> None:
                set_condition(document, "Available", status, stamp, reason=reason, message=message)

            self._storage.update(REGISTRATIONS, *key, edit)
        return None

    def _judged(self, registration: Obj) -> tuple[str, str, str]:
        place = _place(registration)
        if place is None:
            return LOCAL
        named = f'service/{place[1]} in "{place[0]}"'
        if self._storage.get(SERVICES, *place) is None:
            return "False", "ServiceNotFound", f"{named} is not present"
        slices = (record.document for record in self._storage.records(SLICES, place[0])[1])
        found = [each for each in slices if labels_of(each).get(SERVICE_LABEL) == place[1]]
        if not any(dig(end, "conditions", "ready") for each in found for end in each.get("endpoints") or ()):
            port = dig(registration, "spec", "service", "port") or 443
            return "False", "MissingEndpoints", f"endpoints for {named} have no addresses with port name {port}"
        return PASSED


def _place(registration: Obj) -> tuple[str, str] | None:
    service = dig(registration, "spec", "service")
    return (str(service.get("namespace")), str(service.get("name"))) if service else None
