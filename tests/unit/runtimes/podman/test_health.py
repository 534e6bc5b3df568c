from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from runtimes.libpod import CheckRun
from runtimes.podman import answers
from runtimes.podman.health import unrun
from runtimes.podman.libpod import health_of

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


@pytest.mark.parametrize(
    ("ran", "now", "interval_s", "words"),
    [
        ([], 10, 5, ""),
        ([], 100, 5, "has not run since it started"),
        ([], 60, 30, ""),
        ([5, 10, 15], 20, 5, ""),
        ([5, 10, 15], 100, 5, "last ran 85 s ago"),
        ([100], 101, 5, "last ran 1 s ago"),  # somebody ran it by hand a moment ago: still nothing does by itself
        ([100, 105, 110], 112, 5, ""),  # a timer runs it again
        ([-500], 100, 5, "has not run since it started"),  # what ran before the container was started again
        ([5, 10], 1000, 30, "last ran 16 min ago"),
        ([], 8000, 5, "has not run"),
        ([5], 6, 0, "no interval"),
    ],
)
def test_whether_anything_runs_a_check_shows_in_when_it_ran(
    ran: list[float], now: float, interval_s: float, words: str
) -> None:
    runs = [CheckRun(at=at(second), exit_code=0) for second in ran]
    sentence, hint = unrun(runs, name="web 1", interval_s=interval_s, timeout_s=30, started_at=START, now=at(now))
    assert words in sentence
    assert bool(sentence) is bool(words)
    assert ("podman healthcheck run 'web 1'" in hint) is bool(words)


NEWER = b"""{
 "Id": "abc", "Name": "web", "Image": "x",
 "State": {"Running": true, "StartedAt": "2026-01-01T01:00:00.000000001+01:00", "Health": {"Status": "healthy",
   "FailingStreak": 0, "Log": [{"Start": "2026-01-01T00:00:00.1Z", "End": "2026-01-01T00:00:00.2Z", "ExitCode": 0,
   "Output": "fine"}]}},
 "Config": {"Healthcheck": {"Test": ["CMD", "curl", "-f", "http://localhost/a b"], "StartPeriod": 0,
   "Interval": 30000000000, "Timeout": 30000000000, "Retries": 3}, "HealthcheckOnFailureAction": "restart",
   "HealthLogDestination": "local", "HealthMaxLogCount": 5, "HealthMaxLogSize": 500, "Secrets": [{"Name": "pw",
   "ID": "1", "UID": 0, "GID": 0, "Mode": 292}], "StartupHealthCheck": {"Test": ["CMD", "true"]}},
 "UseImageHosts": false, "LockNumber": 3
}"""
"""A container of Podman 5.4, after its reference (docs.podman.io, libpod API v5.4, "Inspect container")."""


def test_an_answer_of_a_newer_podman_is_read() -> None:
    found = health_of(msgspec.json.decode(NEWER, type=answers.Inspected), at(5))
    assert found is not None
    assert (found.status, found.command, found.interval_s) == ("healthy", "curl -f 'http://localhost/a b'", 30.0)
    assert (found.on_failure, found.retries, found.runs[0].printed) == ("restart", 3, "fine")
    assert found.sentence == ""


@pytest.mark.parametrize("check", ["null", "{}", '{"Test": ["NONE"]}', '{"Test": []}'])
def test_a_container_without_a_check_has_none(check: str) -> None:
    made = f'{{"Id": "a", "Config": {{"Healthcheck": {check}}}}}'
    assert health_of(msgspec.json.decode(made, type=answers.Inspected), START) is None
