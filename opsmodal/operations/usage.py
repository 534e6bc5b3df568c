"""What a service and its instances used in the last hour, out of what was collected: no runtime is asked for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from opsmodal import actions
from opsmodal.fleet import Fleet
from opsmodal.history.answers import UsageAnswer, usage_answer
from opsmodal.history.hours import Hours
from opsmodal.operations.door import Door, Pass
from opsmodal.permissions import Actor
from opsmodal.store.errors import StoreProblem
from runtimes.errors import Invalid, Missing

FRESH_S = 30.0
"""How old the list may be in which a name is looked up."""


class UsageOperations:
    """Read hours of figures."""

    def __init__(self, door: Door, fleet: Fleet, hours: Hours, *, collecting: bool) -> None:
        self._door = door
        self._fleet = fleet
        self._hours = hours
        self._collecting = collecting

    def service(self, actor: Actor, name: str) -> UsageAnswer:
        """Read what all instances of a service used together."""
        service = self._door.enter(actor, actions.USAGE_VIEW, name).service
        return usage_answer(self._hours.service(service.name), collecting=self._collecting)

    def instance(self, actor: Actor, name: str, instance: str, *, exact: bool = False) -> UsageAnswer:
        """Read what one instance used, also for an hour after it is gone; `exact` is an id that is known to be there.

        Raise Missing for what was never seen, Invalid for the beginning of several.
        """
        leave = self._door.enter(actor, actions.USAGE_VIEW, name)
        hour = self._hours.instance(leave.service.name, instance)
        if not hour.known and not exact:
            hour = self._hours.instance(leave.service.name, self._id(leave, instance))
        return usage_answer(hour, collecting=self._collecting)

    def telling(self, actor: Actor, name: str) -> Callable[[Sequence[str]], Mapping[str, UsageAnswer]]:
        """Give a function that reads the hours of instances by their ids, for lists and pages that are kept live.

        It gives none while nothing can be read: a list is shown without its lines, too.
        """
        service = self._door.enter(actor, actions.USAGE_VIEW, name).service

        def read(instances: Sequence[str]) -> Mapping[str, UsageAnswer]:
            try:
                hours = self._hours.several(service.name, instances)
            except StoreProblem:
                return {}
            return {each: usage_answer(hour, collecting=self._collecting) for each, hour in hours.items()}

        return read

    def _id(self, leave: Pass, wanted: str) -> str:
        """Find the id that a name, or a unique beginning of an id or a name, stands for."""
        service = leave.service
        rows = self._fleet.instances(service, fresh_s=FRESH_S, over=leave.over).value.items
        exact = [row.id for row in rows if wanted in (row.id, row.name)]
        found = exact or [row.id for row in rows if row.id.startswith(wanted) or row.name.startswith(wanted)]
        if not found:
            raise Missing(
                f"The service {service.name} has no instance {wanted[:80]!r}.", hint="Look at the list again."
            )
        if len(found) > 1 and not exact:
            raise Invalid(f"{wanted[:80]!r} is the start of {len(found)} instances.", hint="Write more of it.")
        return found[0]
