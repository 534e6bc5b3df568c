"""Reads the autoscalers of a namespace and says in words what each goes by, where it stands and why. Changes nothing.

Whatever an autoscaler measures is shown; only one that goes by CPU alone can be edited here, since a form that knows
nothing of the other metrics would drop them.

Source: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/horizontal-pod-autoscaler-v2/ and, of
the reasons of conditions, k8s.io/kubernetes pkg/controller/podautoscaler/horizontal.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from runtimes.deployment import Autoscaler
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.objects.common import Metadata
from runtimes.kubernetes.objects.held import Model
from runtimes.structs import make_ready

COMPUTING = "the HPA was unable to compute the replica count: "
"""What the controller begins with whatever it says about a metric."""
UNREQUESTED = "missing request for "
LEAST = 1
"""minReplicas where it is not set."""


class Named(Model, frozen=True):
    kind: str = ""
    name: str = ""


class Amount(Model, frozen=True):
    """What a metric should be, or is: one of the three."""

    average_utilization: int | None = None
    average_value: str | None = None
    value: str | None = None


class Metric(Model, frozen=True):
    """One metric of any type, asked for (`target`) or measured (`current`)."""

    name: str = ""
    container: str = ""
    metric: Named = Named()
    described_object: Named = Named()
    target: Amount = Amount()
    current: Amount = Amount()


class AnyMetric(Model, frozen=True):
    type: str = ""
    resource: Metric | None = None
    container_resource: Metric | None = None
    pods: Metric | None = None
    object: Metric | None = None
    external: Metric | None = None


class Condition(Model, frozen=True):
    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""


class Spec(Model, frozen=True):
    scale_target_ref: Named = Named()
    min_replicas: int | None = None
    max_replicas: int = 0
    metrics: tuple[AnyMetric, ...] | None = None


class Status(Model, frozen=True):
    current_replicas: int = 0
    desired_replicas: int = 0
    last_scale_time: datetime | None = None
    current_metrics: tuple[AnyMetric, ...] | None = None
    conditions: tuple[Condition, ...] | None = None


class AutoscalerObject(Model, frozen=True):
    """A HorizontalPodAutoscaler of autoscaling/v2."""

    metadata: Metadata = Metadata()
    spec: Spec = Spec()
    status: Status = Status()


def autoscalers(client: Client, namespace: str) -> Mapping[str, Autoscaler]:
    """Read what scales the workloads of a namespace, by workload: `deployment/web`. Raise RuntimeProblem."""
    return by_target(client.listed(paths.autoscalers(namespace), AutoscalerObject, what="autoscalers"))


def by_target(found: Iterable[AutoscalerObject]) -> Mapping[str, Autoscaler]:
    """Give autoscalers by what they scale: `deployment/web`."""
    # Where two want the same workload neither works; the one that was there first is the one to remove or edit.
    ordered = sorted(found, key=lambda each: (str(each.metadata.creation_timestamp or ""), each.metadata.name))
    known: dict[str, Autoscaler] = {}
    for each in ordered:
        known.setdefault(target_of(each), autoscaler(each))
    return known


def target_of(known: AutoscalerObject) -> str:
    """Name what an autoscaler scales: `deployment/web`."""
    target = known.spec.scale_target_ref
    return f"{target.kind.lower()}/{target.name}"


def autoscaler(known: AutoscalerObject) -> Autoscaler:
    """Say what an autoscaler wants, goes by and does."""
    spec, status = known.spec, known.status
    metrics = spec.metrics or ()
    return Autoscaler(
        name=known.metadata.name,
        minimum=LEAST if spec.min_replicas is None else spec.min_replicas,
        maximum=spec.max_replicas,
        cpu_percent=next((percent for percent in map(_cpu_percent, metrics) if percent is not None), None),
        current_cpu_percent=_current_cpu(status.current_metrics or ()),
        current=status.current_replicas,
        desired=status.desired_replicas,
        scaled_at=status.last_scale_time,
        conditions=tuple(_sentences(known)),
        metrics=tuple(_words(each) for each in metrics if _cpu_percent(each) is None),
        editable=all(_cpu_percent(each) is not None for each in metrics) and len(metrics) <= 1,
        active=not any(each.reason == "ScalingDisabled" for each in status.conditions or ()),
    )


def _cpu_percent(known: AnyMetric) -> int | None:
    """Give what share of its CPU request a pod should use on average; None for any other metric."""
    of = known.resource
    return of.target.average_utilization if known.type == "Resource" and of is not None and of.name == "cpu" else None


def _current_cpu(measured: Sequence[AnyMetric]) -> int | None:
    of_cpu = (each.resource for each in measured if each.resource is not None and each.resource.name == "cpu")
    return next((each.current.average_utilization for each in of_cpu), None)


def _words(known: AnyMetric) -> str:
    """Say in words what a metric is and should be."""
    of = known.resource or known.container_resource or known.pods or known.object or known.external
    if of is None:
        return f"a metric of type {known.type or 'unknown'}"
    should = _amount(of.target)
    match known.type:
        case "Resource":
            return f"{of.name} of a pod at {should}"
        case "ContainerResource":
            return f"{of.name} of container {of.container} at {should}"
        case "Pods":
            return f"{of.metric.name} of each pod at {should}"
        case "Object":
            about = of.described_object
            return f"{of.metric.name} of {about.kind} {about.name} at {should}"
    return f"{of.metric.name} from outside the cluster at {should}"


def _amount(wanted: Amount) -> str:
    if wanted.average_utilization is not None:
        return f"{wanted.average_utilization} % of what is requested"
    if wanted.average_value is not None:
        return f"{wanted.average_value} on average"
    return wanted.value or "an unknown value"


def _sentences(known: AutoscalerObject) -> Iterator[str]:
    """Say what the conditions mean; those that only say that all is well are left out."""
    conditions = {each.type: each for each in known.status.conditions or ()}
    if not conditions:
        yield "The cluster has not looked at it yet."
        return
    able, active = conditions.get("AbleToScale"), conditions.get("ScalingActive")
    if able is not None and able.status == "False":
        yield f"It cannot scale: {_ended(able.message)}"
    elif able is not None and able.reason == "ScaleDownStabilized":
        yield "It waits before it scales down: a short while ago more were needed."
    if active is not None and active.status == "False":
        yield _inactive(active)
    limited = conditions.get("ScalingLimited")
    if limited is not None and limited.status == "True":
        yield _limited(limited, known.spec)


def _inactive(condition: Condition) -> str:
    if condition.reason == "ScalingDisabled":
        return "It is switched off while the workload has 0 replicas, and goes on once there is at least one."
    message = condition.message.removeprefix(COMPUTING)
    _, missing, what = message.partition(UNREQUESTED)
    if missing:
        return f"It cannot tell how many are needed, since a request is missing: {_ended(what)}"
    return f"It cannot tell how many are needed: {_ended(message)}"


def _limited(condition: Condition, spec: Spec) -> str:
    least = LEAST if spec.min_replicas is None else spec.min_replicas
    return {
        "TooManyReplicas": f"It would want more than its maximum of {spec.max_replicas}.",
        "TooFewReplicas": f"It would want fewer than its minimum of {least}.",
        "ScaleUpLimit": "It adds replicas as fast as it may.",
        "ScaleDownLimit": "It takes replicas away as fast as it may.",
    }.get(condition.reason, _ended(condition.message))


def _ended(message: str) -> str:
    """Make a sentence of what a controller says, which ends without a full stop."""
    return f"{message.rstrip('.')}." if message else "it does not say why."


make_ready(globals())
