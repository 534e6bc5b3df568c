"""Auto at work: probes the candidates side by side, remembers what they answer, and moves what is in use.

Which one is taken is decided by `connectors.auto`, a table. Here are the threads: one for each probe, ended by its time
limit, and one that tries the candidates of higher priority again while somebody uses the runtime, and ends by itself.
It refuses to fail back by surprise: the better way is made ready first, and only then taken.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from connectors.auto import PACE, Decision, Health, Move, Pace, State, decide
from connectors.base import Probe
from connectors.ledger import Ledger, Record

log = logging.getLogger(__name__)

LOOKS = 10
"""How often within the grace somebody who waits looks at the clock."""
WAIT_S = 1.0
JOIN_SLACK_S = 2.0
JITTER = 0.25
"""Installations that lost the same line at the same moment must not come back at the same moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A connection that Auto may take. `probe` takes a time limit in seconds and does not raise."""

    name: str
    priority: int
    kind: str
    probe: Callable[[float], Probe]


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """What is in use is another one now; `sentence` says why."""

    before: str
    after: str
    sentence: str
    move: Move


class Switching:
    """Auto for one runtime. `ready` makes a way ready to be taken back, and gives a sentence when it cannot."""

    def __init__(
        self,
        name: str,
        candidates: Sequence[Candidate],
        *,
        ready: Callable[[str], str],
        tell: Callable[[Switch], None],
        current: str | None = None,
        pace: Pace = PACE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._candidates = {candidate.name: candidate for candidate in candidates}
        self._ready = ready
        self._tell = tell
        self._pace = pace
        self._clock = clock
        states = [State(name=each.name, priority=each.priority) for each in candidates]
        self._ledger = Ledger(states, current=current, pace=pace)
        self._turn = threading.Condition()
        self._threads: set[threading.Thread] = set()
        self._minder: threading.Thread | None = None
        self._round_s = -pace.round_s
        self._used_s = 0.0
        self._closing = threading.Event()

    @property
    def current(self) -> str | None:
        """Name what is in use; None before anything was."""
        return self._ledger.current

    @property
    def alive(self) -> bool:
        """Whether any of its threads has not ended yet."""
        with self._turn:
            return any(each.is_alive() for each in self._all_threads())

    def choose(self, *, wait: bool = False) -> Decision:
        """Decide what to use. Waits for probes while nothing is in use, and with `wait` for what may replace it."""
        with self._turn:
            self._used_s = came_s = self._clock()
            self._begin_round()
            while (decision := self._decided(came_s)).move is Move.WAIT and (wait or self.current is None):
                self._turn.wait(self._pace.grace_s / LOOKS)
            self._mind()
        if decision.move in (Move.WAIT, Move.BACK):
            return Decision(self.current, decision.sentence, Move.STAY)
        return decision

    def take(self, decision: Decision) -> None:
        """Say that what was decided is open and in use now."""
        if decision.name is None:
            return
        with self._turn:
            before, now_s = self.current, self._clock()
            if before == decision.name:
                return
            self._ledger.work(decision.name, now_s)
            self._ledger.take(decision.name, now_s)
            self._mind()
        if before is not None:
            self._tell(Switch(before=before, after=decision.name, sentence=decision.sentence, move=decision.move))

    def report(self, name: str, sentence: str) -> None:
        """Say that a runtime did not answer over a way, though it was open."""
        if name in self._candidates:
            with self._turn:
                self._ledger.report(name, sentence, self._clock())

    def fail(self, name: str, sentence: str) -> None:
        """Say that a runtime could not be opened over a way."""
        with self._turn:
            self._ledger.fail(name, sentence, self._clock())

    def work(self, name: str) -> None:
        """Say that a runtime answered over a way. Costs nothing where that is known."""
        if name not in self._candidates or self._ledger.record(name).state.health is Health.UP:
            return
        with self._turn:
            self._ledger.work(name, self._clock())

    def test(self, names: Collection[str] | None = None, *, deadline_s: float) -> None:
        """Probe some or all, side by side, and wait for the answers until the deadline."""
        wanted = [name for name in self._candidates if names is None or name in names]
        with self._turn:
            began_s = self._clock()
            for name in wanted:
                self._ask(name)
            while any(self._ledger.record(name).state.asked for name in wanted):
                left_s = deadline_s - (self._clock() - began_s)
                if left_s <= 0 or self._closing.is_set():
                    return
                self._turn.wait(min(left_s, WAIT_S))

    def record(self, name: str) -> Record:
        """Give all that is known of one candidate."""
        return self._ledger.record(name)

    def age_s(self, moment_s: float) -> float:
        """Say how long ago a moment of a record was."""
        return self._clock() - moment_s

    def stop(self) -> None:
        """Let the threads end soon; does not wait for them. May be called twice."""
        self._closing.set()
        with self._turn:
            self._turn.notify_all()

    def join(self) -> None:
        """Wait for the threads, each of which has a time limit."""
        deadline = time.monotonic() + self._pace.probe_s + JOIN_SLACK_S
        with self._turn:
            threads = self._all_threads()
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _all_threads(self) -> list[threading.Thread]:
        return [*self._threads, *((self._minder,) if self._minder else ())]

    def _begin_round(self) -> None:
        """Ask all, where what is in use is not known to be up and it is time again; with the lock held."""
        now_s, current = self._clock(), self.current
        is_up = current is not None and self._ledger.record(current).state.health is Health.UP
        if is_up or self._closing.is_set() or now_s - self._round_s < self._pace.round_s:
            return
        self._round_s = now_s
        for name in self._candidates:
            self._ask(name, anew=name != current)

    def _decided(self, came_s: float) -> Decision:
        """Decide for somebody who came at a moment; with the lock held. Rounds that others begin delay nobody."""
        now_s = self._clock()
        waited_s = now_s - min(came_s, self._round_s)
        return decide(self._ledger.states(), self.current, now_s, waited_s=waited_s, pace=self._pace)

    def _ask(self, name: str, *, anew: bool = False) -> None:
        """Begin a probe unless one is under way; with the lock held.

        `anew`: what was known of it counts no more. One that is only looked after keeps what it has earned.
        """
        if self._closing.is_set() or self._ledger.record(name).state.asked:
            return
        self._ledger.ask(name, anew=anew)
        thread = threading.Thread(target=self._probe, args=(name,), name=f"probe {self.name} {name}", daemon=True)
        self._threads = {each for each in self._threads if each.is_alive()} | {thread}
        thread.start()

    def _probe(self, name: str) -> None:
        try:
            answer = self._candidates[name].probe(self._pace.probe_s)
        except Exception:  # the top of a thread: whoever waits must hear of its end
            log.exception("probe failed", extra={"runtime": self.name, "connection": name})
            answer = Probe(ok=False, latency_ms=None, sentence="It could not be tried.", hint="The log says more.")
        with self._turn:
            self._ledger.answer(name, answer, self._clock())
            self._turn.notify_all()

    def _mind(self) -> None:
        """Let the better ones be tried again while a lower one is in use; with the lock held."""
        is_minded = self._minder is not None and self._minder.is_alive()
        if is_minded or self._closing.is_set() or not self._better():
            return
        self._minder = threading.Thread(target=self._try_better, name=f"auto {self.name}", daemon=True)
        self._minder.start()

    def _better(self) -> list[str]:
        """Name those of higher priority than what is in use; with the lock held."""
        if self.current is None:
            return []
        mine = self._candidates[self.current].priority
        return [each.name for each in self._candidates.values() if each.priority < mine]

    def _try_better(self) -> None:
        while not self._closing.wait(self._pace.reprobe_s * random.uniform(1 - JITTER, 1 + JITTER)):  # noqa: S311  no secret
            with self._turn:
                better = self._better()
                if not better or self._clock() - self._used_s > self._pace.used_s:
                    self._minder = None
                    return
            try:
                self.test(better, deadline_s=self._pace.probe_s)
                self._go_back()
            except Exception:  # the top of a thread: the next round may be better
                log.exception("fail back failed", extra={"runtime": self.name})

    def _go_back(self) -> None:
        with self._turn:
            decision = decide(self._ledger.states(), self.current, self._clock(), waited_s=0.0, pace=self._pace)
        if decision.move is not Move.BACK or decision.name is None:
            return
        sentence = self._ready(decision.name)
        if sentence:
            self.fail(decision.name, sentence)
        elif not self._closing.is_set():
            self.take(decision)
