"""An explanation as a whole: fine instances, unknown ones, order, caps, and arbitrary facts."""

from __future__ import annotations

import re
from datetime import UTC

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtimes.base import Event
from runtimes.causes import configuration, explain, images, oci, sandbox, volumes
from runtimes.causes import engine as engine_topic
from runtimes.causes.explain import CAUSES_MAX, EVENT_MAX_CHARS
from runtimes.causes.facts import ClaimFacts, ContainerFacts, Facts, NodeFacts, Run
from runtimes.causes.words import QUOTE_MAX_CHARS
from tests.unit.runtimes.causes.making import check, container, crashed, engine, event, pod, running

REASONS = [
    "FailedScheduling",
    "FailedMount",
    "FailedCreatePodSandBox",
    "Failed",
    "Unhealthy",
    "Killing",
    "FailedCreate",
    "Pulling",
]

TABLE = [
    (running(ready=True), [], "web-0 is running and ready."),
    (engine("running"), [], "web is running and ready."),
    (engine("running", health="healthy"), [], "web is running and ready."),
    (
        running(event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"), ready=True),
        [],
        "web-0 is running and ready.",
    ),
    (
        pod(container(state="terminated", reason="Completed", last_run=None), status="Completed", phase="Succeeded"),
        [],
        "web-0 is Completed; 1 container, 0 conditions and 0 events were looked at, and none of them says why.",
    ),
]


@pytest.mark.parametrize(("facts", "kinds", "fragment"), TABLE)
def test_a_fine_or_unknown_instance_is_not_accused(facts: Facts, kinds: list[str], fragment: str) -> None:
    check(facts, kinds, fragment)


def test_the_runtime_s_own_word_comes_before_what_merely_fits() -> None:
    facts = crashed(137, event("Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 500"))
    assert [cause.kind for cause in explain(facts).causes] == ["liveness-probe", "killed"]


def test_an_ok_instance_that_was_restarted_says_so() -> None:
    facts = running(ready=True, restarts=4, last_run=Run(exit_code=137, oom=True))
    explanation = explain(facts)
    assert explanation.sentence.startswith("web-0 is running and ready. Container app was restarted 4 times")
    assert [cause.kind for cause in explanation.causes] == ["restarted"]


def test_a_finished_pod_has_completed() -> None:
    done = container(state="terminated", reason="Completed", last_run=Run(exit_code=0, reason="Completed"))
    explanation = explain(pod(done, status="Completed", phase="Succeeded"))
    assert explanation.sentence == "web-0 has completed: its container finished without an error (exit code 0)."
    assert explanation.causes == ()


def test_refused_siblings_are_context_for_a_pod_that_exists() -> None:
    refusal = event(
        "FailedCreate", "pods is forbidden: exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3"
    )
    facts = pod(
        container(reason="ErrImagePull", message="manifest unknown"), owner_events=(refusal,), siblings_missing=True
    )
    explanation = explain(facts)
    assert [cause.kind for cause in explanation.causes] == ["image-not-found", "quota-exceeded"]
    assert explanation.causes[1].detail.startswith("More instances cannot be created: the quota q")


def test_refused_siblings_concern_no_pod_that_is_well_and_none_whose_siblings_are_there() -> None:
    refusal = event("FailedCreate", "pods is forbidden: exceeded quota: q, requested: pods=1, used: pods=3, limited: 3")
    well = pod(
        container(state="running", ready=True),
        status="Running",
        phase="Running",
        conditions={"Ready": ("True", "", "")},
        owner_events=(refusal,),
        siblings_missing=True,
    )
    assert explain(well).sentence == "web-0 is running and ready."
    assert explain(well).causes == ()
    once = pod(container(reason="ErrImagePull", message="manifest unknown"), owner_events=(refusal,))
    assert [cause.kind for cause in explain(once).causes] == ["image-not-found"]


def test_the_newest_event_of_a_probe_counts() -> None:
    old = event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 500", minute=1)
    new = event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503", minute=9)
    assert "HTTP 503" in explain(running(new, old)).sentence
    assert "HTTP 503" in explain(running(old, new)).sentence


def test_every_rule_can_be_read() -> None:
    fields = {"container": "c", "image": "i"}
    for rule in (*oci.RULES, *engine_topic.RULES, *images.RULES, *configuration.RULES, *volumes.RULES, *sandbox.RULES):
        assert rule.find("no words of any rule", what="x", **fields) is None
        groups = dict.fromkeys(re.compile(rule.words).groupindex, "g")
        assert rule.because.format(**(fields | groups))
        assert rule.hint.endswith(".")


MARK = "☠"
hostile = st.one_of(
    st.text(max_size=40),
    st.integers(1, 9000).map(lambda n: MARK * n),
    st.sampled_from(["CrashLoopBackOff", "Evicted", "OutOfcpu", "running", "waiting"]),
    st.sampled_from(['exec: "', "lookup ", "x509: ", "taint {", "0/5 nodes are available: ", 'configmap "']).map(
        lambda start: start + MARK * 5000
    ),
)
moments = st.one_of(st.none(), st.datetimes(timezones=st.just(UTC)))
events = st.builds(
    Event,
    at=moments,
    kind=hostile,
    reason=st.one_of(hostile, st.sampled_from(REASONS)),
    subject=hostile,
    message=hostile,
)
runs = st.builds(
    Run, exit_code=st.integers(), signal=st.integers(0, 64), reason=hostile, message=hostile, oom=st.booleans()
)
containers = st.builds(
    ContainerFacts,
    name=hostile,
    image=hostile,
    kind=st.sampled_from(["container", "init", "sidecar", "ephemeral"]),
    state=st.one_of(hostile, st.sampled_from(["running", "waiting", "terminated", "exited", "created", "restarting"])),
    reason=st.one_of(hostile, st.sampled_from(["CrashLoopBackOff", "ErrImagePull", "CreateContainerConfigError"])),
    message=hostile,
    ready=st.booleans(),
    restarts=st.integers(0, 9),
    last_run=st.one_of(st.none(), runs),
    memory_limit_bytes=st.one_of(st.none(), st.integers()),
    health=st.one_of(hostile, st.sampled_from(["", "starting", "healthy", "unhealthy"])),
    health_output=hostile,
    last_lines=st.lists(hostile, max_size=8).map(tuple),
)
conditions = st.dictionaries(
    st.one_of(hostile, st.sampled_from(["Ready", "PodScheduled", "DisruptionTarget"])),
    st.tuples(st.sampled_from(["True", "False", "Unknown", ""]), hostile, hostile),
    max_size=3,
)
amounts = st.dictionaries(st.sampled_from(["cpu", "memory", MARK * 400]), st.floats(allow_nan=False), max_size=2)
nodes = st.builds(
    NodeFacts,
    name=hostile,
    allocatable=amounts,
    requested=amounts,
    labels=st.dictionaries(hostile, hostile, max_size=2),
    taints=st.lists(st.tuples(hostile, hostile, hostile), max_size=2).map(tuple),
)
arbitrary = st.builds(
    Facts,
    kind=st.sampled_from(["pod", "container"]),
    name=hostile,
    status=hostile,
    phase=st.one_of(hostile, st.sampled_from(["Pending", "Running", "Failed", "Succeeded", "Unknown"])),
    reason=hostile,
    message=hostile,
    node=st.one_of(st.just(""), hostile),
    deletion_due=moments,
    finalizers=st.lists(hostile, max_size=6).map(tuple),
    gates=st.lists(hostile, max_size=6).map(tuple),
    containers=st.lists(containers, max_size=3).map(tuple),
    conditions=conditions,
    claims=st.lists(
        st.builds(ClaimFacts, name=hostile, phase=hostile, storage_class=hostile, message=hostile), max_size=2
    ).map(tuple),
    events=st.lists(events, max_size=5).map(tuple),
    owner_events=st.lists(events, max_size=2).map(tuple),
    engine_error=hostile,
    requests=amounts,
    wanted_labels=st.lists(st.tuples(hostile, st.lists(hostile, max_size=3).map(tuple)), max_size=2).map(tuple),
    nodes=st.lists(nodes, max_size=2).map(tuple),
)


@settings(max_examples=150, deadline=2000, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(arbitrary)
def test_arbitrary_facts_are_explained_within_the_caps(facts: Facts) -> None:
    explanation = explain(facts)
    assert explanation.sentence.endswith(".")
    assert len(explanation.causes) <= CAUSES_MAX
    for text in (explanation.sentence, *(cause.detail for cause in explanation.causes)):
        assert len(text) <= 4000
        assert max(map(len, re.findall(f"{MARK}+", text)), default=0) <= QUOTE_MAX_CHARS
    assert all(len(one.message) <= EVENT_MAX_CHARS for one in explanation.events)
