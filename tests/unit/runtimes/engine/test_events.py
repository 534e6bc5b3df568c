from __future__ import annotations

from datetime import UTC, datetime

import pytest

from runtimes.engine.answers import EngineEvent
from runtimes.engine.events import LIFE, deaths, last_exit_code, shown
from tests.unit.runtimes.engine.made import ID, event


@pytest.mark.parametrize(
    ("reported", "kind", "reason"),
    [
        (event("die", exitCode="1"), "Warning", "die"),
        (event("died", containerExitCode="3"), "Warning", "die"),
        (event("die", exitCode="0"), "Normal", "die"),
        (event("die", exitCode="143"), "Normal", "die"),
        (event("die"), "Normal", "die"),
        (event("oom"), "Warning", "oom"),
        (event("health_status: unhealthy"), "Warning", "unhealthy"),
        (event("health_status: healthy"), "Normal", "healthy"),
        (event("health_status", health_status="unhealthy"), "Warning", "unhealthy"),
        (event("start"), "Normal", "start"),
        (event("something-new"), "Normal", "something-new"),
    ],
)
def test_bad_ends_memory_and_health_are_warnings(reported: EngineEvent, kind: str, reason: str) -> None:
    (worded,) = shown([reported])
    assert (worded.kind, worded.reason) == (kind, reason)


def test_the_same_again_is_one_event_with_a_count_and_the_newest_comes_first() -> None:
    reported = [
        event("start", seconds=1, name="web"),
        event("die", seconds=2, name="web", exitCode="3"),
        event("start", seconds=3, name="web"),
        event("die", seconds=4, name="web", exitCode="3"),
        event("stop", seconds=5, name="web"),
    ]
    found = [(each.reason, each.count, each.at) for each in shown(reported)]
    assert found == [
        ("stop", 1, datetime.fromtimestamp(5, UTC)),
        ("die", 2, datetime.fromtimestamp(4, UTC)),
        ("start", 2, datetime.fromtimestamp(3, UTC)),
    ]


def test_the_command_lines_of_execs_are_never_asked_for() -> None:
    assert not any(word.startswith("exec") for word in LIFE)


def test_deaths_are_found_by_container() -> None:
    found = deaths([event("die", seconds=2), event("start", seconds=3), event("died", seconds=4, id_="other")])
    assert found == {ID: [datetime.fromtimestamp(2, UTC)], "other": [datetime.fromtimestamp(4, UTC)]}


@pytest.mark.parametrize(
    ("reported", "code"),
    [
        ([], None),
        ([event("start")], None),
        ([event("die", exitCode="\u00b2")], None),
        ([event("die", exitCode="-" * 3 + "1")], None),
        ([event("die", exitCode="1"), event("died", exitCode="2")], 2),
    ],
)
def test_the_last_exit_code_is_that_of_the_last_end(reported: list[EngineEvent], code: int | None) -> None:
    assert last_exit_code(reported) == code
