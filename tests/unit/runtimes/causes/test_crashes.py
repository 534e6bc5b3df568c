"""How containers end, and what is said of it."""

from __future__ import annotations

from typing import Any

import pytest

from runtimes.causes.facts import Facts, Run
from tests.unit.runtimes.causes.making import check, container, crashed, pod, waiting


def completed(phase: str = "Running", **fields: Any) -> Facts:
    """A pod between two runs of its container, or (`phase`) after the last."""
    run = Run(exit_code=0, reason="Completed")
    done = container(**{"state": "terminated", "reason": "Completed", "last_run": run, **fields})
    return pod(done, status="Completed", phase=phase)


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
    (
        crashed(0, restart_policy="Always"),
        ["ends-by-itself"],
        "web-0 keeps restarting because container app ends again and again with exit code 0 (no error) while its",
    ),
    (
        completed(restarts=4, restart_policy="Always"),
        ["ends-by-itself"],
        "again and again with exit code 0 (no error) while its restart policy is Always.",
    ),
    (
        completed(restart_policy="Always"),
        ["ends-by-itself"],
        "web-0 is restarted because container app ends by itself with exit code 0",
    ),
    (
        completed(restart_policy="Always", kind="sidecar"),
        ["ends-by-itself"],
        "container app ends by itself with exit code 0",
    ),
    (completed(restart_policy="OnFailure"), [], "web-0 has completed"),
    (completed(restart_policy="Always", kind="init"), [], "web-0 has completed"),
    (completed("Succeeded", restart_policy="Always", kind="sidecar"), [], "web-0 is Completed"),
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
