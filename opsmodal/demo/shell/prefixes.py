"""Commands that run another command: with other variables, for a limited time, or kept until it is over.

A line of shell that keeps an inner command, as opsmodal puts it before one, stands on processes and signals. Here the
list of what runs in the container stands for those: such a line is known by its name, and does the same to that list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from opsmodal.demo.shell.machine import Machine
from opsmodal.demo.shell.steps import STDERR, Running, Wait, say

Start = Callable[[Sequence[str]], Running]
"""Runs a command by its words."""
Known = Callable[[str], bool]

TIMED_OUT = 124
CANNOT = 125
NOT_FOUND = 127
KEPT = "opsmodal-run-"
"""What a kept command's name begins with."""
MARK = re.compile(r'echo "([0-9a-f]{32})\$n" >&2')
SWEEP = re.compile(rf"m={KEPT[:-1]};m=\$m-([0-9a-f]+);")
CLEANER, CLEANING_S = "opsmodal-images", 2.0
"""What the script that cleans a node is called, and how long it takes here."""
_TIME = re.compile(r"(\d+(?:\.\d+)?)([smhd]?)")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


def limited(running: Running, limit_s: float) -> Running:
    """Run a command for so long at most; it exits with 124 when that was not enough."""
    answer: bytes | None = None
    while True:
        try:
            step = running.send(answer) if isinstance(answer, bytes) else next(running)
        except StopIteration as end:
            return int(end.value or 0)
        if isinstance(step, Wait):
            if step.seconds >= limit_s:
                yield Wait(limit_s)
                running.close()
                return TIMED_OUT
            limit_s -= step.seconds
        answer = yield step


def timeout(words: Sequence[str], start: Start) -> Running:
    """Run `timeout [-k N] [-s SIGNAL] N COMMAND`."""
    rest = list(words)
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option in ("-k", "-s", "--kill-after", "--signal") and rest:
            rest.pop(0)
    found = _TIME.fullmatch(rest[0]) if rest else None
    if not found or len(rest) < 2:
        yield say("timeout: usage: timeout [-s SIG] [-k KILL_SECS] SECS PROG ARGS\n", STDERR)
        return CANNOT
    return (yield from limited(start(rest[1:]), float(found[1]) * _UNITS[found[2]]))


def with_variables(words: Sequence[str], machine: Machine, start: Start) -> Running:
    """Run `env [-i] [NAME=VALUE]… COMMAND`."""
    rest, kept = list(words), dict(machine.environment)
    if rest and rest[0] in ("-i", "-"):
        rest.pop(0)
        machine.environment.clear()
    while rest and "=" in rest[0]:
        name, _, value = rest.pop(0).partition("=")
        machine.environment[name] = value
    try:
        return (yield from start(rest or ["printenv"]))
    finally:
        machine.environment.clear()
        machine.environment.update(kept)


def kept(script: str, arguments: Sequence[str], machine: Machine, start: Start, known: Known) -> Running:
    """Run the command that a keeping line stands before: shell, name, seconds, words."""
    _, name, limit, *words = arguments
    if machine.run is not None:
        machine.run.mark, machine.run.command = name, " ".join(words)
    if found := MARK.search(script):
        yield say(f"{found[1]}\n", STDERR)
    if not words or not known(words[0]):
        yield say(f"sh: exec: {(words or [''])[0]}: not found\n", STDERR)
        return NOT_FOUND
    return (yield from limited(start(words), float(limit)))


def keeps(script: str, arguments: Sequence[str]) -> bool:
    """Tell whether a script is such a line."""
    return len(arguments) > 3 and arguments[1].startswith(KEPT) and arguments[2].isdigit() and bool(MARK.search(script))


def swept(script: str, machine: Machine) -> bool:
    """End what a keeping line kept, when the script is the one that does so."""
    found = SWEEP.match(script)
    if found:
        machine.runs.kill(lambda run: run.mark == KEPT + found[1])
    return found is not None


def cleans(arguments: Sequence[str], machine: Machine) -> Running | None:
    """Give what cleans the node's images, when a script has the name of the one that does so."""
    if list(arguments[:1]) != [CLEANER] or machine.clean is None:
        return None
    return _cleaned("".join(arguments[1:2]), machine.clean)


def _cleaned(image: str, clean: Callable[[str], Sequence[str]]) -> Running:
    yield Wait(CLEANING_S)
    yield say("".join(f"{line}\n" for line in clean(image)))
    return 0


def kill(words: Sequence[str], machine: Machine) -> Running:
    """End commands of execs by their numbers; the main program does not care."""
    code = 0
    for word in words:
        if word.startswith("-"):
            continue
        known = [run.pid for run in machine.runs.now()]
        known += [process.pid for process in machine.processes]
        if not word.isdigit() or int(word) not in known:
            yield say(f"sh: can't kill pid {word}: No such process\n", STDERR)
            code = 1
        elif "-0" not in words:
            _end(machine, int(word))
    return code


def _end(machine: Machine, pid: int) -> None:
    machine.runs.kill(lambda run: run.pid == pid)


def where(words: Sequence[str], known: Known) -> Running:
    """Say where programs are, for `which` and `command -v`."""
    found = [word for word in words if not word.startswith("-")]
    for word in found:
        if known(word):
            yield say(f"/bin/{word}\n" if "/" not in word else f"{word}\n")
    return int(not found or not all(known(word) for word in found))
