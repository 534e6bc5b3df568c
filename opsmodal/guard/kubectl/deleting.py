"""Lines that delete: pods, jobs, workloads and autoscalers pass, and want to be confirmed. Nothing else does."""

from __future__ import annotations

from opsmodal.guard.kubectl.changing import named
from opsmodal.guard.kubectl.kinds import WORKLOADS
from opsmodal.guard.kubectl.objects import objects
from opsmodal.guard.kubectl.rules import Refused
from opsmodal.guard.kubectl.saying import Line, managed
from opsmodal.guard.verdict import Verdict

_DELETABLE = WORKLOADS | {"horizontalpodautoscalers"}


def delete(line: Line) -> Verdict:
    """Judge delete."""
    found = objects(line.words, line.world, secrets=True)
    for each in found:
        if each.sort.custom or each.sort.plural not in _DELETABLE:
            raise Refused("kubectl-delete", f"{each.sort.plural} are not deleted by a typed line.")
    named(line, found)
    return managed(line, found, destroys="This deletes what it names.")
