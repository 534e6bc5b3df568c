"""The word, the counts and the severity of every state that kubectl knows."""

from __future__ import annotations

import pytest

from runtimes.base import Severity
from runtimes.kubernetes.objects.pods import Pod
from runtimes.kubernetes.pods.severity import judged, proven_restarts, unready_since
from runtimes.kubernetes.pods.status import printed
from tests.unit.runtimes.kubernetes.making import NOW, ago, container, ended, pod, running, waiting

OK, PROGRESS, ERROR, NEUTRAL = Severity.OK, Severity.PROGRESS, Severity.ERROR, Severity.NEUTRAL
READY = {"Ready": "True", "Initialized": "True", "PodScheduled": "True"}
UNREADY = {"Ready": ("False", "ContainersNotReady", 60), "Initialized": "True"}
LONG_UNREADY = {"Ready": ("False", "ContainersNotReady", 301), "Initialized": "True"}
CREATING = {"Ready": ("False", "ContainersNotReady", 60), "Initialized": ("False", "ContainersNotInitialized", 60)}
DELETED = {"deletionTimestamp": ago(5)}


def init(*states: object, **options: object) -> list[dict[str, object]]:
    return [container(state, name=f"init-{n}", ready=False, **options) for n, state in enumerate(states)]  # type: ignore[arg-type]


SIDE = {"name": "proxy", "started": True}

TABLE: list[tuple[str, Pod, str, str, int, Severity]] = [
    # name, pod, STATUS, READY, RESTARTS, severity
    ("running", pod(container(running()), conditions=READY), "Running", "1/1", 0, OK),
    ("two", pod(container(running()), container(running(), name="b"), conditions=READY), "Running", "2/2", 0, OK),
    ("restarted long ago", pod(container(running(), restarts=7), conditions=READY), "Running", "1/1", 7, OK),
    ("just not ready", pod(container(running(), ready=False), conditions=UNREADY), "Running", "0/1", 0, PROGRESS),
    ("long not ready", pod(container(running(), ready=False), conditions=LONG_UNREADY), "Running", "0/1", 0, ERROR),
    ("readiness gate", pod(container(running()), conditions=LONG_UNREADY), "Running", "1/1", 0, ERROR),
    (
        "just started after a long pull",
        pod(container(running(30), ready=False), conditions=LONG_UNREADY),
        "Running",
        "0/1",
        0,
        PROGRESS,
    ),
    (
        "restarted by its probe",
        pod(container(running(30), ready=False, restarts=1), conditions=LONG_UNREADY),
        "Running",
        "0/1",
        1,
        ERROR,
    ),
    ("new", pod(phase="Pending", conditions={}), "Pending", "0/1", 0, PROGRESS),
    (
        "unschedulable",
        pod(phase="Pending", conditions={"PodScheduled": ("False", "Unschedulable", 10)}),
        "Pending",
        "0/1",
        0,
        PROGRESS,
    ),
    (
        "gated",
        pod(phase="Pending", conditions={"PodScheduled": ("False", "SchedulingGated", 10)}),
        "SchedulingGated",
        "0/1",
        0,
        PROGRESS,
    ),
    (
        "creating",
        pod(container(waiting("ContainerCreating")), phase="Pending", conditions=UNREADY),
        "ContainerCreating",
        "0/1",
        0,
        PROGRESS,
    ),
    (
        "initialised, next",
        pod(container(waiting("PodInitializing")), phase="Pending", init=init(ended(0, "Completed"))),
        "PodInitializing",
        "0/1",
        0,
        PROGRESS,
    ),
    (
        "init 0 of 2 runs",
        pod(container(waiting("PodInitializing")), phase="Pending", init=init(running(), waiting("PodInitializing"))),
        "Init:0/2",
        "0/1",
        0,
        PROGRESS,
    ),
    (
        "init 1 of 3",
        pod(
            container(waiting("PodInitializing")),
            phase="Pending",
            init=init(ended(0, "Completed"), running(), waiting("PodInitializing")),
            conditions=CREATING,
        ),
        "Init:1/3",
        "0/1",
        0,
        PROGRESS,
    ),
    (
        "init waits for no reason",
        pod(container(waiting("PodInitializing")), phase="Pending", init=init(waiting())),
        "Init:0/1",
        "0/1",
        0,
        PROGRESS,
    ),
    (
        "init crashes",
        pod(
            container(waiting("PodInitializing")),
            phase="Pending",
            init=init(waiting("CrashLoopBackOff"), restarts=4, last=ended(1, "Error")),
        ),
        "Init:CrashLoopBackOff",
        "0/1",
        4,
        ERROR,
    ),
    (
        "init failed",
        pod(container(waiting("PodInitializing")), phase="Pending", init=init(ended(1, "Error"))),
        "Init:Error",
        "0/1",
        0,
        ERROR,
    ),
    (
        "init failed without words",
        pod(container(waiting("PodInitializing")), phase="Pending", init=init(ended(7))),
        "Init:ExitCode:7",
        "0/1",
        0,
        ERROR,
    ),
    (
        "init killed with a code",
        pod(container(waiting("PodInitializing")), phase="Pending", init=init(ended(137, signal=9))),
        "Init:Signal:9",
        "0/1",
        0,
        ERROR,
    ),
    (
        "init out of memory",
        pod(container(waiting("PodInitializing")), phase="Pending", init=init(ended(137, "OOMKilled"))),
        "Init:OOMKilled",
        "0/1",
        0,
        ERROR,
    ),
    (
        "init without image",
        pod(container(waiting("PodInitializing")), phase="Pending", init=init(waiting("ImagePullBackOff"))),
        "Init:ImagePullBackOff",
        "0/1",
        0,
        ERROR,
    ),
    (
        "sidecar started, main creating",
        pod(
            container(waiting("ContainerCreating")),
            phase="Pending",
            init=[container(running(), **SIDE)],  # type: ignore[arg-type]
            sidecars=["proxy"],
        ),
        "ContainerCreating",
        "1/2",
        0,
        PROGRESS,
    ),
    (
        "sidecar not started",
        pod(
            container(waiting("PodInitializing")),
            phase="Pending",
            init=[container(running(), name="proxy", started=False, ready=False)],
            sidecars=["proxy"],
        ),
        "Init:0/1",
        "0/2",
        0,
        PROGRESS,
    ),
    (
        "sidecar beside",
        pod(
            container(running(), restarts=1),
            init=[container(running(), restarts=2, **SIDE)],  # type: ignore[arg-type]
            sidecars=["proxy"],
            conditions=READY,
        ),
        "Running",
        "2/2",
        3,
        OK,
    ),
    (
        "init restarts are not counted later",
        pod(container(running(), restarts=1), init=init(ended(0, "Completed"), restarts=5), conditions=READY),
        "Running",
        "1/1",
        1,
        OK,
    ),
    (
        "crash loop",
        pod(
            container(waiting("CrashLoopBackOff"), ready=False, restarts=5, last=ended(1, "Error")),
            conditions=UNREADY,
        ),
        "CrashLoopBackOff",
        "0/1",
        5,
        ERROR,
    ),
    (
        "pull backs off",
        pod(container(waiting("ImagePullBackOff")), phase="Pending"),
        "ImagePullBackOff",
        "0/1",
        0,
        ERROR,
    ),
    ("pull failed", pod(container(waiting("ErrImagePull")), phase="Pending"), "ErrImagePull", "0/1", 0, ERROR),
    ("never pull", pod(container(waiting("ErrImageNeverPull")), phase="Pending"), "ErrImageNeverPull", "0/1", 0, ERROR),
    ("bad name", pod(container(waiting("InvalidImageName")), phase="Pending"), "InvalidImageName", "0/1", 0, ERROR),
    (
        "config missing",
        pod(container(waiting("CreateContainerConfigError")), phase="Pending"),
        "CreateContainerConfigError",
        "0/1",
        0,
        ERROR,
    ),
    (
        "cannot create",
        pod(container(waiting("CreateContainerError")), phase="Pending"),
        "CreateContainerError",
        "0/1",
        0,
        ERROR,
    ),
    (
        "cannot run",
        pod(container(waiting("RunContainerError"), restarts=1), phase="Running", conditions=UNREADY),
        "RunContainerError",
        "0/1",
        1,
        ERROR,
    ),
    ("error", pod(container(ended(1, "Error")), conditions=UNREADY), "Error", "0/1", 0, ERROR),
    ("out of memory", pod(container(ended(137, "OOMKilled")), conditions=UNREADY), "OOMKilled", "0/1", 0, ERROR),
    ("exit code", pod(container(ended(2)), conditions=UNREADY), "ExitCode:2", "0/1", 0, ERROR),
    ("signal", pod(container(ended(139, signal=11)), conditions=UNREADY), "Signal:11", "0/1", 0, ERROR),
    (
        "cannot start",
        pod(container(ended(128, "ContainerCannotRun")), conditions=UNREADY),
        "ContainerCannotRun",
        "0/1",
        0,
        ERROR,
    ),
    (
        "status unknown to the kubelet",
        pod(container(ended(137, "ContainerStatusUnknown")), phase="Failed"),
        "ContainerStatusUnknown",
        "0/1",
        0,
        ERROR,
    ),
    (
        "one of two fails",
        pod(container(running()), container(ended(1, "Error"), name="b"), conditions=UNREADY),
        "Error",
        "1/2",
        0,
        ERROR,
    ),
    (
        "the first in trouble has the word",
        pod(
            container(waiting("ImagePullBackOff")),
            container(waiting("CrashLoopBackOff"), name="b"),
            conditions=UNREADY,
        ),
        "ImagePullBackOff",
        "0/2",
        0,
        ERROR,
    ),
    ("succeeded", pod(container(ended(0, "Completed")), phase="Succeeded"), "Completed", "0/1", 0, NEUTRAL),
    ("succeeded bare", pod(phase="Succeeded"), "Succeeded", "0/1", 0, NEUTRAL),
    ("failed", pod(container(ended(1, "Error")), phase="Failed"), "Error", "0/1", 0, ERROR),
    ("failed bare", pod(phase="Failed"), "Failed", "0/1", 0, ERROR),
    ("stopped job", pod(container(ended(143, "Error")), phase="Failed"), "Error", "0/1", 0, ERROR),
    (
        "evicted",
        pod(phase="Failed", status={"reason": "Evicted", "message": "low on memory"}),
        "Evicted",
        "0/1",
        0,
        ERROR,
    ),
    ("shutdown", pod(phase="Failed", status={"reason": "Terminated"}), "Terminated", "0/1", 0, ERROR),
    (
        "does not fit",
        pod(phase="Failed", status={"reason": "UnexpectedAdmissionError"}),
        "UnexpectedAdmissionError",
        "0/1",
        0,
        ERROR,
    ),
    (
        "one done, one runs, ready",
        pod(container(ended(0, "Completed")), container(running(), name="b"), conditions=READY),
        "Running",
        "1/2",
        0,
        OK,
    ),
    (
        "one done, one runs, in a job",
        pod(
            container(ended(0, "Completed")),
            container(running(), name="b"),
            conditions=LONG_UNREADY,
            restart_policy="Never",
        ),
        "NotReady",
        "1/2",
        0,
        OK,
    ),
    (
        "one done, to be restarted",
        pod(container(ended(0, "Completed")), container(running(), name="b"), conditions=LONG_UNREADY),
        "NotReady",
        "1/2",
        0,
        ERROR,
    ),
    (
        "about to be restarted after a good end",
        pod(container(ended(0, "Completed", ago_s=1)), conditions=UNREADY),
        "Completed",
        "0/1",
        0,
        PROGRESS,
    ),
    ("terminating", pod(container(running()), conditions=READY, meta=DELETED), "Terminating", "1/1", 0, NEUTRAL),
    (
        "terminating and crashed",
        pod(container(waiting("CrashLoopBackOff")), meta=DELETED),
        "Terminating",
        "0/1",
        0,
        NEUTRAL,
    ),
    (
        "deleted but done",
        pod(container(ended(0, "Completed")), phase="Succeeded", meta=DELETED),
        "Completed",
        "0/1",
        0,
        NEUTRAL,
    ),
    ("node lost", pod(container(running()), meta=DELETED, status={"reason": "NodeLost"}), "Unknown", "1/1", 0, NEUTRAL),
    ("unknown", pod(phase="Unknown"), "Unknown", "0/1", 0, NEUTRAL),
    (
        "looping within minutes",
        pod(container(running(20), restarts=3), conditions=READY, age_s=300),
        "Running",
        "1/1",
        3,
        ERROR,
    ),
    (
        "pulled up twice only",
        pod(container(running(20), restarts=2), conditions=READY, age_s=300),
        "Running",
        "1/1",
        2,
        OK,
    ),
]


@pytest.mark.parametrize(
    ("known", "word", "ready", "restarts", "severity"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE]
)
def test_a_state_is_printed_as_kubectl_does_and_judged(
    known: Pod, word: str, ready: str, restarts: int, severity: Severity
) -> None:
    columns = printed(known)
    assert (columns.word, f"{columns.ready_containers}/{columns.total_containers}") == (word, ready)
    assert columns.restarts == restarts
    verdict = judged(known, columns.word, now=NOW)
    assert verdict.severity is severity
    assert verdict.severity is not ERROR or verdict.reason or known.status.phase == "Failed"


@pytest.mark.parametrize(("recent", "severity"), [(0, OK), (2, OK), (3, ERROR), (9, ERROR)])
def test_restarts_seen_lately_count_even_while_it_runs(recent: int, severity: Severity) -> None:
    verdict = judged(
        pod(container(running(), restarts=40), conditions=READY), "Running", now=NOW, recent_restarts=recent
    )
    assert verdict.severity is severity
    assert (str(recent) in verdict.reason) is (severity is ERROR)


@pytest.mark.parametrize(
    ("known", "count"),
    [
        (pod(container(running(), restarts=5), age_s=599), 5),
        (pod(container(running(), restarts=5), age_s=601), 0),
        (pod(container(running(), restarts=5, last=ended(1, ago_s=30)), age_s=9999), 1),
        (pod(container(running(), restarts=5, last=ended(1, ago_s=900)), age_s=9999), 0),
        (pod(phase="Pending"), 0),
    ],
)
def test_one_look_proves_only_what_lies_within_the_window(known: Pod, count: int) -> None:
    assert proven_restarts(known, NOW) == count


def test_without_any_date_nothing_is_late() -> None:
    bare = pod(container({"running": {}}, ready=False), status={"startTime": None}, conditions={})
    assert unready_since(bare) is None
    assert judged(bare, "Running", now=NOW).severity is PROGRESS


def test_a_deletion_that_hangs_names_what_holds_it() -> None:
    held = pod(container(running()), meta={"deletionTimestamp": ago(90), "finalizers": ["example.org/hold"]})
    assert "since 2026-11-21 11:58 UTC" in judged(held, "Terminating", now=NOW).reason
    assert "example.org/hold" in judged(held, "Terminating", now=NOW).reason
