"""Drafts autoscalers: a new one on CPU, or other bounds of the one there is. Sends nothing.

Metrics that our form does not know are never overwritten: of such an autoscaler only the bounds are set. One that
could not work, for want of the Metrics API, is not made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from runtimes.changes import CPU_PERCENT, MAXIMUM, MINIMUM, SetAutoscaler
from runtimes.deployment import Autoscaler
from runtimes.errors import Conflict, Denied, Invalid, Lacking, Missing, RuntimeProblem, Unavailable
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.media import MERGE
from runtimes.kubernetes.changes.autoscaler import Standing, standing_of
from runtimes.kubernetes.changes.draft import Asked, Call, Draft, changed, command
from runtimes.kubernetes.changes.found import Found, Obj
from runtimes.kubernetes.changes.scaling import counted, replicas_of
from runtimes.kubernetes.upkeep.standing import answers

API_VERSION, KIND = "autoscaling/v2", "HorizontalPodAutoscaler"
MAXIMUM_MAX = 2**31 - 1
"""int32, as the API has it."""
PERCENT_MAX = 1000
"""More than ten times what a pod requests is a slip of the pen."""
METRICS_SERVER = "metrics-server"
NO_METRICS = "The cluster has no Metrics API that answers, and without it an autoscaler on CPU cannot work."
NO_METRICS_HINT = "Install Metrics Server first: the Pods tab does it, and says what is wrong with one that is there."


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredAutoscaler:
    """What an autoscaler is to be, whole. `cpu_percent` None leaves its metrics as they are."""

    minimum: int
    maximum: int
    cpu_percent: int | None


def set_autoscaler(asked: Asked, change: SetAutoscaler) -> Draft:
    """Draft a new autoscaler, or other bounds of the one there is. Raise Invalid, Conflict or Lacking."""
    standing = standing_of(asked)
    wanted = _wanted(change, standing.told if standing else None)
    _demand_sensible(wanted, change)
    if standing is not None:
        return _edited(asked.found, standing, wanted)
    unsure = _demand_measured(asked)
    return _made(asked.found, wanted, unsure)


def _wanted(change: SetAutoscaler, told: Autoscaler | None) -> DesiredAutoscaler:
    """Fill in what was not said: by what the autoscaler has, or for a new one by the defaults."""
    if told is None:
        least, most, percent = MINIMUM, MAXIMUM, CPU_PERCENT
        return DesiredAutoscaler(
            minimum=least if change.minimum is None else change.minimum,
            maximum=most if change.maximum is None else change.maximum,
            cpu_percent=percent if change.cpu_percent is None else change.cpu_percent,
        )
    return DesiredAutoscaler(
        minimum=told.minimum if change.minimum is None else change.minimum,
        maximum=told.maximum if change.maximum is None else change.maximum,
        cpu_percent=change.cpu_percent if told.editable else None,
    )


def _demand_sensible(change: DesiredAutoscaler, asked: SetAutoscaler) -> None:
    # One that goes down to 0 by itself keeps its minimum; ours begin at 1.
    least = 1 if asked.minimum is not None else 0
    if not least <= change.minimum <= change.maximum <= MAXIMUM_MAX:
        sentence = f"An autoscaler cannot keep between {change.minimum} and {change.maximum} replicas."
        raise Invalid(sentence, hint="The minimum is 1 or more, and the maximum no less than the minimum.")
    if change.cpu_percent is not None and not 1 <= change.cpu_percent <= PERCENT_MAX:
        sentence = f"{change.cpu_percent} % is no target for CPU."
        raise Invalid(sentence, hint=f"Give 1 to {PERCENT_MAX}: the share of what a pod requests, on average.")


def _demand_measured(asked: Asked) -> str:
    """Refuse where nothing measures. Give a warning where that may not be asked. Raise Lacking."""
    problem = answers(asked.client, asked.found.namespace)
    if isinstance(problem, Missing | Unavailable):
        raise Lacking(NO_METRICS, hint=NO_METRICS_HINT, what=METRICS_SERVER) from problem
    if isinstance(problem, Denied):
        return f"Whether the Metrics API answers could not be seen: {problem.sentence}"
    return _other(problem) if problem is not None else ""


def _other(problem: RuntimeProblem) -> str:
    return f"Whether the Metrics API answers is not known: {problem.sentence}"


def _made(found: Found, change: DesiredAutoscaler, unsure: str) -> Draft:
    _demand_unowned(found)
    percent = CPU_PERCENT if change.cpu_percent is None else change.cpu_percent
    body = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": found.name, "namespace": found.namespace},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": found.kind, "name": found.name},
            "minReplicas": change.minimum,
            "maxReplicas": change.maximum,
            "metrics": [_on_cpu(percent)],
        },
    }
    flags = (f"--min={change.minimum}", f"--max={change.maximum}", f"--cpu-percent={percent}")
    bounds = f"between {change.minimum} and {counted(change.maximum)}"
    return Draft(
        calls=(
            Call(method="POST", path=paths.autoscalers(found.namespace), what=f"autoscaler {found.name}", body=body),
        ),
        summary=f"Create an autoscaler for {found.words}",
        command=command(found, "autoscale", found.kind.lower(), found.name, *flags),
        sentence=f"The autoscaler {found.name} was created: it keeps {found.words} {bounds} at {percent} % CPU.",
        differences=(
            *changed("minimum", "", change.minimum),
            *changed("maximum", "", change.maximum),
            *changed("CPU target", "", f"{percent} %"),
        ),
        warnings=tuple(_warnings(found, change, unsure, on_cpu=True)),
        made=f"{KIND.lower()}/{found.name}",
    )


def _edited(found: Found, standing: Standing, change: DesiredAutoscaler) -> Draft:
    told, percent = standing.told, change.cpu_percent
    spec: Obj = {"minReplicas": change.minimum, "maxReplicas": change.maximum}
    spec |= {} if percent is None else {"metrics": [_on_cpu(percent)]}
    body = {"metadata": {"resourceVersion": standing.document["metadata"]["resourceVersion"]}, "spec": spec}
    differences = (
        *changed("minimum", told.minimum, change.minimum),
        *changed("maximum", told.maximum, change.maximum),
        *(() if percent is None else changed("CPU target", _share(told.cpu_percent), _share(percent))),
    )
    path, text = paths.autoscalers(found.namespace, told.name), msgspec.json.encode({"spec": spec}).decode()
    bounds = f"between {change.minimum} and {counted(change.maximum)}"
    return Draft(
        calls=(Call(method="PATCH", path=path, what=standing.words, body=body, media=MERGE),),
        summary=f"Set the autoscaler {told.name} of {found.words}",
        command=command(found, "patch", "hpa", told.name, "--type=merge", "-p", text),
        sentence=f"The autoscaler {told.name} keeps {found.words} {bounds}.",
        differences=differences,
        warnings=(*_kept(told), *_warnings(found, change, "", on_cpu=percent is not None)),
        already="" if differences else f"The autoscaler {told.name} is set like this already.",
    )


def _demand_unowned(found: Found) -> None:
    if owner := found.owner:
        by = f"{owner.get('kind', '')} {owner.get('name', '')}"
        raise Conflict(f"{found.words} belongs to {by}, which sets its replicas.", hint=f"Scale {by} automatically.")


def _on_cpu(percent: int) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def _kept(told: Autoscaler) -> Iterator[str]:
    if not told.editable:
        yield f"It scales by more than CPU ({'; '.join(told.metrics)}). That is left as it is: only its bounds are set."


def _warnings(found: Found, change: DesiredAutoscaler, unsure: str, *, on_cpu: bool) -> Iterator[str]:
    now = replicas_of(found)
    if unsure:
        yield unsure
    if now == 0:
        yield f"{found.words} has 0 replicas, which switches an autoscaler off until it is scaled up by hand."
    elif now > change.maximum:
        yield f"There are {now} replicas now: it takes {now - change.maximum} away at once."
    elif now < change.minimum:
        yield f"{counted(now).capitalize()} now: it starts {change.minimum - now} more at once."
    containers = found.template.get("spec", {}).get("containers") or ()
    blind = [str(each.get("name")) for each in containers if not _requests_cpu(each)]
    if blind and on_cpu:
        names = ", ".join(blind)
        yield f"A percentage is of what is requested, and {names} requests no CPU: it cannot work until that is set."


def _requests_cpu(container: Obj) -> bool:
    """Say whether a container requests CPU; a limit alone counts as a request of as much."""
    resources = container.get("resources") or {}
    return any("cpu" in (resources.get(side) or {}) for side in ("requests", "limits"))


def _share(percent: int | None) -> str:
    return "" if percent is None else f"{percent} %"
