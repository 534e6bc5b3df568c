"""No line of ps that passes prints an environment: tried on the real one, which reads a failed line a second time."""

from __future__ import annotations

import fcntl
import os
import pty
import random
import shutil
import subprocess
import termios
from collections.abc import Iterator

import pytest

from opsmodal.guard import host_ps
from opsmodal.guard.getopt import Misfit
from opsmodal.guard.words import Word

MARK = "PLANTED-IN-THE-ENVIRONMENT"
PS = shutil.which("ps")
SECONDS = 5
"""procps 4.0.2 goes round in circles for `ps mr aux`."""

LETTERS = "eAadfFlLjTwMcyHNZmuxrsgSvXeekhnC"
WHOLE = [
    "aux",
    "auxe",
    "-ef",
    "-e",
    "-A",
    "ax",
    "axe",
    "-aux",
    "-auxe",
    "eww",
    "-u",
    "u",
    "x",
    "e",
    "-x",
    "-f",
    "-l",
    "-j",
]
VALUES = [
    "x",
    "root",
    "xe",
    "user",
    "exec",
    "nobody",
    "1",
    "99999",
    "args",
    "pid,args",
    "pid=,cmd",
    "-pid",
    "pts/0",
    "?",
    "o",
]
LONG = ["--forest", "--sort=-pid", "--sort", "--no-headers", "--user", "--pid=1", "--format=args", "--cols=500", "--e"]
TAKING = ["-o", "-u", "-U", "-g", "-G", "-t", "-p", "-C", "-s", "-O", "-q", "o", "U", "t", "p", "k", "O"]


@pytest.fixture(scope="module")
def terminal() -> Iterator[int]:
    """Give the end of a terminal for a process to have: without x, BSD forms show what is on one."""
    master, slave = pty.openpty()
    yield slave
    os.close(slave)
    os.close(master)


def printed(argv: list[str], terminal: int) -> str:
    """Run ps with a mark in its environment and on a terminal; give what it printed."""

    def take() -> None:
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

    try:
        done = subprocess.run(
            [PS or "ps", *argv],
            stdin=terminal,
            capture_output=True,
            env={"MARK": MARK, "PATH": "/usr/bin:/bin"},
            start_new_session=True,
            preexec_fn=take,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        return ((late.stdout or b"") + (late.stderr or b"")).decode(errors="replace")
    return (done.stdout + done.stderr).decode(errors="replace")


def passes(argv: list[str]) -> bool:
    try:
        host_ps.check([Word(text) for text in argv])
    except Misfit:
        return False
    return True


def a_line(chance: random.Random) -> list[str]:
    """Make up a line: clusters of letters that ps knows, with a dash and without, and values that fit and do not."""
    argv: list[str] = []
    for _ in range(chance.randint(1, 4)):
        kind = chance.random()
        if kind < 0.4:
            letters = "".join(chance.choices(LETTERS, k=chance.randint(1, 4)))
            argv.append(chance.choice(["", "-"]) + letters)
        elif kind < 0.6:
            argv.append(chance.choice(WHOLE))
        elif kind < 0.85:
            flag, value = chance.choice(TAKING), chance.choice(VALUES)
            argv += [flag + value] if chance.random() < 0.4 else [flag, value]
        else:
            argv.append(chance.choice(LONG + VALUES))
    return argv


@pytest.mark.skipif(PS is None, reason="ps is not installed")
@pytest.mark.parametrize(
    "argv",
    [
        ["axe"],
        ["-e", "-u", "x", "ww"],
        ["-ef", "-o", "args"],
        ["-O", "pid,args", "-ef"],
        ["-g1", "-auxe"],
        ["-auxe"],
        ["eww"],
        ["-auxeww"],
    ],
)
def test_the_mark_shows_where_it_can(argv: list[str], terminal: int) -> None:
    """At least the plain forms that are refused print the environment, or the proof below would prove nothing."""
    assert not passes(argv)
    if argv != ["-e", "-u", "x", "ww"]:  # where a user x exists it lists processes
        assert MARK in printed(argv, terminal)


@pytest.mark.skipif(PS is None, reason="ps is not installed")
@pytest.mark.parametrize("rounds", [40, pytest.param(1_000, marks=pytest.mark.exhaustive)])
def test_no_line_that_passes_prints_an_environment(terminal: int, rounds: int) -> None:
    chance, tried = random.Random(rounds), 0
    while tried < rounds:
        argv = a_line(chance)
        if passes(argv):
            tried += 1
            assert MARK not in printed(argv, terminal), argv
