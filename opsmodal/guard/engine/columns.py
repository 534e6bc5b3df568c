"""The options of `top`. dockerd hands them to the host's own ps, which runs as root: only known columns pass.

The letters are those of procps without BSD `e`, which prints environments; and as procps reads what fails as UNIX
options once more as BSD ones, they are held against the guard of the host's ps, too. podman has names of its own for
columns, and gives words that look like options of ps to the container's ps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from opsmodal.guard import host_ps
from opsmodal.guard.engine.refusing import NotAllowed, shown
from opsmodal.guard.getopt import Misfit
from opsmodal.guard.words import Word

_COLUMN = (
    r"(?:pid|ppid|pgid|pgrp|sid|sess|tty|tt|tname|stat|state|s|user|uid|euser|euid|ruser|ruid|suser|suid|uname|group|gid"
    r"|egroup|egid|rgroup|rgid|comm|ucmd|cmd|ucomm|command|args|fname|time|cputime|bsdtime|etime|etimes|start|lstart"
    r"|stime|start_time|bsdstart|pcpu|%cpu|c|cp|pmem|%mem|rss|rsz|rssize|vsz|vsize|sz|size|ni|nice|pri|priority|psr"
    r"|cls|class|sched|policy|rtprio|nlwp|thcount|lwp|tid|spid|wchan|nwchan|maj_flt|min_flt|majflt|minflt|f|flag|flags)"
)
_COLUMNS = rf"{_COLUMN}(?:,{_COLUMN})*"
_PODMAN = (
    r"(?:%[CGPUacgnprtuxyz]|args|capamb|capbnd|capeff|capinh|capprm|comm|etime|group|groups|hgroup|hgroups|hpid|huser"
    r"|label|nice|pcpu|pgid|pid|ppid|rgroup|rss|ruser|seccomp|state|stime|time|tty|user|vsz)"
)
_OPTION = re.compile(rf"-[AadefFjlyTwH]+|-?[axuwfljvsSTL]+|--forest|--sort=[+-]?{_COLUMN}(?:,[+-]?{_COLUMN})*")
_ASKS = re.compile(r"-[AadefFwx]*o|[axwf]*o|--format")
"""The next word names columns."""
_NAMES = re.compile(rf"(?:-o|--format=)(?P<columns>{_COLUMNS})")
_WITH_BLANKS = frozenset(
    {
        "args",
        "command",
        "cmd",
        "comm",
        "ucmd",
        "ucomm",
        "fname",
        "lstart",
        "start",
        "bsdstart",
        "sched",
        "wchan",
        "nwchan",
    }
)
_LIST = re.compile(_COLUMNS)
_DESCRIPTORS = re.compile(rf"{_PODMAN}(?:,{_PODMAN})*")


def judged(options: Sequence[str], *, podman: bool) -> tuple[str, ...]:
    """Give the options of ps behind the container's name as they are. Raise NotAllowed for one that is not known."""
    if podman and all(map(_DESCRIPTORS.fullmatch, options)):
        return tuple(options)
    words: Iterator[str] = iter(options)
    named: list[str] = []
    for word in words:
        if _OPTION.fullmatch(word):
            continue
        if match := _NAMES.fullmatch(word):
            named += match["columns"].split(",")
            continue
        if not _ASKS.fullmatch(word):
            raise NotAllowed("engine-ps-options", f"top does not take {shown(word)} here.")
        columns = next(words, "")
        if not _LIST.fullmatch(columns):
            what = f"{shown(columns)} are no columns of ps." if columns else f"{shown(word)} wants columns."
            raise NotAllowed("engine-ps-options", what)
        named += columns.split(",")
    if named and not podman:
        _demand_pid(named)
    _demand_no_environments(options)
    return tuple(options)


def _demand_pid(named: Sequence[str]) -> None:
    """Raise NotAllowed unless the pid comes before every column with blanks in it.

    dockerd cuts the lines of all processes of the host at blanks and takes the word below PID for the pid. With a
    command in front, that is a word of somebody else's command, and stands in its error ("Unexpected pid …").
    """
    before = named[: named.index("pid")] if "pid" in named else None
    if before is None or not _WITH_BLANKS.isdisjoint(before):
        raise NotAllowed("engine-ps-options", "dockerd wants the column pid, in front of those that hold blanks.")


def _demand_no_environments(options: Sequence[str]) -> None:
    try:
        host_ps.check([Word(option) for option in options])
    except Misfit as misfit:
        raise NotAllowed("engine-ps-options", f"Of ps, top takes no such options: {misfit}") from None
