"""Smaller pure parts: cron schedules, protobuf bodies, rollout sizes, output of programs, words of refusals."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.demo.api import protobuf
from opsmodal.demo.life.containers import pull_words
from opsmodal.demo.life.cronjob import next_time
from opsmodal.demo.life.output import NANOSECONDS, Journal, Line, Steady, nanoseconds
from opsmodal.demo.life.rollout import next_sizes
from opsmodal.demo.problems import Cause, Problem, conflict, invalid, not_found, too_many_requests

START = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "due"),
    [
        ("* * * * *", "2026-11-21 12:01"),
        ("*/15 * * * *", "2026-11-21 12:15"),
        ("0 3 * * *", "2026-11-22 03:00"),
        ("30 6-8 * * 1-5", "2026-11-23 06:30"),
        ("@monthly", "2026-12-01 00:00"),
        ("0 0 29 2 *", None),
        ("0 0 13 * 5", "2026-11-27 00:00"),
    ],
)
def test_a_schedule_has_a_next_time(schedule: str, due: str | None) -> None:
    found = next_time(schedule, START)
    assert (found.strftime("%Y-%m-%d %H:%M") if found else None) == due


@pytest.mark.parametrize("schedule", ["", "* * * *", "x * * * *"])
def test_what_is_no_schedule_is_refused(schedule: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        next_time(schedule, START)


def field(number: int, data: bytes) -> bytes:
    return bytes([number << 3 | 2, len(data)]) + data


def test_a_protobuf_body_becomes_a_document() -> None:
    attributes = field(1, b"shop") + field(2, b"list") + field(5, b"pods") + field(6, b"")
    meta = field(1, b"authorization.k8s.io/v1") + field(2, b"SelfSubjectAccessReview")
    body = b"k8s\x00" + field(1, meta) + field(2, field(1, b"") + field(2, field(1, attributes)))
    assert protobuf.decoded(body) == {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"namespace": "shop", "verb": "list", "resource": "pods"}},
    }


@given(st.binary(max_size=60))
def test_a_broken_protobuf_body_is_refused_and_breaks_nothing(data: bytes) -> None:
    meta = field(1, b"v1") + field(2, b"Namespace")
    for body in (data, b"k8s\x00" + data, b"k8s\x00" + field(1, meta) + field(2, data)):
        with contextlib.suppress(Problem):
            assert isinstance(protobuf.decoded(body), dict)


def replicaset(name: str, size: int, available: int) -> dict[str, Any]:
    metadata = {"name": name, "creationTimestamp": name}
    return {
        "metadata": metadata,
        "spec": {"replicas": size},
        "status": {"replicas": size, "availableReplicas": available},
    }


def deployment(replicas: int, **spec: Any) -> dict[str, Any]:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}
    return {"metadata": {"generation": 1}, "spec": {"replicas": replicas, "strategy": rolling} | spec}


@pytest.mark.parametrize(
    ("owner", "new", "old", "sizes"),
    [
        (deployment(3), replicaset("b", 0, 0), [replicaset("a", 3, 3)], [("b", 1, 0)]),
        (deployment(3), replicaset("b", 1, 0), [replicaset("a", 3, 3)], []),
        (deployment(3), replicaset("b", 1, 1), [replicaset("a", 3, 3)], [("a", 2, 3)]),
        (deployment(3), replicaset("b", 3, 3), [replicaset("a", 1, 1)], [("a", 0, 1)]),
        (deployment(3), replicaset("b", 1, 0), [replicaset("a", 3, 0)], []),
        (deployment(4), replicaset("b", 1, 0), [replicaset("a", 4, 4)], [("a", 3, 4)]),
        (deployment(2), replicaset("b", 5, 5), [], [("b", 2, 5)]),
        (deployment(3, paused=True), replicaset("b", 0, 0), [replicaset("a", 3, 3)], []),
        (deployment(5, paused=True), replicaset("b", 0, 0), [replicaset("a", 3, 3)], [("a", 5, 3)]),
        (deployment(2, strategy={"type": "Recreate"}), replicaset("b", 0, 0), [replicaset("a", 2, 2)], [("a", 0, 2)]),
        (deployment(2, strategy={"type": "Recreate"}), replicaset("b", 0, 0), [replicaset("a", 0, 0)], [("b", 2, 0)]),
    ],
)
def test_a_rollout_takes_the_next_step(owner: Any, new: Any, old: Any, sizes: list[tuple[str, int, int]]) -> None:
    assert next_sizes(owner, new, old) == sizes


@given(st.floats(0.01, 5), st.floats(0, 60), st.integers(0, 40))
def test_lines_come_in_order_and_the_tail_is_their_end(period_s: float, lasted_s: float, count: int) -> None:
    begin = nanoseconds(START)
    until = begin + int(lasted_s * NANOSECONDS)
    journal = Journal(Steady(identity="x", started_ns=begin, opening=("a", "b"), period_s=period_s))
    lines = list(journal.between(-1, until))
    stamps = [line.nanoseconds for line in lines]
    assert stamps == sorted(stamps)
    assert all(begin <= each <= until for each in stamps)
    assert journal.tail(count, until) == lines[max(len(lines) - count, 0) :]
    middle = until - int(lasted_s / 2 * NANOSECONDS)
    assert [*journal.between(-1, middle), *journal.between(middle, until)] == lines


def test_lines_put_in_by_hand_stand_where_their_time_is() -> None:
    begin = nanoseconds(START)
    journal = Journal(
        Steady(identity="x", started_ns=begin, opening=("a",), closing=("z",), ended_ns=begin + NANOSECONDS)
    )
    journal.written.append(Line(begin + NANOSECONDS // 2, b"\xff"))
    assert [line.text for line in journal.between(-1, begin + 2 * NANOSECONDS)] == [b"a", b"\xff", b"z"]
    assert nanoseconds(START + timedelta(seconds=1)) == begin + NANOSECONDS


@pytest.mark.parametrize(
    ("image", "problem", "words"),
    [
        ("web", "not found", 'pull and unpack image "docker.io/library/web:latest"'),
        ("registry.example.com/a/b:1", "not found", "registry.example.com/a/b:1: not found"),
        ("team/web:2", "unauthorized", "authorization failed"),
    ],
)
def test_a_failed_pull_is_worded_as_containerd_does(image: str, problem: str, words: str) -> None:
    assert words in pull_words(image, problem)


CHANGED = (
    'Operation cannot be fulfilled on pods "x": the object has been modified; '
    "please apply your changes to the latest version and try again"
)


@pytest.mark.parametrize(
    ("problem", "code", "message"),
    [
        (not_found("pods", "", "x"), 404, 'pods "x" not found'),
        (not_found("deployments", "apps", "x"), 404, 'deployments.apps "x" not found'),
        (conflict("pods", "", "x"), 409, CHANGED),
        (
            invalid("Deployment", "apps", "x", [Cause("FieldValueInvalid", "spec.replicas", "Invalid value: -1: bad")]),
            422,
            'Deployment.apps "x" is invalid: spec.replicas: Invalid value: -1: bad',
        ),
        (too_many_requests("later", 3), 429, "later"),
    ],
)
def test_refusals_are_worded_as_the_api_server_does(problem: Problem, code: int, message: str) -> None:
    status = problem.status()
    assert (status["code"], status["message"], status["status"]) == (code, message, "Failure")
