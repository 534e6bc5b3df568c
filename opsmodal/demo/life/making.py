"""Pods that a controller makes and counts: what ReplicaSets, StatefulSets, DaemonSets and Jobs have in common."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from opsmodal.demo import deletion, writing
from opsmodal.demo.clock import parsed
from opsmodal.demo.documents import Obj, controller_of, copied, dig, is_leaving, name_of, namespace_of, owned_by
from opsmodal.demo.kinds import PODS, Kind
from opsmodal.demo.life.conditions import condition, is_true
from opsmodal.demo.life.reports import Reporter
from opsmodal.demo.problems import Problem
from opsmodal.demo.storage import Change, Key, Record
from opsmodal.demo.world import World

ENDED = ("Succeeded", "Failed")


def key_of(document: Obj) -> Key:
    """Give the key of an object."""
    return namespace_of(document), name_of(document)


def owner_key(change: Change, kind: Kind) -> list[Key]:
    """Give the key of the controller of kind `kind` that a changed object belongs to."""
    owner = controller_of(change.record.document)
    if owner and owner["kind"] == kind.name:
        return [(namespace_of(change.record.document), owner["name"])]
    return []


def noticed(kind: Kind, change: Change, own: Kind, children: Iterable[Kind] = (PODS,)) -> list[Key]:
    """Give the keys that a controller of `own` looks at because of a change of its objects or their children."""
    if kind is own:
        return [key_of(change.record.document)] if change.type != "DELETED" else []
    return owner_key(change, own) if kind in children else []


class Maker:
    """Make and delete pods in the name of one controller."""

    def __init__(self, world: World, component: str) -> None:
        self._world = world
        self.reports = Reporter(world, component)

    def pods(self, owner: Obj) -> list[Record]:
        """Give the pods of an owner that are not on their way out, oldest first."""
        records = self._world.storage.owned(PODS, owner["metadata"]["uid"])
        return [record for record in records if not is_leaving(record.document)]

    def make(self, owner: Obj, template: Obj, *, name: str = "", stem: str = "", more: Obj | None = None) -> str:
        """Make a pod out of a template; give the words of the refusal, "" when it was made.

        Its name is `name`, or begins with `stem`, or with the name of its owner.
        """
        template = copied(template)
        metadata: Obj = {"name": name} if name else {"generateName": f"{stem or name_of(owner)}-"}
        for part in ("labels", "annotations"):
            if dig(template, "metadata", part):
                metadata[part] = template["metadata"][part]
        metadata["ownerReferences"] = [owned_by(owner)]
        pod: Obj = {"metadata": metadata, "spec": template["spec"] | (more or {})}
        try:
            made = writing.create(self._world, PODS, namespace_of(owner), pod)
        except Problem as problem:
            self.reports.warn(owner, "FailedCreate", f"Error creating: {problem.message}")
            return problem.message
        self._made(owner, name_of(made.document))
        return ""

    def _made(self, owner: Obj, name: str) -> None:
        words = f"Created pod: {name}"
        if owner["kind"] == "StatefulSet":
            words = f"create Pod {name} in StatefulSet {name_of(owner)} successful"
        self.reports.normal(owner, "SuccessfulCreate", words)

    def delete(self, owner: Obj, pod: Obj) -> None:
        """Delete a pod of an owner."""
        record = self._world.storage.get(PODS, *key_of(pod))
        if record is None:
            return
        deletion.delete(self._world, PODS, record, deletion.Options())
        words = f"Deleted pod: {name_of(pod)}"
        if owner["kind"] == "StatefulSet":
            words = f"delete Pod {name_of(pod)} in StatefulSet {name_of(owner)} successful"
        self.reports.normal(owner, "SuccessfulDelete", words)


def is_active(pod: Obj) -> bool:
    """Tell whether a pod has neither ended nor begun to leave."""
    return dig(pod, "status", "phase") not in ENDED and not is_leaving(pod)


def is_ready(pod: Obj) -> bool:
    """Tell whether a pod is ready."""
    return is_true(pod, "Ready")


def is_available(world: World, pod: Obj, min_ready_s: int) -> bool:
    """Tell whether a pod has been ready for long enough."""
    if not is_ready(pod):
        return False
    if not min_ready_s:
        return True
    since = parsed(condition(pod, "Ready")["lastTransitionTime"])
    return world.clock.now() - since >= timedelta(seconds=world.clock.wait_s(min_ready_s))


def deletion_rank(pod: Obj) -> tuple[bool, bool, bool, str]:
    """Order pods by who goes first: without a node, not running, not ready, youngest."""
    created = dig(pod, "metadata", "creationTimestamp") or ""
    inverted = "".join(chr(255 - ord(letter)) for letter in created)
    phase = dig(pod, "status", "phase")
    return bool(dig(pod, "spec", "nodeName")), phase == "Running", is_ready(pod), inverted
