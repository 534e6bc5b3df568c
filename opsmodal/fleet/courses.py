"""Which connection leads to each runtime just now: Auto's, held to what is registered.

It opens over what Auto decides, tells Auto how that went, and goes on until one is open or none is left. A decision
counts only once the runtime is open over it. It refuses to look away from the registry for longer than CHECK_S.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from connectors.auto import PACE, Move, Pace
from connectors.base import Probe
from connectors.errors import ConnectionProblem, Unreachable
from connectors.switching import Candidate, Switch, Switching
from opsmodal.fleet.slots import RETRY_S, Place, Slots, Trouble
from opsmodal.opening import Opened, Opening
from opsmodal.registry.registry import Registry
from opsmodal.registry.schema import RuntimeSpec
from runtimes.errors import RuntimeProblem, Unavailable

CHECK_S = 1.0
"""How often the registration of a runtime in use is compared with what is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switched:
    """A runtime is reached over another connection now; `sentence` says why.

    `is_back`: to a better one that is well again, not because what was in use was lost.
    """

    runtime: str
    before: str
    after: str
    sentence: str
    is_back: bool


@dataclass(slots=True)
class Course:
    """The ways to one runtime as registered, by name and in their order, and Auto over them."""

    places: dict[str, Place]
    switching: Switching
    signature: str
    checked_at: float = 0.0
    problem: Trouble | None = None
    failed_at: float = 0.0

    @property
    def current(self) -> str:
        """Name what Auto uses; the only way there is, where there is one; empty before anything was used."""
        return self.switching.current or (next(iter(self.places)) if len(self.places) == 1 else "")


@dataclass(slots=True)
class _Known:
    """The course of one runtime, and the lock under which it is made."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    course: Course | None = None


class Courses:
    """The courses of all runtimes."""

    def __init__(
        self, registry: Registry, opening: Opening, slots: Slots, *, tell: Callable[[Switched], None], pace: Pace = PACE
    ) -> None:
        self._registry = registry
        self._opening = opening
        self._slots = slots
        self._tell = tell
        self._pace = pace
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}
        self._stopped: list[Switching] = []

    def of(self, runtime: str, *, anew: bool = False) -> Course:
        """Give the course of a runtime as it is registered now. Raise Unavailable when it is not."""
        with self._lock:
            known = self._known.setdefault(runtime, _Known())
        course = known.course
        if course is not None and not anew and time.monotonic() - course.checked_at < CHECK_S:
            return course
        with known.lock:
            return self._renewed(runtime, known, anew=anew)

    def known(self, runtime: str) -> Course | None:
        """Give the course of a runtime that was asked for before."""
        known = self._known.get(runtime)
        return known.course if known else None

    def open(self, runtime: str, *, wait: bool = False) -> Opened:
        """Open a runtime over what Auto decides. Raise what stands in the way, Unreachable when no way carries.

        With `wait` it is waited for probes also where something is in use: that has just failed.
        """
        course = self.of(runtime)
        if len(course.places) == 1:
            return self._slots.open(next(iter(course.places.values())))
        if course.problem is not None and time.monotonic() - course.failed_at < RETRY_S:
            raise course.problem
        problem: Trouble | None = None
        for _ in range(len(course.places) + 1):
            decision = course.switching.choose(wait=wait)
            if decision.name is None:
                break
            try:
                opened = self._slots.open(course.places[decision.name], anew=True)
            except (ConnectionProblem, Unavailable) as failed:
                course.switching.fail(decision.name, failed.sentence)
                problem = failed
                if decision.move is Move.STAY:
                    break
            else:
                course.switching.take(decision)
                course.problem = None
                return opened
        course.problem, course.failed_at = self._none(course, problem), time.monotonic()
        raise course.problem

    def elsewhere(self, opened: Opened, runtime: str, sentence: str) -> Opened | None:
        """Take in that a runtime fell silent over a way; give it over another, None where there is none that carries.

        Never raises for what fails.
        """
        try:
            course = self.of(runtime)
            course.switching.report(opened.connection_name, sentence)
            if len(course.places) == 1:
                return None
            other = self.open(runtime, wait=True)
        except (ConnectionProblem, RuntimeProblem):
            return None
        return other if other.connection_name != opened.connection_name else None

    def refresh(self) -> None:
        """Take over what is registered by now; close what has gone, and try again what could not be opened."""
        for runtime in list(self._known):
            try:
                self.of(runtime, anew=True)
            except Unavailable:
                continue

    def stop(self) -> None:
        """Let all probing end soon."""
        for switching in self._switchings():
            switching.stop()

    def join(self) -> None:
        """Wait until all probing has ended."""
        for switching in self._switchings():
            switching.join()

    def _switchings(self) -> list[Switching]:
        with self._lock:
            known = [each.course.switching for each in self._known.values() if each.course]
            return [*self._stopped, *known]

    def _renewed(self, runtime: str, known: _Known, *, anew: bool) -> Course:
        """Check a course against the registry, make it where it is another one; with its lock held."""
        spec, signature = self._registry.runtime(runtime), self._opening.signature(runtime)
        old = known.course
        if spec is None:
            self._forget(runtime, known)
            raise Unavailable(f"The runtime {runtime} is not registered any more.")
        if old is None or old.signature != signature:
            known.course = self._made(spec, signature, old)
            if old is not None:
                self._retire(old.switching)
        course = known.course
        assert course is not None  # noqa: S101 - made above where there was none
        if old is not None and (anew or course is not old):
            self._slots.keep(runtime, signature, frozenset(course.places))
            course.problem = None
        course.checked_at = time.monotonic()
        return course

    def _made(self, spec: RuntimeSpec, signature: str, old: Course | None) -> Course:
        places = {way.name: Place(spec, way, signature) for way in spec.ways()}
        name = spec.name

        def prober(place: Place) -> Callable[[float], Probe]:
            return lambda timeout_s: self._slots.probe(place, timeout_s)

        def tell(switch: Switch) -> None:
            is_back = switch.move is Move.BACK
            self._tell(
                Switched(
                    runtime=name, before=switch.before, after=switch.after, sentence=switch.sentence, is_back=is_back
                )
            )

        switching = Switching(
            name,
            [
                Candidate(name=way, priority=place.way.priority, kind=place.way.kind, probe=prober(place))
                for way, place in places.items()
            ],
            ready=lambda way: self._ready(places[way]),
            tell=tell,
            current=old.switching.current if old else None,
            pace=self._pace,
        )
        return Course(places=places, switching=switching, signature=signature)

    def _ready(self, place: Place) -> str:
        """Open a runtime over a way, and ask it whether it is there; say why it is not."""
        try:
            self._slots.open(place).runtime.check()
        except (RuntimeProblem, ConnectionProblem) as problem:
            return problem.sentence
        return ""

    def _none(self, course: Course, problem: Trouble | None) -> Trouble:
        """Say why there is no way: all of them, where more than one was tried."""
        states = [course.switching.record(name).state for name in course.places]
        reasons = "; ".join(f"{each.name}: {(each.sentence or 'not answered yet').rstrip('.')}" for each in states)
        hint = problem.hint if problem else ""
        probes = [course.switching.record(name).probe for name in course.places]
        hint = hint or next((probe.hint for probe in probes if probe is not None and probe.hint), "")
        return Unreachable(f"No connection to {course.switching.name} carries. {reasons}.", hint=hint)

    def _forget(self, runtime: str, known: _Known) -> None:
        if known.course is not None:
            self._retire(known.course.switching)
        known.course = None
        self._slots.keep(runtime, "", frozenset())

    def _retire(self, switching: Switching) -> None:
        switching.stop()
        with self._lock:
            self._stopped = [each for each in self._stopped if each.alive] + [switching]
