"""Reads the arguments of `ps` in its UNIX and BSD forms, for the one letter that must not pass: BSD `e`.

`ps -e` lists every process, `ps e` prints the environment of processes, which is where passwords are. And procps reads
what fails as UNIX options a second time as BSD options, dashes or not: `ps -e -u x` where no user x exists, `ps -ef -o
args` because -f and -o do not go together, `ps -auxe`. So a line passes when it can only be read in a way without `e`.
Seen by running procps-ng 4.0.2; `tests/unit/guard/test_host_ps.py` runs the real one again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from opsmodal.guard.getopt import Grammar, Misfit, flags, parsed
from opsmodal.guard.words import Word

_SPECIFIERS = (
    "pid|ppid|pgid|pgrp|sid|sess|session|user|uid|euser|euid|ruser|ruid|suser|suid|fuser|fuid|group|gid|egroup|egid|"
    "rgroup|rgid|sgroup|sgid|fgroup|fgid|supgid|supgrp|cmd|comm|args|command|ucmd|ucomm|fname|exe|c|cp|pcpu|%cpu|pmem|"
    "%mem|rss|rssize|rsz|pss|uss|vsz|vsize|sz|size|drs|trs|tty|tt|tname|time|cputime|cputimes|etime|etimes|start|"
    "start_time|stime|lstart|bsdstart|bsdtime|stat|s|state|nice|ni|pri|opri|priority|rtprio|cls|class|policy|sched|"
    "wchan|nwchan|flags?|f|nlwp|thcount|lwp|tid|spid|tgid|psr|cpuid|numa|label|context|cgroup|cgroupname|ipcns|mntns|"
    "netns|pidns|userns|utsns|cgroupns|timens|unit|uunit|slice|uslice|machine|lxc|ouid|lsession|seat|maj_flt|min_flt|"
    "majflt|minflt|pagein|oom|oomadj|blocked|caught|ignored|pending|sig|sigcatch|sigignore|sigmask|rbytes|wbytes"
)
"""What a format may name: all that procps knows but the environment and addresses of memory."""
_SPECIFIER = rf"(?:{_SPECIFIERS})(?::[0-9]{{1,4}})?(?:=[A-Za-z0-9_%:/-]{{0,40}})?"
FORMAT = rf"{_SPECIFIER}(?:[, ]+{_SPECIFIER})*"
SORT = rf"[-+]?(?:{_SPECIFIERS})(?:,[-+]?(?:{_SPECIFIERS}))*"
PIDS = r"[0-9]{1,9}(?:[, ]+[0-9]{1,9})*"
_NAME = r"[A-Za-z0-9_.-]{1,64}"
NAMES = rf"{_NAME}(?:,{_NAME})*"
TTY = r"[A-Za-z0-9/?-]{1,32}"

_VALUES = {
    **dict.fromkeys(("o", "O", "format"), FORMAT),
    **dict.fromkeys(("p", "q", "s", "pid", "ppid", "quick-pid", "sid"), PIDS),
    **dict.fromkeys(("u", "U", "g", "G", "C", "user", "User", "group", "Group"), NAMES),
    **dict.fromkeys(("t", "tty"), TTY),
    **dict.fromkeys(("sort",), SORT),
    **dict.fromkeys(("cols", "columns", "width", "rows", "lines"), r"[0-9]{1,5}"),
}
UNIX = Grammar(
    program="ps",
    about="processes, in its UNIX and BSD forms; never BSD `e`, which prints environments",
    flags=flags(
        "eAadfFlLjTwMcyHNZmV forest no-headers no-heading no-headings headers deselect cumulative context info version"
    ),
    values=_VALUES,
    operands=r"[A-Za-z0-9, =_%:+-]{1,200}",
    most=16,
)
_BSD_FLAGS = frozenset("aCcfghHjlLmnrsSTuvwxXZ")
_BSD_VALUES = {"o": FORMAT, "O": FORMAT, "k": SORT, "p": PIDS, "q": PIDS, "t": TTY, "U": NAMES}
_BSD_ALL = _BSD_FLAGS | frozenset("AeEMVW")
"""Every letter that some procps takes without a value, to tell whether it might read a line so."""
_TERMINAL = r"(?:tty|pts|console|hvc|cu|vc|ptm|null|\?|-).*|[A-Za-z0-9]{1,3}"
_MAY_FAIL = ("u", "U", "g", "G", "t", "user", "User", "group", "Group", "tty")
"""Names that may not exist, and make procps read the line again."""
_COLUMNS = ("f", "F", "l", "j", "y", "c", "M", "Z", "context")
_OWN_COLUMNS = ("o", "format")
_MORE_COLUMNS = ("O",)
_THREADS = ("L", "T", "m")
_TREES = ("H", "forest")
HINT = "ps -ef lists every process, ps aux too; the environment of processes is not shown."


def check(words: Sequence[Word]) -> None:
    """Raise Misfit when the words behind `ps` are nothing that it may be asked for."""
    if any(word.text == "--" for word in words):
        raise Misfit("ps knows no -- that ends its options.")
    try:
        may_fail = _unix(words)
    except Misfit:
        if not any(word.text.startswith("-") and not word.text.startswith("--") for word in words):
            raise
        _bsd(_undashed(words))
        return
    if may_fail and _might_show_environments(_undashed(words)):
        raise Misfit("ps might read this as its BSD form, whose e prints the environment of processes.")


def _unix(words: Sequence[Word]) -> bool:
    """Read words as UNIX options, those without a dash as BSD ones; tell whether procps could fail to."""
    result = parsed(words, UNIX)
    _bsd([Word(operand) for operand in result.operands])
    given = [name for name, _ in result.flags]
    formats = sum(any(name in kind for name in given) for kind in (_COLUMNS, _OWN_COLUMNS, _MORE_COLUMNS))
    return (
        any(name in _MAY_FAIL and not re.fullmatch(PIDS, value) for name, value in result.flags)
        or formats > 1
        or len({name for name in given if name in _THREADS}) > 1
        or (any(name in _THREADS for name in given) and any(name in _TREES for name in given))
        or bool(result.operands and given)
    )


def _bsd(words: Sequence[Word]) -> None:
    """Read words as BSD options. Raise Misfit where they are none that are allowed."""
    texts = [word.text for word in words]
    while texts:
        text = texts.pop(0)
        if text.startswith("--"):
            parsed([Word(text)], _LONG_ONLY)
        elif not re.fullmatch(PIDS, text):
            _bsd_word(text, texts)


_LONG_ONLY = replace(UNIX, flags=frozenset(name for name in UNIX.flags if len(name) > 1), operands="", most=0)


def _bsd_word(text: str, rest: list[str]) -> None:
    """Read one word: letters, then perhaps a value or a list of processes, also where they follow at once."""
    for place, letter in enumerate(text, start=1):
        if letter in _BSD_VALUES:
            value = text[place:] or (rest.pop(0) if rest else "")
            if not re.fullmatch(_BSD_VALUES[letter], value):
                raise Misfit(f"“{value[:80]}” is no value that ps takes behind {letter} here.")
            return
        if letter.isdigit() and re.fullmatch(PIDS, text[place - 1 :]):
            return
        if letter == "e":
            raise Misfit("The e of ps without a dash prints the environment of processes.")
        if letter not in _BSD_FLAGS:
            raise Misfit(f"“{letter}” is no letter that is allowed for ps here.")


def _undashed(words: Sequence[Word]) -> list[Word]:
    return [word if word.text.startswith("--") else Word(word.text.removeprefix("-")) for word in words]


def _might_show_environments(words: Sequence[Word]) -> bool:
    """Tell whether some procps could read the words as BSD options and find an e among them."""
    found, texts = False, [word.text for word in words if not word.text.startswith("--")]
    while texts:
        text = texts.pop(0)
        if re.fullmatch(PIDS, text):
            continue
        for place, letter in enumerate(text, start=1):
            if letter in (*_BSD_VALUES, "N"):
                value = text[place:] or (texts.pop(0) if texts else "")
                shape = {"t": _TERMINAL, "N": ".*"}.get(letter) or _BSD_VALUES[letter]
                if not re.fullmatch(shape, value):
                    return False
                break
            if letter.isdigit() and re.fullmatch(PIDS, text[place - 1 :]):
                break
            if letter not in _BSD_ALL:
                return False
            found = found or letter == "e"
    return found
