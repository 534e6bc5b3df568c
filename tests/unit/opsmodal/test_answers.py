"""A service in a few words, and what is masked."""

from __future__ import annotations

import pytest

from opsmodal.answers import MASK, masked, status_of
from runtimes.base import Instance, Severity, Variable

OK, PROGRESS, ERROR, NEUTRAL = Severity.OK, Severity.PROGRESS, Severity.ERROR, Severity.NEUTRAL
RUNNING = ("Running", OK, True)


def instance(status: str, severity: Severity, ready: bool) -> Instance:
    return Instance(
        id="a",
        name="a",
        kind="pod",
        status=status,
        severity=severity,
        ready=ready,
        ready_containers=int(ready),
        restarts=0,
        age_s=1,
        created_at=None,
        node="",
        image="",
        containers=(),
    )


@pytest.mark.parametrize(
    ("states", "severity", "text"),
    [
        ([], NEUTRAL, "nothing is running"),
        ([RUNNING, RUNNING], OK, "2 of 2 ready"),
        ([RUNNING, ("Completed", NEUTRAL, False)], OK, "1 of 1 ready"),
        ([("Completed", NEUTRAL, False)], NEUTRAL, "1 not running"),
        ([RUNNING, ("CrashLoopBackOff", ERROR, False)], ERROR, "1 of 2 ready, 1 CrashLoopBackOff"),
        ([("OOMKilled", ERROR, False), ("Error", ERROR, False)], ERROR, "0 of 2 ready, 2 failing"),
        ([("Pending", PROGRESS, False)], PROGRESS, "0 of 1 ready, 1 Pending"),
        ([RUNNING, ("Running", PROGRESS, False)], PROGRESS, "1 of 2 ready, 1 not ready yet"),
        ([("Running", ERROR, False), ("running", ERROR, True)], ERROR, "1 of 2 ready, 2 failing"),
    ],
)
def test_a_service_in_a_few_words(states: list[tuple[str, Severity, bool]], severity: Severity, text: str) -> None:
    told = status_of(instance(*state) for state in states)
    assert told[:2] == (severity, text)


@pytest.mark.parametrize(
    ("states", "desired", "expected"),
    [
        ([RUNNING], 2, (PROGRESS, "1 of 2 ready, 1 missing", 1, 2)),
        ([], 3, (PROGRESS, "0 of 3 ready, 3 missing", 0, 3)),
        ([RUNNING, RUNNING], 1, (OK, "2 of 2 ready", 2, 2)),
        ([RUNNING], None, (OK, "1 of 1 ready", 1, 1)),
        ([], 0, (NEUTRAL, "nothing is running", 0, 0)),
        ([("CrashLoopBackOff", ERROR, False)], 2, (ERROR, "0 of 2 ready, 1 CrashLoopBackOff, 1 missing", 0, 2)),
    ],
)
def test_what_is_asked_for_and_not_there_is_missing(
    states: list[tuple[str, Severity, bool]], desired: int | None, expected: tuple[Severity, str, int, int]
) -> None:
    assert status_of((instance(*state) for state in states), desired) == expected


def test_values_are_masked_and_sources_stay() -> None:
    variables = [
        Variable(container="web", name="PASSWORD", value="hunter2"),
        Variable(container="web", name="TOKEN", value=None, source="secret db/token"),
    ]
    hidden = list(masked(variables))
    assert [variable.value for variable in hidden] == [MASK, None]
    assert hidden[1].source == "secret db/token"
    assert "hunter2" not in repr(hidden)
