"""Why pods are not ready is asked for a few of them, kept for a moment, and left out where it cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.direct import Direct
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.deployment import reasons
from runtimes.kubernetes.deployment.reasons import Reasons
from runtimes.kubernetes.deployment.rollouts.pods import Member
from runtimes.kubernetes.login import kubeconfig as kubeconfigs
from runtimes.kubernetes.login.access import Access
from runtimes.kubernetes.login.configuring import dialled, from_kubeconfig
from runtimes.kubernetes.together import Together
from tests.unit.runtimes.kubernetes.canned import Answer, Canned, canned, failure, http
from tests.unit.runtimes.kubernetes.deploying import workload

POD: dict[str, Any] = {
    "metadata": {"name": "web-0", "namespace": "shop", "uid": "u-0"},
    "spec": {"containers": [{"name": "web", "image": "w:1"}]},
    "status": {
        "phase": "Pending",
        "containerStatuses": [
            {"name": "web", "state": {"waiting": {"reason": "InvalidImageName", "message": "couldn't parse image"}}}
        ],
    },
}
WAITING = Member(
    name="web-0",
    uid="u-0",
    version="1",
    maker="m",
    new=True,
    ready=False,
    leaving=False,
    over=False,
    failing=True,
    word="InvalidImageName",
    reason="",
)


@contextmanager
def asking(*answers: Answer) -> Iterator[tuple[Reasons, Canned]]:
    with canned(*answers) as server:
        chosen = kubeconfigs.chosen(server.kubeconfig(), None, ())
        target = dialled(chosen.cluster.server, Direct())
        client = Client(
            Access(from_kubeconfig(chosen, target, timeout_s=5), server=target.server), runtime="t", timeout_s=5
        )
        together = Together("t")
        try:
            yield Reasons(client, together), server
        finally:
            together.close()
            client.close()


def pods_asked(server: Canned) -> list[str]:
    return [each.target for each in server.heard if "/pods/" in each.target]


EMPTY: dict[str, Any] = {"items": []}
"""What every list answers here; a pod decoded from it would have no name, so the first answer is the pod."""


def answered(pod: object) -> tuple[Answer, Answer]:
    return http(200, pod), http(200, EMPTY)


def test_it_says_why_and_keeps_that_while_the_pod_is_as_it_was() -> None:
    with asking(*answered(POD)) as (known, server):
        first = known.of("shop", [WAITING])
        assert "image" in first["web-0"].sentence
        assert known.of("shop", [WAITING]) == first
        assert len(pods_asked(server)) == 1


def test_a_pod_that_moved_is_asked_about_anew() -> None:
    with asking(*answered(POD)) as (known, server):
        known.of("shop", [WAITING])
        known.of("shop", [replace(WAITING, version="2")])
        assert len(pods_asked(server)) == 2


def test_an_answer_is_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    with asking(*answered(POD)) as (known, server):
        known.of("shop", [WAITING])
        monkeypatch.setattr(reasons, "KEPT_S", 0.0)
        known.of("shop", [WAITING])
        assert len(pods_asked(server)) == 2


def test_only_a_few_are_asked_about() -> None:
    with asking(*answered(POD)) as (known, server):
        known.of("shop", [replace(WAITING, name=f"web-{place}", uid=f"u-{place}") for place in range(9)])
        assert len(pods_asked(server)) == reasons.EXPLAINED_MAX


def test_only_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reasons, "KEPT_MAX", 1)
    with asking(*answered(POD)) as (known, server):
        for uid in ("u-0", "u-1", "u-0"):
            known.of("shop", [replace(WAITING, uid=uid)])
        assert len(pods_asked(server)) == 3


def test_one_that_has_become_ready_meanwhile_has_no_reason() -> None:
    ready = POD | {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}
    with asking(*answered(ready)) as (known, _):
        assert known.of("shop", [WAITING]) == {}


@pytest.mark.parametrize("status", [403, 404, 500])
def test_one_that_cannot_be_read_is_left_out(status: int) -> None:
    with asking(failure(status, "no")) as (known, _):
        assert known.of("shop", [WAITING]) == {}


def event(message: str, *, ago: timedelta, uid: str) -> dict[str, Any]:
    at = (datetime.now(UTC) - ago).isoformat()
    about = {"kind": "StatefulSet", "name": "web", "namespace": "shop", "uid": uid}
    return {
        "involvedObject": about,
        "reason": "FailedCreate",
        "message": message,
        "lastTimestamp": at,
        "type": "Warning",
    }


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ([("quota", 1, "u-web")], "quota"),
        ([("older", 9, "u-web"), ("newer", 1, "u-web")], "newer"),
        ([("long past", 60, "u-web")], ""),
        ([("another's", 1, "u-before")], ""),
        ([], ""),
    ],
)
def test_the_latest_refusal_of_late_is_told(told: list[tuple[str, int, str]], said: str) -> None:
    events = [event(message, ago=timedelta(minutes=minutes), uid=uid) for message, minutes, uid in told]
    with asking(http(200, {"items": events})) as (known, server):
        assert known.refused(workload(), "StatefulSet") == said
        assert "involvedObject.kind%3DStatefulSet" in server.heard[0].target


def test_events_that_may_not_be_read_tell_nothing() -> None:
    with asking(failure(403, "no")) as (known, _):
        assert known.refused(workload(), "StatefulSet") == ""
