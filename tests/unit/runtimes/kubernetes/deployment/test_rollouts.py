"""How far a rollout is, by what the workload, its revisions and its pods say: as kubectl asks it, and one more."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.base import Cause, Explanation
from runtimes.kubernetes.deployment.rollouts.counts import steady
from runtimes.kubernetes.deployment.rollouts.judging import progress
from runtimes.kubernetes.workloads.around import Around
from tests.unit.runtimes.kubernetes.deploying import (
    LATE,
    MOVING,
    THROUGH,
    Obj,
    around,
    condition,
    counted,
    numbered,
    of,
    owned,
    pod,
    replicaset,
    workload,
)

STATES = ["ready", "starting", "crashing", "fallen", "unpullable", "unready", "leaving", "evicted"]
ROLLING = {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}}


@pytest.mark.parametrize(
    ("spec", "status", "state", "words"),
    [
        ({}, counted(3, 3, 3), "done", "All 3 pods are ready and of revision 2."),
        ({"replicas": 1}, counted(1, 1, 1), "done", "Its pod is ready and of revision 2."),
        ({"replicas": 0}, {}, "done", "It is scaled to 0: no pod runs."),
        ({}, counted(4, 1, 3), "running", "1 of 3 pods are of the new revision. 3 of 3 pods are ready."),
        ({}, counted(4, 3, 4), "running", "1 pod of the old revision has yet to end. 4 of 3 pods are ready."),
        ({}, counted(5, 5, 5), "running", "2 pods too many have yet to end. 5 of 3 pods are ready."),
        ({}, counted(3, 3, 2), "running", "2 of 3 pods are available."),
        ({"minReadySeconds": 30}, counted(3, 3, 3, 1), "running", "1 of 3 pods is available."),
        ({}, {}, "running", "0 of 3 pods are of the new revision. 0 of 3 pods are ready."),
        ({"paused": True}, counted(3, 0, 3), "paused", "The rollout is paused. 3 of 3 pods are ready."),
        ({}, {"observedGeneration": 3} | counted(3, 3, 3), "running", "The cluster has not taken up the change yet."),
    ],
)
def test_a_deployment_is_as_far_as_its_status_says(spec: Obj, status: Obj, state: str, words: str) -> None:
    said = progress(workload(spec=spec, status=status), "Deployment", around())
    assert (said.state, said.sentence) == (state, words)


@pytest.mark.parametrize(
    ("spec", "status", "state", "words"),
    [
        (ROLLING, counted(3, 3, 3), "done", "All 3 pods are ready."),
        (ROLLING, counted(3, 1, 3), "running", "1 of 3 pods are of the new revision. 3 of 3 pods are ready."),
        (ROLLING, counted(3, 3, 2), "running", "2 of 3 pods are ready."),
        (ROLLING, counted(4, 4, 4), "running", "1 pod too many has yet to end. 4 of 3 pods are ready."),
        (
            ROLLING,
            counted(3, 3, 3) | {"currentRevision": "web-a", "updateRevision": "web-b"},
            "running",
            "The last pods take over the new revision. 3 of 3 pods are ready.",
        ),
        (
            {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}},
            counted(3, 1, 3) | {"currentRevision": "web-a", "updateRevision": "web-b"},
            "done",
            "1 of 3 pods are of the new revision, as its partition of 2 says.",
        ),
        ({"updateStrategy": {"type": "OnDelete"}}, counted(3, 1, 3), "done", "All 3 pods are ready."),
    ],
)
def test_a_statefulset_is_as_far_as_its_status_says(spec: Obj, status: Obj, state: str, words: str) -> None:
    steady = {"currentRevision": "web-a", "updateRevision": "web-a"}
    said = progress(workload(spec=spec, status=steady | status, revision=0), "StatefulSet", around())
    assert (said.state, said.sentence) == (state, words)


def daemons(wanted: int, updated: int, available: int, current: int | None = None) -> Obj:
    return {
        "desiredNumberScheduled": wanted,
        "currentNumberScheduled": wanted if current is None else current,
        "updatedNumberScheduled": updated,
        "numberReady": available,
        "numberAvailable": available,
    }


@pytest.mark.parametrize(
    ("status", "state", "words"),
    [
        (daemons(2, 2, 2), "done", "All 2 pods are ready."),
        (daemons(2, 1, 2), "running", "1 of 2 pods are of the new revision. 2 of 2 pods are ready."),
        (daemons(2, 2, 1), "running", "1 of 2 pods is available."),
        (daemons(0, 0, 0), "done", "No node is meant to run a pod of it."),
    ],
)
def test_a_daemonset_is_as_far_as_its_status_says(status: Obj, state: str, words: str) -> None:
    known = workload(spec={"replicas": None} | ROLLING, status=status, revision=0)
    said = progress(known, "DaemonSet", around())
    assert (said.state, said.sentence) == (state, words)


@pytest.mark.parametrize(
    ("spec", "status", "state", "words"),
    [
        ({"completions": 2}, {"succeeded": 1}, "running", "The Job runs: 1 of 2 pods done."),
        ({"completions": 2}, {"succeeded": 1, "failed": 3}, "running", "The Job runs: 1 of 2 pods done, 3 failed."),
        (
            {},
            {"succeeded": 1, "conditions": [condition("Complete", "True")]},
            "done",
            "The Job has done its work: 1 of",
        ),
        (
            {},
            {"conditions": [condition("Failed", "True", "BackoffLimitExceeded", "Job has reached the limit")]},
            "failed",
            "The Job has failed: Job has reached the limit.",
        ),
        ({"suspend": True}, {}, "paused", "The Job is suspended: 0 of 1 pod done."),
    ],
)
def test_a_job_is_as_far_as_its_pods_are(spec: Obj, status: Obj, state: str, words: str) -> None:
    said = progress(workload(spec=spec, status=status), "Job", around())
    assert said.state == state
    assert said.sentence.startswith(words)
    assert bool(said.hint) == (state in {"failed", "paused"})


def stood(*states: str, conditions: list[Obj] | None = None, **more: Any) -> tuple[Any, Around]:
    """Make a rollout of revision 2 whose new pods are in these states, with two old ones ready."""
    new, old = replicaset("web-new", 2, replicas=len(states)), replicaset("web-old", 1, replicas=2, ready=2)
    pods = [pod(f"web-new-{place}", owner=of(new), state=state) for place, state in enumerate(states)]
    pods += [pod(f"web-old-{place}", owner=of(old)) for place in range(2)]
    status = counted(2 + len(states), len(states), 2) | {"conditions": conditions or [MOVING]}
    return workload(status=status, **more), around(sets=[old, new], pods=pods)


@pytest.mark.parametrize("state", ["crashing", "unpullable"])
def test_a_new_pod_that_fails_makes_it_stuck_before_any_deadline(state: str) -> None:
    said = progress(*_as("Deployment", stood("starting", state)))
    assert said.state == "failed"
    assert "web-new-1" in said.sentence
    assert said.hint.endswith("roll back to revision 1.")


@pytest.mark.parametrize("state", ["starting", "fallen", "unready", "leaving"])
def test_a_new_pod_that_may_yet_become_ready_is_waited_for(state: str) -> None:
    assert progress(*_as("Deployment", stood(state))).state == "running"


def test_an_old_pod_that_fails_does_not_stop_a_deployment() -> None:
    known, there = stood("starting")
    old = replicaset("web-old", 1, replicas=2)
    there = around(sets=there.sets, pods=[*there.pods, pod("web-old-9", owner=of(old), state="crashing")])
    assert progress(known, "Deployment", there).state == "running"


def test_a_pod_that_was_evicted_long_ago_is_not_in_the_way() -> None:
    new = replicaset("web-new", 2, replicas=1, ready=1)
    pods = [pod("web-a", owner=of(new)), pod("web-b", owner=of(new), state="evicted")]
    known = workload(spec={"replicas": 1}, status=counted(1, 1, 1) | {"conditions": [THROUGH]})
    said = progress(known, "Deployment", around(sets=[new], pods=pods))
    assert said.state == "done"
    assert len(said.steps) == 1


def test_past_its_deadline_the_pod_that_is_waited_for_is_named() -> None:
    said = progress(*_as("Deployment", stood("starting", conditions=[LATE])))
    assert said.state == "failed"
    assert "web-new-0 is ContainerCreating" in said.sentence


def test_past_its_deadline_without_any_pod_it_says_so() -> None:
    said = progress(*_as("Deployment", stood(conditions=[LATE], spec={"progressDeadlineSeconds": 60})))
    assert said.state == "failed"
    assert "within its deadline of 60 s" in said.sentence


def test_pods_that_fail_after_the_rollout_are_not_called_a_stuck_rollout() -> None:
    said = progress(*_as("Deployment", stood("crashing", conditions=[THROUGH])))
    assert said.sentence.startswith("Not all pods are well: pod web-new-0")


def test_what_was_looked_into_says_why_and_what_helps() -> None:
    why = Explanation(sentence="web-new-0 cannot start.", causes=(Cause(kind="x", detail="y", hint="Mend it."),))
    known, there = stood("unpullable")
    said = progress(known, "Deployment", there, explained={"web-new-0": why})
    assert said.sentence == "The rollout is stuck: web-new-0 cannot start."
    assert said.hint == "Mend it. If the last change caused it, roll back to revision 1."
    assert said.steps[-1].detail == "web-new-0 cannot start."


def test_several_pods_that_fail_are_counted() -> None:
    said = progress(*_as("Deployment", stood("crashing", "crashing", "crashing")))
    assert said.sentence.endswith("2 more pods are in the same state.")


def test_pods_that_are_refused_say_what_refuses_them() -> None:
    message = 'pods "web-new-x" is forbidden: exceeded quota: team, requested: cpu=1, used: cpu=4, limited: cpu=4'
    new = replicaset("web-new", 2, conditions=[condition("ReplicaFailure", "True", "FailedCreate", message)])
    known = workload(status=counted(3, 0, 3) | {"conditions": [MOVING]})
    said = progress(known, "Deployment", around(sets=[replicaset("web-old", 1, replicas=3, ready=3), new]))
    assert said.state == "failed"
    assert "exceeded quota: team" in said.sentence
    assert "quota" in said.hint
    assert "revision 1" in said.hint


def test_steps_tell_the_new_revision_first_then_the_old_then_the_pods() -> None:
    said = progress(*_as("Deployment", stood("unready", "ready")))
    assert [(each.name, each.state) for each in said.steps] == [
        ("ReplicaSet web-new (revision 2, new)", "running"),
        ("ReplicaSet web-old (revision 1, old)", "running"),
        ("Pod web-new-0", "running"),
    ]
    assert said.steps[0].total == 2


def test_of_many_pods_ten_are_told() -> None:
    said = progress(*_as("Deployment", stood(*["starting"] * 25)))
    assert sum(each.name.startswith("Pod ") for each in said.steps) == 10
    assert said.steps[-1].name == "15 more pods"


def ordered(*states: tuple[str, str], updated: int, policy: str = "OrderedReady") -> tuple[Any, Around]:
    """Make a StatefulSet that goes to web-bbb (revision 2); states are (revision's name, state) by ordinal."""
    names = {"web-aaa": numbered("web-aaa", 1), "web-bbb": numbered("web-bbb", 2)}
    pods = [
        pod(f"web-{place}", owner=owned("StatefulSet")[0], labels={"controller-revision-hash": name}, state=state)
        for place, (name, state) in enumerate(states)
    ]
    status = counted(len(states), updated, sum(state == "ready" for _, state in states))
    status |= {"currentRevision": "web-aaa", "updateRevision": "web-bbb"}
    spec = {"replicas": len(states), "podManagementPolicy": policy} | ROLLING
    return workload(spec=spec, status=status, revision=0), around(revisions=list(names.values()), pods=pods)


def test_a_statefulset_with_a_broken_new_pod_says_to_go_back_and_to_delete_it() -> None:
    known, there = ordered(("web-aaa", "ready"), ("web-bbb", "crashing"), updated=1)
    said = progress(known, "StatefulSet", there)
    assert said.state == "failed"
    assert "roll back to revision 1" in said.hint
    assert "delete pod web-1" in said.hint


def test_a_statefulset_that_was_taken_back_waits_for_the_broken_pod_to_be_deleted() -> None:
    known, there = ordered(("web-bbb", "starting"), ("web-aaa", "unpullable"), updated=1)
    said = progress(known, "StatefulSet", there)
    assert said.state == "failed"
    assert said.hint == "Delete pod web-1: it comes back with the new revision."


def test_one_whose_pods_do_not_wait_for_each_other_replaces_the_broken_one_itself() -> None:
    known, there = ordered(("web-bbb", "starting"), ("web-aaa", "unpullable"), updated=1, policy="Parallel")
    assert progress(known, "StatefulSet", there).state == "running"


def test_with_on_delete_the_pods_to_delete_are_named() -> None:
    _, there = ordered(("web-aaa", "ready"), ("web-bbb", "ready"), updated=1)
    status = counted(2, 1, 2) | {"currentRevision": "web-aaa", "updateRevision": "web-bbb"}
    by_hand = workload(spec={"replicas": 2, "updateStrategy": {"type": "OnDelete"}}, status=status, revision=0)
    said = progress(by_hand, "StatefulSet", there)
    assert said.state == "paused"
    assert said.hint == "Delete them one by one when it suits: web-0."


def test_a_daemonset_knows_its_pods_by_their_hash() -> None:
    revisions = [numbered("web-aaa", 1, kind="DaemonSet"), numbered("web-bbb", 2, kind="DaemonSet")]
    owner = owned("DaemonSet")[0]
    pods = [
        pod("web-x", owner=owner, labels={"controller-revision-hash": "bbb"}, state="crashing"),
        pod("web-y", owner=owner, labels={"controller-revision-hash": "aaa"}),
    ]
    known = workload(spec={"replicas": None} | ROLLING, status=daemons(2, 1, 1), revision=0)
    said = progress(known, "DaemonSet", around(revisions=revisions, pods=pods))
    assert said.state == "failed"
    assert [each.name for each in said.steps] == [
        "Revision web-bbb (revision 2, new)",
        "Revision web-aaa (revision 1, old)",
        "Pod web-x",
    ]


def test_a_generation_that_is_awaited_is_not_through_before_it_is_seen() -> None:
    known = workload(status=counted(3, 3, 3), generation=5)
    assert progress(known, "Deployment", around(), generation=5).state == "done"
    unseen = workload(status=counted(3, 3, 3) | {"observedGeneration": 4}, generation=5)
    assert progress(unseen, "Deployment", around(), generation=5).state == "running"


def test_one_that_was_made_anew_is_not_awaited_for_ever() -> None:
    known = workload(status=counted(3, 3, 3), generation=1)
    assert progress(known, "Deployment", around(), generation=9).state == "done"


def _as(kind: str, made: tuple[Any, Around]) -> tuple[Any, str, Around]:
    return made[0], kind, made[1]


COUNTS = st.integers(0, 3)


@given(
    st.sampled_from(["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"]),
    st.fixed_dictionaries(
        {
            "replicas": COUNTS,
            "updatedReplicas": COUNTS,
            "readyReplicas": COUNTS,
            "availableReplicas": COUNTS,
            "desiredNumberScheduled": COUNTS,
            "currentNumberScheduled": COUNTS,
            "updatedNumberScheduled": COUNTS,
            "numberReady": COUNTS,
            "numberAvailable": COUNTS,
            "observedGeneration": st.integers(3, 4),
            "updateRevision": st.sampled_from(["a", "b"]),
            "currentRevision": st.just("a"),
            "conditions": st.sampled_from([[], [THROUGH], [MOVING], [LATE]]),
        }
    ),
    st.booleans(),
    st.integers(0, 3),
)
def test_what_is_steady_by_its_counts_alone_is_through(kind: str, status: Obj, paused: bool, wanted: int) -> None:
    known = workload(spec={"replicas": wanted, "paused": paused} | ROLLING, status=status)
    if steady(known, kind):
        assert progress(known, kind, around()).state == "done"


@given(st.sampled_from(["Deployment", "StatefulSet", "DaemonSet"]), st.lists(st.sampled_from(STATES), max_size=4))
def test_whatever_the_pods_are_in_something_is_said(kind: str, states: list[str]) -> None:
    known, there = stood(*states)
    said = progress(known, kind, there)
    assert said.sentence.endswith(".")
    assert not said.hint or said.hint.endswith(".")
    assert all(each.detail.endswith(".") for each in said.steps)
