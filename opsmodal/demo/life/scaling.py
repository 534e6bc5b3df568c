"""The arithmetic of a HorizontalPodAutoscaler: how many replicas its metrics ask for, and which it gets. Pure.

Source: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/ and k8s.io/kubernetes
pkg/controller/podautoscaler/horizontal.go for the words.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

from opsmodal.demo.documents import Obj, dig
from opsmodal.demo.quantities import amount

TOLERANCE = 0.1
"""How far off the target may be before anything happens (--horizontal-pod-autoscaler-tolerance)."""
GROWTH_FACTOR, GROWTH_PODS = 2, 4
"""In one step a workload at most doubles, or gets four pods more: the default scale-up policies."""
STABLE_S = 300
"""How long a lower recommendation must hold before it is followed (behavior.scaleDown's default)."""
WITHIN = ("False", "DesiredWithinRange", "the desired count is within the acceptable range")
TOO_MANY = ("True", "TooManyReplicas", "the desired replica count is more than the maximum replica count")
TOO_FEW = ("True", "TooFewReplicas", "the desired replica count is less than the minimum replica count")
TOO_FAST = ("True", "ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One metric of a workload: what each pod uses on average, and that in percent of its request."""

    name: str
    average: float
    percent: int | None

    def current(self) -> Obj:
        """Give the metric as the status shows it."""
        values: Obj = {"averageUtilization": self.percent} if self.percent is not None else {}
        values["averageValue"] = shown(self.name, self.average)
        return {"type": "Resource", "resource": {"name": self.name, "current": values}}


def shown(name: str, value: float) -> str:
    """Write an average: CPU in thousandths of a core, memory in bytes."""
    return f"{round(value * 1000)}m" if name == "cpu" else str(int(value))


def reason_above(metric: Obj) -> str:
    """Say which metric made a workload grow."""
    percent = dig(metric, "resource", "target", "averageUtilization") is not None
    name = dig(metric, "resource", "name")
    return f"{name} resource{' utilization (percentage of request)' if percent else ''} above target"


def proposed(metric: Obj, measured: Measured, now: int) -> int:
    """Give how many replicas one metric asks for."""
    target: Any = dig(metric, "resource", "target") or {}
    if (percent := target.get("averageUtilization")) and measured.percent is not None:
        ratio = measured.percent / percent
    elif value := target.get("averageValue"):
        ratio = measured.average / float(amount(value))
    else:
        return now
    return now if abs(ratio - 1) <= TOLERANCE else ceil(now * ratio)


def bounded(wanted: int, now: int, low: int, high: int) -> tuple[int, tuple[str, str, str]]:
    """Keep a number of replicas within its bounds; say which bound it met."""
    fastest = max(now * GROWTH_FACTOR, now + GROWTH_PODS)
    if wanted > high:
        return (high, TOO_MANY) if high <= fastest else (fastest, TOO_FAST)
    if wanted > fastest:
        return fastest, TOO_FAST
    return (low, TOO_FEW) if wanted < low else (wanted, WITHIN)


def stable_s(scaler: Obj) -> int:
    """Give for how many seconds the highest recommendation counts before a workload shrinks."""
    window = dig(scaler, "spec", "behavior", "scaleDown", "stabilizationWindowSeconds")
    return STABLE_S if window is None else int(window)
