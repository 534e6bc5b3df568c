"""What collectors ask of a cluster: events by watch, figures and versions, one request for a whole namespace each."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping, Sequence

from runtimes.base import Scope
from runtimes.errors import Denied, Missing, RuntimeProblem, Unavailable
from runtimes.history import Used, Version
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.figures import metrics
from runtimes.kubernetes.history.reports import EventReports
from runtimes.kubernetes.objects import common
from runtimes.kubernetes.objects.neighbours import PodMetrics
from runtimes.kubernetes.objects.workloads import DeployedObject
from runtimes.kubernetes.scoped import checked
from runtimes.kubernetes.selectors import matcher
from runtimes.kubernetes.watching.kept import KeptLists
from runtimes.kubernetes.workloads.summary import KINDS

REVISED = {
    "deployments": "deployment.kubernetes.io/revision",
    "statefulsets": "",
    "daemonsets": "deprecated.daemonset.template.generation",
}
"""The workloads that are rolled out, and the annotation that counts it. Source:
https://kubernetes.io/docs/reference/labels-annotations-taints/"""


class ClusterHistory:
    """What happens, is used and runs in the namespaces of services."""

    def __init__(self, client: Client, kept: KeptLists) -> None:
        self._client = client
        self._kept = kept
        self._lock = threading.Lock()
        self._open: weakref.WeakSet[EventReports] = weakref.WeakSet()
        self._closed = False

    def place(self, scope: Scope) -> str:
        """Name the namespace, and the account that reads it. Raise Invalid for a scope that cannot be read."""
        matcher(checked(scope).selector)
        return f"{scope.namespace} as {scope.service_account}" if scope.service_account else scope.namespace

    def events(self, scopes: Sequence[Scope]) -> EventReports:
        """Open what happens in a namespace. Raise Unavailable once the runtime is closed."""
        opened = EventReports(self._client, [checked(scope) for scope in scopes])
        with self._lock:
            if self._closed:
                raise Unavailable("The runtime is being closed.")
            self._open.add(opened)
        return opened

    def usage(self, scopes: Sequence[Scope]) -> Mapping[str, Used]:
        """Read the figures of a namespace once, for all its services."""
        try:
            path = paths.pod_metrics(scopes[0].namespace)
            found = self._client.listed(path, PodMetrics, what="pod metrics")
        except Missing:
            return {scope.service: Used(note=metrics.NOT_INSTALLED) for scope in scopes}
        except Denied:
            return {scope.service: Used(note=metrics.NOT_ALLOWED) for scope in scopes}
        except RuntimeProblem as problem:
            # The Metrics API is often down while the cluster is well; a cluster that is silent says so here.
            self._client.get("/version", common.Version, what="the version")
            note = f"The Metrics API does not answer: {problem.sentence}"
            return {scope.service: Used(note=note) for scope in scopes}
        return {scope.service: self._used(scope, found) for scope in scopes}

    def versions(self, scopes: Sequence[Scope]) -> Mapping[str, Sequence[Version]]:
        """Read what the workloads of a namespace are meant to run."""
        found: dict[str, list[Version]] = {scope.service: [] for scope in scopes}
        for resource in REVISED:
            for workload in self._workloads(scopes[0].namespace, resource):
                labels = workload.spec.template.metadata.labels or {}
                for scope in scopes:
                    if matcher(scope.selector)(labels):
                        found[scope.service].append(_version(workload, resource))
        return found

    def close(self) -> None:
        """End what is open. May be called twice."""
        with self._lock:
            self._closed, opened = True, list(self._open)
        for each in opened:
            each.close()

    def _used(self, scope: Scope, found: Sequence[PodMetrics]) -> Used:
        accepts = matcher(scope.selector)
        if scope.selector and found and not any(each.metadata.labels for each in found):
            # Metrics servers before 0.6 give no labels; they still filter by them.
            path, query = paths.pod_metrics(scope.namespace), {"labelSelector": scope.selector}
            found, accepts = self._client.listed(path, PodMetrics, what="pod metrics", query=query), matcher("")
        mine = [each for each in found if accepts(each.metadata.labels or {})]
        figures = {each.metadata.name: metrics.usage(each) for each in mine}
        reasons = (usage.missing_reason for usage in figures.values() if usage.missing_reason)
        return Used(figures=figures, note=next(reasons, "" if figures else metrics.NOT_RUNNING))

    def _workloads(self, namespace: str, resource: str) -> Sequence[DeployedObject]:
        try:
            return self._kept.beside(paths.collection(namespace, resource), DeployedObject, what=resource)
        except (Denied, Missing):
            return ()


def _version(workload: DeployedObject, resource: str) -> Version:
    annotations = workload.metadata.annotations or {}
    return Version(
        workload=f"{KINDS[resource].lower()}/{workload.metadata.name}",
        revision=annotations.get(REVISED[resource], ""),
        images=tuple(each.image for each in workload.spec.template.spec.containers),
    )
