"""What the Pods tab shows of scaling, of Metrics Server and of nodes, made of the runtime's values. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from opsmodal.operations.deployment_answers import AutoscalerRow
from opsmodal.operations.deployment_rows import autoscaler_row
from opsmodal.tasks import Task
from runtimes.base import Event
from runtimes.deployment import Deployed
from runtimes.upkeep import MetricsServer

SCALE = "scale"
"""The verb of what can be scaled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaledWorkload:
    """A workload that can be scaled, and what scales it. `lock` says why a number cannot be set by hand, or "".

    `can_start`: 0 pods have switched its autoscaler off, which a number within its bounds switches on again.
    """

    id: str
    kind: str
    name: str
    desired: int
    ready: int
    autoscaler: AutoscalerRow | None
    lock: str
    can_start: bool
    managed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsServerAnswer:
    """How the Metrics API stands. `ours`: installed from here; `logs` and `events` only in diagnostics."""

    state: Literal["answering", "starting", "failing", "absent", "unknown"]
    sentence: str
    hint: str
    ours: bool
    image: str
    events: tuple[Event, ...]
    logs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingAnswer:
    """What of a service can be scaled, and how the Metrics API stands. `notes`: what could not be read, and why.

    `total` counts the workloads, also those that were not searched for.
    `stale`: the runtime has not answered since `as_of`, and `problem` says why.
    """

    workloads: tuple[ScaledWorkload, ...]
    metrics_server: MetricsServerAnswer | None
    nodes: tuple[str, ...]
    notes: tuple[str, ...]
    as_of: datetime
    total: int = 0
    stale: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesAnswer:
    """The nodes of the cluster, by name."""

    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What was begun: a sentence, and the task that goes on with it."""

    sentence: str
    task: Task


def standing_answer(found: MetricsServer) -> MetricsServerAnswer:
    """Give how the Metrics API stands."""
    return MetricsServerAnswer(
        state=found.state,
        sentence=found.sentence,
        hint=found.hint,
        ours=found.ours,
        image=found.image,
        events=found.events,
        logs=found.logs,
    )


def can_scale(known: Deployed) -> bool:
    """Tell whether a workload is one of those that can be scaled, by hand or by an autoscaler."""
    return SCALE in known.verbs or known.autoscaler is not None


def scaled_row(known: Deployed) -> ScaledWorkload:
    """Flatten a workload into what is shown of its scaling."""
    return ScaledWorkload(
        id=known.id,
        kind=known.kind,
        name=known.name,
        desired=known.desired,
        ready=known.ready,
        autoscaler=autoscaler_row(known.autoscaler),
        lock=_lock(known),
        can_start=_can_start(known),
        managed_by=known.managed_by,
    )


def _can_start(known: Deployed) -> bool:
    return known.autoscaler is not None and known.autoscaler.is_off_at(known.desired)


def _lock(known: Deployed) -> str:
    scaler = known.autoscaler
    if scaler is None:
        return ""
    if _can_start(known):
        return (
            f"0 pods have switched the autoscaler {scaler.name} off, and it starts none by itself. A number between "
            f"{scaler.minimum} and {scaler.maximum} switches it on again; for any other it has to be removed first."
        )
    return (
        f"The autoscaler {scaler.name} sets this number, between {scaler.minimum} and {scaler.maximum}: "
        "what you set by hand it would undo within seconds."
    )
