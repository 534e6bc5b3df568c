"""What a topic found, and tables that find it in the words of a runtime.

Most causes are recognised by the wording of a message. Such wordings are data: a Rule says which words prove what, how
that is said to a person, and what to do next. A Rule refuses to guess: no match, no finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

from runtimes.base import Cause, Event
from runtimes.causes.words import READ_MAX_CHARS, named, quoted, sentence

QUOTES_ITSELF_CHARS = 60
"""A rule that takes more than this out of a message has quoted what matters; the message is not repeated."""


class Weight(IntEnum):
    """How telling a finding is; the most telling one makes the sentence."""

    DECISIVE = 10
    """The runtime itself names the cause."""
    LIKELY = 20
    """It explains the state, though something else may stand behind it."""
    GENERAL = 30
    """The state in other words."""
    CONTEXT = 50
    """True and useful, but not why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One reason. `what` and `because` make the sentence ("cannot start", "its image does not exist").

    `detail` is for the list of causes; where it is empty, `because` says it all. `said` quotes the runtime.
    """

    kind: str
    what: str
    because: str
    hint: str
    weight: Weight = Weight.DECISIVE
    detail: str = ""
    said: str = ""

    def cause(self) -> Cause:
        """Give the finding as the page lists it."""
        said = f" The runtime says: “{quoted(self.said)}”." if self.said.strip() else ""
        return Cause(kind=self.kind, detail=(self.detail or sentence(self.because)) + said, hint=self.hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Words that prove a cause. `because` may name the pattern's groups and the names that `find` is given."""

    kind: str
    words: str
    because: str
    hint: str
    weight: Weight = Weight.DECISIVE

    def find(self, text: str, *, what: str, **names: str) -> Finding | None:
        """Look for the words in a foreign text."""
        found = re.search(self.words, text[:READ_MAX_CHARS], re.IGNORECASE)
        if found is None:
            return None
        fields = {field: named(value or "") for field, value in (names | found.groupdict()).items()}
        clause = " ".join(self.because.format(**fields).split()).rstrip(" :")
        said = "" if any(len(value) > QUOTES_ITSELF_CHARS for value in found.groupdict(default="").values()) else text
        return Finding(kind=self.kind, what=what, because=clause, hint=self.hint, weight=self.weight, said=said)


def first(rules: Iterable[Rule], text: str, *, what: str, **names: str) -> Finding | None:
    """Give what the first matching rule finds; the order of a table is from special to general."""
    return next((found for rule in rules if (found := rule.find(text, what=what, **names))), None)


def latest(events: Iterable[Event], *reasons: str) -> Iterator[Event]:
    """Give the events with one of these reasons, the newest first; those without a time come last."""
    never = datetime.min.replace(tzinfo=UTC)
    wanted = [(event.at or never, number, event) for number, event in enumerate(events) if event.reason in reasons]
    return (event for _, _, event in sorted(wanted, key=lambda entry: entry[:2], reverse=True))
