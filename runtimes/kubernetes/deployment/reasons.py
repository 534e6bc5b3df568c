"""Looks into why the pods of a workload are not ready, or are not even made, and keeps the answer for a moment.

A rollout is asked about every second while somebody follows it, and each explanation costs up to five reads: one is
kept for KEPT_S, unless the pod itself has moved. It never quotes a log: not all who see a rollout may read logs.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from time import monotonic

from runtimes import causes
from runtimes.base import Explanation
from runtimes.errors import RuntimeProblem
from runtimes.kubernetes import events
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.causes.facts import Surroundings
from runtimes.kubernetes.deployment.rollouts.pods import Member
from runtimes.kubernetes.objects.neighbours import EventObject
from runtimes.kubernetes.objects.pods import Pod
from runtimes.kubernetes.objects.workloads import DeployedObject
from runtimes.kubernetes.pods.status import condition_is
from runtimes.kubernetes.together import Together

EXPLAINED_MAX = 2
"""Pods of one rollout that are looked into: the others mostly fail alike."""
KEPT_S = 5.0
KEPT_MAX = 256
REFUSED = "FailedCreate"
"""The reason of the events by which a controller tells that its pods are not taken."""
REFUSED_MAX = timedelta(minutes=20)
"""Older events are of something else: a controller tries again at the latest after 1,000 s
(k8s.io/client-go util/workqueue, DefaultTypedControllerRateLimiter)."""


class Reasons:
    """Explains the pods of one cluster. Safe to use from several threads."""

    def __init__(self, client: Client, together: Together) -> None:
        self._client = client
        self._together = together
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], tuple[float, Explanation]] = OrderedDict()

    def of(self, namespace: str, waiting: Iterable[Member]) -> Mapping[str, Explanation]:
        """Explain the first of these pods, by their names; those that cannot be read (any more) are left out."""
        told: dict[str, Explanation] = {}
        for member in tuple(waiting)[:EXPLAINED_MAX]:
            known = self._known(member) or self._asked(namespace, member)
            if known is not None:
                told[member.name] = known
        return told

    def refused(self, known: DeployedObject, kind: str) -> str:
        """Give what the latest event says of pods that were not taken; "" where none is of late or may be read."""
        name = known.metadata.name
        query = {"fieldSelector": f"involvedObject.kind={kind},involvedObject.name={name},reason={REFUSED}"}
        try:
            path = paths.collection(known.metadata.namespace, "events")
            found = self._client.listed(path, EventObject, what="events", query=query)
        except RuntimeProblem:
            return ""
        told = events.newest_first(found, only=lambda subject: subject.uid in {"", known.metadata.uid})
        of_late = datetime.now(UTC) - REFUSED_MAX
        return next((each.message for each in told if each.at is not None and each.at > of_late), "")

    def _known(self, member: Member) -> Explanation | None:
        with self._lock:
            kept = self._kept.get((member.uid, member.version))
        return kept[1] if kept is not None and monotonic() - kept[0] < KEPT_S else None

    def _asked(self, namespace: str, member: Member) -> Explanation | None:
        try:
            path = paths.single(namespace, "pods", member.name)
            pod = self._client.get(path, Pod, what=f"pod {member.name}")
            told = causes.explain(Surroundings(self._client, self._together).facts(pod, quote_logs=False))
        except RuntimeProblem:
            return None
        if condition_is(pod, "Ready"):
            return None  # it has become ready since it was listed: no reason why it is not
        with self._lock:
            self._kept[member.uid, member.version] = monotonic(), told
            while len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
        return told
