"""What is asked of a typed line and what is answered: its verdict, its output, its record, and what the tab offers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from opsmodal.commands.ending import Reason
from opsmodal.guard.verdict import Decision, Target, Verdict
from opsmodal.guard.world import Mode
from opsmodal.permissions import Permission


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandBody:
    """A line that somebody wants to run: `instance` is a container chosen for it, on engines only.

    `confirm` and `reason` are what is said to a line that destroys something. None is the same as nothing.
    """

    command: str = ""
    instance: str | None = None
    mode: Mode = Mode.ONESHOT
    confirm: str | bool | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRequest:
    """A line, where it is meant to run, and how long it may."""

    command: str
    instance: str = ""
    mode: Mode = Mode.ONESHOT


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAnswer:
    """What the guard says of a line. `argv` is what would run, empty where it is refused."""

    decision: Decision
    rule: str
    reason: str
    hint: str = ""
    suggestion: str = ""
    argv: tuple[str, ...] = ()
    needs: tuple[Permission, ...] = ()
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OneShotAnswer:
    """What a one-shot command gave. `exit_code` is None where it has none: it was ended, or the way to it was lost.

    `reason` is how it ended, as in its record. `truncated`: it wrote more than is shown; `masked`: values of secrets
    were taken out of it. `notes` are sentences about how it ran and how it ended.
    """

    id: str
    verdict: Decision
    exit_code: int | None
    reason: Reason
    stdout: str
    stderr: str
    duration_ms: int
    timed_out: bool
    truncated: bool
    masked: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamingAnswer:
    """A streaming command that has begun: its output is followed, and its record read, by this id."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A container that a line may be run in."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A line that is offered: a common one, to be run as `mode`."""

    label: str
    command: str
    mode: Mode = Mode.ONESHOT


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """A line that an administrator registered: `{name}` words are parameters, each with the shape that it takes.

    `may`: whether this person has the permissions for it; `approved`: it asks for no confirmation.
    """

    name: str
    command: str
    parameters: dict[str, str] = field(default_factory=dict)
    approved: bool = False
    may: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long and how much a command may. `oneshot_long_s` is for one-shots of logs and events."""

    oneshot_s: int
    oneshot_long_s: int
    oneshot_bytes: int
    streaming_s: int
    streaming_bytes: int
    streaming_count: int
    keep_days: int
    """How long output is kept; 0 where it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """One line that somebody typed, with what became of it.

    `command` is masked. `outcome` is running, refused, exited, timeout, output-limit, stopped or lost. `kept`: its
    output can be read again.
    """

    id: str
    command: str
    instance: str
    mode: Mode
    decision: Decision
    rule: str
    outcome: str
    exit_code: int | None
    started_at: datetime
    duration_ms: int | None
    bytes: int | None
    kept: bool = False
    audit_id: int | None = None
    """Its row in the audit log, for who may read that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The newest lines first; `next` is where to go on, None after the last."""

    items: tuple[HistoryRow, ...] = ()
    total: int = 0
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandsAnswer:
    """What the tab needs. `missing` says in a sentence what to install on the server, "" where nothing is missing.

    `hosts`: this person may run programs on the host itself. `problem` is a sentence on why the runtime does not say
    what there is now, "" where it does. `running` are this person's that go on, whatever part of the history is shown.
    """

    program: str
    namespace: str
    containers: tuple[Choice, ...]
    hosts: bool
    missing: str
    problem: str
    limits: Limits
    common: tuple[Offered, ...]
    runbooks: tuple[Runbook, ...]
    running: tuple[HistoryRow, ...]
    history: History


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandAnswer:
    """One command with its output as far as it is kept. `running`: it goes on, and its output can be followed.

    `stdout` and `stderr` are None where none is kept: switched off, or too long ago. `sentence` says how it ended.
    """

    row: HistoryRow
    running: bool
    sentence: str = ""
    stdout: str | None = None
    stderr: str | None = None
    truncated: bool = False
    masked: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A word that fits: `kind` is program, verb, flag, kind, name or container. A flag with a value ends with =."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Completions:
    """The words that fit where the cursor is, the likeliest first."""

    items: tuple[Completion, ...] = ()


def check_answer(verdict: Verdict) -> CheckAnswer:
    """Say what of a verdict a person sees."""
    return CheckAnswer(
        decision=verdict.decision,
        rule=verdict.rule,
        reason=verdict.reason,
        hint=verdict.hint,
        suggestion=verdict.suggestion,
        argv=verdict.argv,
        needs=tuple(each for each in Permission if each in verdict.needs),
        targets=verdict.targets,
    )
