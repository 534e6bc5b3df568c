"""Judges a line that begins with docker or podman: verb, flags, containers, and the argv that runs in its place."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from opsmodal.guard.engine import columns, filters
from opsmodal.guard.engine.flags import demand_end, demand_names, flags_read, written
from opsmodal.guard.engine.inner import judge_exec
from opsmodal.guard.engine.names import Own, everyone, once, resolved
from opsmodal.guard.engine.refusing import NotAllowed, shown
from opsmodal.guard.engine.tables import Verb, grammar
from opsmodal.guard.engine.verbs import found
from opsmodal.guard.verdict import Decision, Target, Verdict
from opsmodal.guard.words import Word
from opsmodal.guard.world import Asked
from opsmodal.permissions import Permission

_PORT = re.compile(r"[0-9]{1,5}(?:/(?:tcp|udp|sctp))?")
_REASONS = {
    "view": ("engine-read", "It reads this service's own containers."),
    "logs": ("engine-logs", "It reads the logs of this service's own containers."),
    "manage": ("engine-manage", "It acts on this service's own containers."),
    "engine": ("engine-version", "It is about the engine, and changes nothing."),
}
_NEEDS = {"logs": Permission.LOGS, "manage": Permission.MANAGE}


@dataclass(frozen=True, slots=True)
class Operands:
    """What a line is about: the own containers, and the words that follow them."""

    containers: tuple[Own, ...] = ()
    rest: tuple[str, ...] = ()


def judge_engine(words: tuple[Word, ...], asked: Asked) -> Verdict:
    """Judge the words of a line whose first one is docker or podman. Raise only what reading the world raises."""
    try:
        return _judged(words, asked)
    except NotAllowed as problem:
        return (
            replace(problem.verdict, suggestion=_named_otherwise(words, *problem.instead))
            if problem.instead
            else problem.verdict
        )


def _judged(words: tuple[Word, ...], asked: Asked) -> Verdict:
    program = asked.kind
    if program == "kubernetes" or not words or words[0].text != program:
        raise NotAllowed("engine-verb", "The line does not begin with the program of this engine.")
    verb, at = found(words, grammar(program))
    given = flags_read(words, at, verb, asked.mode)
    if verb.row.names == "exec":
        return judge_exec(verb, given, asked.world)
    demand_end(words, at, verb, given, asked.mode)
    if verb.row.names != "top":
        demand_names(words, at, verb, given)
    operands = _READERS[verb.row.names](verb, [word.text for word in given.arguments], asked)
    narrowing = filters.narrowed(verb, given.all("filter"), asked.world) if verb.row.narrow else ()
    argv = (program, *verb.row.name.split(), *written(verb, given), *narrowing, *_ids(operands), *operands.rest)
    return _verdict(verb, argv, operands)


def _named_otherwise(words: Sequence[Word], typed: str, meant: str) -> str:
    """Write a line with the name that may have been meant, where it stands for the first time."""
    texts = [word.text for word in words]
    at = next((at for at, text in enumerate(texts) if text.removeprefix("/") == typed), None)
    return "" if at is None else shlex.join([*texts[:at], meant, *texts[at + 1 :]])


def _verdict(verb: Verb, argv: tuple[str, ...], operands: Operands) -> Verdict:
    rule, reason = _REASONS[verb.row.row]
    changes = verb.row.row == "manage"
    return Verdict(
        decision=Decision.CONFIRM if verb.row.confirm else Decision.ALLOW,
        rule=rule,
        reason=reason,
        argv=argv,
        verb=verb.row.name,
        needs=frozenset({Permission.EXEC, *([_NEEDS[verb.row.row]] if verb.row.row in _NEEDS else [])}),
        changes=changes,
        long=verb.row.long,
        targets=tuple(Target("container", own.name) for own in operands.containers if changes),
        on_runtime=verb.row.row == "engine",
    )


def _none(verb: Verb, arguments: Sequence[str], _asked: Asked) -> Operands:
    if arguments:
        raise NotAllowed("engine-arguments", f"{verb.row.name} takes no arguments, and {shown(arguments[0])} is one.")
    return Operands()


def _one(verb: Verb, arguments: Sequence[str], asked: Asked) -> Operands:
    if len(arguments) > 1:
        raise NotAllowed("engine-arguments", f"{verb.row.name} takes one container; {shown(arguments[1])} is too much.")
    return _some(verb, arguments, asked)


def _some(verb: Verb, arguments: Sequence[str], asked: Asked) -> Operands:
    if not arguments:
        raise NotAllowed("engine-arguments", f"{verb.row.name} wants the name of a container.")
    return Operands(once([resolved(each, asked.world) for each in arguments]))


def _all(verb: Verb, arguments: Sequence[str], asked: Asked) -> Operands:
    """Take the named containers, or every own one: by itself the program would take everybody's."""
    if arguments:
        return _some(verb, arguments, asked)
    if not asked.world.own:
        raise NotAllowed("engine-arguments", f"This service has no containers that {verb.row.name} could show.")
    return Operands(everyone(asked.world))


def _port(verb: Verb, arguments: Sequence[str], asked: Asked) -> Operands:
    rest = tuple(arguments[1:])
    if len(rest) > 1 or not all(map(_PORT.fullmatch, rest)):
        raise NotAllowed("engine-arguments", "port takes a container and one port, such as 80 or 53/udp.")
    return Operands(_one(verb, arguments[:1], asked).containers, rest)


def _top(verb: Verb, arguments: Sequence[str], asked: Asked) -> Operands:
    named = _one(verb, arguments[:1], asked)
    return Operands(named.containers, columns.judged(arguments[1:], podman=asked.kind == "podman"))


def _ids(operands: Operands) -> tuple[str, ...]:
    return tuple(own.id for own in operands.containers)


_READERS: Mapping[str, Callable[[Verb, Sequence[str], Asked], Operands]] = {
    "none": _none,
    "one": _one,
    "some": _some,
    "all": _all,
    "port": _port,
    "top": _top,
}
