"""A manifest that takes the place of a workload's own: what it changes is judged as a patch that says the same.

What stands in both is nobody's change and stays, however much it gives. Lists of containers and volumes are compared by
name, so that leaving out what an element restricts is seen as taking it away. A text is read by the reader by which
the runtime sends it: two readers could take one value for two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opsmodal.guard.kubectl.bodies import LISTS
from opsmodal.guard.kubectl.metadata import check_metadata
from opsmodal.guard.kubectl.privileges import check_directives, check_privileges
from opsmodal.guard.kubectl.rules import Refused, shown
from opsmodal.guard.kubectl.tokens import Tokens, check_tokens, secrets_of
from runtimes.errors import Invalid
from runtimes.typed import read

RULE = "kubectl-manifest"
_ATOMS = frozenset({"securitycontext"})
"""What stands in there is judged field by field, each as a whole: half of `capabilities` says nothing."""
_SERVERS = frozenset(
    {"resourceversion", "uid", "generation", "creationtimestamp", "managedfields", "selflink", "deletiontimestamp"}
)
"""What the server keeps in metadata, which a manifest may quote or leave out."""


def read_manifest(text: str) -> dict[str, Any]:
    """Read one object. Raise Refused for what can be read in two ways, or is none."""
    try:
        value = read(text)
    except Invalid as invalid:
        raise Refused(RULE, invalid.sentence, invalid.hint) from invalid
    if not isinstance(value.get("metadata"), dict):
        raise Refused(RULE, "This is no manifest: it has no kind, metadata and spec.")
    return value


def replicas_in(text: str) -> object:
    """Give what a manifest says of replicas; None for one that says nothing of them, or that cannot be read."""
    try:
        spec = read_manifest(text).get("spec")
    except Refused:
        return None
    return spec.get("replicas") if isinstance(spec, dict) else None


def check_manifest(before: Mapping[str, Any], after: Mapping[str, Any], *, tokens: Tokens) -> None:
    """Judge what a manifest changes of the one before it, as a patch of it would be judged.

    Raise Refused, and what `tokens` raises, which is asked where a Secret is named that was not before.
    """
    check_directives(after)
    patch = _changes(before, after)
    patch.pop("status", None)
    for key in patch:
        if key not in ("metadata", "spec"):
            raise Refused(RULE, f"“{shown(key)}” of a workload is not changed.", "Keep it as it was.")
    metadata = {key: value for key, value in patch.get("metadata", {}).items() if key.lower() not in _SERVERS}
    check_metadata({name: {} if entries is None else entries for name, entries in metadata.items()})
    if "spec" in patch:
        check_privileges(patch["spec"], style="strategic")
        check_tokens(set(secrets_of(after.get("spec"))).difference(secrets_of(before.get("spec"))), tokens)


def _changes(before: Mapping[str, Any], after: Mapping[str, Any], *, holder: str = "") -> dict[str, Any]:
    """Give what differs, as a strategic merge patch has it: None for what goes."""
    found: dict[str, Any] = {}
    for key in [*after, *(key for key in before if key not in after)]:
        old, new = before.get(key), after.get(key)
        if old == new and type(old) is type(new):
            continue
        found[key] = _change(key.lower(), old, new, holder=holder)
    return found


def _change(name: str, old: Any, new: Any, *, holder: str) -> Any:
    if name in LISTS and isinstance(old or new, list):
        if not _is_named(old) or not _is_named(new):
            raise Refused(RULE, f"“{shown(name)}” has elements without a name, or two of one name.")
        return _elements(old or [], new or [])
    if holder == "metadata" and isinstance(old, dict) and new is None:
        return dict.fromkeys(old)  # where all labels or annotations go, each is judged by its key
    if isinstance(old, dict) and isinstance(new, dict) and holder not in _ATOMS:
        return _changes(old, new, holder=name)
    return new


def _is_named(value: Any) -> bool:
    if value is None:
        return True
    names = [each.get("name") if isinstance(each, dict) else None for each in value] if isinstance(value, list) else [0]
    return all(isinstance(name, str) for name in names) and len(set(names)) == len(names)


def _elements(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the elements that are new, whole, and what changes in the others. One that goes takes all of it along."""
    had = {each["name"]: each for each in before}
    changed = ((each["name"], _changes(had.get(each["name"], {}), each)) for each in after)
    return [{"name": name, **change} for name, change in changed if change]
