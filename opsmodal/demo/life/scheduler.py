"""The scheduler: gives pods a node, or says in the real scheduler's words why none fits.

It keeps what every node carries as sums, so that placing a pod costs one look at each node whatever the number of pods.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from opsmodal.demo.documents import Obj, dig, is_leaving, name_of, namespace_of, uid_of
from opsmodal.demo.kinds import NODES, PODS, Kind, stored
from opsmodal.demo.life.conditions import set_condition
from opsmodal.demo.life.fit import Load, Misfit, load_of, misfit, unschedulable_words
from opsmodal.demo.life.reports import Reporter
from opsmodal.demo.storage import Change, Key
from opsmodal.demo.world import World

CLAIMS = stored("persistentvolumeclaims")
CLASSES = stored("storageclasses")
RETRY_S = 60.0
"""How often a pod that fits nowhere is tried again even if nothing changed."""
REPORT_AGAIN = timedelta(seconds=240)
"""The same refusal is reported again only after this time, as the real scheduler's event series does."""
ENDED = ("Succeeded", "Failed")
WAITING: Key = ("", "")
"""The key that stands for every pod that waits: room has appeared somewhere."""


def _carried(pod: Obj) -> bool:
    return bool(dig(pod, "spec", "nodeName")) and dig(pod, "status", "phase") not in ENDED


class Scheduler:
    """Bind pods to nodes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._storage = world.storage
        self._reports = Reporter(world, "default-scheduler", newer=True)
        self._loads: dict[str, Load] = {}
        self._carried: dict[str, tuple[str, Load]] = {}
        self._waiting: dict[Key, tuple[str, datetime]] = {}

    def notice(self, kind: Kind, change: Change) -> Iterable[Key]:
        """Look at new pods; look at all that wait when room appears."""
        document = change.record.document
        if kind is PODS:
            self._account(change)
            if change.type == "DELETED":
                self._waiting.pop((namespace_of(document), name_of(document)), None)
            elif not dig(document, "spec", "nodeName") and change.type == "ADDED":
                return [(namespace_of(document), name_of(document))]
            freed = change.type == "DELETED" or dig(document, "status", "phase") in ENDED
            return [WAITING] if freed and self._waiting else []
        if kind in (NODES, CLAIMS, CLASSES) and self._waiting:
            return [WAITING]
        return []

    def _account(self, change: Change) -> None:
        """Keep the sums right; a pod counts from the moment it is bound, before the change is noticed."""
        pod = change.record.document
        carried = change.type != "DELETED" and _carried(pod)
        if carried and uid_of(pod) not in self._carried:
            self._carry(pod, pod["spec"]["nodeName"])
        elif not carried and uid_of(pod) in self._carried:
            node, load = self._carried.pop(uid_of(pod))
            self._loads[node].add(load, -1)

    def _carry(self, pod: Obj, node: str) -> None:
        load = load_of(pod)
        self._carried[uid_of(pod)] = (node, load)
        self._loads.setdefault(node, Load()).add(load)

    def look(self, key: Key) -> datetime | None:
        """Try to place a pod, or all that wait."""
        if key == WAITING:
            for waiting in list(self._waiting):
                self._try(waiting)
            return None
        return self._try(key)

    def _try(self, key: Key) -> datetime | None:
        record = self._storage.get(PODS, *key)
        if record is None or is_leaving(record.document) or dig(record.document, "spec", "nodeName"):
            self._waiting.pop(key, None)
            return None
        pod = record.document
        if dig(pod, "spec", "schedulingGates"):
            self._storage.update(PODS, *key, _gated)
            return self._world.clock.after(RETRY_S)
        node, why = self._place(pod)
        if node is None:
            self._refuse(key, pod, why)
            return self._world.clock.after(RETRY_S)
        self._waiting.pop(key, None)
        self._bind(key, pod, node)
        return None

    def _place(self, pod: Obj) -> tuple[Obj | None, str]:
        """Give the emptiest node that fits, or why none does."""
        nodes = [record.document for record in self._storage.records(NODES)[1]]
        wanted = load_of(pod)
        found: list[Misfit] = []
        fitting: list[tuple[int, str, Obj]] = []
        for node in nodes:
            used = self._loads.get(name_of(node), Load())
            why = misfit(pod, wanted, node, used)
            if why:
                found.append(why)
            else:
                fitting.append((used.pods, name_of(node), node))
        if claim := self._claim_problem(pod):
            return None, unschedulable_words([Misfit(())] * len(nodes), claim)
        if not fitting:
            return None, unschedulable_words(found)
        return min(fitting, key=lambda item: item[:2])[2], ""

    def _claim_problem(self, pod: Obj) -> str:
        for volume in dig(pod, "spec", "volumes") or ():
            name = dig(volume, "persistentVolumeClaim", "claimName")
            if not name:
                continue
            claim = self._storage.get(CLAIMS, namespace_of(pod), name)
            if claim is None:
                return f'persistentvolumeclaim "{name}" not found'
            if dig(claim.document, "status", "phase") != "Bound" and not self._binds_later(claim.document):
                return "pod has unbound immediate PersistentVolumeClaims"
        return ""

    def _binds_later(self, claim: Obj) -> bool:
        class_ = self._storage.get(CLASSES, "", dig(claim, "spec", "storageClassName") or "")
        return bool(class_ and class_.document.get("volumeBindingMode") == "WaitForFirstConsumer")

    def _refuse(self, key: Key, pod: Obj, why: str) -> None:
        now = self._world.clock.now()
        last_why, last_at = self._waiting.get(key, ("", now))
        if why == last_why and now - last_at < REPORT_AGAIN:
            return
        self._waiting[key] = (why, now)
        self._reports.warn(pod, "FailedScheduling", why)
        stamp = self._world.clock.stamp()

        def mark(document: Obj) -> None:
            set_condition(document, "PodScheduled", "False", stamp, reason="Unschedulable", message=why)

        self._storage.update(PODS, *key, mark)

    def _bind(self, key: Key, pod: Obj, node: Obj) -> None:
        self._carry(pod, name_of(node))
        stamp = self._world.clock.stamp()

        def place(document: Obj) -> None:
            document["spec"]["nodeName"] = name_of(node)
            set_condition(document, "PodScheduled", "True", stamp)

        self._storage.update(PODS, *key, place)
        subject = f"{namespace_of(pod)}/{name_of(pod)}"
        self._reports.normal(pod, "Scheduled", f"Successfully assigned {subject} to {name_of(node)}")


def _gated(pod: Obj) -> None:
    message = "Scheduling is blocked due to non-empty scheduling gates"
    set_condition(pod, "PodScheduled", "False", None, reason="SchedulingGated", message=message)
