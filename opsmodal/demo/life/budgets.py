"""What follows from counting pods: ResourceQuotas' usage and PodDisruptionBudgets' room."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from math import ceil

from opsmodal.demo.documents import Obj, dig, is_leaving, labels_of, name_of, namespace_of
from opsmodal.demo.kinds import PODS, Kind, stored
from opsmodal.demo.life.conditions import set_condition
from opsmodal.demo.life.making import is_active, is_ready
from opsmodal.demo.limits import shown
from opsmodal.demo.quotas import CLAIMS, QUOTAS, SERVICES
from opsmodal.demo.quotas import used as used_by
from opsmodal.demo.selectors import of_object
from opsmodal.demo.storage import Change, Key
from opsmodal.demo.world import World

RESIZED = (PODS, SERVICES, CLAIMS)
"""Kinds whose objects can come to take more or less."""
BUDGETS = stored("poddisruptionbudgets")


class Quotas:
    """Keep the usage of ResourceQuotas."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._storage = world.storage

    def notice(self, kind: Kind, change: Change) -> Iterable[Key]:
        """Look at quotas, and at those of a namespace in which something counted changed."""
        if kind is QUOTAS and change.type != "DELETED":
            return [(namespace_of(change.record.document), name_of(change.record.document))]
        if not kind.namespaced or (change.type == "MODIFIED" and kind not in RESIZED):
            return []
        quotas = self._storage.records(QUOTAS, namespace_of(change.record.document))[1]
        return [(namespace_of(quota.document), name_of(quota.document)) for quota in quotas]

    def look(self, key: Key) -> datetime | None:
        """Count what a namespace uses."""
        record = self._storage.get(QUOTAS, *key)
        if record is not None:
            hard = dig(record.document, "spec", "hard") or {}
            usage = used_by(self._storage, record.document, key[0], self._world.catalogue.stored())
            used = {name: shown(number) for name, number in usage.items()}
            status = {"hard": hard, "used": used}
            self._storage.update(QUOTAS, *key, lambda document: document.update(status=status))
        return None


class Budgets:
    """Keep the room of PodDisruptionBudgets."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._storage = world.storage

    def notice(self, kind: Kind, change: Change) -> Iterable[Key]:
        """Look at budgets, and at those of a namespace in which a pod changed."""
        document = change.record.document
        if kind is BUDGETS and change.type != "DELETED":
            return [(namespace_of(document), name_of(document))]
        if kind is not PODS:
            return []
        budgets = self._storage.records(BUDGETS, namespace_of(document))[1]
        return [(namespace_of(item.document), name_of(item.document)) for item in budgets]

    def look(self, key: Key) -> datetime | None:
        """Count how many pods may still be disturbed."""
        record = self._storage.get(BUDGETS, *key)
        if record is None or is_leaving(record.document):
            return None
        budget = record.document
        matches = of_object(dig(budget, "spec", "selector"))
        found = [item.document for item in self._storage.records(PODS, key[0])[1]]
        pods = [pod for pod in found if is_active(pod) and matches(labels_of(pod))]
        healthy, wanted = sum(map(is_ready, pods)), _desired(budget, len(pods))
        status: Obj = {"currentHealthy": healthy, "desiredHealthy": wanted, "expectedPods": len(pods)}
        status |= {"disruptionsAllowed": max(healthy - wanted, 0)}
        status["observedGeneration"] = budget["metadata"].get("generation", 1)
        stamp, allowed = self._world.clock.stamp(), status["disruptionsAllowed"] > 0

        def edit(document: Obj) -> None:
            kept = dig(document, "status", "conditions") or []
            document["status"] = status | {"conditions": kept}
            reason = "SufficientPods" if allowed else "InsufficientPods"
            set_condition(document, "DisruptionAllowed", str(allowed), stamp, reason=reason)
            for condition in document["status"]["conditions"]:
                condition |= {"message": "", "observedGeneration": status["observedGeneration"]}

        self._storage.update(BUDGETS, *key, edit)
        return None


def _desired(budget: Obj, expected: int) -> int:
    low, high = (dig(budget, "spec", field) for field in ("minAvailable", "maxUnavailable"))
    if low is not None:
        return _share(low, expected)
    return max(expected - _share(high or 0, expected), 0)


def _share(value: int | str, expected: int) -> int:
    return ceil(int(value.rstrip("%")) * expected / 100) if isinstance(value, str) else value
