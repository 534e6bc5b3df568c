"""Proposes services by the labels that charts and operators give, else one for each namespace.

The only place that asks for something cluster-wide (the names of namespaces), and only tries: who may not list them
gets proposals from the namespaces of the registered services. Of the objects themselves only metadata is asked for.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from runtimes.base import Proposal, Scope
from runtimes.errors import Denied, RuntimeProblem
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.api.media import ONLY_METADATA
from runtimes.kubernetes.objects.common import OnlyMetadata
from runtimes.kubernetes.together import Together

LABELS = ("app.kubernetes.io/part-of", "app.kubernetes.io/instance", "app.kubernetes.io/name")
"""Widest first: https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/"""

SYSTEM = frozenset({"kube-system", "kube-public", "kube-node-lease"})
WITHOUT_PODS = ("deployments", "statefulsets", "daemonsets")
"""Looked at as well: a service scaled to zero is still one."""
NAMESPACES_AT_ONCE = 50

Found = tuple[str, str]
"""(label, value); ("", "") stands for what has none of the labels."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """Looks for services. `namespaces` are those to look at when listing them all is denied."""

    client: Client
    together: Together
    namespaces: tuple[str, ...]

    def __call__(self) -> Sequence[Proposal]:
        """Give the proposals, in the order of their names. Raise RuntimeProblem when nothing can be read."""
        names = self._names()
        outcomes = []
        for start in range(0, len(names), NAMESPACES_AT_ONCE):
            part = names[start : start + NAMESPACES_AT_ONCE]
            outcomes += self.together.run(*(lambda name=name: self._in(name) for name in part)) if part else []
        if outcomes and all(outcome.problem for outcome in outcomes):
            outcomes[0].get()
        found = [(name, outcome.value) for name, outcome in zip(names, outcomes, strict=True) if outcome.value]
        return _unique([each for name, counted in found for each in proposals(name, counted)])

    def _names(self) -> list[str]:
        try:
            found = self.client.listed("/api/v1/namespaces", OnlyMetadata, what="namespaces", accept=ONLY_METADATA)
        except Denied:
            if not self.namespaces:
                raise
            return sorted(set(self.namespaces))
        return sorted(each.metadata.name for each in found if each.metadata.deletion_timestamp is None)

    def _in(self, namespace: str) -> Counter[Found]:
        counted = Counter(_found(each) for each in self._metadata(namespace, "pods"))
        for resource in WITHOUT_PODS:
            try:
                counted.update({_found(each): 0 for each in self._metadata(namespace, resource)})
            except RuntimeProblem:
                continue  # pods alone are enough to propose from
        return counted

    def _metadata(self, namespace: str, resource: str) -> list[OnlyMetadata]:
        path = paths.collection(namespace, resource)
        return self.client.listed(path, OnlyMetadata, what=resource, accept=ONLY_METADATA)


def _found(known: OnlyMetadata) -> Found:
    labels = known.metadata.labels or {}
    return next(((label, labels[label]) for label in LABELS if labels.get(label)), ("", ""))


def proposals(namespace: str, counted: Counter[Found]) -> list[Proposal]:
    """Propose a service for each label value of a namespace, and one for what carries no label. Pure."""
    labelled = [found for found in counted if found[0]]
    made = [
        _proposal(value, namespace, f"{label}={value}", f"label {label}", counted[label, value])
        for label, value in labelled
    ]
    if ("", "") in counted and namespace not in SYSTEM:
        rest = ",".join(f"!{label}" for label in LABELS) if labelled else ""
        made.append(_proposal(namespace, namespace, rest, "namespace", counted["", ""]))
    return made


def _proposal(name: str, namespace: str, selector: str, evidence: str, instances: int) -> Proposal:
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or namespace
    scope = Scope(service=slug, namespace=namespace, selector=selector)
    return Proposal(name=slug, scope=scope, evidence=evidence, instances=instances)


def _unique(found: Sequence[Proposal]) -> list[Proposal]:
    """Add the namespace to names that stand in several, and a number where even that is not enough."""
    names = Counter(each.name for each in found)
    taken: Counter[str] = Counter()
    made = []
    for each in found:
        name = each.name if names[each.name] == 1 else f"{each.name}-{each.scope.namespace}"
        taken[name] += 1
        name = name if taken[name] == 1 else f"{name}-{taken[name]}"
        scope = Scope(service=name, namespace=each.scope.namespace, selector=each.scope.selector)
        made.append(Proposal(name=name, scope=scope, evidence=each.evidence, instances=each.instances))
    return sorted(made, key=lambda each: each.name)
