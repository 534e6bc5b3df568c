"""Lines that go back to a revision: the template of then is judged as if somebody wrote it now.

Otherwise a revision with privileges or another account, which an administrator has since taken away, would be a way
around every rule of what a workload is given. A tried line changes nothing and is not judged so.
"""

from __future__ import annotations

from opsmodal.guard.kubectl.manifests import check_manifest
from opsmodal.guard.kubectl.reading import rolled
from opsmodal.guard.kubectl.rules import Refused, shown
from opsmodal.guard.kubectl.saying import Line, managed
from opsmodal.guard.kubectl.scaling import number
from opsmodal.guard.verdict import Verdict

_BEFORE = "0"
"""The revision before the current one, as kubectl numbers it."""


def undo(line: Line) -> Verdict:
    """Judge rollout undo: named workloads, and what each would become. Raise Refused, and what the World raises."""
    found, given = rolled(line), line.read.last("to-revision") or _BEFORE
    revision = number(given)
    if revision is None:
        raise Refused("kubectl-flag-value", f"“{shown(given)}” is no revision.", "Type --to-revision=NUMBER.")
    for each in () if line.dry else found:
        if not each.name:
            raise Refused("kubectl-arguments", "What goes back is not named.", "Type TYPE/NAME.")
        pair = line.world.going_back(each.key, revision)
        if pair is not None:
            check_manifest(*pair, tokens=lambda: line.world.tokens)
    return managed(line, found, destroys="This goes back to an earlier revision.")
