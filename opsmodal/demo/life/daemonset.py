"""DaemonSets: one pod on every node that takes it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from opsmodal.demo.documents import Obj, copied, dig, is_leaving, labels_of, name_of
from opsmodal.demo.kinds import NODES, PODS, Kind, stored
from opsmodal.demo.life.fit import Load, misfit
from opsmodal.demo.life.making import ENDED, Maker, is_ready, key_of, noticed
from opsmodal.demo.life.statefulset import HASH, revision_name
from opsmodal.demo.storage import Change, Key
from opsmodal.demo.world import World

DAEMON_SETS = stored("daemonsets")
RETRY_S = 15.0
OMITTED = ("numberUnavailable", "numberAvailable", "updatedNumberScheduled")
"""Counts that are left out when they are 0."""
TOLERATED = ("not-ready", "unreachable", "disk-pressure", "memory-pressure", "pid-pressure", "unschedulable")


def _node_of(pod: Obj) -> str:
    """Give the node that a daemon pod is meant for, bound or not."""
    path = ("spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
    terms = dig(pod, *path) or []
    fields = terms[0].get("matchFields") if terms else None
    return str(dig(pod, "spec", "nodeName") or (fields[0]["values"][0] if fields else ""))


class DaemonSets:
    """Keep one pod on each node that fits."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._storage = world.storage
        self._maker = Maker(world, "daemonset-controller")

    def notice(self, kind: Kind, change: Change) -> Iterable[Key]:
        """Look at changed DaemonSets, at those whose pods changed, and at all when nodes come and go."""
        if kind is NODES and change.type != "MODIFIED":
            return [key_of(record.document) for record in self._storage.records(DAEMON_SETS)[1]]
        return noticed(kind, change, DAEMON_SETS)

    def look(self, key: Key) -> datetime | None:
        """Make the pods that are missing and delete those that are too many or outdated."""
        record = self._storage.get(DAEMON_SETS, *key)
        if record is None or is_leaving(record.document):
            return None
        owner = record.document
        revision = revision_name(self._world, owner)
        template = self._template(owner, revision)
        nodes = self._fitting(template)
        pods = {_node_of(item.document): item.document for item in self._storage.owned(PODS, owner["metadata"]["uid"])}
        refused = False
        for node in nodes:
            if node not in pods:
                refused = bool(self._maker.make(owner, self._bound(template, node))) or refused
        self._remove(owner, pods, nodes, revision)
        self._write(key, owner, nodes, revision)
        return self._world.clock.after(RETRY_S) if refused else None

    def _template(self, owner: Obj, revision: str) -> Obj:
        template = copied(owner["spec"]["template"])
        labels = template.setdefault("metadata", {}).setdefault("labels", {})
        labels |= {HASH: revision, "pod-template-generation": "1"}
        tolerations = template["spec"].setdefault("tolerations", [])
        for state in TOLERATED:
            effect = "NoExecute" if state in ("not-ready", "unreachable") else "NoSchedule"
            tolerations.append({"key": f"node.kubernetes.io/{state}", "operator": "Exists", "effect": effect})
        return template

    def _fitting(self, template: Obj) -> list[str]:
        nodes = [record.document for record in self._storage.records(NODES)[1]]
        return [name_of(node) for node in nodes if misfit(template, Load(), node, Load()) is None]

    @staticmethod
    def _bound(template: Obj, node: str) -> Obj:
        template = copied(template)
        term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
        required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
        template["spec"]["affinity"] = {"nodeAffinity": required}
        return template

    def _remove(self, owner: Obj, pods: dict[str, Obj], nodes: list[str], revision: str) -> None:
        gone = [pod for node, pod in pods.items() if node not in nodes or dig(pod, "status", "phase") in ENDED]
        unready = [pod for pod in pods.values() if not is_ready(pod)]
        outdated = [pod for pod in pods.values() if labels_of(pod).get(HASH) != revision]
        if dig(owner, "spec", "updateStrategy", "type") == "OnDelete":
            outdated = []
        if outdated and (not unready or unready[0] in outdated):
            gone.append((unready or outdated)[0])
        for pod in gone:
            if not is_leaving(pod):
                self._maker.delete(owner, pod)

    def _write(self, key: Key, owner: Obj, nodes: list[str], revision: str) -> None:
        pods = [record.document for record in self._storage.owned(PODS, owner["metadata"]["uid"])]
        ready = sum(map(is_ready, pods))
        status: Obj = {
            "currentNumberScheduled": len(pods),
            "desiredNumberScheduled": len(nodes),
            "numberMisscheduled": 0,
        }
        status |= {"numberReady": ready, "numberAvailable": ready, "numberUnavailable": len(nodes) - ready}
        status["updatedNumberScheduled"] = sum(labels_of(pod).get(HASH) == revision for pod in pods)
        status["observedGeneration"] = owner["metadata"]["generation"]
        status = {name: value for name, value in status.items() if value or name not in OMITTED}
        self._storage.update(DAEMON_SETS, *key, lambda document: document.update(status=status))
