"""Nodes: what is cordoned also carries the taint that says so.

Source: k8s.io/kubernetes pkg/controller/nodelifecycle (TaintNodesByCondition). It never looks whether a node is well.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from opsmodal.demo.documents import Obj, dig, name_of
from opsmodal.demo.kinds import NODES, Kind
from opsmodal.demo.storage import Change, Key
from opsmodal.demo.world import World

CORDONED = "node.kubernetes.io/unschedulable"


class Nodes:
    """Taint what is cordoned."""

    def __init__(self, world: World) -> None:
        self._world = world

    def notice(self, kind: Kind, change: Change) -> Iterable[Key]:
        """Look at nodes whose taint does not say what they are."""
        document = change.record.document
        if kind is not NODES or change.type == "DELETED" or _is_tainted(document) is _is_cordoned(document):
            return []
        return [("", name_of(document))]

    def look(self, key: Key) -> datetime | None:
        """Set the taint, or take it away."""
        self._world.storage.update(NODES, *key, self._edit)
        return None

    def _edit(self, node: Obj) -> None:
        taints = [taint for taint in dig(node, "spec", "taints") or () if taint["key"] != CORDONED]
        if _is_cordoned(node):
            taints.append({"key": CORDONED, "effect": "NoSchedule", "timeAdded": self._world.clock.stamp()})
        node["spec"].pop("taints", None)
        if taints:
            node["spec"]["taints"] = taints


def _is_cordoned(node: Obj) -> bool:
    return bool(dig(node, "spec", "unschedulable"))


def _is_tainted(node: Obj) -> bool:
    return any(taint["key"] == CORDONED for taint in dig(node, "spec", "taints") or ())
