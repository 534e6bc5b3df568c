"""Judges a command on a host: a listed program with arguments of its grammar, or a runbook. Everything else is refused.

The grammars are data (`host_table`); what a table cannot say is a check here, or a module of its own (`ps`, `ip`).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence

from opsmodal.guard import host_ip, host_ps, shapes
from opsmodal.guard.getopt import Misfit, Parsed, endless, named, names, parsed
from opsmodal.guard.host_rules import HINTS
from opsmodal.guard.host_table import DATABASES, GRAMMARS, HOST, UNIT
from opsmodal.guard.verdict import Decision, Verdict, Where, refused
from opsmodal.guard.words import Word
from opsmodal.guard.world import Asked, Mode

NSLOOKUP = "nslookup"
_LOOKUP_OPTION = (
    r"-(?:(?:type|querytype|q|query|class|timeout|retry|port|debug|vc|recurse|all)(?:=[A-Za-z0-9]{1,16})?"
    r"|no(?:debug|vc|recurse))"
)
_ONE_UNIT = ("status", "is-active", "is-enabled")
_SHELLS = names("sh bash dash zsh ksh ash fish csh tcsh busybox python python3 perl ruby node lua php")
_WRAPPERS = names(
    "sudo su doas env nohup setsid timeout xargs watch nice ionice time chroot nsenter unshare strace ltrace gdb "
    "systemd-run find awk gawk mawk sed ssh script stdbuf parallel flock runuser setpriv taskset"
)
PROGRAMS = frozenset({*GRAMMARS, "ps", "ip", NSLOOKUP})
OWN_GRAMMARS: Mapping[str, str] = {
    "ps": host_ps.UNIX.about,
    "ip": host_ip.ABOUT,
    NSLOOKUP: "what DNS answers about a name, `-type=…`; never interactive",
}
"""Programs that are no getopt, with what they may be asked."""


def judge_host(words: tuple[Word, ...], asked: Asked) -> Verdict:
    """Judge a line whose first word is a program on the host. Raise only what reading the world raises."""
    verdict = _shown(words, asked)
    if not verdict.allowed and (shape := shapes.matching(words, asked.world.shapes)):
        return shapes.run(words, shape)
    return verdict if verdict.allowed else _nearly_runbook(words, asked, verdict)


def _shown(words: tuple[Word, ...], asked: Asked) -> Verdict:
    program = words[0].text
    if program not in PROGRAMS:
        return _no(rule="host-program", reason=_stranger(program))
    try:
        goes_on = _check(program, words[1:])
    except Misfit as misfit:
        hint = _HINTS.get(program, HINTS["host-argument"])
        return refused("host-argument", str(misfit), hint=hint, suggestion=_meant(words))
    if goes_on and asked.mode is Mode.ONESHOT:
        until = GRAMMARS[program].until
        hint = f"Give {named(until)} with a count, or switch to streaming." if until else HINTS["host-endless"]
        return refused("host-endless", f"{program} goes on until it is stopped.", hint=hint)
    return Verdict(
        decision=Decision.ALLOW,
        rule="host-shape",
        reason=f"{program} shows something of the host here, and changes nothing.",
        argv=tuple(word.text for word in words),
        where=Where.HOST,
        verb=f"host {program}",
    )


def _meant(words: Sequence[Word]) -> str:
    """Give a systemctl without a verb the one that it takes then: `systemctl --failed` lists units."""
    program, *texts = (word.text for word in words)
    if program != "systemctl" or (texts and not texts[0].startswith("-")):
        return ""
    return shlex.join([program, "list-units", *texts])


def _check(program: str, words: Sequence[Word]) -> bool:
    """Tell whether the program would go on for ever. Raise Misfit where its arguments are not allowed."""
    if program in _READERS:
        _READERS[program](words)
        return False
    grammar = GRAMMARS[program]
    result = parsed(words, grammar)
    if program in _CHECKS:
        _CHECKS[program](result)
    return endless(result, grammar)


def _lookup(words: Sequence[Word]) -> None:
    """One name and perhaps a server; without a name nslookup waits for commands."""
    hosts = [word.text for word in words if not word.text.startswith("-")]
    options = [word.text for word in words if word.text.startswith("-")]
    for text in options:
        if not re.fullmatch(_LOOKUP_OPTION, text, re.ASCII):
            raise Misfit(f"“{text[:80]}” is no flag that is allowed for nslookup here.")
    if not 1 <= len(hosts) <= 2:
        raise Misfit("nslookup needs a name, and perhaps a server.")
    for text in hosts:
        if not re.fullmatch(HOST, text, re.ASCII):
            raise Misfit(f"“{text[:80]}” is nothing that nslookup may be asked for here.")


def _who(result: Parsed) -> None:
    """One word would be a file to read."""
    if result.operands and [word.lower() for word in result.operands] != ["am", "i"]:
        raise Misfit("who takes no file here, only am i.")


def _getent(result: Parsed) -> None:
    if not re.fullmatch(DATABASES, result.operands[0]):
        raise Misfit(f"“{result.operands[0][:80]}” is no database that getent may be asked for here.")


def _lsof(result: Parsed) -> None:
    """Conditions are joined by or: `lsof -i -p 1` lists every file of the process."""
    if result.has("p", "u", "c") and not result.has("a"):
        raise Misfit("lsof lists every file of what -p, -u and -c name, unless -a is there too.")


def _systemctl(result: Parsed) -> None:
    verb, *units = result.operands
    if verb in _ONE_UNIT:
        if len(units) != 1 or not re.fullmatch(UNIT, units[0], re.ASCII):
            raise Misfit(f"systemctl {verb} is for exactly one unit here.")
    elif verb != "list-units":
        raise Misfit(f"systemctl may do {', '.join(_ONE_UNIT)} and list-units here, not “{verb[:80]}”.")


_READERS: Mapping[str, Callable[[Sequence[Word]], None]] = {
    "ps": host_ps.check,
    "ip": host_ip.check,
    NSLOOKUP: _lookup,
}
_CHECKS: Mapping[str, Callable[[Parsed], None]] = {
    "who": _who,
    "getent": _getent,
    "lsof": _lsof,
    "systemctl": _systemctl,
}
_HINTS = {"ps": host_ps.HINT, "ip": host_ip.HINT}


def _stranger(program: str) -> str:
    """Say why a program does not run on the host."""
    shown, name = program[:80], program.rpartition("/")[2]
    if name != program:
        return f"“{shown}” is a path: a program is called by its name here."
    if name in _SHELLS:
        return f"{shown} would run anything at all on the host."
    if name in _WRAPPERS:
        return f"{shown} would start another program on the host."
    return f"“{shown}” is not one of the programs that may run on the host."


def _nearly_runbook(words: Sequence[Word], asked: Asked, verdict: Verdict) -> Verdict:
    """Say which parameter does not fit, where only that is in the way of a runbook."""
    texts = [word.text for word in words]
    for shape in asked.world.shapes:
        literal = [shapes.parameter(word) == "" for word in shape.argv]
        if len(texts) == len(shape.argv) and all(
            text == wanted for text, wanted, fixed in zip(texts, shape.argv, literal, strict=True) if fixed
        ):
            return _no(rule="runbook-parameter", reason=shapes.misfits(texts, shape))
    return verdict


def _no(*, rule: str, reason: str) -> Verdict:
    return refused(rule, reason, hint=HINTS[rule])
