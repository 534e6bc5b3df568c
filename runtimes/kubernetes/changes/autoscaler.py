"""The autoscaler that a workload has, and the draft that takes it away. Sends nothing.

Who removes one is shown all of it first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from runtimes.changes import RemoveAutoscaler
from runtimes.deployment import Autoscaler
from runtimes.errors import Missing
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.spoiled import known_as, name_of
from runtimes.kubernetes.changes.draft import Asked, Call, Draft, command
from runtimes.kubernetes.changes.found import Found, Obj
from runtimes.kubernetes.changes.scaling import counted, replicas_of, scaled
from runtimes.kubernetes.workloads import autoscalers
from runtimes.planning import Difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The autoscaler that a workload has, as it is in the cluster and as it is told of."""

    document: Obj
    told: Autoscaler

    @property
    def words(self) -> str:
        return f"autoscaler {self.told.name}"


def standing_of(asked: Asked) -> Standing | None:
    """Read the autoscaler of a workload, None where it has none. Raise RuntimeProblem."""
    path = paths.autoscalers(asked.found.namespace)
    for document in asked.client.listed(path, dict, what="autoscalers"):
        known = known_as(document, autoscalers.AutoscalerObject, what=f"autoscaler {name_of(document)}")
        if autoscalers.target_of(known) == asked.found.target:
            return Standing(document=document, told=autoscalers.autoscaler(known))
    return None


def remove_autoscaler(asked: Asked, change: RemoveAutoscaler) -> Draft:
    """Draft its removal and, where that is wanted, another number of replicas. Raise Missing where there is none."""
    found, standing = asked.found, standing_of(asked)
    if standing is None:
        raise Missing(f"{found.words} has no autoscaler.", hint="It may have been removed since you looked.")
    name, now = standing.told.name, replicas_of(found)
    metadata = standing.document["metadata"]
    path, uid = paths.autoscalers(found.namespace, name), str(metadata["uid"])
    gone = Call(method="DELETE", path=path, what=standing.words, uid=uid, done=f"The autoscaler {name} was removed.")
    draft = Draft(
        calls=(gone,),
        summary=f"Remove the autoscaler {name} of {found.words}",
        command=command(found, "delete", "hpa", name),
        sentence=f"The autoscaler {name} was removed; {found.words} stays at {counted(now)}.",
        differences=(Difference(what="autoscaler", before=_in_words(standing.told), after=""),),
        warnings=tuple(_lost(standing.told)),
        hits=(f"horizontalpodautoscaler/{name}",),
    )
    return draft if change.replicas is None else _and_scaled(draft, found, change.replicas)


def _and_scaled(draft: Draft, found: Found, replicas: int) -> Draft:
    then = scaled(found, replicas)
    calls = () if then.already else then.calls
    return replace(
        draft,
        calls=(*draft.calls, *calls),
        summary=f"{draft.summary} and scale to {counted(replicas)}",
        command=f"{draft.command} && {then.command}",
        sentence=" ".join((draft.calls[0].done, then.already or then.sentence)),
        differences=(*draft.differences, *then.differences),
        warnings=(*draft.warnings, *then.warnings),
        hits=(*draft.hits, *then.hits),
        lasting=bool(calls),
    )


def _lost(told: Autoscaler) -> Iterator[str]:
    if not told.editable:
        metrics = "; ".join(told.metrics)
        yield f"It goes by {metrics}, which cannot be set here again: keep its manifest if you may want it back."


def _in_words(told: Autoscaler) -> str:
    by = "; ".join((*((f"{told.cpu_percent} % CPU",) if told.cpu_percent is not None else ()), *told.metrics))
    return f"{told.name}: {told.minimum} to {told.maximum}, {by or 'no metric'}"
