"""Manifests: what they change is judged as a patch of it is, and what stands there already is nobody's change."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.guard.kubectl.manifests import check_manifest, read_manifest
from opsmodal.guard.kubectl.rules import Refused

Obj = dict[str, Any]
Change = Callable[[Obj], object]


def workload() -> Obj:
    context = {"runAsNonRoot": True, "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}
    web = {"name": "web", "image": "shop:1", "env": [{"name": "A", "value": "1"}], "securityContext": context}
    agent = {"name": "agent", "image": "agent:1", "securityContext": {"privileged": True}}
    volumes = [{"name": "host", "hostPath": {"path": "/"}}, {"name": "tmp", "emptyDir": {}}]
    pod: Obj = {"containers": [web, agent], "volumes": volumes, "serviceAccountName": "web", "hostNetwork": True}
    pod["securityContext"] = {"runAsUser": 1000}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": pod}
    metadata = {"name": "web", "namespace": "shop", "labels": {"app": "web"}, "annotations": {"team": "a"}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"template": template}}


def pod_of(found: Obj) -> Obj:
    pod: Obj = found["spec"]["template"]["spec"]
    return pod


def container(found: Obj, number: int = 0) -> Obj:
    one: Obj = pod_of(found)["containers"][number]
    return one


def changed(change: Change) -> Obj:
    after = copy.deepcopy(workload())
    change(after)
    return after


def judged(before: Obj, after: Obj) -> None:
    check_manifest(before, after, tokens=lambda: {"robot"})


def mounted(name: str) -> Obj:
    return {"name": "more", "secret": {"secretName": name}}


def from_secret(name: str) -> Obj:
    return {"name": "B", "valueFrom": {"secretKeyRef": {"name": name, "key": "token"}}}


ALLOWED: dict[str, Change] = {
    "nothing": lambda _: None,
    "an image": lambda it: container(it).update(image="shop:2"),
    "an image beside what is privileged already": lambda it: container(it, 1).update(image="agent:2"),
    "replicas": lambda it: it["spec"].update(replicas=3),
    "a label": lambda it: it["metadata"]["labels"].update(tier="front"),
    "all annotations gone": lambda it: it["metadata"].pop("annotations"),
    "a harmless container": lambda it: pod_of(it)["containers"].append({"name": "side", "image": "busybox"}),
    "a container gone": lambda it: pod_of(it)["containers"].pop(1),
    "the host's folder gone": lambda it: pod_of(it)["volumes"].pop(0),
    "an empty folder": lambda it: pod_of(it)["volumes"].append({"name": "more", "emptyDir": {}}),
    "all volumes gone": lambda it: pod_of(it).pop("volumes"),
    "a capability given back": lambda it: container(it)["securityContext"].update(capabilities={"drop": ["ALL"]}),
    "containers in another order": lambda it: pod_of(it)["containers"].reverse(),
    "what the server keeps": lambda it: it["metadata"].update(resourceVersion="5", uid="u", managedFields=[]),
    "a state, which a manifest does not set": lambda it: it.update(status={"replicas": 3}),
    "an environment": lambda it: container(it).update(env=[{"name": "A", "value": "2"}]),
    "a secret that holds no token": lambda it: pod_of(it)["volumes"].append(mounted("database")),
    "what pulls images": lambda it: pod_of(it).update(imagePullSecrets=[{"name": "robot"}]),
    "a name of something else": lambda it: container(it).update(env=[{"name": "robot", "value": "robot"}]),
}
REFUSED: dict[str, Change] = {
    "a privileged container": lambda it: container(it)["securityContext"].update(privileged=True),
    "a new container that is privileged": lambda it: pod_of(it)["containers"].append(
        {"name": "x", "securityContext": {"privileged": True}}
    ),
    "root": lambda it: pod_of(it)["securityContext"].update(runAsUser=0),
    "a restriction gone": lambda it: container(it)["securityContext"].pop("runAsNonRoot"),
    "a context gone": lambda it: container(it).pop("securityContext"),
    "a capability": lambda it: container(it)["securityContext"].update(
        capabilities={"drop": ["ALL"], "add": ["SYS_ADMIN"]}
    ),
    "another account": lambda it: pod_of(it).update(serviceAccountName="admin"),
    "its account gone": lambda it: pod_of(it).pop("serviceAccountName"),
    "the host's processes": lambda it: pod_of(it).update(hostPID=True),
    "a folder of the host": lambda it: pod_of(it)["volumes"].append({"name": "y", "hostPath": {"path": "/etc"}}),
    "a volume turned into the host's": lambda it: pod_of(it)["volumes"][1].update(hostPath={"path": "/"}),
    "a node": lambda it: pod_of(it).update(nodeName="control-plane"),
    "a token": lambda it: pod_of(it)["volumes"].append(
        {"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}
    ),
    "a secret that holds a token": lambda it: pod_of(it)["volumes"].append(mounted("robot")),
    "such a secret among others": lambda it: pod_of(it)["volumes"].append(
        {"name": "t", "projected": {"sources": [{"configMap": {"name": "a"}}, {"secret": {"name": "robot"}}]}}
    ),
    "such a secret in a variable": lambda it: container(it).update(env=[from_secret("robot")]),
    "such a secret in all variables": lambda it: container(it).update(envFrom=[{"secretRef": {"name": "robot"}}]),
    "such a secret in a new container": lambda it: pod_of(it).update(
        initContainers=[{"name": "x", "envFrom": [{"SecretRef": {"Name": "robot"}}]}]
    ),
    "another name": lambda it: it["metadata"].update(name="other"),
    "another namespace": lambda it: it["metadata"].update(namespace="kube-system"),
    "another kind": lambda it: it.update(kind="DaemonSet"),
    "an owner": lambda it: it["metadata"].update(ownerReferences=[{"name": "x"}]),
    "a finalizer": lambda it: it["metadata"].update(finalizers=["x/y"]),
    "an annotation that gives a role": lambda it: it["metadata"]["annotations"].update(
        {"iam.amazonaws.com/role": "admin"}
    ),
    "such an annotation on its pods": lambda it: it["spec"]["template"]["metadata"].update(
        annotations={"k8s.v1.cni.cncf.io/networks": "x"}
    ),
    "a directive of a patch": lambda it: container(it).update({"$patch": "replace"}),
    "containers without names": lambda it: pod_of(it).update(containers=[{"image": "x"}]),
    "no specification": lambda it: it.update(spec=None),
    "data": lambda it: it.update(data={"a": "b"}),
    "a field in other letters": lambda it: pod_of(it).update(HostPID=True),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_gives_nothing_passes(name: str) -> None:
    judged(workload(), changed(ALLOWED[name]))


@pytest.mark.parametrize("name", REFUSED)
def test_what_gives_more_than_a_patch_may_is_refused(name: str) -> None:
    with pytest.raises(Refused) as refused:
        judged(workload(), changed(REFUSED[name]))
    assert refused.value.reason.endswith(".")
    assert refused.value.hint


def test_a_token_that_it_has_already_stays_and_nobody_asks_which_they_are_where_no_secret_is_new() -> None:
    before = workload()
    container(before)["env"].append(from_secret("robot"))
    after = copy.deepcopy(before)
    container(after)["env"][0]["value"] = "2"

    def tokens() -> set[str]:
        raise AssertionError("asked")

    check_manifest(before, after, tokens=tokens)


def test_annotations_of_pods_go_as_a_whole_where_nothing_acts_on_them() -> None:
    before = workload()
    before["spec"]["template"]["metadata"]["annotations"] = {"kubectl.kubernetes.io/restartedAt": "now"}
    judged(before, workload())
    before["spec"]["template"]["metadata"]["annotations"] = {"iam.amazonaws.com/role": "web"}
    with pytest.raises(Refused):
        judged(before, workload())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "kind: Deployment",
        "metadata: {}\n---\nmetadata: {}",
        "metadata: &a {name: x}\nspec: *a",
        "metadata: {name: x}\nmetadata: {name: y}",
        "metadata: {name: !!python/object:os.system x}",
        "metadata: {name: !!binary aGk=}",
        "metadata: {1: {2: [}",
        "metadata: {name: x}\nspec: " + "[" * 5000,
        "metadata: {name: x}\nspec: " + "[" * 70 + "]" * 70,
        "metadata: {name: x}\nspec: " + "- " * 20000,
        "metadata: {? [a] : 1}",
        "metadata: {name: " + "x" * 1_600_000 + "}",
        "metadata: {name: 'x\x00'}",
    ],
)
def test_what_can_be_taken_for_two_things_or_none_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        read_manifest(text)


def test_times_stay_text_and_numbers_are_what_everybody_reads() -> None:
    text = "metadata: {creationTimestamp: 2026-11-21T12:00:00Z}\nspec: {replicas: 3, a: yes, x: '3', empty: }\n"
    found = read_manifest(text)
    assert found["metadata"]["creationTimestamp"] == "2026-11-21T12:00:00Z"
    assert found["spec"] == {"replicas": 3, "a": True, "x": "3", "empty": None}


def test_a_large_manifest_is_read_soon() -> None:
    texts = {"metadata": {"name": "x"}, "spec": {f"key-{number}": "y" * 40 for number in range(20_000)}}
    assert read_manifest(yaml.safe_dump(texts)) == texts


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(st.characters(codec="ascii", min_codepoint=32)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_written_as_json_is_read_as_it_was(value: Any) -> None:
    whole = {"metadata": {"name": "x"}, "spec": value}
    assert read_manifest(json.dumps(whole)) == whole


@given(VALUES)
def test_what_changes_nothing_passes_whatever_it_holds(value: Any) -> None:
    whole = {"metadata": {"name": "x"}, "spec": {"deep": value, "hostPID": True}}
    judged(whole, copy.deepcopy(whole))
