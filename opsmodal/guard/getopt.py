"""Reads arguments as programs do that use getopt: clusters of letters, long flags, values attached or in the next word.

Long flags are read in full only: that getopt takes `--fol` for `--follow` is a reason to refuse the short form, not to
guess at it. What is not in a grammar is a `Misfit`; nothing passes because it was not understood.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from opsmodal.guard.words import Word


class Misfit(Exception):
    """The arguments have no place in the grammar: a sentence says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """The arguments that a program may get. Patterns are held against whole words.

    `flags` take no value, `values` take one, `loose` take one only if it is attached, `eager` take the next word too
    if it fits. Letters and long names are written without dashes. `operands` are at least `least` and at most `most`.
    """

    program: str
    about: str
    flags: frozenset[str] = frozenset()
    values: Mapping[str, str] = field(default_factory=dict)
    loose: Mapping[str, str] = field(default_factory=dict)
    eager: Mapping[str, str] = field(default_factory=dict)
    operands: str = ""
    least: int = 0
    most: int = 0
    wants: frozenset[str] = frozenset()
    """One of these flags has to be there."""
    repeats: frozenset[str] | None = None
    """It goes on for ever when one of these is there (always, when there are none) and none of `until` is."""
    until: frozenset[str] = frozenset()
    counted: bool = False
    """Numbers among its operands are an interval and a count: without the count it goes on for ever."""


@dataclass(slots=True)
class Parsed:
    """What was understood: flags with their values ("" for none), and operands, in their order."""

    flags: list[tuple[str, str]] = field(default_factory=list)
    operands: list[str] = field(default_factory=list)

    def has(self, *names: str) -> bool:
        """Tell whether one of the flags is there."""
        return any(name in names for name, _ in self.flags)


def flags(text: str) -> frozenset[str]:
    """Give the flags of a text: long ones as words, the letters of the first word one by one."""
    letters, *longs = text.split(" ")
    return frozenset((*letters, *longs))


def names(text: str) -> frozenset[str]:
    """Give the words of a text."""
    return frozenset(text.split())


def parsed(words: Sequence[Word], grammar: Grammar) -> Parsed:
    """Read the words behind the program's name. Raise Misfit where they do not fit the grammar."""
    result, texts = Parsed(), [word.text for word in words]
    while texts:
        text = texts.pop(0)
        if text == "--":
            result.operands += texts
            break
        if text.startswith("--"):
            _long(text[2:], texts, grammar, result)
        elif text.startswith("-") and text != "-":
            _cluster(text[1:], texts, grammar, result)
        else:
            result.operands.append(text)
    _demand_operands(result, grammar)
    return result


def _long(text: str, rest: list[str], grammar: Grammar, result: Parsed) -> None:
    name, equals, value = text.partition("=")
    if len(name) < 2:
        raise Misfit(f"“--{text[:80]}” is no flag that is known here.")
    if name in grammar.values:
        if not equals:
            value = _next(f"--{name}", rest)
        result.flags.append((name, _fitting(f"--{name}", value, grammar.values[name])))
    elif name in grammar.loose or name in grammar.eager:
        shape = grammar.loose.get(name) or grammar.eager[name]
        result.flags.append((name, _fitting(f"--{name}", value, shape) if equals else ""))
    elif name in grammar.flags and not equals:
        result.flags.append((name, ""))
    else:
        raise Misfit(f"“--{text[:80]}” is no flag that is allowed for {grammar.program} here.")


def _cluster(letters: str, rest: list[str], grammar: Grammar, result: Parsed) -> None:
    while letters:
        letter, letters = letters[0], letters[1:]
        if letter in grammar.flags:
            result.flags.append((letter, ""))
            continue
        if letter in grammar.values:
            value = letters or _next(f"-{letter}", rest)
            result.flags.append((letter, _fitting(f"-{letter}", value, grammar.values[letter])))
        elif letter in grammar.loose:
            value = _fitting(f"-{letter}", letters, grammar.loose[letter]) if letters else ""
            result.flags.append((letter, value))
        elif letter in grammar.eager:
            result.flags.append((letter, _eager(letter, letters, rest, grammar)))
        else:
            raise Misfit(f"“-{letter}” is no flag that is allowed for {grammar.program} here.")
        return


def _eager(letter: str, attached: str, rest: list[str], grammar: Grammar) -> str:
    """Take the value that is attached, or the next word when it can be one."""
    if attached:
        return _fitting(f"-{letter}", attached, grammar.eager[letter])
    return rest.pop(0) if rest and _fits(rest[0], grammar.eager[letter]) else ""


def _next(flag: str, rest: list[str]) -> str:
    if not rest:
        raise Misfit(f"{flag} needs a value.")
    return rest.pop(0)


def _fitting(flag: str, value: str, shape: str) -> str:
    if not _fits(value, shape):
        raise Misfit(f"“{value[:80]}” is no value that is allowed for {flag} here.")
    return value


def _demand_operands(result: Parsed, grammar: Grammar) -> None:
    for operand in result.operands[: grammar.most]:
        if not _fits(operand, grammar.operands):
            raise Misfit(f"“{operand[:80]}” is nothing that {grammar.program} may be asked for here.")
    if len(result.operands) > grammar.most:
        raise Misfit(f"“{result.operands[grammar.most][:80]}” is one word too many for {grammar.program} here.")
    if len(result.operands) < grammar.least:
        raise Misfit(f"{grammar.program} needs a word more here.")
    if grammar.wants and not result.has(*grammar.wants):
        raise Misfit(f"{grammar.program} needs {named(grammar.wants)} here.")


def _fits(value: str, shape: str) -> bool:
    return re.fullmatch(shape, value, re.ASCII) is not None


def named(names: frozenset[str]) -> str:
    """Write flags as they are typed: `-n or --iterations`."""
    ordered = sorted(names, key=lambda name: (len(name) > 1, name))
    return " or ".join(f"-{name}" if len(name) == 1 else f"--{name}" for name in ordered)


def endless(result: Parsed, grammar: Grammar) -> bool:
    """Tell whether the program would go on until it is stopped."""
    if grammar.counted:
        return len([one for one in result.operands if one.isdigit()]) == 1
    if grammar.repeats is None or result.has(*grammar.until):
        return False
    return not grammar.repeats or result.has(*grammar.repeats)
