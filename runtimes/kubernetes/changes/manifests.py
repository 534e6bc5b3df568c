"""Drafts a whole manifest in place of a workload's own: the same workload, as somebody has written it anew.

It is replaced as it was looked at or not at all. What programs keep in annotations for themselves stays, and so does
the number of replicas where an autoscaler sets it and the manifest, as it should, says nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from runtimes.changes import SetManifest
from runtimes.errors import Invalid, Stale
from runtimes.kubernetes.changes.diffing import HIDDEN, shown
from runtimes.kubernetes.changes.draft import Asked, Call, Draft, changed, command
from runtimes.kubernetes.changes.found import KEPT, OWN, Found, Obj, part, revision_of, template_of
from runtimes.kubernetes.changes.rollouts import by_hand, pods_of, rolls
from runtimes.kubernetes.changes.scaling import demand_unlocked, demand_unowned, fewer, known_autoscalers, replicas_of
from runtimes.kubernetes.selectors import matcher
from runtimes.planning import Difference
from runtimes.typed import read

STRICT = {"fieldValidation": "Strict"}
"""As kubectl does: by default the API server drops a field that it does not know, and a slip of the pen with it."""
SCALED = frozenset({"Deployment", "StatefulSet", "ReplicaSet"})


def set_manifest(asked: Asked, change: SetManifest) -> Draft:
    """Draft the replacement. Raise Invalid for another object, AutoscalerActive for other replicas, Stale."""
    found = asked.found
    given = read(change.text)
    _demand_same(found, given)
    body = _kept(found, _scaled(asked, given))
    rolled = part(body, *template_of(found.kind)) != found.template
    same = shown(body) == shown(found.document)
    return Draft(
        calls=(Call(method="PUT", path=found.path, what=found.words, body=body, query=STRICT),),
        summary=f"Replace the manifest of {found.words}",
        command=command(found, "replace", "-f", _file(found)),
        sentence=f"The manifest of {found.words} was replaced.",
        differences=_replicas(found, body),
        diffed=body,
        warnings=(*_warnings(asked, given), *(by_hand(found) if rolled else ())),
        hits=pods_of(found) if rolled and rolls(found) else _fewer(found, body),
        already=f"{found.words} is like this already." if same else "",
        lasting=not same and rolls(found),
    )


def _file(found: Found) -> str:
    return f"{found.kind.lower()}-{found.name}.yaml"


def _demand_same(found: Found, given: Obj) -> None:
    metadata = given.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(given.get("spec"), dict):
        raise Invalid(
            "The manifest lacks its metadata or its spec.", hint="It has apiVersion, kind, metadata and spec."
        )
    wanted = {
        "apiVersion": (given.get("apiVersion"), found.document.get("apiVersion")),
        "kind": (given.get("kind"), found.kind),
        "metadata.name": (metadata.get("name"), found.name),
        "metadata.namespace": (metadata.get("namespace") or found.namespace, found.namespace),
        "metadata.uid": (metadata.get("uid") or found.metadata.get("uid"), found.metadata.get("uid")),
    }
    for field, (new, old) in wanted.items():
        if new != old:
            sentence = f"This is another object: its {field} is {str(new)[:100]!r} and not {str(old)[:100]!r}."
            raise Invalid(sentence, hint=f"Only {found.words} itself is replaced here.")
    version = metadata.get("resourceVersion")
    if version and str(version) not in {found.metadata.get("resourceVersion"), revision_of(found.document)}:
        hint = "Open it anew, and put your changes into what is there now."
        raise Stale(f"{found.words} was changed since this manifest was read.", hint=hint)


def _kept(found: Found, given: Obj) -> Obj:
    """Give the object that is sent: what was written, with what the server and other programs keep in it."""
    metadata = {key: value for key, value in given["metadata"].items() if key not in OWN}
    marks = metadata.get("annotations") or {}
    if not isinstance(marks, dict):
        raise Invalid("metadata.annotations is no mapping.")
    hidden = {key: value for key, value in found.annotations.items() if key in HIDDEN}
    marks = hidden | marks | {key: value for key, value in hidden.items() if key in KEPT}
    metadata |= {"namespace": found.namespace} | ({"annotations": marks} if marks else {})
    return {key: value for key, value in given.items() if key not in {"metadata", "status"}} | {"metadata": metadata}


def _scaled(asked: Asked, given: Obj) -> Obj:
    """Keep the lock of an autoscaler; leave its number where the manifest has none. Raise AutoscalerActive."""
    found, spec = asked.found, given["spec"]
    if found.kind not in SCALED:
        return given
    if spec.get("replicas") is not None:
        if spec["replicas"] != replicas_of(found):
            demand_unlocked(asked)
            demand_unowned(found)
        return given
    if found.target not in known_autoscalers(asked):
        return given
    return given | {"spec": spec | {"replicas": replicas_of(found)}}


def _replicas(found: Found, body: Obj) -> tuple[Difference, ...]:
    if found.kind not in SCALED:
        return ()
    after = body["spec"].get("replicas")
    return changed("replicas", replicas_of(found), 1 if after is None else after)


def _fewer(found: Found, body: Obj) -> tuple[str, ...]:
    after = body["spec"].get("replicas", 1)
    return fewer(found, replicas_of(found), after) if found.kind in SCALED and isinstance(after, int) else ()


def _warnings(asked: Asked, given: Obj) -> Iterator[str]:
    found = asked.found
    yield f"By hand, {_file(found)} is a file with the text that was written here."
    labels = part(given, *template_of(found.kind), "metadata", "labels")
    if not matcher(asked.scope.selector)(labels):
        yield f"Its pods would no longer have the labels of service {asked.scope.service}, which then shows it no more."
    if found.kind in SCALED and part(given, "spec").get("replicas") is None and replicas_of(found) != 1:
        yield "It says nothing of replicas: that means 1, unless an autoscaler sets them."
