"""HorizontalPodAutoscalers: replicas that follow what the simulated metrics show."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from opsmodal.demo import writing
from opsmodal.demo.documents import Obj, dig, is_leaving, labels_of, name_of, namespace_of, uid_of
from opsmodal.demo.kinds import PODS, Kind, stored
from opsmodal.demo.life import scaling
from opsmodal.demo.life.conditions import set_condition
from opsmodal.demo.life.making import is_active
from opsmodal.demo.life.registrations import is_measured
from opsmodal.demo.life.reports import Reporter
from opsmodal.demo.life.usage import Usage
from opsmodal.demo.ownership.writes import UPDATE, Manager
from opsmodal.demo.problems import not_found
from opsmodal.demo.quantities import amount
from opsmodal.demo.selectors import of_object
from opsmodal.demo.storage import Change, Key, Record
from opsmodal.demo.world import World

AUTOSCALERS = stored("horizontalpodautoscalers")
PERIOD_S = 15.0
"""How often an autoscaler looks (--horizontal-pod-autoscaler-sync-period)."""
SCALED = {
    "Deployment": stored("deployments"),
    "StatefulSet": stored("statefulsets"),
    "ReplicaSet": stored("replicasets"),
}
PODS_MEASURED = "get pods.metrics.k8s.io"
COMPUTING = "the HPA was unable to compute the replica count: "
Condition = tuple[str, str, str, str]
"""Type, status, reason and message."""
FOUND = ("AbleToScale", "True", "SucceededGetScale", "the HPA controller was able to get the target's current scale")
FITS = ("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size")
WAITS = "recent recommendations were higher than current one, applying the highest recent recommendation"
DISABLED = "scaling is disabled since the replica count of the target is zero"
CONTROLLER = Manager(
    name="kube-controller-manager", operation=UPDATE, api_version="autoscaling/v1", subresource="scale"
)


class Unmeasured(Exception):
    """A metric that cannot be computed: why, in the controller's words."""


class Autoscalers:
    """Scale workloads."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._storage = world.storage
        self._usage = Usage(world.storage)
        self._reports = Reporter(world, "horizontal-pod-autoscaler")
        self._advice: dict[str, deque[tuple[datetime, int]]] = {}

    def notice(self, kind: Kind, change: Change) -> Iterable[Key]:
        """Look at autoscalers that are new or whose spec changed."""
        document = change.record.document
        if kind is not AUTOSCALERS:
            return []
        if change.type == "DELETED":
            self._advice.pop(uid_of(document), None)
            return []
        same = change.before is not None and change.before.document.get("spec") == document.get("spec")
        return [] if same else [(namespace_of(document), name_of(document))]

    def look(self, key: Key) -> datetime | None:
        """Measure, and scale where that is needed."""
        record = self._storage.get(AUTOSCALERS, *key)
        if record is None or is_leaving(record.document):
            return None
        scaler = record.document
        reference = dig(scaler, "spec", "scaleTargetRef") or {}
        kind = SCALED.get(reference.get("kind") or "")
        target = self._storage.get(kind, key[0], reference["name"]) if kind else None
        if kind is None or target is None:
            self._lost(key, scaler, reference)
        else:
            self._serve(key, scaler, kind, target)
        return self._world.clock.after(PERIOD_S)

    def _lost(self, key: Key, scaler: Obj, reference: Obj) -> None:
        kind = SCALED.get(reference.get("kind") or "")
        words = not_found(kind.plural, kind.group, reference["name"]).message if kind else "no such kind"
        self._reports.warn(scaler, "FailedGetScale", words)
        message = f"the HPA controller was unable to get the target's current scale: {words}"
        self._write(key, [("AbleToScale", "False", "FailedGetScale", message)], {})

    def _serve(self, key: Key, scaler: Obj, kind: Kind, target: Record) -> None:
        now = dig(target.document, "spec", "replicas") or 0
        if not now:
            self._write(key, [FOUND, ("ScalingActive", "False", "ScalingDisabled", DISABLED)], {"desiredReplicas": 0})
            return
        metrics = dig(scaler, "spec", "metrics") or []
        try:
            measured = [self._measured(target.document, metric) for metric in metrics]
        except Unmeasured as error:
            self._unmeasured(key, scaler, str(error), now)
            return
        votes = [scaling.proposed(metric, found, now) for metric, found in zip(metrics, measured, strict=True)]
        wanted = max(votes, default=now)
        wanted, able = self._stabilized(scaler, wanted, now)
        low, high = dig(scaler, "spec", "minReplicas") or 1, dig(scaler, "spec", "maxReplicas")
        size, limited = scaling.bounded(wanted, now, low, high)
        status: Obj = {"currentReplicas": now, "desiredReplicas": size}
        status["currentMetrics"] = [found.current() for found in measured]
        if size != now:
            above = metrics[votes.index(max(votes))] if votes and max(votes) > now else None
            self._scale(scaler, kind, target, size, above)
            status["lastScaleTime"] = self._world.clock.stamp()
            words = f"the HPA controller was able to update the target scale to {size}"
            able = ("AbleToScale", "True", "SucceededRescale", words)
        first = scaling.reason_above(metrics[0]).removesuffix(" above target") if metrics else "none"
        words = f"the HPA was able to successfully calculate a replica count from {first}"
        active = ("ScalingActive", "True", "ValidMetricFound", words)
        self._write(key, [able, active, ("ScalingLimited", *limited)], status)

    def _measured(self, target: Obj, metric: Obj) -> scaling.Measured:
        """Measure the pods of a workload. Raise Unmeasured in the controller's words."""
        name = str(dig(metric, "resource", "name"))
        by_request = dig(metric, "resource", "target", "averageUtilization") is not None
        head = f"failed to get {name} {'utilization' if by_request else 'usage'}"
        if not is_measured(self._storage):
            words = f"unable to get metrics for resource {name}: unable to fetch metrics from resource metrics API"
            raise Unmeasured(f"{head}: {words}: the server could not find the requested resource ({PODS_MEASURED})")
        matches, now = of_object(dig(target, "spec", "selector")), self._world.clock.now()
        used = asked = 0.0
        pods = 0
        for record in self._storage.records(PODS, namespace_of(target))[1]:
            pod = record.document
            if not (is_active(pod) and matches(labels_of(pod))):
                continue
            for container in dig(pod, "spec", "containers") or ():
                request = dig(container, "resources", "requests", name)
                if request is None and by_request:
                    where = f"container {container['name']} of Pod {name_of(pod)}"
                    raise Unmeasured(f"{head}: missing request for {name} in {where}")
            if measured := self._usage.of(pod, now):
                used += sum(cores if name == "cpu" else size for _, cores, size in measured)
                asked += sum(float(amount(dig(c, "resources", "requests", name))) for c in pod["spec"]["containers"])
                pods += 1
        if not pods:
            words = f"unable to get metrics for resource {name}: no metrics returned from resource metrics API"
            raise Unmeasured(f"{head}: {words}")
        return scaling.Measured(name=name, average=used / pods, percent=round(100 * used / asked) if asked else None)

    def _unmeasured(self, key: Key, scaler: Obj, words: str, now: int) -> None:
        self._reports.warn(scaler, "FailedGetResourceMetric", words)
        name = words.split()[3]
        first = f"first error is: failed to get {name} resource metric value: {words}"
        self._reports.warn(scaler, "FailedComputeMetricsReplicas", f"invalid metrics (1 invalid out of 1), {first}")
        active = ("ScalingActive", "False", "FailedGetResourceMetric", f"{COMPUTING}{words}")
        self._write(key, [FOUND, active], {"currentReplicas": now})

    def _stabilized(self, scaler: Obj, wanted: int, now: int) -> tuple[int, Condition]:
        """Follow the highest of the recent recommendations where that is more."""
        clock = self._world.clock
        moment, window_s = clock.now(), clock.wait_s(scaling.stable_s(scaler))
        advice = self._advice.setdefault(uid_of(scaler), deque([(moment, now)]))
        advice.append((moment, wanted))
        while advice and moment - advice[0][0] > timedelta(seconds=window_s):
            advice.popleft()
        highest = max(size for _, size in advice) if wanted < now else wanted
        if highest > wanted:
            return min(highest, now), ("AbleToScale", "True", "ScaleDownStabilized", WAITS)
        return wanted, FITS

    def _scale(self, scaler: Obj, kind: Kind, target: Record, size: int, above: Obj | None) -> None:
        def edit(document: Obj) -> Obj:
            document["spec"]["replicas"] = size
            return document

        with self._storage.lock:
            writing.change(self._world, kind, target, edit, manager=CONTROLLER)
        why = scaling.reason_above(above) if above else "All metrics below target"
        self._reports.normal(scaler, "SuccessfulRescale", f"New size: {size}; reason: {why}")

    def _write(self, key: Key, conditions: list[Condition], values: dict[str, Any]) -> None:
        stamp = self._world.clock.stamp()

        def edit(document: Obj) -> None:
            status = document.setdefault("status", {})
            status |= {"currentMetrics": None, "desiredReplicas": 0} if "desiredReplicas" not in status else {}
            status |= values
            for type_, state, reason, message in conditions:
                set_condition(document, type_, state, stamp, reason=reason, message=message)

        self._storage.update(AUTOSCALERS, *key, edit)
