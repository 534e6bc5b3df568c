"""What is known of the candidates of one runtime: every probe and every failure in use, one after the other.

Pure but for its own memory: each event comes with its moment, and nothing is asked of a clock. What a runtime says
about a way counts as much as a probe: a way that probes well and fails in use all the same is not believed for a while.
Not locked itself: whoever keeps it holds the lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from connectors.auto import PACE, Health, Pace, State
from connectors.base import Probe

REPORTS_MAX = 2
"""Failures in use within REPORTS_S after which a way is not believed, however well it probes. One alone may be a
server that was restarted: then the probe decides."""
REPORTS_S = 60.0
APART_S = 1.0
"""Failures closer than that are one: a line that is cut fails everybody who uses it at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is known of one candidate: its `state`, and the last probe with its moment."""

    state: State
    probe: Probe | None = None
    probed_s: float = 0.0
    error: str = ""
    """The last thing that went wrong, also when it is over."""
    reports: tuple[float, ...] = ()
    distrusted_until_s: float = 0.0
    taken_s: float = 0.0


class Ledger:
    """The candidates, and which is in use."""

    def __init__(self, states: Sequence[State], *, current: str | None = None, pace: Pace = PACE) -> None:
        self._pace = pace
        self._records = {state.name: Record(state=replace(state, hold_s=pace.healthy_s)) for state in states}
        self.current = current if current in self._records else None

    def states(self) -> tuple[State, ...]:
        """List what is known."""
        return tuple(record.state for record in self._records.values())

    def record(self, name: str) -> Record:
        """Give all that is known of one."""
        return self._records[name]

    def ask(self, name: str, *, anew: bool = False) -> None:
        """A probe begins; `anew`: what was known before is too old to go by."""
        state = self._records[name].state
        health = Health.UNKNOWN if anew and state.health is Health.UP else state.health
        self._note(name, asked=True, health=health)

    def answer(self, name: str, probe: Probe, now_s: float) -> None:
        """A probe has ended."""
        record = self._records[name]
        is_up = probe.ok and now_s >= record.distrusted_until_s
        error = record.error if probe.ok else probe.sentence
        self._records[name] = replace(record, probe=probe, probed_s=now_s, error=error)
        sentence = record.state.sentence if probe.ok and not is_up else probe.sentence
        self._turn(name, Health.UP if is_up else Health.DOWN, now_s, asked=False, sentence=sentence)

    def report(self, name: str, sentence: str, now_s: float) -> None:
        """It failed in use: the next probe decides, unless it fails in use again and again."""
        record = self._records[name]
        recent = tuple(at for at in record.reports if now_s - at < REPORTS_S)
        if recent and now_s - recent[-1] < APART_S:
            return
        reports, until = (*recent, now_s), record.distrusted_until_s
        if len(reports) >= REPORTS_MAX:
            reports, until = (), now_s + record.state.hold_s
        self._records[name] = replace(record, reports=reports, distrusted_until_s=until, error=sentence)
        is_down = until > now_s or record.state.health is Health.DOWN
        self._turn(name, Health.DOWN if is_down else Health.UNKNOWN, now_s, sentence=sentence)

    def fail(self, name: str, sentence: str, now_s: float) -> None:
        """Nothing could be opened over it, whatever its probe said."""
        self._records[name] = replace(self._records[name], error=sentence)
        self._turn(name, Health.DOWN, now_s, sentence=sentence)

    def work(self, name: str, now_s: float) -> None:
        """Something came over it: it is up."""
        self._records[name] = replace(self._records[name], reports=(), distrusted_until_s=0.0)
        self._turn(name, Health.UP, now_s, sentence="It carries.")

    def take(self, name: str, now_s: float) -> None:
        """It is in use from now on. What is left soon after it was taken must be well for longer to be taken back."""
        if self.current is not None and self.current != name:
            left = self._records[self.current]
            is_flapping = now_s - left.taken_s < self._pace.healthy_max_s
            hold_s = min(left.state.hold_s * 2, self._pace.healthy_max_s) if is_flapping else self._pace.healthy_s
            self._note(self.current, hold_s=hold_s)
        if self.current != name:
            self.current = name
            self._records[name] = replace(self._records[name], taken_s=now_s)

    def _turn(self, name: str, health: Health, now_s: float, **other: object) -> None:
        state = self._records[name].state
        since_s = state.since_s if state.health is health else now_s
        self._note(name, health=health, since_s=since_s, **other)

    def _note(self, name: str, **changed: object) -> None:
        record = self._records[name]
        self._records[name] = replace(record, state=replace(record.state, **changed))  # type: ignore[arg-type]  # fields of State
