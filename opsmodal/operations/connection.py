"""The ways to a service: which there are, which one somebody goes, and whether each carries.

Which way a person goes is their own, like a favourite, and needs no more than seeing the service; it is written down
all the same, because it says through which network their actions came. Nobody's choice changes anybody else's way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from opsmodal import actions
from opsmodal.answers import Done
from opsmodal.candidates import Candidate, Tag, candidates, explained, label_of, tag
from opsmodal.choices import AUTO, Choices
from opsmodal.errors import BadRequest, Problem, Rejected
from opsmodal.fleet import Fleet, WayState
from opsmodal.operations.door import Door
from opsmodal.operations.guards import UNASKED, Consent
from opsmodal.operations.trying import Trying
from opsmodal.permissions import Actor

TEST_DEADLINE_S = 8.5
"""All ways are tried side by side, and each try ends by itself after 8 s (`connectors.auto`): none is left open."""
NAMES_MAX = 20
"""Connections that are named when somebody has chosen one that there is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionsAnswer:
    """The ways to a service. `chosen` is a name or "auto"; `remembered` whether this person has ever chosen.

    What a far side says of itself is for administrators: the page of the runtime has it.
    `in_use` is the name of the way that is open now, empty while none is. `auto` is the one that Auto takes or would
    take, and `sentence` why.
    """

    service: str
    runtime: str
    chosen: str
    remembered: bool
    in_use: str
    auto: str
    sentence: str
    candidates: tuple[Candidate, ...]
    as_of: datetime


class ConnectionOperations:
    """Read, choose and try the ways to a service."""

    def __init__(self, door: Door, fleet: Fleet, choices: Choices) -> None:
        self._door = door
        self._fleet = fleet
        self._choices = choices
        self._trying = Trying()

    def read(self, actor: Actor, name: str) -> ConnectionsAnswer:
        """Read the ways to a service, without trying any."""
        service = self._door.enter(actor, actions.CONNECTION_VIEW, name).service
        return self._answer(actor, service.name, service.runtime)

    def tag(self, actor: Actor, name: str) -> Tag:
        """Say in a word or two which way this person goes to a service."""
        service = self._door.enter(actor, actions.CONNECTION_VIEW, name).service
        stored = self._choices.get(actor.name, name)
        return self._tag(service.runtime, stored, unasked=stored is None)

    def telling(self, actor: Actor, name: str) -> Callable[[], Tag]:
        """Give a function that says it as long as the choice stands, for pages that are kept live."""
        leave = self._door.enter(actor, actions.CONNECTION_VIEW, name)
        return lambda: self._tag(leave.service.runtime, leave.over)

    def choose(self, actor: Actor, name: str, wanted: str, *, consent: Consent = UNASKED) -> Done:
        """Go to a service by one way from now on, or leave it to Auto. Raise Rejected for a way that there is not."""
        leave = self._door.enter(actor, actions.CONNECTION_CHOOSE, name, target=wanted[:80])
        if not wanted:
            raise BadRequest("name is missing.", hint=f'Send the name of a connection, or "{AUTO}".')
        service = leave.service
        labels = {way.name: label_of(way.name, way.kind) for way in self._fleet.ways(service.runtime)}
        if wanted != AUTO and wanted not in labels:
            raise _no_such_way(wanted, service.runtime, tuple(labels))
        with self._door.act(leave, target=wanted, consent=consent):
            self._choices.set(actor.name, service.name, wanted)
        if wanted == AUTO:
            return Done(sentence=f"The way to {name} is chosen automatically.", targets=(AUTO,))
        return Done(sentence=f"You reach {name} by {labels[wanted]} from now on.", targets=(wanted,))

    def test(self, actor: Actor, name: str) -> ConnectionsAnswer:
        """Try every way to a service now, side by side. Raise TooMany while somebody else does."""
        leave = self._door.enter(actor, actions.CONNECTION_TEST, name)
        service = leave.service
        with self._door.act(leave, target=service.runtime, slot=self._trying.slot(service.runtime)):
            self._fleet.test_ways(service.runtime, deadline_s=TEST_DEADLINE_S)
        return self._answer(actor, service.name, service.runtime)

    def _tag(self, runtime: str, stored: str | None, *, unasked: bool = False) -> Tag:
        ways = self._fleet.ways(runtime)
        chosen = _still(stored, ways) or AUTO
        in_use = self._fleet.connection_in_use(runtime, chosen)
        return tag(candidates(ways, in_use=in_use), chosen=chosen, in_use=in_use, unasked=unasked)

    def _answer(self, actor: Actor, service: str, runtime: str) -> ConnectionsAnswer:
        ways = self._fleet.ways(runtime)
        stored = self._choices.get(actor.name, service)
        chosen = _still(stored, ways)
        in_use = self._fleet.connection_in_use(runtime, chosen or AUTO)
        auto = self._fleet.connection_in_use(runtime, AUTO)
        found = candidates(ways, in_use=in_use)
        return ConnectionsAnswer(
            service=service,
            runtime=runtime,
            chosen=chosen or AUTO,
            remembered=stored is not None,
            in_use=in_use,
            auto=auto,
            sentence=explained(found, auto),
            candidates=tuple(replace(each, facts=(), host_key=None) for each in found),
            as_of=datetime.now(UTC),
        )


def _still(stored: str | None, ways: Sequence[WayState]) -> str | None:
    """Give what was chosen, as long as it is registered."""
    return next((way.name for way in ways if way.name == stored), None)


def _no_such_way(wanted: str, runtime: str, names: tuple[str, ...]) -> Rejected:
    sentence = f"The runtime {runtime} has no connection {wanted[:80]!r}."
    hint = f"There are: {', '.join((AUTO, *names[:NAMES_MAX]))}."
    return Rejected("Nothing was chosen.", [Problem(field="name", sentence=sentence, hint=hint)], hint=hint)
