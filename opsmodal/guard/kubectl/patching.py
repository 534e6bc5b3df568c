"""Judges patches: labels and annotations of anything, config maps, and workloads without their replicas and privileges.

What a patch may say inside a securityContext is a list of what tightens it; what is not in there loosens it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from opsmodal.guard.kubectl.bodies import COPIED, body, steps
from opsmodal.guard.kubectl.changing import named
from opsmodal.guard.kubectl.formats import check_maskable
from opsmodal.guard.kubectl.kinds import WORKLOADS
from opsmodal.guard.kubectl.metadata import check_metadata
from opsmodal.guard.kubectl.objects import SECRETS, Object, objects
from opsmodal.guard.kubectl.privileges import check_directives, check_privileges
from opsmodal.guard.kubectl.rules import Refused, shown
from opsmodal.guard.kubectl.saying import Line, managed
from opsmodal.guard.kubectl.scaling import check_unlocked
from opsmodal.guard.kubectl.tokens import check_tokens, secrets_of
from opsmodal.guard.verdict import Verdict

_TYPES = frozenset({"strategic", "merge", "json"})
_SUBRESOURCES = frozenset({"scale", "resize"})
_ALWAYS = frozenset({"metadata", "apiVersion", "kind"})
_FIELDS: Mapping[str, frozenset[str]] = {
    "configmaps": frozenset({"data", "binaryData", "immutable"}),
    **{kind: frozenset({"spec"}) for kind in WORKLOADS},
}


def patch(line: Line) -> Verdict:
    """Judge patch by what every fragment of its body changes."""
    found = objects(line.words, line.world, secrets=True)
    named(line, found)
    if any(each.sort.plural == SECRETS for each in found):
        check_maskable(line.read)
    fragments = _fragments(line)
    scales = any(given.value == "scale" for given in line.read.all("subresource"))
    for given in line.read.all("subresource"):
        if given.value not in _SUBRESOURCES:
            raise Refused("kubectl-flag-refused", f"The subresource “{shown(given.value)}” is not patched by this.")
    for fragment in fragments:
        for each in found:
            _check(fragment, each, line, scales=scales)
    stops = any(_replicas(fragment) in (0, "0", None, COPIED) for fragment in fragments if _touches_replicas(fragment))
    return managed(line, found, destroys="This stops every pod of it." if stops else "")


def _style(line: Line) -> str:
    """Give the type of patch: what a list in it does to the list that is there depends on it."""
    return (line.read.last("type") or "strategic").lower()


def _fragments(line: Line) -> tuple[Mapping[str, Any], ...]:
    typed, kind = line.read.last("patch"), _style(line)
    if typed is None:
        raise Refused("kubectl-patch-body", "There is no patch.", "Type -p '{…}'.")
    if kind not in _TYPES:
        raise Refused("kubectl-flag-value", f"“{shown(kind)}” is no type of patch: strategic, merge or json.")
    value = body(typed)
    if kind == "json":
        return tuple(steps(value))
    if not isinstance(value, dict):
        raise Refused("kubectl-patch-body", "This patch is no mapping.", "For a list of steps add --type=json.")
    return (value,)


def _check(fragment: Mapping[str, Any], each: Object, line: Line, *, scales: bool) -> None:
    """Judge one fragment for one object. Raise Refused."""
    plural = "" if each.sort.custom else each.sort.plural
    allowed = _FIELDS.get(plural, frozenset()) | _ALWAYS
    if scales and each.sort.custom:
        allowed |= {"spec"}
    _only(fragment, allowed, each.sort.plural)
    check_directives(fragment)
    if "metadata" in fragment:
        check_metadata(fragment["metadata"], secrets=each.sort.plural == SECRETS)
    if plural in WORKLOADS and "spec" in fragment:
        check_privileges(fragment["spec"], style=_style(line))
        check_tokens(set(secrets_of(fragment["spec"])), lambda: line.world.tokens)
    if scales or _touches_replicas(fragment):
        check_unlocked(each, line.world)


def _only(fragment: Mapping[str, Any], allowed: Iterable[str], plural: str) -> None:
    for key in fragment:
        if key not in allowed:
            raise Refused("kubectl-patch-field", f"“{shown(key)}” of {plural} is not patched by a typed line.")


def _touches_replicas(fragment: Mapping[str, Any]) -> bool:
    """Tell whether it sets how many there are; who replaces a whole specification does, too."""
    spec = fragment.get("spec", {})
    return not isinstance(spec, dict) or any(key.lower() == "replicas" for key in spec)


def _replicas(fragment: Mapping[str, Any]) -> Any:
    spec = fragment.get("spec")
    return (
        next((value for key, value in spec.items() if key.lower() == "replicas"), None)
        if isinstance(spec, dict)
        else None
    )
