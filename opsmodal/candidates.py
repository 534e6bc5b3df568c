"""What the ways to a runtime look like to people: a tag, a state, a latency, one sentence. Pure.

The tag of every tab, the dialog, the API, the runtime's page and `doctor` all say it in the words that are made here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from connectors.base import Phase
from connectors.errors import HostKeyUnknown
from opsmodal.choices import AUTO
from opsmodal.shown_key import ShownKey, shown_key
from runtimes.base import Severity

KINDS: Mapping[str, str] = {"direct": "Direct", "vpn": "VPN", "ssh": "SSH"}
STATES: Mapping[Phase, tuple[Severity, str]] = {
    Phase.IDLE: (Severity.NEUTRAL, "not in use"),
    Phase.OPENING: (Severity.PROGRESS, "opening"),
    Phase.UP: (Severity.OK, "up"),
    Phase.DOWN: (Severity.ERROR, "fails"),
}


class Way(Protocol):
    """What the fleet knows of one way to a runtime. `phase` is that of the connection, `latency_ms` of its last try."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def priority(self) -> int: ...
    @property
    def phase(self) -> Phase: ...
    @property
    def latency_ms(self) -> float | None: ...
    @property
    def sentence(self) -> str: ...
    @property
    def hint(self) -> str: ...
    @property
    def last_error(self) -> str: ...
    @property
    def checked_at(self) -> datetime | None: ...
    @property
    def since(self) -> datetime | None: ...
    @property
    def facts(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def host_key(self) -> HostKeyUnknown | None: ...
    @property
    def alarm(self) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One way as it is shown. `health` is a severity and `word` says it; `latency_ms` is of its last try.

    `last_error` is the sentence of the last failure, also after the way was mended. `label` is how its tag reads.
    `host_key` is one that nobody trusts yet; `alarm`: a server shows another key than the one that was trusted.
    """

    name: str
    kind: str
    label: str
    priority: int
    in_use: bool
    phase: Phase
    health: Severity
    word: str
    latency_ms: float | None
    sentence: str
    hint: str
    last_error: str
    checked_at: datetime | None
    since: datetime | None
    facts: tuple[tuple[str, str], ...]
    host_key: ShownKey | None
    alarm: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """The way to a service as its header says it. `health` is None and `word` empty while there is nothing to say.

    `others` are offered in place of a chosen way that fails; `choosable` says whether there is a choice at all, and
    `unasked` that this person has never made one. `news` says why Auto is not on the way that it prefers.
    """

    text: str
    health: Severity | None = None
    word: str = ""
    sentence: str = ""
    hint: str = ""
    chosen: str = AUTO
    choosable: bool = False
    unasked: bool = False
    others: tuple[Candidate, ...] = ()
    news: str = ""

    @property
    def failing(self) -> bool:
        """Whether a way that somebody chose does not carry, so that another one is offered."""
        return bool(self.others)


def label_of(name: str, kind: str) -> str:
    """Name a way for people: its kind, and its name unless that says the same."""
    word = KINDS.get(kind, kind)
    return word if name.lower() in ("", kind, word.lower()) else f"{word} {name}"


def candidate(way: Way, *, in_use: bool) -> Candidate:
    """Say one way."""
    health, word = _state(way, in_use=in_use)
    return Candidate(
        name=way.name,
        kind=way.kind,
        label=label_of(way.name, way.kind),
        priority=way.priority,
        in_use=in_use,
        phase=way.phase,
        health=health,
        word=word,
        latency_ms=way.latency_ms,
        sentence=way.sentence,
        hint=way.hint,
        last_error=way.last_error,
        checked_at=way.checked_at,
        since=way.since,
        facts=way.facts,
        host_key=shown_key(way.host_key) if way.host_key else None,
        alarm=way.alarm,
    )


def candidates(ways: Sequence[Way], *, in_use: str) -> tuple[Candidate, ...]:
    """Say every way, in the order in which Auto prefers them."""
    shown = [candidate(way, in_use=way.name == in_use) for way in ways]
    return tuple(sorted(shown, key=lambda each: (each.priority, each.name)))


def explained(found: Sequence[Candidate], taken: str) -> str:
    """Say which way Auto takes, or would take, and why that one."""
    mine = next((each for each in found if each.name == taken), None)
    if mine is None:
        down = [each for each in found if each.health is Severity.ERROR]
        if found and len(down) == len(found):
            return "Auto has no way: all of them fail."
        return f"Auto has taken none yet: it will try {found[0].label} first." if found else "There is no connection."
    before = found[: found.index(mine)]
    if not before:
        return f"Auto takes {mine.label}: it has the highest priority."
    failed = [each.label for each in before if each.health is Severity.ERROR]
    if len(failed) == len(before):
        verb = "fails" if len(failed) == 1 else "fail"
        return f"Auto takes {mine.label}: {_listed(failed)} {verb}."
    return f"Auto stays with {mine.label} while it carries."


def tag(found: Sequence[Candidate], *, chosen: str, in_use: str, unasked: bool = False) -> Tag:
    """Say the way to a service in a word or two; `chosen` is the name of a way, or AUTO."""
    choosable = len(found) > 1
    mine = next((each for each in found if each.name == (in_use if chosen == AUTO else chosen)), None)
    text = _tag_text(found, mine, chosen, choosable=choosable)
    if mine is None:
        nowhere = choosable and all(each.health is Severity.ERROR for each in found)
        health, word = (Severity.ERROR, "no way") if nowhere else (None, "")
        return Tag(text=text, health=health, word=word, choosable=choosable, unasked=unasked and choosable)
    bad = mine.health in (Severity.ERROR, Severity.PROGRESS)
    fixed_and_down = chosen != AUTO and mine.health is Severity.ERROR
    return Tag(
        text=text,
        health=mine.health if bad else None,
        word=mine.word if bad else "",
        sentence=(mine.last_error or mine.sentence) if bad else mine.sentence,
        hint=mine.hint if bad else "",
        chosen=chosen,
        choosable=choosable,
        unasked=unasked and choosable,
        others=tuple(each for each in found if each is not mine) if fixed_and_down else (),
        news=explained(found, in_use) if chosen == AUTO and choosable and mine is not found[0] else "",
    )


def _tag_text(found: Sequence[Candidate], mine: Candidate | None, chosen: str, *, choosable: bool) -> str:
    if not choosable:
        return found[0].label if found else "No connection"
    if chosen == AUTO:
        return f"Auto → {mine.name}" if mine else "Auto"
    return mine.label if mine else chosen


def _state(way: Way, *, in_use: bool) -> tuple[Severity, str]:
    """Judge a way by what stands against it, then by how it is; one that answered its last try says so."""
    if way.alarm:
        return Severity.ERROR, "changed host key"
    if way.host_key is not None:
        return Severity.ERROR, "unknown host key"
    if way.phase in (Phase.OPENING, Phase.DOWN):
        return STATES[way.phase]
    if way.latency_ms is not None:
        return Severity.OK, "answers"
    return (Severity.OK, "in use") if in_use else STATES[way.phase]


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
