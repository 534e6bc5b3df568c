"""Events: what controllers report about objects. The same report again counts up, and old ones go after an hour.

The scheduler reports in the newer form (eventTime and series, no first and last time), all others in the older one, as
in a real cluster: readers must understand both.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

from opsmodal.demo.clock import micro_stamp, stamp
from opsmodal.demo.documents import Obj, name_of, namespace_of, uid_of
from opsmodal.demo.kinds import EVENTS
from opsmodal.demo.storage import Key
from opsmodal.demo.world import World

LIFETIME = timedelta(hours=1)
"""How long events are kept (kube-apiserver --event-ttl)."""
Subject = tuple[str, str, str, str]


class Reporter:
    """Report events of one component."""

    def __init__(self, world: World, component: str, *, newer: bool = False) -> None:
        self._world = world
        self._component = component
        self._newer = newer
        self._known: OrderedDict[tuple[str, ...], tuple[Key, datetime]] = OrderedDict()

    def normal(self, about: Obj, reason: str, message: str, *, field: str = "", host: str = "") -> None:
        """Report something that is as it should be."""
        self._report(about, "Normal", reason, message, field, host)

    def warn(self, about: Obj, reason: str, message: str, *, field: str = "", host: str = "") -> None:
        """Report something that is not."""
        self._report(about, "Warning", reason, message, field, host)

    def _report(self, about: Obj, type_: str, reason: str, message: str, field: str, host: str) -> None:
        now = self._world.clock.now()
        self._expire(now)
        identity = (uid_of(about), type_, reason, message, field)
        known = self._known.get(identity)
        key = known[0] if known else None
        if key is None or self._world.storage.update(EVENTS, *key, lambda event: self._again(event, now)) is None:
            key = self._first(about, (type_, reason, message, field), host, now)
        if key:
            self._known[identity] = (key, now)
            self._known.move_to_end(identity)

    def _again(self, event: Obj, now: datetime) -> None:
        if self._newer:
            count = (event.get("series") or {"count": 1})["count"] + 1
            event["series"] = {"count": count, "lastObservedTime": micro_stamp(now)}
        else:
            event["count"] += 1
            event["lastTimestamp"] = stamp(now)

    def _first(self, about: Obj, what: Subject, host: str, now: datetime) -> Key | None:
        type_, reason, message, field = what
        namespace = namespace_of(about) or "default"
        subject: Obj = {"kind": about["kind"], "namespace": namespace_of(about), "name": name_of(about)}
        subject |= {"uid": uid_of(about), "apiVersion": about["apiVersion"]}
        subject |= {"resourceVersion": about["metadata"].get("resourceVersion", "")}
        name = f"{name_of(about)}.{self._world.names.uid().replace('-', '')[:16]}"
        event: Obj = {"kind": "Event", "apiVersion": "v1"}
        event["metadata"] = {
            "name": name,
            "namespace": namespace,
            "uid": self._world.names.uid(),
            "creationTimestamp": stamp(now),
        }
        event["involvedObject"] = subject | ({"fieldPath": field} if field else {})
        event |= {"type": type_, "reason": reason, "message": message, **self._when(now, host)}
        self._world.storage.put(EVENTS, event)
        return namespace, name

    def _when(self, now: datetime, host: str) -> Obj:
        instance = host or f"{self._component}-control-1"
        if self._newer:
            times: Obj = {"firstTimestamp": None, "lastTimestamp": None, "eventTime": micro_stamp(now), "source": {}}
            return times | {
                "action": "Scheduling",
                "reportingComponent": self._component,
                "reportingInstance": instance,
            }
        source = {"component": self._component} | ({"host": host} if host else {})
        times = {"firstTimestamp": stamp(now), "lastTimestamp": stamp(now), "count": 1, "eventTime": None}
        return times | {"source": source, "reportingComponent": self._component, "reportingInstance": host}

    def _expire(self, now: datetime) -> None:
        while self._known:
            identity, (key, last) = next(iter(self._known.items()))
            if now - last < LIFETIME:
                return
            del self._known[identity]
            self._world.storage.remove(EVENTS, *key)
