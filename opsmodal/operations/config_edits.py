"""What somebody wants of the keys of a ConfigMap or Secret, put onto what there is now. Pure.

A form says what was done to each key and which value it showed; a program sends all keys as they are to be. Where a key
moved meanwhile that somebody edits, both sides are told of and nothing is chosen for them.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from opsmodal.errors import Problem, Rejected
from opsmodal.operations.config_values import Login, with_login

Fingerprint = Callable[[str, bytes], str]
"""Names the value of a key without telling it."""
SHOWN = "shown\0"
"""Before the key, in the name of a value that was shown; no key holds a NUL."""
NAME_IT = "Nothing was changed. Give each key a name of its own, or remove it."


@dataclass(frozen=True, slots=True)
class Naming:
    """Names values for the page that has them, so that it can send back which ones it has seen.

    A value of a Secret has another name where it was shown than where it was masked. Else who has seen only dots could
    send a guess with the name of the masked value, and learn from “nothing would change” that it is right.
    """

    fingerprint: Fingerprint
    is_secret: bool

    def masked(self, key: str, value: bytes) -> str:
        """Name a value that was not shown; those of a ConfigMap are shown always."""
        return self.fingerprint(key, value) if self.is_secret else self.shown(key, value)

    def shown(self, key: str, value: bytes) -> str:
        """Name a value that was shown."""
        return self.fingerprint(f"{SHOWN}{key}", value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What becomes of one key: it gets a `value` (None keeps it) or a `login` into it, another name, or goes.

    `was` is the name it had, "" for a new one; `seen` names the value that was there, "" where none was; `shown` tells
    that a field held it, so that one that comes back empty is meant so.
    """

    key: str
    was: str = ""
    seen: str = ""
    value: bytes | None = field(default=None, repr=False)
    login: Login | None = None
    removed: bool = False
    shown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """A key that somebody edits and that moved meanwhile; None for a side where it is not there.

    `seen` is the fingerprint of what others made of it: who has seen both sides sends that.
    """

    key: str
    sentence: str
    seen: str = ""
    mine: bytes | None = field(default=None, repr=False)
    theirs: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """All keys as they are to be, as far as that is agreed. `given` are those that a value was sent for."""

    values: Mapping[str, bytes] = field(repr=False)
    clashes: tuple[Clash, ...] = ()
    given: frozenset[str] = frozenset()


class Wish(Protocol):
    """What somebody wants of the keys."""

    def onto(self, now: Mapping[str, bytes], naming: Naming) -> Merged:
        """Put it onto what there is. Raise Rejected for what cannot be."""
        ...


@dataclass(frozen=True, slots=True)
class Edits:
    """What a form says."""

    items: tuple[Edit, ...]

    def onto(self, now: Mapping[str, bytes], naming: Naming) -> Merged:
        """Do what was done in the form to what there is now; keys that it does not name stay.

        Raise Rejected with every row that has no name, or that of another one: `key.3` is the third row's.
        """
        items = [_meant(edit, now, naming) for edit in self.items]
        values, gone = dict(now), {edit.was for edit in items if edit.removed or edit.key != edit.was}
        rows = {edit.was for edit in items}
        meeting = (edit for edit in items if edit.was or edit.key not in rows)  # else two rows of one form meet
        clashes = [clash for edit in meeting if (clash := _clash(edit, now, naming)) is not None]
        for key in gone & values.keys():
            del values[key]
        given, problems, clashing = set[str](), list[Problem](), {each.key for each in clashes}
        for number, edit in enumerate(items, 1):
            value = now.get(edit.was) if edit.value is None else edit.value
            if edit.removed or (edit.key and value is None):
                continue
            if not edit.key:
                problems.append(Problem(field=f"key.{number}", sentence="A key needs a name."))
            elif edit.key in values and edit.key != edit.was and edit.key not in clashing:
                problems.append(_twice(edit.key, f"key.{number}"))
            else:
                values[edit.key] = value or b""
                given |= {edit.key} if edit.value is not None or edit.key != edit.was else set()
        if problems:
            raise Rejected(problems[0].sentence, problems, hint=NAME_IT)
        return Merged(values=values, clashes=tuple(clashes), given=frozenset(given))

    def settled(self, *, theirs: Collection[str], mine: Mapping[str, str]) -> Edits:
        """Drop the edits of keys that are left to others, and keep those of `mine` whose other side was seen.

        `mine` is the fingerprint of that side by key, "" where others removed it.
        """
        kept = [edit for edit in self.items if (edit.was or edit.key) not in theirs]
        return Edits(tuple(_settled(edit, mine) for edit in kept))


@dataclass(frozen=True, slots=True)
class Whole:
    """What a program says: all keys. None keeps a value unseen; `renamed` gives values from one key to another."""

    values: Mapping[str, bytes | None] = field(repr=False)
    renamed: Mapping[str, str] = field(default_factory=dict)

    def onto(self, now: Mapping[str, bytes], naming: Naming) -> Merged:  # noqa: ARG002  (a form needs it)
        """Take what is sent, and from what there is what is kept."""
        origins = {new: old for old, new in self.renamed.items()}
        if len(origins) < len(self.renamed):
            raise _refused_twice(next(iter(origins)))
        found: dict[str, bytes] = {}
        for key in dict.fromkeys([*self.values, *origins]):
            value, origin = self.values.get(key), origins.get(key, key)
            if value is None and origin not in now:
                problem = Problem(field=f"values.{key[:60]}", sentence=f"There is no value of {origin[:60]!r} to keep.")
                raise Rejected(problem.sentence, [problem], hint="Send a value, or leave the key out.")
            found[key] = now[origin] if value is None else value
        values = {key: value for key, value in found.items() if key not in self.renamed or key in origins}
        kept = {key for key in values if self.values.get(key) is None and key not in origins}
        return Merged(values=values, given=frozenset(values.keys() - kept))


def whole(
    values: Mapping[str, str | None], binary: Mapping[str, str | None], renamed: Mapping[str, str] | None = None
) -> Whole:
    """Read what a program sends. Raise Rejected for what is no base64, or is sent twice."""
    found: dict[str, bytes | None] = {key: None if text is None else text.encode() for key, text in values.items()}
    for key, text in binary.items():
        if key in found:
            raise _refused_twice(key)
        found[key] = None if text is None else _decoded(key, text)
    return Whole(found, dict(renamed or {}))


def _meant(edit: Edit, now: Mapping[str, bytes], naming: Naming) -> Edit:
    """Give an edit as it was meant: a value that came back as it was shown is kept, a login goes into what is there."""
    if edit.login is not None:
        return replace(edit, value=with_login(now.get(edit.was or edit.key, b""), edit.login), seen="")
    was_shown = edit.was and edit.seen and edit.value is not None
    return replace(edit, value=None) if was_shown and naming.shown(edit.was, edit.value or b"") == edit.seen else edit


def _clash(edit: Edit, now: Mapping[str, bytes], naming: Naming) -> Clash | None:
    """Tell whether the key of an edit is no longer what was there; of a Secret whatever is sent for it."""
    mine = None if edit.removed else edit.value
    if not edit.was:
        theirs = now.get(edit.key)
        if theirs is None or (theirs == mine and not naming.is_secret):
            return None
        seen = naming.masked(edit.key, theirs)
        return Clash(key=edit.key, sentence="It was added meanwhile.", seen=seen, mine=mine, theirs=theirs)
    if edit.value is None and not edit.removed and edit.key == edit.was:
        return None
    theirs = now.get(edit.was)
    if theirs is None:
        return None if edit.removed else Clash(key=edit.was, sentence="It was removed meanwhile.", mine=mine)
    seen = naming.masked(edit.was, theirs)
    if edit.seen in ("", seen, naming.shown(edit.was, theirs)) or (theirs == mine and not naming.is_secret):
        return None
    return Clash(key=edit.was, sentence="It was changed meanwhile.", seen=seen, mine=mine, theirs=theirs)


def _settled(edit: Edit, mine: Mapping[str, str]) -> Edit:
    key = edit.was or edit.key
    if key not in mine:
        return edit
    return replace(edit, was=key if mine[key] else "", seen=mine[key])


def _twice(key: str, of: str) -> Problem:
    return Problem(field=of, sentence=f"The key {key[:60]!r} is there twice.")


def _refused_twice(key: str) -> Rejected:
    problem = _twice(key, f"key.{key[:60]}")
    return Rejected(problem.sentence, [problem], hint=NAME_IT)


def _decoded(key: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        problem = Problem(field=f"binary.{key[:60]}", sentence=f"The value of {key[:60]!r} is no base64.")
        raise Rejected(problem.sentence, [problem]) from None
