"""Drafts what is done to a rollout as such: restart, pause and resume, each with the very fields that kubectl sets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from runtimes.changes import Pause, Restart, Resume
from runtimes.errors import Conflict
from runtimes.kubernetes.changes.draft import Asked, Draft, changed, command, patch
from runtimes.kubernetes.changes.found import Found, part
from runtimes.kubernetes.changes.scaling import replicas_of

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
"""The annotation of the template by which kubectl restarts (k8s.io/kubectl pkg/polymorphichelpers/objectrestarter.go).
"""


def _utc_now() -> datetime:
    return datetime.now(UTC)


def restart(asked: Asked, _: Restart, *, now: Callable[[], datetime] = _utc_now) -> Draft:
    """Draft a restart. Raise Conflict while the rollout is paused, as kubectl does."""
    found = asked.found
    if found.spec.get("paused"):
        raise Conflict(f"{found.words} is paused and would not restart.", hint="Resume its rollout first.")
    before = part(found.template, "metadata", "annotations").get(RESTARTED_AT)
    after = now().strftime("%Y-%m-%dT%H:%M:%SZ")
    body = {"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: after}}}}}
    return Draft(
        calls=(patch(found, body),),
        summary=f"Restart {found.words}",
        command=command(found, "rollout", "restart", found.target),
        sentence=f"{found.words} is restarting.",
        differences=changed("restarted at", before, after),
        warnings=by_hand(found),
        hits=pods_of(found) if rolls(found) else (),
        lasting=True,
    )


def pause(asked: Asked, _: Pause) -> Draft:
    """Draft holding a rollout."""
    found = asked.found
    return Draft(
        calls=(patch(found, {"spec": {"paused": True}}),),
        summary=f"Pause the rollout of {found.words}",
        command=command(found, "rollout", "pause", found.target),
        sentence=f"The rollout of {found.words} was paused.",
        differences=changed("paused", _yes(found.spec.get("paused")), "yes"),
        warnings=("Until it is resumed, changes of the template are taken but not rolled out.",),
        already=f"The rollout of {found.words} is paused already." if found.spec.get("paused") else "",
    )


def resume(asked: Asked, _: Resume) -> Draft:
    """Draft going on with a rollout."""
    found = asked.found
    return Draft(
        calls=(patch(found, {"spec": {"paused": None}}),),
        summary=f"Resume the rollout of {found.words}",
        command=command(found, "rollout", "resume", found.target),
        sentence=f"The rollout of {found.words} goes on.",
        differences=changed("paused", _yes(found.spec.get("paused")), "no"),
        already="" if found.spec.get("paused") else f"The rollout of {found.words} is not paused.",
        lasting=True,
    )


def pods_of(found: Found) -> tuple[str, ...]:
    """Say which pods a new template replaces."""
    if found.kind == "DaemonSet":
        count = int(part(found.document, "status").get("desiredNumberScheduled") or 0)
    else:
        count = max(0, replicas_of(found) - _partition(found))
    return (f"{count} {'pod' if count == 1 else 'pods'} of {found.target}, replaced by new ones",) if count else ()


def rolls(found: Found) -> bool:
    """Say whether a changed template is rolled out by itself."""
    if found.kind == "StatefulSet" and 0 < _partition(found) < replicas_of(found):
        return True
    return found.kind in {"Deployment", "StatefulSet", "DaemonSet"} and not by_hand(found)


def by_hand(found: Found) -> tuple[str, ...]:
    """Warn where a changed template is not rolled out by itself."""
    if found.spec.get("paused"):
        return ("The rollout is paused: nothing is replaced until it is resumed.",)
    if part(found.spec, "updateStrategy").get("type") == "OnDelete":
        return ("Its strategy is OnDelete: a pod gets the new template only when it is deleted by hand.",)
    if found.kind == "ReplicaSet":
        return ("A ReplicaSet replaces no pods: only new ones get the new template.",)
    if partition := _partition(found):
        return (f"Its partition is {partition}: pods with a lower number keep the old template.",)
    return ()


def _partition(found: Found) -> int:
    """Give the number from which on a StatefulSet's pods are replaced; with OnDelete it says nothing."""
    strategy = part(found.spec, "updateStrategy")
    if found.kind != "StatefulSet" or strategy.get("type") == "OnDelete":
        return 0
    return int(part(strategy, "rollingUpdate").get("partition") or 0)


def _yes(value: object) -> str:
    return "yes" if value else "no"
