"""The second step through the door: guards, which look at what is about to be done and may refuse it.

A guard is a function from what is asked to a verdict with a rule; it does nothing itself. That a dangerous action was
confirmed is one of them. A refusal is an attempt that is audited under its rule; a first request, which only asks what
there is to confirm, is a question and none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from opsmodal.audit.reading import ALLOW
from opsmodal.errors import ConfirmationRequired, Refusal
from opsmodal.operations.permits import Leave

CONFIRMATION, REASON = "confirmation", "reason"
"""The rules under which an action stands that was not confirmed, or for which no reason was given."""
TRUE = "true"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What somebody says to an action: the word of its confirmation, and why they do it."""

    confirm: str = ""
    reason: str = ""


UNASKED = Consent()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a guard judges. `reason_wanted`: whether this installation asks why."""

    leave: Leave
    consent: Consent = UNASKED
    reason_wanted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a guard says: `refusal` None allows. `is_attempt` is False for a question, which nobody writes down."""

    rule: str
    refusal: Refusal | None = None
    is_attempt: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was said of a typed line before it came here, for its row in the audit log."""

    verdict: str = ALLOW
    rule: str = ""


UNJUDGED = Judged()


class Guard(Protocol):
    """Judge what is about to be done. Raise nothing and do nothing."""

    def __call__(self, asked: Asked, /) -> Verdict: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """The guard of dangerous actions: the right word was sent, which is the service's name in production, else `true`.

    `hits` is what will be hit, or a function that looks it up while somebody is asked; `label` what the button says:
    what is done, and to how many of what. `word` is another word than that of the service that the action is on.
    `command` is the same by hand. Both may be functions, as `hits` may.
    """

    hits: Sequence[str] | Callable[[], Sequence[str]]
    label: str | Callable[[], str] = ""
    command: str | Callable[[], str] = ""
    word: str = ""

    def __call__(self, asked: Asked) -> Verdict:
        """Refuse unless the word was sent and, where this installation asks why, a reason as well."""
        leave, consent = asked.leave, asked.consent
        word = self.word or (leave.place if leave.is_production else TRUE)
        if consent.confirm != word:
            is_attempt = bool(consent.confirm)
            refusal = self._refusal(asked, word, "wants to be confirmed")
            return Verdict(rule=CONFIRMATION, refusal=refusal, is_attempt=is_attempt)
        if asked.reason_wanted and not consent.reason:
            return Verdict(rule=REASON, refusal=self._refusal(asked, word, "needs a reason here"))
        return Verdict(rule=CONFIRMATION)

    def _refusal(self, asked: Asked, word: str, wants: str) -> ConfirmationRequired:
        label = (self.label() if callable(self.label) else self.label) or asked.leave.action.label
        return ConfirmationRequired(
            f"{label} {wants}.",
            hits=tuple(self.hits() if callable(self.hits) else self.hits),
            confirm=word,
            label=label,
            command=self.command() if callable(self.command) else self.command,
            reason_wanted=asked.reason_wanted,
        )
