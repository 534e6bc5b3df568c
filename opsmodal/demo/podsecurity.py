"""Pod Security: what the label of a namespace forbids the pods in it. Pure but for the namespace that is looked up.

Only `enforce` is played, and of its rules those that people meet. Source of rules and words:
https://kubernetes.io/docs/concepts/security/pod-security-standards/ and k8s.io/pod-security-admission/policy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from opsmodal.demo import problems
from opsmodal.demo.documents import Obj, dig, labels_of, name_of, namespace_of
from opsmodal.demo.kinds import NAMESPACES, PODS
from opsmodal.demo.storage import Storage

ENFORCE = "pod-security.kubernetes.io/enforce"
BASELINE, RESTRICTED = "baseline", "restricted"
HOST = ("hostNetwork", "hostPID", "hostIPC")
SECCOMP = ("RuntimeDefault", "Localhost")
ADDABLE = frozenset(
    {"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP"}
    | {"SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"}
)
Breaks = Callable[[Obj, Obj], bool]
"""Tells whether a container of a pod's spec breaks a rule."""


def judge(storage: Storage, pod: Obj) -> None:
    """Raise a Forbidden Problem for a pod that its namespace does not take."""
    record = storage.get(NAMESPACES, "", namespace_of(pod))
    level = labels_of(record.document).get(ENFORCE, "") if record else ""
    words = list(_broken(pod["spec"], level)) if level in (BASELINE, RESTRICTED) else []
    if words:
        why = f'violates PodSecurity "{level}:latest": {", ".join(words)}'
        raise problems.forbidden(PODS.plural, PODS.group, name_of(pod), why)


def _broken(spec: Obj, level: str) -> Iterator[str]:
    if held := [f"{field}=true" for field in HOST if spec.get(field)]:
        yield f"host namespaces ({', '.join(held)})"
    if paths := [f'"{each["name"]}"' for each in spec.get("volumes") or () if "hostPath" in each]:
        yield f"hostPath volumes ({_counted('volume', paths)})"
    yield from _of_containers(spec, "privileged", "must not set securityContext.privileged=true", _privileged)
    yield from _of_containers(spec, "non-default capabilities", "must not add capabilities to those allowed", _adds)
    if level == RESTRICTED:
        yield from _restricted(spec)


def _restricted(spec: Obj) -> Iterator[str]:
    escalation = "must set securityContext.allowPrivilegeEscalation=false"
    yield from _of_containers(spec, "allowPrivilegeEscalation != false", escalation, _escalates)
    dropped = 'must set securityContext.capabilities.drop=["ALL"]'
    yield from _of_containers(spec, "unrestricted capabilities", dropped, _keeps)
    root = "must set securityContext.runAsNonRoot=true"
    yield from _of_containers(spec, "runAsNonRoot != true", root, _may_be_root, "pod or ")
    profile = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
    yield from _of_containers(spec, "seccompProfile", profile, _unconfined, "pod or ")


def _of_containers(spec: Obj, what: str, words: str, breaks: Breaks, before: str = "") -> Iterator[str]:
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    if names := [f'"{each["name"]}"' for each in containers if breaks(spec, each)]:
        yield f"{what} ({before}{_counted('container', names)} {words})"


def _counted(what: str, names: list[str]) -> str:
    return f"{what}{'' if len(names) == 1 else 's'} {', '.join(names)}"


def _privileged(_: Obj, container: Obj) -> bool:
    return bool(dig(container, "securityContext", "privileged"))


def _adds(_: Obj, container: Obj) -> bool:
    return not ADDABLE.issuperset(dig(container, "securityContext", "capabilities", "add") or ())


def _escalates(_: Obj, container: Obj) -> bool:
    return dig(container, "securityContext", "allowPrivilegeEscalation") is not False


def _keeps(_: Obj, container: Obj) -> bool:
    return "ALL" not in (dig(container, "securityContext", "capabilities", "drop") or ())


def _may_be_root(spec: Obj, container: Obj) -> bool:
    own = dig(container, "securityContext", "runAsNonRoot")
    return (dig(spec, "securityContext", "runAsNonRoot") if own is None else own) is not True


def _unconfined(spec: Obj, container: Obj) -> bool:
    own = dig(container, "securityContext", "seccompProfile", "type")
    return (own or dig(spec, "securityContext", "seccompProfile", "type")) not in SECCOMP
