"""A debug pod gives nobody more than the guard of typed lines lets them have, whatever the pod it is a copy of has."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsmodal.guard.kubectl.privileges import check_privileges
from runtimes.kubernetes.debugging.specs import of_image, of_pod

HOUR_S = 3600
TOKEN = {"name": "kube-api-access-x", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}
EVIL: dict[str, Any] = {
    "serviceAccountName": "cluster-admin",
    "serviceAccount": "cluster-admin",
    "automountServiceAccountToken": True,
    "hostNetwork": True,
    "hostPID": True,
    "hostIPC": True,
    "hostUsers": True,
    "nodeName": "control-plane",
    "priorityClassName": "system-node-critical",
    "runtimeClassName": "nothing-around-it",
    "schedulerName": "mine",
    "tolerations": [{"operator": "Exists"}],
    "resourceClaims": [{"name": "gpu"}],
    "initContainers": [{"name": "migrate", "image": "web"}],
    "ephemeralContainers": [{"name": "left", "image": "tools"}],
    "securityContext": {"runAsUser": 0, "fsGroup": 0, "sysctls": [{"name": "net.core.somaxconn", "value": "1"}]},
    "containers": [
        {
            "name": "web",
            "image": "web:1",
            "command": ["web"],
            "args": ["--serve"],
            "env": [{"name": "MODE", "value": "live"}],
            "ports": [{"containerPort": 80, "hostPort": 80}],
            "livenessProbe": {"httpGet": {"host": "169.254.169.254", "port": 80}},
            "lifecycle": {"postStart": {"exec": {"command": ["rm", "-rf", "/data"]}}},
            "volumeDevices": [{"name": "disk", "devicePath": "/dev/sda"}],
            "securityContext": {
                "privileged": True,
                "allowPrivilegeEscalation": True,
                "capabilities": {"add": ["SYS_ADMIN"]},
                "procMount": "Unmasked",
                "runAsUser": 0,
                "seccompProfile": {"type": "Unconfined"},
            },
            "volumeMounts": [
                {"name": "root", "mountPath": "/host", "mountPropagation": "Bidirectional"},
                {"name": "settings", "mountPath": "/etc/web", "mountPropagation": "HostToContainer"},
                {"name": "kube-api-access-x", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"},
                {"name": "data", "mountPath": "/data"},
            ],
        },
        {"name": "other", "image": "other:1"},
    ],
    "volumes": [
        {"name": "root", "hostPath": {"path": "/"}},
        {"name": "nfs", "nfs": {"server": "10.0.0.1", "path": "/"}},
        {"name": "settings", "configMap": {"name": "settings"}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
        TOKEN,
    ],
}


def test_of_the_worst_pod_only_what_is_harmless_is_copied() -> None:
    spec, warnings = of_pod(EVIL, EVIL["containers"][0], lasts_s=HOUR_S)
    check_privileges(spec, style="strategic")
    [container] = spec["containers"]
    assert (container["name"], container["image"], container["command"]) == ("web", "web:1", ["sleep", "3600"])
    assert container["env"] == [{"name": "MODE", "value": "live"}]
    assert [each["name"] for each in container["volumeMounts"]] == ["settings", "data"]
    assert [each["name"] for each in spec["volumes"]] == ["settings", "data"]
    assert spec["volumes"][1]["persistentVolumeClaim"] == {"claimName": "data", "readOnly": True}
    assert not {"args", "ports", "livenessProbe", "lifecycle", "volumeDevices"} & set(container)
    assert spec["automountServiceAccountToken"] is False
    assert spec["activeDeadlineSeconds"] == HOUR_S
    assert "serviceAccountName" not in spec
    told = " ".join(warnings)
    for words in ("Init containers", "network of its own", "root, nfs", "privileged", "taints"):
        assert words in told


def test_what_restricts_a_pod_restricts_its_copy() -> None:
    context = {"runAsNonRoot": True, "runAsUser": 1000, "readOnlyRootFilesystem": True, "privileged": False}
    container = {"name": "web", "image": "web:1", "securityContext": context}
    pod = {"containers": [container], "securityContext": {"fsGroup": 2000, "supplementalGroups": [7]}}
    spec, warnings = of_pod(pod, container, lasts_s=HOUR_S)
    assert warnings == ()
    assert spec["containers"][0]["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["securityContext"] == {
        "fsGroup": 2000,
        "supplementalGroups": [7],
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def test_a_pod_of_an_image_is_nobody() -> None:
    spec = of_image("busybox:1", lasts_s=HOUR_S)
    check_privileges(spec, style="strategic")
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["containers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"]}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 3) | st.sampled_from(["", "x", "ALL", "Unconfined", "/"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["name", "add", "type"]), inner),
    max_leaves=4,
)
CONTEXTS = st.dictionaries(
    st.sampled_from(
        [*EVIL["containers"][0]["securityContext"], "runAsGroup", "fsGroup", "sysctls", "supplementalGroups"]
    ),
    st.booleans() | st.integers(-1, 3) | st.lists(st.integers(-1, 3), max_size=2),
)


@given(
    pod=st.dictionaries(st.sampled_from(["hostPID", "nodeSelector", "new"]), VALUES), context=CONTEXTS, volumes=VALUES
)
@settings(max_examples=150, deadline=None)
def test_the_guard_never_finds_anything_in_a_copy(pod: dict[str, Any], context: dict[str, Any], volumes: Any) -> None:
    context = {key: value for key, value in context.items() if key != "capabilities"}
    container = {"name": "web", "image": "web:1", "securityContext": context, "somethingNew": volumes}
    spec, _ = of_pod({**pod, "containers": [container], "securityContext": context}, container, lasts_s=HOUR_S)
    check_privileges(spec, style="strategic")


@pytest.mark.parametrize("kind", ["hostPath", "nfs", "csi", "ephemeral", "iscsi", "somethingNew"])
def test_a_volume_of_another_type_is_not_mounted(kind: str) -> None:
    mounts = [{"name": "v", "mountPath": "/v"}]
    container = {"name": "web", "image": "web:1", "volumeMounts": mounts}
    pod = {"containers": [container], "volumes": [{"name": "v", kind: {"path": "/"}}]}
    spec, warnings = of_pod(pod, container, lasts_s=HOUR_S)
    assert spec["volumes"] == spec["containers"][0]["volumeMounts"] == []
    assert warnings == ("Volumes that lead out of the namespace are not mounted: v.",)
