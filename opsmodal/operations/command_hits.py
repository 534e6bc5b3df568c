"""Says what a line will hit that wants to be confirmed: what it names, and what hangs on that where it can be told."""

from __future__ import annotations

from connectors.errors import ConnectionProblem
from opsmodal.fleet import Fleet
from opsmodal.guard.verdict import Target
from opsmodal.operations.command_judging import JudgedLine
from opsmodal.operations.door import Door, Pass
from opsmodal.operations.guards import Confirmation
from opsmodal.operations.hits import Hits, shortened
from runtimes.base import Instance
from runtimes.errors import RuntimeProblem

FRESH_S = 5.0
INSTANCE_KINDS = frozenset({"pod", "container"})
LABEL_MAX_CHARS = 80


class CommandHits:
    """Ask for the confirmation of a line."""

    def __init__(self, door: Door, fleet: Fleet) -> None:
        self._fleet = fleet
        self._hits = Hits(door, fleet)

    def confirmation(self, leave: Pass, judged: JudgedLine) -> Confirmation:
        """Make the guard that asks; what is hit is looked up only while somebody is asked."""
        return Confirmation(hits=lambda: self._of(leave, judged), label=label(judged), command=judged.line)

    def _of(self, leave: Pass, judged: JudgedLine) -> list[str]:
        targets = judged.verdict.targets
        named = [each for each in targets if each.kind in INSTANCE_KINDS and each.name]
        found = self._instances(leave, {each.name for each in named}) if named else []
        known = {name for row in found for name in (row.name, row.id)}
        others = [described(each) for each in targets if each not in named or each.name not in known]
        rows = self._hits.of(leave, found, verb=judged.verdict.verb) if found else []
        return [*shortened(others), *rows] or [judged.line]

    def _instances(self, leave: Pass, names: set[str]) -> list[Instance]:
        try:
            kept = self._fleet.instances(leave.service, fresh_s=FRESH_S, over=leave.over)
        except (RuntimeProblem, ConnectionProblem):  # what is named is shown all the same
            return []
        return [row for row in kept.value.items if names & {row.name, row.id}]


def described(target: Target) -> str:
    """Name a target; one without a name is all that a selector finds."""
    return f"{target.kind} {target.name}" if target.name else f"every {target.kind} that the line selects"


def label(judged: JudgedLine) -> str:
    """Say on the button what is done, to what."""
    verdict = judged.verdict
    verb, targets = (verdict.verb or "run").capitalize(), verdict.targets
    if len(targets) == 1:
        return f"{verb} {described(targets[0])}"[:LABEL_MAX_CHARS]
    return f"{verb} {len(targets)} objects" if targets else f"{verb}: run this command"
