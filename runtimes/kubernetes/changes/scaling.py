"""Drafts another number of replicas, and keeps the lock: what an autoscaler owns is not scaled by hand.

Only a number that does no more than switch an autoscaler on again passes. What another workload made is not scaled
either: its owner would undo it.
"""

from __future__ import annotations

from dataclasses import replace

from runtimes.changes import SetReplicas
from runtimes.deployment import Autoscaler
from runtimes.errors import AutoscalerActive, Conflict, Denied, Invalid
from runtimes.kubernetes.changes.draft import Asked, Draft, changed, command, patch
from runtimes.kubernetes.changes.found import Found
from runtimes.kubernetes.workloads.autoscalers import autoscalers

REPLICAS_MAX = 2**31 - 1
"""int32, as the API has it."""


def set_replicas(asked: Asked, change: SetReplicas) -> Draft:
    """Draft another number of replicas. Raise AutoscalerActive, Conflict or Invalid."""
    starting = demand_unlocked(asked, replicas=change.replicas)
    draft = scaled(asked.found, change.replicas)
    return draft if starting is None else _starting(draft, starting)


def scaled(found: Found, replicas: int) -> Draft:
    """Draft another number of replicas for what nothing else scales. Raise Conflict or Invalid."""
    if not 0 <= replicas <= REPLICAS_MAX:
        raise Invalid(f"{replicas} is no number of replicas.", hint="Give 0 or more.")
    demand_unowned(found)
    before = replicas_of(found)
    return Draft(
        calls=(patch(found, {"spec": {"replicas": replicas}}),),
        summary=f"Scale {found.words} from {before} to {replicas}",
        command=command(found, "scale", found.target, f"--replicas={replicas}"),
        sentence=f"{found.words} was scaled from {before} to {replicas}.",
        differences=changed("replicas", before, replicas),
        warnings=_warnings(found, replicas),
        hits=fewer(found, before, replicas),
        already="" if before != replicas else f"{found.words} has {counted(replicas)} already.",
        lasting=True,
    )


def replicas_of(found: Found) -> int:
    """Give how many are wanted now; one where nothing is said, as the API has it."""
    value = found.spec.get("replicas")
    return 1 if value is None else int(value)


def counted(replicas: int) -> str:
    """Give a number of replicas in words."""
    return f"{replicas} replica" if replicas == 1 else f"{replicas} replicas"


def fewer(found: Found, before: int, after: int) -> tuple[str, ...]:
    """Say which pods stop when there are fewer."""
    count = "1 pod" if before == 1 else f"{before - after} of {before} pods"
    return (f"{count} of {found.target}",) if after < before else ()


def demand_unlocked(asked: Asked, *, replicas: int | None = None) -> Autoscaler | None:
    """Refuse to scale by hand what an autoscaler owns, also by way of its owner. Raise AutoscalerActive or Denied.

    Give the autoscaler that so many `replicas` would switch on again: that is the one number that passes the lock.
    """
    found, owner = asked.found, asked.found.owner
    keys = [found.target] + ([f"{owner['kind'].lower()}/{owner['name']}"] if owner else [])
    known, now = known_autoscalers(asked), replicas_of(found)
    for key in keys:
        if key not in known:
            continue
        if key == found.target and replicas is not None and known[key].starts(replicas, now=now):
            return known[key]
        raise _locked(key, known[key], is_off=key == found.target and known[key].is_off_at(now))
    return None


def known_autoscalers(asked: Asked) -> dict[str, Autoscaler]:
    """Read what scales the workloads of the namespace. Raise Denied in words that say what it is needed for."""
    try:
        return dict(autoscalers(asked.client, asked.found.namespace))
    except Denied as denied:
        sentence = f"The runtime may not read the autoscalers of {asked.found.namespace}."
        hint = f"What an autoscaler owns must be known first. {denied.hint}".strip()
        raise Denied(sentence, hint=hint, detail=denied.detail, grant=denied.grant) from denied


def _locked(key: str, autoscaler: Autoscaler, *, is_off: bool) -> AutoscalerActive:
    bounds = f"between {autoscaler.minimum} and {autoscaler.maximum}"
    hint = f"Remove the autoscaler {autoscaler.name} and scale by hand, or set its minimum and maximum."
    sentence = f"The autoscaler {autoscaler.name} owns the replicas of {key}: it keeps them {bounds}."
    if is_off:
        sentence = f"The autoscaler {autoscaler.name} owns the replicas of {key}; 0 replicas have switched it off."
        hint = f"Scale to a number {bounds}, which switches it on again; for any other remove it first."
    return AutoscalerActive(sentence, hint=hint, autoscaler=autoscaler.name)


def _starting(draft: Draft, autoscaler: Autoscaler) -> Draft:
    """Say of a draft that it switches an autoscaler on again, which then sets the number."""
    on = f"switches the autoscaler {autoscaler.name} on again"
    then = f"from then on it sets the number, between {autoscaler.minimum} and {autoscaler.maximum}"
    sentence = f"{draft.sentence.removesuffix('.')}, which {on}."
    return replace(draft, sentence=sentence, warnings=(*draft.warnings, f"This {on}: {then}."))


def demand_unowned(found: Found) -> None:
    """Refuse to scale what another workload made. Raise Conflict."""
    if owner := found.owner:
        by = f"{owner.get('kind', '')} {owner.get('name', '')}"
        raise Conflict(f"{found.words} belongs to {by}, which would undo this at once.", hint=f"Scale {by} instead.")


def _warnings(found: Found, replicas: int) -> tuple[str, ...]:
    said = []
    if replicas == 0 and replicas_of(found) > 0:
        said.append("With 0 replicas no pod is left: the service answers nothing until it is scaled up again.")
    if found.spec.get("paused"):
        said.append("The rollout is paused: pods are added and taken away, but in the proportions they have now.")
    return tuple(said)
