"""The Pods tab: list, look at, explain and delete the pods of a service.

Whether the credential may delete is not asked beforehand: rights hold per namespace, and a review costs a request for
each look. The button is offered; a refusal names the verb and the resource that are missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from runtimes import causes
from runtimes.base import Blast, Explanation, Instance, InstanceDetail, Scope, Snapshot, Watch
from runtimes.errors import Conflict, Missing, RuntimeProblem, Stale, Unsupported
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.causes.facts import Surroundings
from runtimes.kubernetes.figures.metrics import Figures
from runtimes.kubernetes.figures.recent import RecentFigures
from runtimes.kubernetes.instances.blast import PodBlast
from runtimes.kubernetes.instances.news import PodWatch
from runtimes.kubernetes.objects.held import HeldPod
from runtimes.kubernetes.objects.pods import Pod
from runtimes.kubernetes.pods import details
from runtimes.kubernetes.pods.rows import Rows
from runtimes.kubernetes.scoped import Pods, checked
from runtimes.kubernetes.selectors import matcher
from runtimes.kubernetes.together import Together
from runtimes.kubernetes.watching.live import LivePods

VERBS = frozenset({"delete", "force-delete", "delete-pending"})


class PodInstances:
    """The pods of a service, as rows and one by one."""

    def __init__(self, client: Client, together: Together, live: LivePods, figures: RecentFigures, rows: Rows) -> None:
        self.verbs = VERBS
        self._client = client
        self._together = together
        self._live = live
        self._figures = figures
        self._rows = rows

    def list(self, scope: Scope) -> Snapshot[Instance]:
        """Give all pods with what they use, out of memory once they are watched. Raise RuntimeProblem."""
        self._figures.want(checked(scope).namespace)  # asked for while the pods are
        found = self._live.whole(scope)
        # While the API server is silent nobody should wait for the Metrics API, which is behind it.
        figures = self._figures.known(scope.namespace) if found.stale else self._figures.read(scope.namespace)
        rows = self.rows(scope, found.items, figures)
        return Snapshot(items=rows, as_of=found.as_of, stale=found.stale, problem=found.problem, live=True)

    def watch(self, scope: Scope) -> Watch:
        """Keep the pods and what they use current while somebody looks. Raise Unavailable for a closed runtime."""
        return PodWatch(self._live.watch(scope), self._figures, self._rows, scope.namespace)

    def figures(self, scope: Scope) -> Figures:
        """Give what the pods of a namespace use, at most a minute old. Never raises."""
        return self._figures.read(scope.namespace)

    def rows(self, scope: Scope, pods: tuple[HeldPod, ...], figures: Figures) -> tuple[Instance, ...]:
        """Give the rows of a service out of all `pods` of its namespace."""
        rows = self._rows.of(scope.namespace, pods, figures, datetime.now(UTC))
        accepts = matcher(scope.selector)
        return self._rows.selected(scope.namespace, pods, rows, selector=scope.selector, accepts=accepts)

    def get(self, scope: Scope, instance: str) -> InstanceDetail:
        """Read everything about one pod. Raise Missing when it is not the service's."""
        pod = Pods(self._client).one(scope, instance)
        figures, known = self._together.run(
            lambda: self.figures(scope),
            lambda: Surroundings(self._client, self._together).events(pod),
        )
        usage = figures.get().of(pod.metadata.name, running=pod.status.phase == "Running")
        row = self._rows.one(pod, usage, datetime.now(UTC))
        return details.detail(pod, row, tuple(known.value or ()))

    def cause(self, scope: Scope, instance: str, *, quote_logs: bool = True) -> Explanation:
        """Explain why a pod is not ok. Raise Missing when it is not the service's."""
        pod = Pods(self._client).one(scope, instance)
        return causes.explain(Surroundings(self._client, self._together).facts(pod, quote_logs=quote_logs))

    def blast(self, scope: Scope, instances: Sequence[str], *, verb: str = "") -> Blast:  # noqa: ARG002 - all alike
        """Say what else is hit when these pods are deleted. Raise RuntimeProblem when they cannot be read."""
        return PodBlast(self._client, self._together, self._live).of(scope, instances)

    def delete(self, scope: Scope, instance: str, *, force: bool, uid: str = "") -> None:
        """Delete a pod, with its own grace period or (`force`) at once. Raise Missing, Conflict or Denied.

        Conflict when it is not the one of that `uid`: a StatefulSet makes pods again under their names.
        """
        pod = Pods(self._client).one(scope, instance)
        if uid and pod.metadata.uid != uid:
            raise _recreated(pod.metadata.name)
        self._delete(pod, grace_s=0 if force else None)
        self._live.deleted(scope.namespace, [pod])

    def delete_pending(self, scope: Scope) -> Sequence[str]:
        """Delete every Pending pod that is not on its way out already; give the names. Raise RuntimeProblem."""
        found = Pods(self._client).all(scope, phase="Pending")
        doomed = [pod for pod in found if pod.metadata.deletion_timestamp is None]
        deleted: list[Pod] = []
        for pod in doomed:
            try:
                self._delete(pod, grace_s=None)
            except (Missing, Conflict):
                continue  # it is gone, or another pod has its name: neither is the one that was pending
            except RuntimeProblem as problem:
                raise type(problem)(
                    f"{len(deleted)} of {len(doomed)} pending pods were deleted. {problem.sentence}",
                    hint=problem.hint,
                    detail=problem.detail,
                ) from problem
            deleted.append(pod)
        self._live.deleted(scope.namespace, deleted)
        return [pod.metadata.name for pod in deleted]

    def restart(self, scope: Scope, instance: str) -> None:
        """Raise Missing when the pod is not the service's, else Unsupported: Kubernetes restarts no pod in place."""
        pod = Pods(self._client).one(scope, instance)
        hint = "Delete it: its workload makes a new one."
        raise Unsupported(f"Kubernetes cannot restart pod {pod.metadata.name} in place.", hint=hint)

    def stop(self, scope: Scope, instance: str) -> None:
        """Raise Missing when the pod is not the service's, else Unsupported: a pod that ended is made again."""
        pod = Pods(self._client).one(scope, instance)
        hint = "Scale its workload to 0, on the page Scaling."
        raise Unsupported(f"Kubernetes cannot stop pod {pod.metadata.name} and keep it.", hint=hint)

    def start(self, scope: Scope, instance: str) -> None:
        """Raise Missing when the pod is not the service's, else Unsupported: pods are started by their node."""
        pod = Pods(self._client).one(scope, instance)
        hint = "Why? says what keeps it from running."
        raise Unsupported(f"Kubernetes cannot start pod {pod.metadata.name}: its node does.", hint=hint)

    def _delete(self, pod: Pod, *, grace_s: int | None) -> None:
        name = pod.metadata.name
        path = paths.single(pod.metadata.namespace, "pods", name)
        try:
            self._client.delete(path, what=f"pod {name}", uid=pod.metadata.uid, grace_s=grace_s)
        except Stale as problem:
            raise _recreated(name, problem.detail) from problem


def _recreated(name: str, detail: str = "") -> Conflict:
    hint = "Nothing was deleted. Look at the new one first."
    return Conflict(f"Pod {name} was recreated in the meantime.", hint=hint, detail=detail)
