"""What an action on instances will hit, in the words of its confirmation: they themselves, and all that hangs on them.

It is looked up only while somebody is asked. What cannot be looked at is named; nothing of it holds the action up,
since the answer may be what is broken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connectors.errors import ConnectionProblem
from opsmodal.fleet import Fleet
from opsmodal.operations.door import Door, Pass
from opsmodal.registry.schema import ServiceSpec
from runtimes.base import Instance
from runtimes.blast import counted, named, unread
from runtimes.errors import RuntimeProblem

HITS_MAX = 20
"""Names shown in a confirmation before "and N more"."""
FRESH_S = 5.0
"""How old the lists of other services may be that are searched for the same instances."""
NEIGHBOURS_MAX = 50
"""Other services that are looked at: a question must be there in a moment."""


class Hits:
    """Say what is hit."""

    def __init__(self, door: Door, fleet: Fleet) -> None:
        self._door = door
        self._fleet = fleet

    def of(self, leave: Pass, found: Sequence[Instance], *, verb: str) -> list[str]:
        """List what is hit when this is done to these instances of a service."""
        around = self._around(leave, found, verb)
        return [*shortened([described(row) for row in found]), *around, *self._shared(leave, found)]

    def _around(self, leave: Pass, found: Sequence[Instance], verb: str) -> Iterator[str]:
        try:
            blast = self._fleet.read(
                leave.service.runtime,
                lambda runtime: runtime.instances.blast(leave.service.scope(), [row.id for row in found], verb=verb),
                over=leave.over,
            )
        except (RuntimeProblem, ConnectionProblem) as problem:
            yield unread("what else is hit", problem.sentence)
        else:
            yield from blast.touched
            yield from blast.unknown

    def _shared(self, leave: Pass, found: Sequence[Instance]) -> Iterator[str]:
        """Name the other services that show these instances, too; those that the actor may not see are counted."""
        ids, shown, hidden = {row.id for row in found}, list[str](), 0
        others = self._door.neighbours(leave)
        for service, is_visible in others[:NEIGHBOURS_MAX]:
            if ids & self._ids(service, leave.over):
                shown += [service.name] if is_visible else []
                hidden += not is_visible
        if shown:
            yield f"also shown by {'service' if len(shown) == 1 else 'services'} {named(shown)}"
        if hidden:
            yield f"also shown by {counted(hidden, 'service')} that you may not see"
        if len(others) > NEIGHBOURS_MAX:
            yield unread(f"{len(others) - NEIGHBOURS_MAX} more services on the same runtime", "They are too many.")

    def _ids(self, service: ServiceSpec, over: str) -> set[str]:
        try:
            return {row.id for row in self._fleet.instances(service, fresh_s=FRESH_S, over=over).value.items}
        except (RuntimeProblem, ConnectionProblem):  # the runtime is the same: what is wrong with it is said above
            return set()


def described(instance: Instance) -> str:
    """Name an instance, how it is, and what looks after it."""
    managed = f", managed by {instance.managed_by}" if instance.managed_by else ""
    return f"{instance.kind} {instance.name} ({instance.status}{managed})"


def shortened(hits: Sequence[str]) -> list[str]:
    """Give the first of many, and say how many there are beside them."""
    more = len(hits) - HITS_MAX
    return [*hits[:HITS_MAX], *([f"and {more} more"] if more > 0 else [])]
