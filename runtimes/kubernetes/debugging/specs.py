"""Writes the spec of a debug pod: of what a pod has, the little that is known to be harmless. Pure.

Fields are chosen, never taken away: one that a later Kubernetes brings is not copied. Nobody is given more than they
have by kubectl: no part of the host, no privileges, no token of a service account, no place on a certain node. Labels
are not copied, so no Service leads to it and no controller adopts it; probes and hooks would end it.
Source of the fields: the Kubernetes API reference, PodSpec, Container and SecurityContext; the Pod Security Standards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Obj = dict[str, Any]

KEPT_OF_POD = ("nodeSelector", "imagePullSecrets", "dnsPolicy", "dnsConfig", "enableServiceLinks")
KEPT_OF_CONTAINER = ("name", "image", "imagePullPolicy", "env", "envFrom", "workingDir")
VOLUMES = ("configMap", "secret", "emptyDir", "downwardAPI")
"""Types that are copied as they are; claims are mounted to be read only, and projected ones lose their tokens."""
NOBODY = 65532
"""Who a pod of somebody's image runs as: no user that any image gives rights to, by the custom of distroless images."""
TOOLS_RESOURCES = {
    "requests": {"cpu": "10m", "memory": "32Mi"},
    "limits": {"cpu": "500m", "memory": "256Mi"},
}
"""What a pod of tools takes: enough for a client of a database, too little to hurt a node."""
CLUSTER_DNS = "ClusterFirst"
PASSED_BY: Mapping[str, str] = {
    "initContainers": "Init containers are not run: what they would have written is not there.",
    "hostNetwork": "It has a network of its own, not its node's.",
    "hostPID": "It sees no processes of its node.",
    "hostIPC": "It has no memory of its node.",
    "tolerations": "It tolerates no taints, so it may find no node where the pod finds one.",
}


def sleeping(seconds: int) -> list[str]:
    """Give the command that does nothing for so long."""
    return ["sleep", str(seconds)]


def alone(container: Obj, *, lasts_s: int, **more: Any) -> Obj:
    """Give the spec of a pod of one container that ends by itself."""
    return {
        "containers": [container | {"command": sleeping(lasts_s)}],
        "restartPolicy": "Never",
        "activeDeadlineSeconds": lasts_s,
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": False,
        **more,
    }


def of_image(image: str, *, lasts_s: int) -> Obj:
    """Give the spec of a pod of an image, as tight as the standard “restricted” wants it."""
    container = {
        "name": "debug",
        "image": image,
        "resources": TOOLS_RESOURCES,
        "securityContext": hardened({}),
    }
    context = {
        "runAsNonRoot": True,
        "runAsUser": NOBODY,
        "runAsGroup": NOBODY,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    return alone(container, lasts_s=lasts_s, securityContext=context)


def of_pod(spec: Mapping[str, Any], container: Mapping[str, Any], *, lasts_s: int) -> tuple[Obj, tuple[str, ...]]:
    """Give the spec of a copy of one container of a pod, and in sentences what it has not."""
    volumes, lost = _volumes(spec.get("volumes") or ())
    names = {volume["name"] for volume in volumes}
    copied = {key: container[key] for key in KEPT_OF_CONTAINER if key in container}
    copied["resources"] = {
        key: value for key, value in (container.get("resources") or {}).items() if key in ("requests", "limits")
    }
    copied["volumeMounts"] = [_mount(each) for each in container.get("volumeMounts") or () if each.get("name") in names]
    copied["securityContext"] = hardened(container.get("securityContext") or {})
    kept = {key: spec[key] for key in KEPT_OF_POD if key in spec}
    if spec.get("hostNetwork"):
        kept["dnsPolicy"] = CLUSTER_DNS
    context = tightened(spec.get("securityContext") or {}) | {"seccompProfile": {"type": "RuntimeDefault"}}
    loose = _loose(spec.get("securityContext") or {}) | _loose(container.get("securityContext") or {})
    warnings = [words for field, words in PASSED_BY.items() if _told(spec, field)]
    warnings += [f"Volumes that lead out of the namespace are not mounted: {', '.join(lost)}."] if lost else []
    warnings += [f"Of its securityContext it has not: {', '.join(sorted(loose))}."] if loose else []
    return alone(copied, lasts_s=lasts_s, volumes=volumes, securityContext=context, **kept), tuple(warnings)


def hardened(context: Mapping[str, Any]) -> Obj:
    """Give a container's securityContext: what tightens of the one there is, and no privileges whatever it says."""
    return tightened(context) | {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def tightened(context: Mapping[str, Any]) -> Obj:
    """Give of a securityContext what tightens. A user of 0 is left out: who the image says runs it then."""
    return {key: value for key, value in context.items() if _tightens(key, value)}


def _tightens(key: str, value: Any) -> bool:
    if key in ("runAsNonRoot", "readOnlyRootFilesystem"):
        return value is True
    if key in ("runAsUser", "runAsGroup", "fsGroup"):
        return type(value) is int and value > 0
    if key == "supplementalGroups":
        return isinstance(value, list) and all(type(each) is int and each > 0 for each in value)
    return False


def _loose(context: Mapping[str, Any]) -> set[str]:
    """Name what gives more than a container has by itself, and so is not copied."""
    found = {key for key in ("privileged", "allowPrivilegeEscalation") if context.get(key)}
    found |= {key for key in ("runAsUser", "runAsGroup", "fsGroup") if context.get(key) == 0}
    found |= {"capabilities"} if (context.get("capabilities") or {}).get("add") else set()
    return found | {key for key in ("procMount", "seLinuxOptions", "sysctls", "windowsOptions") if context.get(key)}


def _told(spec: Mapping[str, Any], field: str) -> bool:
    """Leave out tolerations that every pod is given (admission plugin DefaultTolerationSeconds)."""
    if field != "tolerations":
        return bool(spec.get(field))
    return any(not str(each.get("key", "")).startswith("node.kubernetes.io/") for each in spec.get(field) or ())


def _volumes(volumes: Iterable[Mapping[str, Any]]) -> tuple[list[Obj], list[str]]:
    kept, lost = [], []
    for volume in volumes:
        name = str(volume.get("name", ""))
        copied = _volume(volume)
        if copied is not None:
            kept.append({"name": name, **copied})
        elif not _is_token(volume):
            lost.append(name)
    return kept, lost


def _volume(volume: Mapping[str, Any]) -> Obj | None:
    for kind in VOLUMES:
        if volume.get(kind) is not None:
            return {kind: volume[kind]}
    if claim := volume.get("persistentVolumeClaim"):
        return {"persistentVolumeClaim": {"claimName": claim.get("claimName", ""), "readOnly": True}}
    if projected := volume.get("projected"):
        sources = [
            each for each in projected.get("sources") or () if set(each) <= {"configMap", "secret", "downwardAPI"}
        ]
        return {"projected": {**projected, "sources": sources}} if sources and not _is_token(volume) else None
    return None


def _is_token(volume: Mapping[str, Any]) -> bool:
    """Tell whether it is there for a token: what else it holds is of no use without one."""
    sources = (volume.get("projected") or {}).get("sources") or ()
    return any("serviceAccountToken" in each for each in sources)


def _mount(mount: Mapping[str, Any]) -> Obj:
    kept = ("name", "mountPath", "subPath", "subPathExpr", "readOnly")
    return {key: mount[key] for key in kept if key in mount}
