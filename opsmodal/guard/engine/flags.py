"""Judges the flags that were read, and writes those that stay anew: long, with `=`, so that none can hide another."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable, Iterator, Sequence

from opsmodal.guard.engine.refusing import NotAllowed, shown
from opsmodal.guard.engine.tables import FlagRow, Verb
from opsmodal.guard.pflag import Fault, Given, Problem, Read, Takes, read
from opsmodal.guard.words import Word
from opsmodal.guard.world import Mode

HANDLED = frozenset({"pass", "follow", "filter", "inner", "kind"})
"""What becomes of a flag, when no rule refuses it."""
WHY = {
    "engine-terminal": "there is no terminal and no input",
    "engine-detach": "nothing runs in the background",
    "engine-privileged": "a command has no more rights than its container",
    "engine-file": "no file of the server or the host is read or written",
    "engine-everyone": "it reaches containers that the line does not name",
    "engine-follow": "a one-shot command does not follow or watch",
    "engine-administration": "it acts on the engine itself",
}


def flags_read(words: Sequence[Word], at: int, verb: Verb, mode: Mode) -> Read:
    """Read the words behind a verb. Raise NotAllowed for what is no flag of it, and for a flag that is refused."""
    given = read(words[at:], verb.table, interspersed=verb.row.interspersed)
    if isinstance(given, Fault):
        raise _faulty(given, verb)
    bad = [each for each in _heeded(given, verb) if _rule(each, verb, mode)]
    if bad:
        rule = _rule(bad[0], verb, mode)
        better = without(words[:at], given, bad)
        why = WHY.get(rule, "it is refused")
        raise NotAllowed(rule, f"{shown(bad[0].spelled)} is not for {verb.row.name} here: {why}.", suggestion=better)
    for each in given.given:
        _demand_shape(each, verb.rows[each.flag.name])
    return given


def written(verb: Verb, given: Read) -> tuple[str, ...]:
    """Write the flags that stay: of those given several times the last one holds, as it does for the program."""
    kept = {each.flag.name: each for each in given.given if verb.rows[each.flag.name].use in ("pass", "follow")}
    return (*verb.row.fixed, *(_one(each, verb.rows[name]) for name, each in sorted(kept.items())))


def demand_end(words: Sequence[Word], at: int, verb: Verb, given: Read, mode: Mode) -> None:
    """Raise NotAllowed for a one-shot that would go on for ever: `stats` and `events` do by themselves."""
    if mode is Mode.STREAMING or not verb.row.ends or any(_ended(end, given) for end in verb.row.ends):
        return
    closing = verb.row.closing or "--no-stream"
    rest = [word.text for word in words[at:]]
    better = shlex.join([*(word.text for word in words[:at]), closing, *rest])
    raise NotAllowed(
        "engine-endless",
        f"{verb.row.name} goes on for ever by itself.",
        hint=f"Add {closing}, or run it as a stream.",
        suggestion=better,
    )


def demand_names(words: Sequence[Word], at: int, verb: Verb, given: Read) -> None:
    """Raise NotAllowed for flags behind the names of a verb that reads them in front only, as podman's logs does."""
    late = [word for word in given.positionals if word.text.startswith("-")]
    if verb.row.interspersed or not late:
        return
    mixed = read(words[at:], verb.table)
    better = "" if isinstance(mixed, Fault) or mixed.dashes is not None else without(words[:at], mixed, ())
    raise NotAllowed(
        "engine-flag",
        f"{verb.row.name} takes {shown(late[0].text)} for a container: flags stand in front of the first one.",
        hint="Put the flags in front of the name.",
        suggestion=better,
    )


def without(head: Sequence[Word], given: Read, bad: Collection[Given]) -> str:
    """Write a line as it was typed without some of its flags."""
    flags = [word for each in given.given if each not in bad for word in _typed(each)]
    behind = ["--", *(word.text for word in given.behind)] if given.dashes is not None else []
    return shlex.join([*(word.text for word in head), *flags, *(word.text for word in given.positionals), *behind])


def _heeded(given: Read, verb: Verb) -> Iterator[Given]:
    """Give the flags that are judged: all of them, and of --follow and --watch only the last, which is what holds."""
    for each in given.given:
        if verb.rows[each.flag.name].use != "follow" or each is given.all(each.flag.name)[-1]:
            yield each


def _rule(given: Given, verb: Verb, mode: Mode) -> str:
    """Give the rule that refuses a flag, or "". A boolean that is false does nothing."""
    use = verb.rows[given.flag.name].use
    if given.flag.takes is Takes.BOOL and not given.on:
        return ""
    if use == "follow":
        return "engine-follow" if mode is Mode.ONESHOT else ""
    return "" if use in HANDLED else use


def _demand_shape(given: Given, row: FlagRow) -> None:
    if row.use == "kind" and given.value != "container":
        raise NotAllowed("engine-type", f"inspect shows containers here, not {shown(given.value)}.")
    if row.shape and not re.fullmatch(row.shape, given.value):
        raise NotAllowed("engine-value", f"{shown(given.value)} is no value of {given.spelled}.")


def _one(given: Given, row: FlagRow) -> str:
    name = row.emit or f"--{row.name}"
    if given.flag.takes is Takes.BOOL:
        return name if given.on else f"{name}=false"
    return f"{name}={given.value}"


def _typed(given: Given) -> Iterator[str]:
    if given.flag.takes is not Takes.BOOL:
        yield from (given.spelled, given.value)
    else:
        yield given.spelled if given.on else f"{given.spelled}=false"


def _ended(end: str, given: Read) -> bool:
    """Tell whether a flag that ends a list was given: `until` with any value, `no-stream=true`, `stream=false`."""
    name, _, wanted = end.partition("=")
    found = given.all(name)
    if not found:
        return False
    return found[-1].on is (wanted == "true") if wanted else bool(found[-1].value.strip())


def _faulty(fault: Fault, verb: Verb) -> NotAllowed:
    if fault.problem is not Problem.UNKNOWN:
        return NotAllowed("engine-value", fault.sentence)
    known = ", ".join(_listed(verb.rows.values()))
    hint = f"Its flags here: {known}." if known else "It takes none."
    return NotAllowed("engine-flag", f"{verb.row.name} has no flag {shown(fault.spelled)} here.", hint=hint)


def _listed(rows: Iterable[FlagRow]) -> Iterator[str]:
    return (f"--{row.name}" for row in rows if row.use in HANDLED)
