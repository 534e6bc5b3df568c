"""What a patched workload must not be given: a path or a part of the host, another identity, privileges.

A securityContext may be tightened only. Field names are compared without case, and what is not known in there, removed
or copied from elsewhere is refused. Source of the fields: the Kubernetes API reference, PodSpec and SecurityContext,
and the Pod Security Standards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opsmodal.guard.kubectl.bodies import COPIED, WHOLE
from opsmodal.guard.kubectl.rules import Refused, shown

_HOST = frozenset({"hostnetwork", "hostpid", "hostipc"})
_IDENTITY = frozenset({"serviceaccountname", "serviceaccount"})
_WHOLE = WHOLE - {"metadata"}
_TIGHT: Mapping[str, tuple[Any, ...]] = {
    "privileged": (False,),
    "allowprivilegeescalation": (False,),
    "runasnonroot": (True,),
    "readonlyrootfilesystem": (True,),
    "fsgroupchangepolicy": ("Always", "OnRootMismatch"),
    "procmount": ("Default",),
}
_IDS = frozenset({"runasuser", "runasgroup", "fsgroup"})
_DIRECTIVES = ("$patch", "$retainkeys")


def check_privileges(spec: Any) -> None:
    """Judge what a patch puts under `spec`. Raise Refused."""
    _replaced("spec", spec)
    _walk(spec, inside_list=False, holder="spec")


def _walk(value: Any, *, inside_list: bool, holder: str) -> None:
    if value is COPIED:
        raise Refused("kubectl-patch-privilege", "A step of the patch copies what cannot be judged here.")
    if isinstance(value, list):
        for each in value:
            _walk(each, inside_list=True, holder=holder)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _field(key, inner, inside_list=inside_list, holder=holder)


def _field(key: str, value: Any, *, inside_list: bool, holder: str) -> None:
    name = key.lower()
    if name in _DIRECTIVES and not inside_list and holder in _WHOLE:
        raise Refused("kubectl-patch-field", f"“{key}” replaces a specification as a whole.")
    if name == "hostpath" and value is not None:
        raise Refused("kubectl-patch-privilege", "A volume of type hostPath is a folder of the host.")
    if name in _HOST and value is not False:
        raise Refused("kubectl-patch-privilege", f"“{shown(key)}” is a part of the host.")
    if name == "hostusers" and value is not False:
        raise Refused("kubectl-patch-privilege", "“hostUsers” gives the users of the host.")
    if name in _IDENTITY:
        raise Refused("kubectl-patch-privilege", f"“{shown(key)}” makes it somebody else.")
    if name == "securitycontext":
        _context(value)
        return
    _replaced(name, value)
    _walk(value, inside_list=False, holder=name)


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
