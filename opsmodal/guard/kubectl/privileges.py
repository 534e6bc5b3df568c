"""What a patched workload must not be given: a part of the host, another place or identity, privileges.

A securityContext may be tightened only, and what is not known in there, removed or copied from elsewhere is refused.
A list of containers or volumes is changed element by element: who puts a whole one in its place leaves out what the one
before restricted. Volumes are of types that stay in the namespace. Field names are compared without case. Source of the
fields: the Kubernetes API reference, PodSpec and SecurityContext, and the Pod Security Standards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opsmodal.guard.kubectl.bodies import COPIED, LISTS, WHOLE
from opsmodal.guard.kubectl.metadata import check_metadata
from opsmodal.guard.kubectl.rules import Refused, shown

_HOST = frozenset({"hostnetwork", "hostpid", "hostipc"})
_IDENTITY = frozenset({"serviceaccountname", "serviceaccount"})
_WHOLE = WHOLE - {"metadata"}
_PLACES = frozenset({"nodename", "runtimeclassname", "schedulername", "priorityclassname", "priority", "tolerations"})
"""Who puts a pod on a node or into a runtime passes by what keeps it off. nodeSelector and affinity only choose."""
_DEVICES = frozenset({"resourceclaims", "hostip"})
_PORTS_OF_NOBODY = (None, 0)
_ASKING = frozenset({"httpget", "tcpsocket", "grpc"})
"""The kubelet asks them, from the node: with another host than the pod it asks for whoever patched."""
_VOLUMES = frozenset(
    {"name", "configmap", "secret", "emptydir", "persistentvolumeclaim", "projected", "downwardapi"},
)
_RETENTION = "persistentvolumeclaimretentionpolicy"
_KEPT: Mapping[str, tuple[Any, ...]] = {
    "hostusers": (False,),
    "automountserviceaccounttoken": (False,),
    "mountpropagation": ("None",),
    "hostport": _PORTS_OF_NOBODY,
}
"""Fields that have only these values: another one gives what the reason says."""
_GIVES: Mapping[str, str] = {
    "hostusers": "gives the users of the host",
    "automountserviceaccounttoken": "gives it the token of its service account",
    "mountpropagation": "shares mounts with the host",
    "hostport": "is a port of the host",
}
_TIGHT: Mapping[str, tuple[Any, ...]] = {
    "privileged": (False,),
    "allowprivilegeescalation": (False,),
    "runasnonroot": (True,),
    "readonlyrootfilesystem": (True,),
    "fsgroupchangepolicy": ("Always", "OnRootMismatch"),
    "procmount": ("Default",),
}
_IDS = frozenset({"runasuser", "runasgroup", "fsgroup"})


def check_directives(value: Any) -> None:
    """Refuse keys that begin with `$` anywhere: they delete and replace by what is not in the patch. Raise Refused."""
    if isinstance(value, list):
        for each in value:
            check_directives(each)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key.startswith("$"):
                raise Refused(
                    "kubectl-patch-field", f"“{shown(key)}” replaces or deletes what the patch does not show."
                )
            check_directives(inner)


def check_privileges(spec: Any, *, style: str) -> None:
    """Judge what a patch of a style (strategic, merge, json) puts under `spec`. Raise Refused."""
    _replaced("spec", spec)
    _walk(spec, holder="spec", style=style)


def _walk(value: Any, *, holder: str, style: str) -> None:
    if value is COPIED:
        raise Refused("kubectl-patch-privilege", "A step of the patch copies what cannot be judged here.")
    if isinstance(value, list):
        for each in value:
            _walk(each, holder=holder, style=style)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _field(key, inner, holder=holder, style=style)


def _field(key: str, value: Any, *, holder: str, style: str) -> None:
    name = key.lower()
    _given(key, name, value, holder)
    if name == "securitycontext":
        _context(value)
    elif name == "metadata":
        check_metadata(value)
    elif name in LISTS:
        for element in _elements(name, value, style):
            _walk(element, holder=name, style=style)
    else:
        _replaced(name, value)
        _walk(value, holder=name, style=style)


def _given(key: str, name: str, value: Any, holder: str) -> None:
    """Judge one field by its name. Raise Refused."""
    said = f"“{shown(key)}”"
    if name == "hostpath" and value is not None:
        raise Refused("kubectl-patch-privilege", "A volume of type hostPath is a folder of the host.")
    if name in _HOST and value is not False:
        raise Refused("kubectl-patch-privilege", f"{said} is a part of the host.")
    if name in _IDENTITY or (name == "serviceaccounttoken" and value is not None):
        raise Refused("kubectl-patch-privilege", f"{said} makes it somebody else.")
    if name in _PLACES | _DEVICES:
        raise Refused("kubectl-patch-privilege", f"{said} gives it a place or a part of a node.")
    if name in _KEPT and not _one_of(value, _KEPT[name]):
        raise Refused("kubectl-patch-privilege", f"{said} {_GIVES[name]}.")
    if name == "host" and holder in _ASKING and value is not None:
        raise Refused("kubectl-patch-privilege", f"With {said} a node would ask another host than the pod.")
    if holder == "volumes" and name not in _VOLUMES and value is not None:
        raise Refused("kubectl-patch-privilege", f"A volume of type {said} leads out of the namespace.")
    if name == _RETENTION and not _retains(value):
        raise Refused("kubectl-patch-privilege", f"{said} would delete volumes.")


def _elements(name: str, value: Any, style: str) -> list[Any]:
    """Give the elements that a patch changes in a list of a pod. Raise Refused where it replaces them."""
    by_place = style == "json" and isinstance(value, dict)
    found = list(value.values()) if by_place else value
    by_name = style == "strategic" and isinstance(value, list)
    if not (by_place or by_name) or not all(isinstance(each, dict) for each in found):
        raise Refused(
            "kubectl-patch-field",
            f"“{name}” or an element of it is replaced as a whole.",
            "Leave --type out, and name each element of the list; or set one field with --type=json.",
        )
    return list(found)


def _retains(value: Any) -> bool:
    return isinstance(value, dict) and all(each == "Retain" for each in value.values())


def _one_of(value: Any, allowed: tuple[Any, ...]) -> bool:
    """Compare without taking 0 for False, or a text for what it says."""
    return any(type(value) is type(each) and value == each for each in allowed)


def _replaced(name: str, value: Any) -> None:
    if name in _WHOLE and not isinstance(value, dict):
        raise Refused("kubectl-patch-field", f"“{name}” is replaced as a whole.")


def _context(value: Any) -> None:
    """Judge a securityContext: each field of it is one that tightens."""
    if not isinstance(value, dict):
        raise Refused("kubectl-patch-privilege", "A securityContext is taken away as a whole.")
    for key, inner in value.items():
        if not _tight(key.lower(), inner):
            raise Refused("kubectl-patch-privilege", f"“{shown(key)}” in a securityContext is loosened by this.")


def _tight(name: str, value: Any) -> bool:
    if name in _TIGHT:
        return any(value is each or (isinstance(each, str) and value == each) for each in _TIGHT[name])
    if name in _IDS:
        return type(value) is int and value > 0
    if name == "supplementalgroups":
        return isinstance(value, list) and all(type(each) is int and each > 0 for each in value)
    if name == "seccompprofile":
        return isinstance(value, dict) and value == {"type": "RuntimeDefault"}
    if name == "capabilities":
        dropped = value.get("drop") if isinstance(value, dict) else None
        return isinstance(value, dict) and set(value) == {"drop"} and isinstance(dropped, list) and "ALL" in dropped
    return False
