"""The commands that the interpreter knows. Each is a generator of steps over an invented machine."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from opsmodal.demo.shell.machine import Machine, NoSpace
from opsmodal.demo.shell.steps import STDERR, Ask, Running, Say, Step, Wait, say

TAIL_LOOK_S = 1.0
Gathering = Generator[Step, bytes | None, bytes | None]
"""A command that gathers input; it returns the bytes, or None after it has complained."""


@dataclass(frozen=True, slots=True)
class Call:
    """A command that is called: its arguments without its name, and where it reads from (None: from outside)."""

    name: str
    arguments: Sequence[str]
    machine: Machine
    given: bytes | None = None


def read_all(call: Call) -> Running:
    """Pass input through to the output."""
    if call.given is not None:
        yield Say(call.given)
        return 0
    while (data := (yield Ask())) is not None:
        yield Say(data)
    return 0


def _failed(call: Call, what: str, why: str, code: int = 1) -> Running:
    yield say(f"{call.name}: {what}: {why}\n", STDERR)
    return code


def _reason(error: Exception) -> str:
    if isinstance(error, IsADirectoryError):
        return "Is a directory"
    return "No space left on device" if isinstance(error, NoSpace) else "No such file or directory"


def cat(call: Call) -> Running:
    """Write files, or the input."""
    names = [name for name in call.arguments if not name.startswith("-") or name == "-"]
    if not names or names == ["-"]:
        return (yield from read_all(call))
    code = 0
    for name in names:
        try:
            yield Say(call.machine.read(name))
        except OSError as error:
            yield say(f"cat: can't open '{name}': {_reason(error)}\n", STDERR)
            code = 1
    return code


def echo(call: Call) -> Running:
    """Write the arguments."""
    words = list(call.arguments)
    end, escapes = "\n", False
    while words and re.fullmatch(r"-[ne]+", words[0]):
        end = "" if "n" in words[0] else end
        escapes = escapes or "e" in words[0]
        words.pop(0)
    text = " ".join(words)
    yield say((_unescaped(text) if escapes else text) + end)
    return 0


def _unescaped(text: str) -> str:
    known = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "e": "\x1b", "a": "\a", "0": "\0"}
    text = re.sub(r"\\x([0-9a-fA-F]{1,2})|\\0?(33)", lambda m: chr(int(m[1], 16)) if m[1] else "\x1b", text)
    return re.sub(r"\\([ntr\\ea0])", lambda m: known[m[1]], text)


def printf(call: Call) -> Running:
    """Write a format with its arguments, as often as there are arguments."""
    if not call.arguments:
        return (yield from _failed(call, "usage", "printf FORMAT [ARG]..."))
    form, values = _unescaped(call.arguments[0]), list(call.arguments[1:])
    count = len(re.findall(r"%[sd]", form))
    while True:
        yield say(re.sub(r"%[sd]", lambda _: values.pop(0) if values else "", form).replace("%%", "%"))
        if not values or not count:
            return 0


def ls(call: Call) -> Running:
    """List folders."""
    long = any("l" in word for word in call.arguments if word.startswith("-"))
    names = [name for name in call.arguments if not name.startswith("-")] or ["."]
    code = 0
    for name in names:
        try:
            entries = call.machine.entries(name)
        except FileNotFoundError:
            yield say(f"ls: {name}: No such file or directory\n", STDERR)
            code = 1
            continue
        yield say("".join(_entry(call, name, entry, long=long) for entry in entries))
    return code


def _entry(call: Call, folder: str, entry: str, *, long: bool) -> str:
    if not long:
        return f"{entry}\n"
    path = call.machine.path(f"{folder}/{entry}" if folder != entry else entry)
    size, is_folder = len(call.machine.files.get(path, b"")), path not in call.machine.files
    when = call.machine.now().strftime("%b %d %H:%M")
    return f"{'drwxr-xr-x' if is_folder else '-rw-r--r--'}    1 root     root     {size:9} {when} {entry}\n"


def ps(call: Call) -> Running:
    """List the invented processes."""
    yield say("PID   USER     TIME  COMMAND\n")
    for process in call.machine.processes:
        yield say(f"{process.pid:5} {process.user:8} 0:00 {process.command}\n")
    for run in call.machine.runs.now():
        if run is not call.machine.run:
            yield say(f"{run.pid:5} {call.machine.user:8} 0:00 {run.command}\n")
    yield say(f"{90:5} {call.machine.user:8} 0:00 {' '.join((call.name, *call.arguments))}\n")
    return 0


def env(call: Call) -> Running:
    """Write the variables."""
    yield say("".join(f"{name}={value}\n" for name, value in call.machine.environment.items() if name.isidentifier()))
    return 0


def printenv(call: Call) -> Running:
    """Write some variables, or all."""
    if not call.arguments:
        return (yield from env(call))
    values = [call.machine.environment.get(name) for name in call.arguments]
    yield say("".join(f"{value}\n" for value in values if value is not None))
    return int(None in values)


def sleep(call: Call) -> Running:
    """Let time pass."""
    total = 0.0
    for text in call.arguments:
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)|infinity", text)
        if not found:
            return (yield from _failed(call, f"invalid number '{text}'", "not a time"))
        unit = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}[found[2] or ""]
        total += float(found[1]) * unit if found[1] else float("inf")
    if not call.arguments:
        return (yield from _failed(call, "missing operand", "usage: sleep [N]..."))
    while total > 0:
        step = min(total, 3600.0)
        yield Wait(step)
        total -= step
    return 0


def _count(call: Call, default: int = 10) -> tuple[int, list[str], bool]:
    """Read `-n N`, `-N`, `-f` and the names of files."""
    names: list[str] = []
    lines, follow, words = default, False, list(call.arguments)
    while words:
        word = words.pop(0)
        if word == "-n" and words:
            lines = int(words.pop(0).lstrip("+-") or default)
        elif re.fullmatch(r"-n?\d+", word):
            lines = int(word.lstrip("-n"))
        elif word in ("-f", "-F"):
            follow = True
        else:
            names.append(word)
    return lines, names, follow


def head(call: Call) -> Running:
    """Write the first lines of files, or of the input."""
    count, names, _ = _count(call)
    data = yield from gathered(call, names)
    if data is None:
        return 1
    yield Say(b"".join(data.splitlines(keepends=True)[:count]))
    return 0


def tail(call: Call) -> Running:
    """Write the last lines of files, or of the input; with -f whatever is added later."""
    count, names, follow = _count(call)
    data = yield from gathered(call, names)
    if data is None:
        return 1
    yield Say(b"".join(data.splitlines(keepends=True)[-count:] if count else []))
    seen = len(data)
    while follow and names:
        yield Wait(TAIL_LOOK_S)
        data = call.machine.read(names[0])
        if len(data) > seen:
            yield Say(data[seen:])
        seen = len(data)
    return 0


def gathered(call: Call, names: Sequence[str]) -> Gathering:
    """Give the content of files, or all input; None after a complaint."""
    if not names:
        return (yield from _all_input(call))
    parts = []
    for name in names:
        try:
            parts.append(call.machine.read(name))
        except OSError as error:
            yield say(f"{call.name}: {name}: {_reason(error)}\n", STDERR)
            return None
    return b"".join(parts)


def _all_input(call: Call) -> Gathering:
    if call.given is not None:
        return call.given
    parts = []
    while (data := (yield Ask())) is not None:
        parts.append(data)
    return b"".join(parts)
