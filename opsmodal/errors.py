"""What opsmodal itself answers when it does not do what was asked.

    Refusal
    ├── NotSignedIn             nobody, or somebody whose session has ended
    ├── AccessEnded             the right under an open stream has ended: says why
    │   └── TwoSessions         somebody, but not one person
    ├── NotThere                absent, or not this actor's to see: both look the same
    ├── NotPermitted            seen, but this needs a permission that the actor lacks
    │   └── CommandNotPermitted a typed line that needs one
    ├── CommandRefused          a typed line that the guard does not let through: names its rule
    ├── ForeignOrigin           the request comes from another site's page
    ├── BadRequest              the request cannot be understood
    ├── Rejected                understood, and wrong: each problem names its field
    ├── ConfirmationRequired    dangerous: says what will be hit and what to confirm with
    ├── InUse                   still referred to
    ├── LastAdministrator       nobody would be left who can administer
    ├── ProgramMissing          a program that typed lines need is not installed on the server
    ├── TooMany                 a limit on how often or how many
    ├── ReadOnly                changes are switched off
    └── NotRecorded             the audit log could not be written, so nothing was done

`sentence` is what happened, `hint` what to do next. Neither ever holds a secret. `recorded` is the sentence that the
audit log keeps where `sentence` quotes what somebody typed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with an input: `field` is its path, `line` its line in a document (0: none)."""

    field: str
    sentence: str
    hint: str = ""
    line: int = 0


class Refusal(Exception):
    """Say why something is not done, and what to do next."""

    def __init__(self, sentence: str, *, hint: str = "", recorded: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint
        self.recorded = recorded or sentence


class NotSignedIn(Refusal):
    """Nobody, or somebody whose session has ended."""


class AccessEnded(Refusal):
    """The right under an open stream has ended; `word` says in which way, for programs."""

    def __init__(self, sentence: str, *, hint: str = "", word: str) -> None:
        super().__init__(sentence, hint=hint)
        self.word = word


class TwoSessions(NotSignedIn):
    """The browser sends two sessions: one of them was put there by somebody else."""


class NotThere(Refusal):
    """Absent, or not this actor's to see."""


class NotPermitted(Refusal):
    """The actor sees it, but lacks the permission."""


class CommandNotPermitted(NotPermitted):
    """A typed line needs a permission that the actor lacks; `rule` names which kind."""

    def __init__(self, sentence: str, *, hint: str = "", rule: str) -> None:
        super().__init__(sentence, hint=hint)
        self.rule = rule


class CommandRefused(Refusal):
    """The guard does not let a typed line through: by `rule`; `suggestion` is a line that it would, or ""."""

    def __init__(self, sentence: str, *, hint: str = "", rule: str, suggestion: str = "") -> None:
        super().__init__(sentence, hint=hint)
        self.rule = rule
        self.suggestion = suggestion


class ForeignOrigin(Refusal):
    """The request comes from another site's page."""


class BadRequest(Refusal):
    """The request cannot be understood."""


class InUse(Refusal):
    """Something still refers to it."""


class LastAdministrator(Refusal):
    """Nobody would be left who can sign in and administer the installation."""


class ReadOnly(Refusal):
    """Changes are switched off for the whole installation."""


class NotRecorded(Refusal):
    """The audit log could not be written, so nothing was done."""


class Rejected(Refusal):
    """The input was understood and is wrong."""

    def __init__(self, sentence: str, problems: Sequence[Problem], *, hint: str = "") -> None:
        super().__init__(sentence, hint=hint)
        self.problems = tuple(problems)


class ProgramMissing(Refusal):
    """A program that typed lines need is not installed on the server."""


class TooMany(Refusal):
    """A limit was reached; try again after `retry_after_s`."""

    def __init__(self, sentence: str, *, hint: str = "", retry_after_s: float) -> None:
        super().__init__(sentence, hint=hint)
        self.retry_after_s = retry_after_s


class ConfirmationRequired(Refusal):
    """A dangerous action wants to be confirmed: `hits` is what will be hit, `confirm` the word to send.

    `reason_wanted`: the installation takes no such action without being told why.
    """

    def __init__(
        self,
        sentence: str,
        *,
        hits: Sequence[str],
        confirm: str,
        label: str,
        command: str = "",
        reason_wanted: bool = False,
    ) -> None:
        why = " and a reason" if reason_wanted else ""
        super().__init__(sentence, hint=f"Send confirm={confirm}{why} to go on.")
        self.hits = tuple(hits)
        self.confirm = confirm
        self.label = label
        self.command = command
        self.reason_wanted = reason_wanted
