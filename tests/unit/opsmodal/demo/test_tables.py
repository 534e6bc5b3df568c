"""What kubectl prints: ages, the word of a pod, and rows of the other kinds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from opsmodal.demo.documents import decode
from opsmodal.demo.kinds import KINDS
from opsmodal.demo.storage import Record
from opsmodal.demo.tables import LAYOUTS, table
from opsmodal.demo.tables.ages import duration
from opsmodal.demo.tables.pods import cells, status_word

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (-1, "0s"),
        (-5, "<invalid>"),
        (119, "119s"),
        (120, "2m"),
        (150, "2m30s"),
        (600, "10m"),
        (3 * 3600 - 1, "179m"),
        (3 * 3600 + 60, "3h1m"),
        (8 * 3600, "8h"),
        (47 * 3600, "47h"),
        (49 * 3600, "2d1h"),
        (8 * 86_400, "8d"),
        (800 * 86_400, "2y70d"),
        (3000 * 86_400, "8y"),
    ],
)
def test_an_age_is_written_as_kubectl_does(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def pod(phase: str = "Running", *, init: list[Any] | None = None, **status: Any) -> dict[str, Any]:
    containers = status.get("containerStatuses", [])
    spec = {"containers": [{"name": item["name"]} for item in containers]}
    spec |= {"initContainers": [{"name": item["name"]} for item in init]} if init else {}
    metadata = {"name": "p", "creationTimestamp": "2026-11-21T11:00:00Z"} | status.pop("metadata", {})
    body = {"phase": phase, "initContainerStatuses": init or []} | status
    return {"kind": "Pod", "metadata": metadata, "spec": spec, "status": body}


def container(state: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "c", "ready": False, "restartCount": 0, "state": state, "lastState": {}} | more


def waiting(reason: str) -> dict[str, Any]:
    return container({"waiting": {"reason": reason}})


def ended(code: int, reason: str = "", signal: int = 0) -> dict[str, Any]:
    terminated = {"exitCode": code} | ({"reason": reason} if reason else {}) | ({"signal": signal} if signal else {})
    return container({"terminated": terminated})


RUNNING = container({"running": {}}, ready=True)
GATED = [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]


@pytest.mark.parametrize(
    ("shown", "word"),
    [
        (pod("Pending"), "Pending"),
        (pod("Pending", conditions=GATED), "SchedulingGated"),
        (pod("Pending", containerStatuses=[waiting("ContainerCreating")]), "ContainerCreating"),
        (pod(containerStatuses=[RUNNING]), "Running"),
        (pod(containerStatuses=[waiting("CrashLoopBackOff")]), "CrashLoopBackOff"),
        (pod(containerStatuses=[ended(1, "Error")]), "Error"),
        (pod(containerStatuses=[ended(137, "OOMKilled")]), "OOMKilled"),
        (pod(containerStatuses=[ended(3)]), "ExitCode:3"),
        (pod(containerStatuses=[ended(139, signal=11)]), "Signal:11"),
        (pod("Succeeded", containerStatuses=[ended(0, "Completed")]), "Completed"),
        (pod(containerStatuses=[ended(0, "Completed"), RUNNING]), "NotReady"),
        (pod("Failed", reason="Evicted"), "Evicted"),
        (pod("Pending", init=[container({"running": {}})]), "Init:0/1"),
        (pod("Pending", init=[ended(0, "Completed"), waiting("PodInitializing")]), "Init:1/2"),
        (pod("Pending", init=[waiting("CrashLoopBackOff")]), "Init:CrashLoopBackOff"),
        (pod("Pending", init=[ended(2, "Error")]), "Init:Error"),
        (pod("Pending", init=[ended(2)]), "Init:ExitCode:2"),
        (pod(containerStatuses=[RUNNING], metadata={"deletionTimestamp": "2026-11-21T12:00:30Z"}), "Terminating"),
    ],
)
def test_a_pod_has_the_word_that_kubectl_shows(shown: dict[str, Any], word: str) -> None:
    assert status_word(shown) == word


def test_restarts_say_when_the_last_one_was() -> None:
    last = {"terminated": {"finishedAt": "2026-11-21T11:55:00Z"}}
    row = cells(pod(containerStatuses=[RUNNING | {"restartCount": 4, "lastState": last}]), NOW)
    assert row[1:5] == ["1/1", "Running", "4 (5m ago)", "60m"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.plural)
def test_every_kind_prints_as_many_cells_as_columns(kind: Any) -> None:
    rbac = {"roleRef": {"kind": "Role", "name": "r"}}
    involved = {"involvedObject": {"kind": "Pod", "name": "p"}, "provisioner": "x"}
    document = {"kind": kind.name, "metadata": {"name": "n"}, "spec": {}, "status": {}} | rbac | involved
    record = Record(document)
    shown = decode(table([record], plural=kind.plural, metadata={}, include="None", now=NOW))
    assert len(shown["rows"][0]["cells"]) == len(shown["columnDefinitions"])
    assert kind.plural in LAYOUTS or [column["name"] for column in shown["columnDefinitions"]] == ["Name", "Age"]


@pytest.mark.parametrize(
    ("include", "kind"), [("Metadata", "PartialObjectMetadata"), ("Object", "Pod"), ("None", None)]
)
def test_a_row_carries_what_was_asked_for(include: str, kind: str | None) -> None:
    shown = decode(table([Record(pod())], plural="pods", metadata={}, include=include, now=NOW))
    carried = shown["rows"][0]["object"]
    assert (carried["kind"] if carried else None) == kind
