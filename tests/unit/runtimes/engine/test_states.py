from __future__ import annotations

import pytest

from runtimes.base import Severity
from runtimes.engine.answers import Inspected
from runtimes.engine.states import condition
from tests.unit.runtimes.engine.made import in_state

OK, PROGRESS, ERROR, NEUTRAL = Severity.OK, Severity.PROGRESS, Severity.ERROR, Severity.NEUTRAL

PORT_TAKEN = "driver failed programming external connectivity: Bind for 0.0.0.0:80 failed: port is already allocated"


@pytest.mark.parametrize(
    ("made", "status", "severity", "ready"),
    [
        (in_state("running"), "running", OK, True),
        (in_state("running", health="healthy"), "running", OK, True),
        (in_state("running", health="none"), "running", OK, True),
        (in_state("running", health="starting"), "starting", PROGRESS, False),
        (in_state("running", health="unhealthy"), "unhealthy", ERROR, False),
        (in_state("stopping"), "running", OK, True),
        (in_state("restarting", Restarting=True, ExitCode=1), "restarting", ERROR, False),
        (in_state("exited", ExitCode=0), "exited (0)", NEUTRAL, False),
        (in_state("exited", ExitCode=143), "exited (143)", NEUTRAL, False),
        (in_state("exited", ExitCode=137), "exited (137)", NEUTRAL, False),
        (in_state("exited", ExitCode=137, OOMKilled=True), "exited (137)", ERROR, False),
        (in_state("exited", ExitCode=0, OOMKilled=True), "exited (0)", ERROR, False),
        (in_state("exited", ExitCode=1), "exited (1)", ERROR, False),
        (in_state("exited", ExitCode=139), "exited (139)", ERROR, False),
        (in_state("exited", ExitCode=0, Error="no such volume"), "exited (0)", ERROR, False),
        (in_state("exited", ExitCode=1, health="unhealthy"), "exited (1)", ERROR, False),
        (in_state("stopped", ExitCode=3), "exited (3)", ERROR, False),
        (in_state("dead", ExitCode=0), "dead", ERROR, False),
        (in_state("paused", Paused=True), "paused", NEUTRAL, False),
        (in_state("paused", Paused=True, health="unhealthy"), "paused", NEUTRAL, False),
        (in_state("created"), "created", NEUTRAL, False),
        (in_state("configured"), "created", NEUTRAL, False),
        (in_state("created", ExitCode=128, Error=PORT_TAKEN), "created", ERROR, False),
        (in_state("removing"), "removing", NEUTRAL, False),
        (in_state(""), "created", NEUTRAL, False),
        (in_state("something new"), "something new", NEUTRAL, False),
    ],
)
def test_a_state_has_one_word_and_one_severity(made: Inspected, status: str, severity: Severity, ready: bool) -> None:
    judged = condition(made, recent_restarts=0)
    assert (judged.status, judged.severity, judged.ready) == (status, severity, ready)


@pytest.mark.parametrize(
    ("made", "restarts", "severity"),
    [
        (in_state("running"), 2, OK),
        (in_state("running"), 3, ERROR),
        (in_state("running", health="starting"), 3, ERROR),
        (in_state("exited", ExitCode=0), 3, ERROR),
        (in_state("paused"), 3, NEUTRAL),
    ],
)
def test_three_restarts_in_ten_minutes_are_an_error_even_while_it_runs(
    made: Inspected, restarts: int, severity: Severity
) -> None:
    assert condition(made, recent_restarts=restarts).severity is severity


@pytest.mark.parametrize(
    ("made", "restarts", "reason"),
    [
        (in_state("running"), 0, ""),
        (in_state("running"), 4, "restarted 4 times within 10 minutes"),
        (in_state("running", health="unhealthy"), 0, "its health check failed 3 times in a row"),
        (in_state("exited", ExitCode=137, OOMKilled=True), 0, "killed: out of memory"),
        (in_state("exited", ExitCode=0), 0, ""),
        (in_state("created", Error="x" * 900), 0, ("could not start: " + "x" * 900)[:200]),
    ],
)
def test_the_reason_says_why_in_a_few_words(made: Inspected, restarts: int, reason: str) -> None:
    assert condition(made, recent_restarts=restarts).reason == reason


def test_an_exit_code_is_explained() -> None:
    assert "not found" in condition(in_state("exited", ExitCode=127), recent_restarts=0).reason


@pytest.mark.parametrize(
    ("made", "severity", "reason"),
    [
        (in_state("exited", ExitCode=143), NEUTRAL, "stopped by hand"),
        (in_state("exited", ExitCode=1), NEUTRAL, "stopped by hand"),
        (in_state("exited", ExitCode=0), NEUTRAL, "stopped by hand"),
        (in_state("exited", ExitCode=137, OOMKilled=True), ERROR, "killed: out of memory"),
        (in_state("running"), OK, ""),
        (in_state("restarting", Restarting=True, ExitCode=0), ERROR, ""),
    ],
)
def test_what_somebody_stopped_says_so_and_has_not_failed(made: Inspected, severity: Severity, reason: str) -> None:
    judged = condition(made, recent_restarts=5 if reason == "stopped by hand" else 0, stopped=True)
    assert (judged.severity, judged.reason) == (severity, reason)
