"""A rule of the guard as data: what pages, records and docs/guard.md say of it comes from here and nowhere else.

Each package of the guard has a module `rules` with a tuple `RULES` of its own; `opsmodal.guard.rules` joins them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: `id` stands in verdicts and records, `sentence` says what holds, `hint` what to do instead, if anything.

    Ids are small letters, digits and dashes, like `line-operator`: they are kept in the audit log, so none is renamed.
    """

    id: str
    sentence: str
    hint: str = ""
