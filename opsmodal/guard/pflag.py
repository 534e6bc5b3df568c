"""Flags, read as pflag reads them: the library by which kubectl, docker and podman take their words apart.

Every way round a guard that looked at strings was a difference between it and this parser, so what is read here is the
whole list of what a program would understand, in order, or a fault. Nothing is judged, and nothing is guessed: a flag
that is not in the table ends the reading. The facts are those of pflag's `parseArgs` and `strconv.ParseBool`, each
seen with the real programs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from opsmodal.guard.words import Word

TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})


class Takes(StrEnum):
    """How a flag comes to its value."""

    BOOL = "bool"
    """True by itself; another value only behind `=`. It never takes the next word."""
    VALUE = "value"
    """What stands behind `=` or in the rest of the word, else the next word, whatever that looks like."""
    IMPLIED = "implied"
    """Has a value by itself as a boolean does (`--dry-run`), and takes any behind `=`, never the next word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One flag of a program: `name` without dashes, `short` its letter, `also` other long names of it."""

    name: str
    short: str = ""
    takes: Takes = Takes.VALUE
    implied: str = "true"
    """The value without one, of those that are not Takes.VALUE."""
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """The flags of one command. `underscores`: `_` in a long name is read as `-`, as kubectl does."""

    long: Mapping[str, Flag]
    short: Mapping[str, Flag]
    underscores: bool = False

    @classmethod
    def of(cls, flags: Iterable[Flag], *, underscores: bool = False) -> Table:
        """Put flags together; a later one hides an earlier one of the same name or letter, as a verb's own do."""
        known = tuple(flags)
        long = {name: flag for flag in known for name in (flag.name, *flag.also)}
        return cls(long, {flag.short: flag for flag in known if flag.short}, underscores)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One flag that was given. `spelled` is the flag as it was typed, without its value: `-n`, `--all_namespaces`.

    It stands in the words `at` to before `end`. `typed`: its value was typed rather than implied.
    """

    flag: Flag
    value: str
    spelled: str
    at: int
    end: int
    typed: bool

    @property
    def on(self) -> bool:
        """Whether a boolean is true."""
        return self.value in TRUE


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """All that a program would understand. `given` is in order; where a flag is repeated, the last one holds.

    `places` says where in the words each positional stands; `dashes` where the `--` is, and `behind` what follows it.
    """

    given: tuple[Given, ...] = ()
    positionals: tuple[Word, ...] = ()
    places: tuple[int, ...] = ()
    behind: tuple[Word, ...] = ()
    dashes: int | None = None

    @property
    def arguments(self) -> tuple[Word, ...]:
        """What the program takes for its arguments: it makes no difference to most which side of `--` they stand."""
        return self.positionals + self.behind

    def all(self, name: str) -> tuple[Given, ...]:
        """Give every occurrence of a flag, in order."""
        return tuple(given for given in self.given if given.flag.name == name)

    def last(self, name: str) -> str | None:
        """Give the value that a flag ends up with; None when it was not given."""
        found = self.all(name)
        return found[-1].value if found else None


class Problem(StrEnum):
    """Why words cannot be read; the program itself would end with an error."""

    UNKNOWN = "unknown-flag"
    MISSING = "missing-value"
    BOOLEAN = "bad-boolean"
    SYNTAX = "bad-syntax"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What ended the reading: `spelled` is the flag as it was typed, in the word `at`; `value` what was bad."""

    problem: Problem
    spelled: str
    at: int
    value: str = ""

    @property
    def sentence(self) -> str:
        """Say what is wrong with it."""
        match self.problem:
            case Problem.UNKNOWN:
                return f"There is no flag {self.spelled} here."
            case Problem.MISSING:
                return f"The flag {self.spelled} needs a value."
            case Problem.BOOLEAN:
                return f"The flag {self.spelled} is true or false, not “{self.value}”."
            case Problem.SYNTAX:
                return f"“{self.spelled}” is not a flag."


def read(words: Sequence[Word], table: Table, *, interspersed: bool = True) -> Read | Fault:
    """Take words apart as pflag does. Without `interspersed` the first positional ends the flags (docker exec, run)."""
    return _Reading(words, table, interspersed).whole()


class _Reading:
    """One pass over the words; `_next` is the word that is read next."""

    def __init__(self, words: Sequence[Word], table: Table, interspersed: bool) -> None:
        self._words, self._table, self._interspersed = words, table, interspersed
        self._next = 0
        self._given: list[Given] = []
        self._places: list[int] = []

    def whole(self) -> Read | Fault:
        while self._next < len(self._words):
            at, text = self._next, self._words[self._next].text
            self._next += 1
            if text == "--":
                return self._read(dashes=at)
            if len(text) < 2 or not text.startswith("-"):
                self._places.append(at)
                if not self._interspersed:
                    self._places.extend(range(self._next, len(self._words)))
                    break
            elif fault := self._long(text, at) if text.startswith("--") else self._cluster(text, at):
                return fault
        return self._read(dashes=None)

    def _read(self, *, dashes: int | None) -> Read:
        return Read(
            given=tuple(self._given),
            positionals=tuple(self._words[place] for place in self._places),
            places=tuple(self._places),
            behind=() if dashes is None else tuple(self._words[dashes + 1 :]),
            dashes=dashes,
        )

    def _long(self, text: str, at: int) -> Fault | None:
        name, equals, value = text[2:].partition("=")
        if not name or name.startswith("-"):
            return Fault(problem=Problem.SYNTAX, spelled=text, at=at)
        known = self._table.long.get(name.replace("_", "-") if self._table.underscores else name)
        if known is None:
            return Fault(problem=Problem.UNKNOWN, spelled=f"--{name}", at=at)
        return self._take(known, f"--{name}", value if equals else None, at)

    def _cluster(self, text: str, at: int) -> Fault | None:
        """Read `-itcapp` letter by letter. `-n=` alone is the value "=", because pflag wants more than two letters."""
        rest = text[1:]
        while rest:
            letter, rest = rest[0], rest[1:]
            known = self._table.short.get(letter)
            if known is None:
                return Fault(problem=Problem.UNKNOWN, spelled=f"-{letter}", at=at)
            value: str | None = None
            if len(rest) > 1 and rest.startswith("="):
                value, rest = rest[1:], ""
            elif known.takes is Takes.VALUE and rest:
                value, rest = rest, ""
            if fault := self._take(known, f"-{letter}", value, at):
                return fault
        return None

    def _take(self, flag: Flag, spelled: str, value: str | None, at: int) -> Fault | None:
        typed = value is not None or flag.takes is Takes.VALUE
        if value is None and flag.takes is Takes.VALUE:
            if self._next >= len(self._words):
                return Fault(problem=Problem.MISSING, spelled=spelled, at=at)
            value = self._words[self._next].text
            self._next += 1
        value = flag.implied if value is None else value
        if flag.takes is Takes.BOOL and value not in TRUE | FALSE:
            return Fault(problem=Problem.BOOLEAN, spelled=spelled, at=at, value=value)
        self._given.append(Given(flag=flag, value=value, spelled=spelled, at=at, end=self._next, typed=typed))
        return None
