"""How containers end, and what is said of it."""

from __future__ import annotations

import pytest

from runtimes.causes.facts import Facts
from tests.unit.runtimes.causes.making import check, crashed, waiting

TABLE = [
    (
        crashed(137, memory_limit_bytes=128 * 1024**2, run={"oom": True, "reason": "OOMKilled"}),
        ["oom-killed"],
        "container app used more memory than its limit of 128 MiB and was killed (OOMKilled, exit code 137)",
    ),
    (crashed(137, run={"reason": "OOMKilled"}), ["oom-killed"], "was killed because memory ran out"),
    (crashed(137), ["killed"], "was killed with SIGKILL (exit code 137), and not for its own memory limit"),
    (
        crashed(1, last_lines=("boot", "FATAL: could not connect to db")),
        ["exited", "dependency-unreachable", "last-log-lines"],
        "web-0 keeps restarting because container app ended with exit code 1: general error",
    ),
    (crashed(0), ["ends-by-itself"], "ends by itself without an error (exit code 0) and is started again"),
    (crashed(127), ["command-not-found"], "ended with exit code 127: the command was not found in the image"),
    (crashed(126), ["command-not-executable"], "ended with exit code 126"),
    (crashed(139), ["segmentation-fault"], "SIGSEGV"),
    (crashed(143), ["stopped"], "was asked to stop and did"),
    (crashed(255), ["exited"], "exit code 255"),
    (crashed(1, looping=False), ["exited"], "web-0 has failed because container app ended with exit code 1"),
    (
        crashed(1, kind="init", last_lines=("exec /run.sh: exec format error",)),
        ["exited", "wrong-platform", "last-log-lines"],
        "web-0 cannot start because init container app ended with exit code 1",
    ),
    (
        waiting("CrashLoopBackOff", "back-off 5m0s restarting failed container=app pod=web-0_shop(1)"),
        ["crash-loop"],
        "how it ended is not known",
    ),
]


@pytest.mark.parametrize(("facts", "kinds", "fragment"), TABLE)
def test_the_cause_is_named(facts: Facts, kinds: list[str], fragment: str) -> None:
    check(facts, kinds, fragment)
