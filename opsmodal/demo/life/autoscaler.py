"""HorizontalPodAutoscalers: replicas that follow the CPU use which the simulated metrics show."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from math import ceil

from opsmodal.demo.documents import Obj, dig, is_leaving, labels_of, name_of, namespace_of
from opsmodal.demo.kinds import PODS, Kind, stored
from opsmodal.demo.life.conditions import set_condition
from opsmodal.demo.life.making import is_active
from opsmodal.demo.life.reports import Reporter
from opsmodal.demo.life.usage import usage_of
from opsmodal.demo.quantities import millicores
from opsmodal.demo.selectors import of_object
from opsmodal.demo.storage import Change, Key
from opsmodal.demo.world import World

AUTOSCALERS = stored("horizontalpodautoscalers")
PERIOD_S = 15.0
"""How often an autoscaler looks (--horizontal-pod-autoscaler-sync-period)."""
TOLERANCE = 0.1
"""How far off the target may be before anything happens (--horizontal-pod-autoscaler-tolerance)."""
SCALED = {
    "Deployment": stored("deployments"),
    "StatefulSet": stored("statefulsets"),
    "ReplicaSet": stored("replicasets"),
}


class Autoscalers:
    """Scale workloads."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._storage = world.storage
        self._reports = Reporter(world, "horizontal-pod-autoscaler")

    def notice(self, kind: Kind, change: Change) -> Iterable[Key]:
        """Look at changed autoscalers."""
        if kind is not AUTOSCALERS or change.type == "DELETED":
            return []
        return [(namespace_of(change.record.document), name_of(change.record.document))]

    def look(self, key: Key) -> datetime | None:
        """Measure, and scale where that is needed."""
        record = self._storage.get(AUTOSCALERS, *key)
        if record is None or is_leaving(record.document):
            return None
        scaler = record.document
        kind = SCALED.get(dig(scaler, "spec", "scaleTargetRef", "kind") or "")
        target = self._storage.get(kind, key[0], scaler["spec"]["scaleTargetRef"]["name"]) if kind else None
        if kind is None or target is None:
            return self._world.clock.after(PERIOD_S)
        percent, average = self._measured(target.document)
        now = dig(target.document, "spec", "replicas") or 0
        wanted = self._wanted(scaler, now, percent)
        if now and wanted != now:
            self._scale(scaler, kind, key[0], name_of(target.document), wanted, now)
        self._write(key, (now, wanted if now else 0), percent, average)
        return self._world.clock.after(PERIOD_S)

    def _measured(self, target: Obj) -> tuple[int | None, str]:
        """Give the CPU use of the target's pods in percent of their requests (None: not known), and of one pod."""
        matches, now = of_object(dig(target, "spec", "selector")), self._world.clock.now()
        used = asked = 0.0
        pods = 0
        for record in self._storage.records(PODS, namespace_of(target))[1]:
            pod = record.document
            if not (is_active(pod) and matches(labels_of(pod))):
                continue
            requests = [dig(c, "resources", "requests", "cpu") for c in dig(pod, "spec", "containers") or ()]
            if not all(requests):
                return None, ""
            if measured := usage_of(pod, now):
                used += sum(cpu_cores for _, cpu_cores, _ in measured)
                asked += sum(map(millicores, requests)) / 1000
                pods += 1
        return (round(100 * used / asked), f"{int(1000 * used / pods)}m") if asked else (None, "")

    @staticmethod
    def _wanted(scaler: Obj, now: int, percent: int | None) -> int:
        low, high = dig(scaler, "spec", "minReplicas") or 1, dig(scaler, "spec", "maxReplicas")
        metrics = dig(scaler, "spec", "metrics") or [{}]
        target = dig(metrics[0], "resource", "target", "averageUtilization")
        wanted = now
        if percent is not None and target and abs(percent / target - 1) > TOLERANCE:
            wanted = ceil(now * percent / target)
        return int(min(max(wanted, low), high))

    def _scale(self, scaler: Obj, kind: Kind, namespace: str, name: str, wanted: int, now: int) -> None:
        self._storage.update(kind, namespace, name, lambda document: document["spec"].update(replicas=wanted))
        why = "cpu resource utilization (percentage of request) above target"
        if wanted < now:
            why = "All metrics below target"
        self._reports.normal(scaler, "SuccessfulRescale", f"New size: {wanted}; reason: {why}")

    def _write(self, key: Key, sizes: tuple[int, int], percent: int | None, average: str) -> None:
        stamp = self._world.clock.stamp()
        now, wanted = sizes

        def edit(document: Obj) -> None:
            status = document.setdefault("status", {})
            status |= {"currentReplicas": now, "desiredReplicas": wanted}
            status["currentMetrics"] = []
            if percent is not None:
                resource = {"name": "cpu", "current": {"averageUtilization": percent, "averageValue": average}}
                status["currentMetrics"] = [{"type": "Resource", "resource": resource}]
            words = "the HPA controller was able to get the target's current scale"
            set_condition(document, "AbleToScale", "True", stamp, reason="SucceededGetScale", message=words)
            if not now:
                words = "scaling is disabled since the replica count of the target is zero"
                set_condition(document, "ScalingActive", "False", stamp, reason="ScalingDisabled", message=words)
            elif percent is None:
                words = "the HPA was unable to compute the replica count: missing request for cpu in container"
                reason = "FailedGetResourceMetric"
                set_condition(document, "ScalingActive", "False", stamp, reason=reason, message=words)
            else:
                words = "the HPA was able to successfully calculate a replica count from cpu resource utilization"
                set_condition(document, "ScalingActive", "True", stamp, reason="ValidMetricFound", message=words)

        self._storage.update(AUTOSCALERS, *key, edit)
