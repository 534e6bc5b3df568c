"""What a change would send, before anything is sent: the value that all changes are drafted as. Pure.

A draft knows the line that does the same by hand. It holds no credential, and neither may that line.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import msgspec

from runtimes.base import Scope
from runtimes.changes import Change
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.api.media import JSON, JSON_PATCH, MERGE, STRATEGIC
from runtimes.kubernetes.changes.found import Found, Obj
from runtimes.planning import Difference

CAUSE = "kubernetes.io/change-cause"
"""Where `kubectl rollout history` reads why a revision came about."""
CAUSED = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
"""Kinds whose revisions take it over."""
PATCH_TYPES: Mapping[str, str] = {MERGE: "merge", STRATEGIC: "strategic", JSON_PATCH: "json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request. `what` names its object in errors; `done` says in a sentence what is done once it has gone through.

    A DELETE names the `uid` and the `revision` (a resourceVersion) of what it deletes.
    """

    method: Literal["POST", "PUT", "PATCH", "DELETE"]
    path: str
    what: str
    body: Any = None
    media: str = JSON
    uid: str = ""
    revision: str = ""
    done: str = ""
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a change would do. `summary` is an imperative sentence without its full stop, `sentence` what was done.

    `differences` may be empty only where there is a `diffed`, or where nothing would change. `already` says that
    nothing has to be done. `made` names what a POST creates, as kind/name.
    """

    calls: tuple[Call, ...]
    summary: str
    command: str
    sentence: str
    differences: tuple[Difference, ...] = ()
    diffed: Obj | None = None
    """The whole object as it will be, where differences are too many to be rows: the plan then shows a diff."""
    warnings: tuple[str, ...] = ()
    hits: tuple[str, ...] = ()
    already: str = ""
    made: str = ""
    lasting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a draft is made of: the workload as it is now, and for those that have to read more, the way to it."""

    client: Client
    scope: Scope
    found: Found


Drafting: TypeAlias = Callable[[Asked, Any], Draft]
"""Drafts a change. Raise RuntimeProblem for what would be refused; change nothing."""


def command(found: Found, *words: str) -> str:
    """Give a kubectl line in the namespace of a workload, quoted for a POSIX shell."""
    return shlex.join(["kubectl", "-n", found.namespace, *words])


def patch(found: Found, body: Any, *, media: str = MERGE) -> Call:
    """Give the call that patches a workload."""
    return Call(method="PATCH", path=found.path, what=found.words, body=body, media=media)


def patch_command(found: Found, body: Any, *, media: str = MERGE) -> str:
    """Give the line that does what `patch` does."""
    text = msgspec.json.encode(body).decode()
    return command(found, "patch", found.target, f"--type={PATCH_TYPES[media]}", "-p", text)


def changed(what: str, before: object, after: object) -> tuple[Difference, ...]:
    """Give the difference in one thing, none where there is none."""
    old, new = ("" if value is None else str(value) for value in (before, after))
    return () if old == new else (Difference(what=what, before=old, after=new),)


def reasoned(draft: Draft, found: Found, change: Change) -> Draft:
    """Write why into what is sent to the workload itself and into the line; warn where an old reason would stay on."""
    own = [call for call in draft.calls if call.path == found.path and call.method != "DELETE"]
    if found.kind not in CAUSED or not own:
        return draft
    if not change.reason:
        stays = found.annotations.get(CAUSE)
        words = f"No reason is given, so the one that stands there stays with it: “{stays}”."
        told = draft.lasting and not draft.already and own[0].media != JSON_PATCH  # that puts another one there
        return replace(draft, warnings=(*draft.warnings, words)) if stays and told else draft
    calls = tuple(_caused(call, change.reason) if call in own else call for call in draft.calls)
    also = command(found, "annotate", found.target, f"{CAUSE}={change.reason}", "--overwrite")
    return replace(draft, calls=calls, command=f"{draft.command} && {also}")


def locked(call: Call, found: Found) -> Call:
    """Bind a call to the workload's state that was read: the server refuses it with 409 when that has moved."""
    version = str(found.metadata.get("resourceVersion") or "")
    if call.path != found.path or call.method == "DELETE" or not version:
        return call
    if call.media == JSON_PATCH:
        return replace(
            call, body=[*call.body, {"op": "replace", "path": "/metadata/resourceVersion", "value": version}]
        )
    return replace(call, body=_with_metadata(call.body, resourceVersion=version))


def _caused(call: Call, reason: str) -> Call:
    if call.media == JSON_PATCH:
        path = "/metadata/annotations/" + CAUSE.replace("/", "~1")
        return replace(call, body=[*call.body, {"op": "add", "path": path, "value": reason}])
    marks = (call.body.get("metadata") or {}).get("annotations") or {}
    return replace(call, body=_with_metadata(call.body, annotations=marks | {CAUSE: reason}))


def _with_metadata(body: Obj, **more: object) -> Obj:
    return body | {"metadata": (body.get("metadata") or {}) | more}
