"""The pods of one service, and no others: every facet takes its pods from here.

A pod in another namespace, outside the selector, or with a name that cannot exist is Missing, all in the same words:
who may not see a pod must not learn that it is there.
"""

from __future__ import annotations

from dataclasses import dataclass

from runtimes.base import Scope
from runtimes.errors import Invalid, Missing
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.objects.pods import Pod
from runtimes.kubernetes.selectors import matcher

AMBIGUOUS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Pods:
    """Reads the pods of a scope."""

    client: Client

    def all(self, scope: Scope, *, phase: str = "") -> list[Pod]:
        """List them, with `phase` only those in it. Raise RuntimeProblem."""
        query = {
            "labelSelector": checked(scope).selector or None,
            "fieldSelector": f"status.phase={phase}" if phase else None,
        }
        return self.client.listed(paths.collection(scope.namespace, "pods"), Pod, what="pods", query=query)

    def one(self, scope: Scope, name: str, *, exact: bool = False) -> Pod:
        """Read the pod with this name, or (not `exact`) the only one that begins so. Raise Missing or Invalid."""
        belongs = matcher(checked(scope).selector)
        if not paths.possible(name):
            raise _missing(scope, name)
        try:
            found = self.client.get(paths.single(scope.namespace, "pods", name), Pod, what=f"pod {name}")
        except Missing:
            if exact:
                raise _missing(scope, name) from None
            return self._beginning(scope, name)
        if not belongs(found.metadata.labels or {}):
            raise _missing(scope, name)
        return found

    def _beginning(self, scope: Scope, prefix: str) -> Pod:
        found = [pod for pod in self.all(scope) if pod.metadata.name.startswith(prefix)]
        if not found:
            raise _missing(scope, prefix)
        if len(found) > 1:
            names = ", ".join(sorted(pod.metadata.name for pod in found)[:AMBIGUOUS_SHOWN])
            raise Invalid(f'{len(found)} pods have names that begin with "{prefix}".', hint=f"They are: {names}.")
        return found[0]


def checked(scope: Scope) -> Scope:
    """Give the scope back when it can be used on Kubernetes. Raise Invalid."""
    if not scope.namespace:
        raise Invalid(f"Service {scope.service} has no namespace.", hint="Give it one in the registry.")
    matcher(scope.selector)
    return scope


def _missing(scope: Scope, name: str) -> Missing:
    hint = "It may have been deleted or recreated since; go back to the list."
    return Missing(f'There is no pod "{name[:100]}" in service {scope.service}.', hint=hint)
