"""Judges a line of kubectl: the verb, each flag, what it is about; and rebuilds the argv that was understood.

Every line runs as `kubectl -n NAMESPACE VERB …`: that shuts plugins and hidden verbs out, which kubectl looks for in
the first word only. It does not pin the namespace, because a later flag wins: those are judged one by one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from opsmodal.guard.kubectl.correcting import corrected
from opsmodal.guard.kubectl.flags import check_everywhere, check_flags, unread
from opsmodal.guard.kubectl.rules import Refused, shown
from opsmodal.guard.kubectl.saying import Line, viewed
from opsmodal.guard.kubectl.tables import global_table, verb_tables
from opsmodal.guard.kubectl.verbs import ALIASES, GROUPS, NEVER, VERBS
from opsmodal.guard.pflag import Fault, Given, Read, Takes, read
from opsmodal.guard.verdict import Verdict, refused
from opsmodal.guard.words import Word
from opsmodal.guard.world import Asked

_WORD = re.compile(r"[a-z][a-z-]*")
HELP = "help"
DEEPEST = 3
"""Words of the longest path: create secret generic."""


def judge_kubectl(words: tuple[Word, ...], asked: Asked) -> Verdict:
    """Judge the words of a line, `kubectl` first. Raise only what reading the World raises."""
    try:
        return _judged(words[1:], asked)
    except Refused as no:
        better = corrected(words, asked)
        return refused(no.rule, no.reason, hint=no.hint, suggestion=better)


def _judged(words: Sequence[Word], asked: Asked) -> Verdict:
    if not asked.namespace:
        raise Refused("kubectl-no-namespace", "The service has no namespace to run this in.")
    rest = behind_namespace(words, asked)
    if rest and rest[0].text == HELP:
        return _helped(rest, asked)
    path, behind = verb_of(rest)
    seen = read(behind, verb_tables()[path])
    if isinstance(seen, Fault):
        raise _dashes(path, behind) or unread(seen)
    check_flags(seen, VERBS[path].flags, asked)
    line = Line(path, seen, asked)
    verdict = viewed(line) if line.on(HELP) else VERBS[path].judge(line)
    return _rebuilt(verdict, line)


def behind_namespace(words: Sequence[Word], asked: Asked) -> Sequence[Word]:
    """Take off what may stand in front of the verb: the own namespace. Raise Refused."""
    seen = read(words, global_table(), interspersed=False)
    if isinstance(seen, Fault):
        raise _first(seen, asked)
    for given in seen.given:
        check_everywhere(given, asked)
        if given.flag.name != "namespace":
            raise Refused("kubectl-flag-first", f"{given.spelled} stands in front of the verb.")
    if seen.dashes is not None:
        raise Refused("kubectl-verb", "Behind -- there is no verb.")
    return seen.positionals


def _first(fault: Fault, asked: Asked) -> Refused:
    """Refuse a flag of some verb in front of it by what it is, where it is one of a family."""
    for table in verb_tables().values():
        known = table.long.get(fault.spelled[2:].replace("_", "-")) or table.short.get(fault.spelled[1:])
        if known is not None and known.name in ("all-namespaces", "stdin", "tty", "raw", "filename"):
            given = Given(flag=known, value="true", spelled=fault.spelled, at=fault.at, end=fault.at, typed=False)
            try:
                check_everywhere(given, asked)
            except Refused as no:
                return no
    return Refused("kubectl-flag-first", f"{shown(fault.spelled)} stands in front of the verb.")


def verb_of(words: Sequence[Word]) -> tuple[str, Sequence[Word]]:
    """Tell a command and its subcommands from what stands behind them. Raise Refused."""
    if not words:
        raise Refused("kubectl-verb", "There is no verb.", "Type kubectl help for the verbs.")
    path = ""
    for depth, word in enumerate(words[:DEEPEST], start=1):
        if path and word.text.startswith("-"):
            raise _no_sub(path, word.text, words[depth:])
        if not _WORD.fullmatch(word.text):
            raise Refused("kubectl-verb", f"“{shown(word.text)}” is no verb.")
        path = f"{path} {word.text}".lstrip()
        path = ALIASES.get(path, path)
        if path in VERBS:
            return path, words[depth:]
        if path not in GROUPS:
            raise _no_verb(path)
    raise _no_sub(path, "", ())


def _no_verb(path: str) -> Refused:
    group, _, last = path.rpartition(" ")
    first = path.partition(" ")[0]
    if hint := NEVER.get(group or first, ""):
        return Refused("kubectl-verb-refused", f"kubectl {shown(path)} is not let through.", hint)
    return Refused("kubectl-verb", f"“{shown(last)}” is no verb that is let through.")


def _no_sub(path: str, flag: str, rest: Sequence[Word]) -> Refused:
    """Refuse a group alone, or with a flag at once: `apply -f` is meant as it stands, `rollout -w status` is not."""
    if flag and any(f"{path} {word.text}" in VERBS for word in rest):
        return Refused("kubectl-flag-first", f"{shown(flag)} stands between {path} and its subcommand.")
    how = f"with {shown(flag)}" if flag else "by itself"
    return Refused("kubectl-verb-refused", f"kubectl {path} {how} is not let through.", NEVER[path])


def _dashes(path: str, behind: Sequence[Word]) -> Refused | None:
    """Say of an exec without `--` that it is missing, rather than that a flag of the inner command is unknown."""
    if path == "exec" and not any(word.text == "--" for word in behind):
        return Refused("kubectl-dashes", "Nothing parts the pod from the command.")
    return None


def _helped(words: Sequence[Word], asked: Asked) -> Verdict:
    """Allow help about any command: it runs none."""
    for word in words:
        if not _WORD.fullmatch(word.text):
            raise Refused("kubectl-arguments", f"“{shown(word.text)}” is no command to get help for.")
    line = Line(HELP, Read(positionals=tuple(words[1:])), asked)
    return _rebuilt(viewed(line), line)


def _rebuilt(verdict: Verdict, line: Line) -> Verdict:
    """Give the verdict its argv: what was read, and nothing else. A typed -n was checked, and is given in front."""
    seen = line.read
    argv = ["kubectl", "-n", line.asked.namespace, *line.verb.split(), *(word.text for word in seen.positionals)]
    argv += [_written(given) for given in seen.given if given.flag.name != "namespace"]
    if seen.dashes is not None:
        argv += ["--", *(word.text for word in seen.behind)]
    inner = len(argv) - len(seen.behind) if line.verb == "exec" and seen.behind else 0
    return replace(verdict, argv=tuple(argv), inner=inner)


def _written(given: Given) -> str:
    """Write a flag so that it can be read in one way only."""
    if given.flag.takes is Takes.IMPLIED and not given.typed:
        return f"--{given.flag.name}"
    return f"--{given.flag.name}={given.value}"
