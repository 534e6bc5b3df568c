"""Hands out open runtimes, and their last answers, over the connection that somebody chose or that Auto takes.

What only reads is asked again, once, when its way was lost and Auto has another; what changes something goes through
`runtime` and is never repeated: nobody knows whether it was done. A fixed choice never falls back to another way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from typing import Any, TypeVar

from connectors.auto import PACE, Pace
from connectors.errors import ConnectionProblem
from opsmodal.choices import AUTO
from opsmodal.fleet.courses import Courses, Switched
from opsmodal.fleet.glances import Glance, Glances, answer
from opsmodal.fleet.slots import Figures, Slots, Trouble
from opsmodal.fleet.ways import WayState, offering, way_states
from opsmodal.opening import Opened, Opening
from opsmodal.recent import Kept, Recent, silence_of
from opsmodal.registry.registry import Registry
from opsmodal.registry.schema import ServiceSpec
from runtimes.base import Instance, Runtime, Snapshot
from runtimes.errors import RuntimeProblem, Unavailable

T = TypeVar("T")

INSTANCES, DESIRED = "instances", "desired"
DESIRED_FRESH_S = 5.0
"""How many instances there should be changes when somebody changes a workload: rarely."""
TEST_S = 8.0
"""How long somebody who asks for a test waits for the connections that do not answer."""
NO_CHOICES: Mapping[str, str] = {}


class Fleet:
    """The open runtimes. `tell` hears of every switch of Auto; `over` is a connection's name or "auto"."""

    def __init__(
        self,
        registry: Registry,
        opening: Opening,
        *,
        tell: Callable[[Switched], None] = lambda _: None,
        pace: Pace = PACE,
    ) -> None:
        self._registry = registry
        self._slots = Slots(opening)
        self._courses = Courses(registry, opening, self._slots, tell=tell, pace=pace)
        self._recent = Recent()
        self.glancing = Glances()

    def runtime(self, name: str, *, over: str = AUTO) -> Runtime:
        """Give an open runtime. Raise what opening it raises."""
        return self._open(name, over).runtime

    def read(self, name: str, ask: Callable[[Runtime], T], *, over: str = AUTO) -> T:
        """Ask a runtime something that changes nothing; once more over another way when Auto has to leave this one."""
        opened = self._open(name, over)
        try:
            found = ask(opened.runtime)
        except (Unavailable, ConnectionProblem) as problem:
            other = self._elsewhere(name, opened, problem.sentence, over)
            if other is None:
                raise self._said(problem, name, over) from problem
            return ask(other.runtime)
        silence = silence_of(found)
        if silence:
            other = self._elsewhere(name, opened, silence, over)
            return found if other is None else self._second(ask, other, found)
        self._worked(name, opened)
        return found

    def opened(self, name: str, *, over: str = AUTO) -> Opened | None:
        """Give a runtime that is already open, without opening it."""
        return self._slots.opened(name, self._way(name, over))

    def problem(self, name: str, *, over: str = AUTO) -> Trouble | None:
        """Say why a runtime is not open; None when it is, or was never tried."""
        course = self._courses.known(name)
        if course is not None and course.problem is not None and self._way(name, over) == course.current:
            return course.problem
        return self._slots.problem(name, self._way(name, over))

    def kind(self, name: str) -> str:
        """Give the kind of a registered runtime."""
        spec = self._registry.runtime(name)
        return spec.kind if spec else ""

    def connection_in_use(self, name: str, over: str = AUTO) -> str:
        """Name the connection in use; empty while there is none."""
        opened = self.opened(name, over=over)
        return opened.connection_name if opened else ""

    def lost(self, name: str, way: str, sentence: str) -> str:
        """Take in that nothing came over a way any more; name the one that Auto uses now, the same where it stays."""
        opened = self._slots.opened(name, way)
        other = self._courses.elsewhere(opened, name, sentence) if opened else None
        return other.connection_name if other else self.connection_in_use(name)

    def ways(self, name: str) -> tuple[WayState, ...]:
        """Say how each connection of a runtime is, by priority, without trying any. Raise Unavailable without it."""
        return way_states(name, self._courses.of(name), self._slots)

    def test_ways(
        self, name: str, names: Sequence[str] | None = None, *, deadline_s: float = TEST_S, at_once: bool = False
    ) -> tuple[WayState, ...]:
        """Try some connections of a runtime, or all, side by side; say how each is. Raise Unavailable without it.

        With `at_once` also those that pause after a refused login, which servers count: an administrator's to ask.
        """
        course = self._courses.of(name)
        if at_once:
            self._slots.again(name)
        course.switching.test(names, deadline_s=deadline_s)
        return way_states(name, course, self._slots)

    def kept(
        self, service: ServiceSpec, question: str, ask: Callable[[Runtime], T], *, fresh_s: float, over: str = AUTO
    ) -> Kept[T]:
        """Ask a service's runtime, or give the last answer while it is silent."""
        over = self.meant(service.runtime, over)
        key = (service.runtime, service.name, question, service.scope_key(), over)
        return self._recent.read(key, lambda: self.read(service.runtime, ask, over=over), fresh_s=fresh_s)

    def instances(self, service: ServiceSpec, *, fresh_s: float, over: str = AUTO) -> Kept[Snapshot[Instance]]:
        """Give the instances of a service: the one answer that list, overview and status share."""
        return self.kept(service, INSTANCES, lambda it: it.instances.list(service.scope()), fresh_s=fresh_s, over=over)

    def desired(self, service: ServiceSpec, *, over: str = AUTO) -> int | None:
        """Count the instances that there should be; None where that cannot be read."""

        def ask(runtime: Runtime) -> int | None:
            return runtime.overview.desired(service.scope())

        try:
            return self.kept(service, DESIRED, ask, fresh_s=DESIRED_FRESH_S, over=over).value
        except (RuntimeProblem, ConnectionProblem):
            return None

    def glance(self, service: ServiceSpec, *, fresh_s: float, over: str = AUTO) -> Glance:
        """Give the instances of a service and how many there should be."""
        found = self.instances(service, fresh_s=fresh_s, over=over)
        if found.stale or found.value.stale:
            return Glance(found, self._last_desired(service, over))  # nobody waits for a silent runtime twice
        self.glancing.find(_key(service, over), found)
        return Glance(found, self.desired(service, over=over))

    def glances(
        self, services: Sequence[ServiceSpec], *, fresh_s: float, wait_s: float, overs: Mapping[str, str] = NO_CHOICES
    ) -> dict[str, Glance | Exception | None]:
        """Glance at many services side by side; None for what has not answered within `wait_s`, and never has.

        `overs` is what somebody chose, by service.
        """
        wanted = {each.name: self.meant(each.runtime, overs.get(each.name, AUTO)) for each in services}
        asked = {each.name: self._glance(each, wanted[each.name], fresh_s=fresh_s) for each in services}
        wait(asked.values(), timeout=wait_s)
        return {each.name: self._glanced(each, wanted[each.name], asked[each.name]) for each in services}

    def forget(self, service: ServiceSpec) -> None:
        """Drop the last answers about a service: somebody has just changed it."""
        self._recent.forget(lambda key: isinstance(key, tuple) and key[:2] == (service.runtime, service.name))

    def refresh(self) -> None:
        """Close the runtimes whose registration has changed or gone."""
        self._courses.refresh()

    def figures(self) -> Figures:
        """Count the runtimes by kind and state, and what the open ones keep live, by kind."""
        return self._slots.figures()

    def close(self) -> None:
        """Close every runtime."""
        self.glancing.close()
        self._courses.stop()
        self._slots.close()
        self._courses.join()

    def _open(self, name: str, over: str) -> Opened:
        over = self.meant(name, over)
        if over == AUTO:
            return self._courses.open(name)
        course = self._courses.of(name)
        try:
            return self._slots.open(course.places[over])
        except (RuntimeProblem, ConnectionProblem) as problem:
            if isinstance(problem, Unavailable | ConnectionProblem):
                course.switching.fail(over, problem.sentence)
            raise self._said(problem, name, over) from problem

    def meant(self, name: str, over: str) -> str:
        """Give what a choice means: Auto where it is not registered any more, or where there is nothing to choose."""
        if over == AUTO:
            return AUTO
        try:
            places = self._courses.of(name).places
        except Unavailable:  # said when it is opened
            return AUTO
        return over if over in places and len(places) > 1 else AUTO

    def _way(self, name: str, over: str) -> str:
        """Name the connection that a choice leads to, as far as is known without asking; empty where it is not."""
        course = self._courses.known(name)
        if course is None:
            return ""
        return over if over in course.places else course.current

    def _elsewhere(self, name: str, opened: Opened, sentence: str, over: str) -> Opened | None:
        if over == AUTO:
            return self._courses.elsewhere(opened, name, sentence)
        self._courses.of(name).switching.report(over, sentence)
        return None

    def _second(self, ask: Callable[[Runtime], T], other: Opened, last: T) -> T:
        """Ask over another way; what is known already is better than nothing."""
        try:
            return ask(other.runtime)
        except (Unavailable, ConnectionProblem):
            return last

    def _worked(self, name: str, opened: Opened) -> None:
        course = self._courses.known(name)
        if course is not None:
            course.switching.work(opened.connection_name)

    def _said(self, problem: Trouble, name: str, over: str) -> Trouble:
        """Give a problem of a fixed choice with the other choices in its hint: what is open is everybody's."""
        if over == AUTO:
            return problem
        return offering(problem, [way for way in (*self._courses.of(name).places, AUTO) if way != over])

    def _last(self, service: ServiceSpec, question: str, over: str) -> Kept[Any] | None:
        return self._recent.last((service.runtime, service.name, question, service.scope_key(), over))

    def _last_desired(self, service: ServiceSpec, over: str) -> int | None:
        last = self._last(service, DESIRED, over)
        return last.value if last else None

    def _glance(self, service: ServiceSpec, over: str, *, fresh_s: float) -> Future[Glance]:
        lane = (service.runtime, over)
        return self.glancing.ask(_key(service, over), lane, lambda: self.glance(service, fresh_s=fresh_s, over=over))

    def _glanced(self, service: ServiceSpec, over: str, asked: Future[Glance]) -> Glance | Exception | None:
        if asked.done() and not asked.cancelled():
            return answer(asked, service.name)
        instances = self.glancing.found(_key(service, over)) or self._last(service, INSTANCES, over)
        return Glance(instances, self._last_desired(service, over)) if instances else None


def _key(service: ServiceSpec, over: str) -> object:
    return service.name, service.scope_key(), over
