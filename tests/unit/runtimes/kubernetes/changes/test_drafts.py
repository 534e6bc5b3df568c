"""Drafts: what each would make of a workload, and what it says about it."""

from __future__ import annotations

import shlex
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.base import Resources
from runtimes.changes import (
    VERBS,
    Change,
    Pause,
    Redeploy,
    RedeployAll,
    Restart,
    Restore,
    Resume,
    RunNow,
    SetImage,
    SetReplicas,
    SetResources,
    SetRestartPolicy,
    SetStrategy,
    Suspend,
)
from runtimes.errors import Conflict, Invalid, Missing, RuntimeProblem, Unsupported
from runtimes.kubernetes.changes import verbs
from runtimes.kubernetes.changes.draft import CAUSE, Draft, locked, reasoned
from runtimes.kubernetes.changes.found import Found, revision_of
from runtimes.kubernetes.changes.images import set_image
from runtimes.kubernetes.changes.resources import set_resources, spelled_bytes, spelled_cores
from runtimes.kubernetes.changes.rollback import Past, chosen, plain, selector_text
from runtimes.kubernetes.changes.rollouts import pause, restart, resume
from runtimes.kubernetes.changes.running import run_now, suspend
from runtimes.kubernetes.changes.scaling import scaled
from runtimes.kubernetes.changes.strategy import set_strategy
from runtimes.kubernetes.changes.table import DRAFTS, drafting
from runtimes.kubernetes.objects.quantity import quantity
from tests.unit.runtimes.kubernetes.changes.making import DIGEST, asked, containers, found, played

Obj = dict[str, Any]
IMAGES: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("web", "example.com/web:2", "example.com/web:2", ("pinned by its digest",)),
    ("web", "example.com/web:1", f"example.com/web:1@{DIGEST}", ()),
    ("web", f"example.com/web:2@{DIGEST}", f"example.com/web:2@{DIGEST}", ()),
    ("web", "other.example/web:1", "other.example/web:1", ("another repository", "pinned by its digest")),
    ("web", "example.com/web", "example.com/web", ("pinned by its digest", "Without a version")),
    ("web", "example.com/web:latest", "example.com/web:latest", ("pinned by its digest", "Without a version")),
    ("side", "busybox:2", "busybox:2", ()),
    ("prepare", "busybox:2", "busybox:2", ()),
)


@pytest.mark.parametrize("kind", ["Deployment", "CronJob"])
@pytest.mark.parametrize(("container", "image", "after", "words"), IMAGES)
def test_an_image_is_set_in_one_container_alone(
    kind: str, container: str, image: str, after: str, words: tuple[str, ...]
) -> None:
    workload = found(kind)
    draft = set_image(asked(workload), SetImage(workload="web", container=container, image=image))
    was, now = containers(workload.document, kind), containers(played(draft, workload), kind)
    assert now == was | {container: was[container] | {"image": after}}
    assert bool(draft.already) is (after == was[container]["image"])
    assert not draft.already or draft.already.endswith(".")
    for part in words:
        assert any(part in warning for warning in draft.warnings)
    assert len(draft.warnings) == len(words)


def test_which_container_is_meant_has_to_be_said() -> None:
    with pytest.raises(Invalid, match="2 containers") as caught:
        set_image(asked(found()), SetImage(workload="web", image="web:2"))
    assert "web, side, prepare" in caught.value.hint
    with pytest.raises(Invalid, match='no container "nothing"'):
        set_image(asked(found()), SetImage(workload="web", image="web:2", container="nothing"))


CORES = st.none() | st.floats(0, 1000, allow_nan=False)
BYTES = st.none() | st.integers(0, 2**50)


@given(request=CORES, limit=CORES, memory=BYTES, most=BYTES)
def test_resources_become_what_is_wanted_and_nothing_else_changes(
    request: float | None, limit: float | None, memory: int | None, most: int | None
) -> None:
    wanted = Resources(
        cpu_request_cores=request, cpu_limit_cores=limit, memory_request_bytes=memory, memory_limit_bytes=most
    )
    workload = found()
    change = SetResources(workload="web", container="side", resources=wanted)
    if _above(in_cores(request), in_cores(limit)) or _above(memory, most):
        with pytest.raises(Invalid, match="above its limit"):
            set_resources(asked(workload), change)
        return
    draft = set_resources(asked(workload), change)
    was, now = containers(workload.document), containers(played(draft, workload))
    left = now["side"].pop("resources")
    assert left["requests"].pop("example.com/gpu") == "1"
    del was["side"]["resources"]
    assert now == was
    for side, name, value, step in (
        ("requests", "cpu", request, 0.001),
        ("limits", "cpu", limit, 0.001),
        ("requests", "memory", memory, 1),
        ("limits", "memory", most, 1),
    ):
        spelled = quantity(left.get(side, {}).get(name))
        assert (spelled is None) is (value is None)
        assert value is None or spelled is None or 0 <= float(spelled) - value < step * 1.001
    values = " ".join(shlex.split(draft.command))
    assert "null" in values or "set resources" in values


def in_cores(cores: float | None) -> Decimal | None:
    return None if cores is None else quantity(spelled_cores(cores))


def _above(request: Decimal | int | None, limit: Decimal | int | None) -> bool:
    return request is not None and limit is not None and request > limit


@given(st.integers(0, 2**60))
def test_bytes_are_spelled_exactly(count: int) -> None:
    assert quantity(spelled_bytes(count)) == count


@pytest.mark.parametrize(
    ("cores", "text"),
    [(0.25, "250m"), (2, "2"), (0, "0"), (0.0001, "1m"), (1.5, "1500m"), (0.1 + 0.2, "301m"), (1e-9, "1m")],
)
def test_cores_are_spelled_as_people_do(cores: float, text: str) -> None:
    assert spelled_cores(cores) == text


@pytest.mark.parametrize("cores", [-1, float("nan"), float("inf"), 1e9])
def test_what_is_no_number_of_cores_is_refused(cores: float) -> None:
    with pytest.raises(Invalid):
        spelled_cores(cores)


def test_the_same_amount_in_other_words_is_no_change() -> None:
    wanted = Resources(cpu_request_cores=0.01)
    draft = set_resources(asked(found()), SetResources(workload="web", container="side", resources=wanted))
    assert draft.already


STRATEGIES: tuple[tuple[str, SetStrategy, str], ...] = (
    ("Deployment", SetStrategy(workload="web", kind="OnDelete"), "no strategy"),
    ("StatefulSet", SetStrategy(workload="web", kind="Recreate"), "no strategy"),
    ("Deployment", SetStrategy(workload="web", kind="Recreate", max_surge="1"), "go only with RollingUpdate"),
    ("Deployment", SetStrategy(workload="web", kind="RollingUpdate", partition=1), "no partition"),
    ("StatefulSet", SetStrategy(workload="web", kind="RollingUpdate", max_surge="1"), "no maxSurge"),
    ("StatefulSet", SetStrategy(workload="web", kind="RollingUpdate", partition=-1), "number of a pod"),
    (
        "Deployment",
        SetStrategy(workload="web", kind="", max_surge="0", max_unavailable="0%"),
        "nothing could be replaced",
    ),
    *(
        ("Deployment", SetStrategy(workload="web", kind="RollingUpdate", max_surge=text), "is no value")
        for text in ("-1", "1.5", "101%", "25 %", "a", "%", "\u0661", "1" * 12)
    ),
)


@pytest.mark.parametrize(("kind", "change", "words"), STRATEGIES)
def test_a_strategy_that_cannot_be_is_refused(kind: str, change: SetStrategy, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        set_strategy(asked(found(kind)), change)
    assert words in caught.value.sentence


def test_a_strategy_keeps_what_nothing_is_said_of() -> None:
    workload = found(strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}})
    draft = set_strategy(asked(workload), SetStrategy(workload="web", kind="", max_surge="50%"))
    assert played(draft, workload)["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": "50%", "maxUnavailable": 0}
    with pytest.raises(Invalid, match="nothing could be replaced"):
        set_strategy(asked(workload), SetStrategy(workload="web", kind="", max_surge="0"))


def test_recreate_takes_the_rolling_update_away_and_says_what_it_means() -> None:
    workload = found(strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}})
    draft = set_strategy(asked(workload), SetStrategy(workload="web", kind="Recreate"))
    assert played(draft, workload)["spec"]["strategy"] == {"type": "Recreate"}
    assert "outage" in draft.warnings[0]


@pytest.mark.parametrize(
    ("before", "after", "hit"), [(5, 2, "3 of 5 pods"), (2, 5, ""), (None, 0, "1 pod of"), (3, 3, "")]
)
def test_scaling_says_what_stops(before: int | None, after: int, hit: str) -> None:
    workload = found(replicas=before)
    draft = scaled(workload, after)
    assert played(draft, workload)["spec"]["replicas"] == after
    assert bool(draft.hits) is bool(hit)
    assert not hit or hit in draft.hits[0]
    assert bool(draft.already) is (before == after)


@pytest.mark.parametrize("count", [-1, 2**31])
def test_no_number_of_replicas_is_refused(count: int) -> None:
    with pytest.raises(Invalid):
        scaled(found(), count)


def test_what_another_workload_made_is_not_scaled() -> None:
    owner = {"kind": "Deployment", "name": "web", "controller": True}
    with pytest.raises(Conflict, match="Deployment web") as caught:
        scaled(found("ReplicaSet", metadata={"ownerReferences": [owner]}), 3)
    assert "Scale Deployment web" in caught.value.hint


def test_what_is_paused_does_not_restart() -> None:
    with pytest.raises(Conflict, match="paused"):
        restart(asked(found(paused=True)), Restart(workload="web"))


def test_pausing_what_is_paused_is_nothing_to_do() -> None:
    assert pause(asked(found(paused=True)), Pause(workload="web")).already
    assert resume(asked(found()), Resume(workload="web")).already
    assert "paused" not in played(resume(asked(found(paused=True)), Resume(workload="web")), found(paused=True))["spec"]


@pytest.mark.parametrize(
    ("workload", "words"),
    [
        (found("StatefulSet", updateStrategy={"type": "OnDelete"}), "deleted by hand"),
        (found("StatefulSet", updateStrategy={"rollingUpdate": {"partition": 2}}), "partition is 2"),
        (found("ReplicaSet"), "only new ones"),
        (found(paused=True), "until it is resumed"),
    ],
)
def test_where_nothing_is_rolled_out_it_is_said(workload: Found, words: str) -> None:
    draft = set_image(asked(workload), SetImage(workload="web", container="side", image="busybox:2"))
    assert any(words in warning for warning in draft.warnings)
    assert not draft.lasting
    assert not draft.hits


def test_from_its_partition_on_a_statefulset_is_rolled_out_and_followed() -> None:
    workload = found("StatefulSet", replicas=5, updateStrategy={"rollingUpdate": {"partition": 3}})
    draft = set_image(asked(workload), SetImage(workload="web", container="side", image="busybox:2"))
    assert draft.lasting
    assert draft.hits == ("2 pods of statefulset/web, replaced by new ones",)
    assert any("partition is 3" in warning for warning in draft.warnings)


def test_a_restart_that_waits_for_a_person_says_that_no_pod_goes() -> None:
    workload = found("StatefulSet", replicas=5, updateStrategy={"type": "OnDelete"})
    draft = restart(asked(workload), Restart(workload="web"))
    assert not draft.hits
    assert any("deleted by hand" in warning for warning in draft.warnings)


def test_a_suspended_job_ends_its_pods() -> None:
    draft = suspend(asked(found("Job", status={"active": 2})), Suspend(workload="web", suspended=True))
    assert draft.hits == ("2 pods of job/web",)
    assert suspend(asked(found("CronJob")), Suspend(workload="web", suspended=False)).already


def test_a_run_at_once_says_what_stays_as_it_is() -> None:
    workload = found("CronJob", suspend=True, concurrencyPolicy="Forbid", status={"active": [{"name": "web-1"}]})
    draft = run_now(asked(workload), RunNow(workload="web"), suffix=lambda: "abcde")
    assert draft.made == "job/web-manual-abcde"
    assert len(draft.warnings) == 2


def test_the_name_of_a_run_fits_into_a_label() -> None:
    workload = found("CronJob")
    long = Found(
        kind="CronJob", resource="cronjobs", namespace="shop", name=f"{'a' * 49}.b", document=workload.document
    )
    name = run_now(asked(long), RunNow(workload="web")).made.removeprefix("job/")
    assert len(name) <= 63
    assert "--" not in name.replace("-manual-", "-")


def test_a_revision_is_chosen_as_kubectl_does() -> None:
    known = [Past(number=number, template={}, annotations={}, data={}) for number in (7, 2, 5)]
    assert chosen(found(), known, 0).number == 5
    assert chosen(found(), known, 2).number == 2
    with pytest.raises(Missing) as caught:
        chosen(found(), known, 3)
    assert "2, 5, 7" in caught.value.hint
    with pytest.raises(Missing, match="no revision before"):
        chosen(found(), known[:1], 0)


def test_a_template_is_compared_without_what_the_cluster_adds() -> None:
    template: Obj = {"metadata": {"labels": {"app": "web", "pod-template-hash": "x"}}, "spec": {}, "$patch": "replace"}
    assert plain(template) == {"metadata": {"labels": {"app": "web"}}, "spec": {}}


def test_a_selector_is_written_as_a_query_takes_it() -> None:
    expressions = [
        {"key": "tier", "operator": "In", "values": ["a", "b"]},
        {"key": "old", "operator": "DoesNotExist"},
    ]
    assert (
        selector_text({"matchLabels": {"app": "web"}, "matchExpressions": expressions}) == "app=web,tier in (a,b),!old"
    )


def drafts() -> list[Draft]:
    """Give one draft of each sort that patches."""
    change = SetImage(workload="web", container="side", image="busybox:2")
    return [
        scaled(found(replicas=1), 2),
        set_image(asked(found()), change),
        restart(asked(found()), Restart(workload="web")),
        pause(asked(found()), Pause(workload="web")),
        set_strategy(asked(found()), SetStrategy(workload="web", kind="Recreate")),
    ]


@pytest.mark.parametrize("place", range(5))
@given(reason=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60))
def test_a_reason_goes_into_the_object_and_one_word_of_the_line(place: int, reason: str) -> None:
    workload, draft = found(metadata={"annotations": {"kept": "yes", CAUSE: "old"}}), drafts()[place]
    after = reasoned(draft, workload, Change(workload="web", reason=reason))
    assert played(after, workload)["metadata"]["annotations"] == {"kept": "yes", CAUSE: reason}
    words = shlex.split(after.command)
    assert words.count("&&") == 1 + (reason == "&&")
    assert f"{CAUSE}={reason}" in words
    assert words[1:3] == ["-n", "shop"]


@pytest.mark.parametrize("place", range(5))
def test_a_locked_call_names_what_was_read(place: int) -> None:
    draft = drafts()[place]
    assert locked(draft.calls[0], found()).body["metadata"]["resourceVersion"] == "7"


def test_an_old_reason_that_stays_is_told_of() -> None:
    workload = found(metadata={"annotations": {CAUSE: "the old one"}})
    assert "the old one" in reasoned(drafts()[2], workload, Change(workload="web")).warnings[-1]
    assert not reasoned(drafts()[3], workload, Change(workload="web")).warnings[1:]


@pytest.mark.parametrize(
    ("more", "moves"),
    [
        ({"status": {"readyReplicas": 3}}, False),
        ({"metadata": {"resourceVersion": "8"}}, False),
        ({"metadata": {"managedFields": [{}]}}, False),
        ({"metadata": {"annotations": {"deployment.kubernetes.io/revision": "4"}}}, False),
        ({"metadata": {"annotations": {"note": "4"}}}, True),
        ({"metadata": {"labels": {"a": "b"}}}, True),
        ({"metadata": {"uid": "u-2"}}, True),
        ({"replicas": 4}, True),
    ],
)
def test_a_revision_moves_when_somebody_changes_something(more: Obj, moves: bool) -> None:
    assert (revision_of(found(**more).document) != revision_of(found().document)) is moves


def test_every_change_of_the_contract_has_a_draft() -> None:
    assert set(DRAFTS) == set(VERBS) - {Redeploy, RedeployAll, Restore, SetRestartPolicy}, "those are of containers"
    assert verbs() == {VERBS[each] for each in DRAFTS}
    assert verbs("CronJob") == {"image", "resources", "suspend", "run-now", "manifest"}
    assert verbs("Job") == {"suspend", "manifest"}


@pytest.mark.parametrize(
    ("kind", "change"), [("DaemonSet", SetReplicas), ("Job", SetImage), ("StatefulSet", Pause), ("CronJob", Restart)]
)
def test_a_kind_that_does_not_know_a_change_says_why(kind: str, change: type[Change]) -> None:
    with pytest.raises(Unsupported) as caught:
        drafting(change, found(kind))
    assert isinstance(caught.value, RuntimeProblem)
    assert caught.value.hint
