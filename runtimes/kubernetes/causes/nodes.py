"""Reads the nodes for a pod that none of them takes: how much room each has, its labels, and the taints in the way.

Asked only for such a pod, and only for as long as a person waits. It refuses to make this a condition: who may not read
nodes, or may not read what runs on them, gets the rest of the answer without a word.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic

from runtimes.causes.facts import NodeFacts
from runtimes.errors import RuntimeProblem
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.causes import wants
from runtimes.kubernetes.objects.common import Page
from runtimes.kubernetes.objects.neighbours import Node, Taint
from runtimes.kubernetes.objects.pods import Pod
from runtimes.kubernetes.together import Together

NODES_PATH, PODS_PATH = "/api/v1/nodes", "/api/v1/pods"
NODES_MAX = 500
"""Of a larger cluster nothing is said: an answer about some of its nodes could be wrong about the others."""
LOOKED_INTO_MAX = 30
"""Nodes whose pods are read; each is a request."""
LOOKING_MAX_S = 3.0
"""After this no further node is looked into."""
LIVING = "status.phase!=Succeeded,status.phase!=Failed"
KEEPS_AWAY = frozenset({"NoSchedule", "NoExecute"})
"""Effects of taints that keep a pod away; PreferNoSchedule does not."""


@dataclass(frozen=True, slots=True)
class Nodes:
    """Reads nodes and what runs on them."""

    client: Client
    together: Together

    def around(self, pod: Pod, *, short: bool) -> tuple[NodeFacts, ...]:
        """Give the nodes as `pod` meets them, none where they may not be read; `short` also what is taken of each."""
        try:
            page = self.client.get(NODES_PATH, Page[Node], what="nodes", query={"limit": NODES_MAX})
        except RuntimeProblem:
            return ()
        if page.metadata.continue_:
            return ()
        nodes = [_facts(node, pod) for node in page.items or ()]
        # Those that are not ruled out by a taint tell most; the sort is stable.
        nodes.sort(key=lambda node: bool(node.taints))
        return (*self._looked_into(nodes[:LOOKED_INTO_MAX]), *nodes[LOOKED_INTO_MAX:]) if short else tuple(nodes)

    def _looked_into(self, nodes: Sequence[NodeFacts]) -> list[NodeFacts]:
        if not nodes:
            return []
        look = _Look(self.client, monotonic() + LOOKING_MAX_S)
        outcomes = self.together.run(*(lambda name=node.name: look.into(name) for node in nodes))
        return [
            replace(node, requested=outcome.value, requested_known=True) if outcome.value is not None else node
            for node, outcome in zip(nodes, outcomes, strict=True)
        ]


class _Look:
    """One look into several nodes: the first refusal or the deadline ends it for all of them."""

    def __init__(self, client: Client, deadline: float) -> None:
        self._client = client
        self._deadline = deadline
        self._refused = threading.Event()

    def into(self, node: str) -> Mapping[str, float] | None:
        """Sum up what the pods on a node ask for; None when that is not known."""
        if self._refused.is_set() or monotonic() > self._deadline:
            return None
        query = {"fieldSelector": f"spec.nodeName={node},{LIVING}"}
        try:
            found = self._client.listed(PODS_PATH, Pod, what="pods", query=query)
        except RuntimeProblem:
            self._refused.set()
            return None
        return wants.together(wants.of_pod(pod.spec) for pod in found)


def _facts(node: Node, pod: Pod) -> NodeFacts:
    in_the_way = (taint for taint in node.spec.taints or () if not _tolerated(taint, pod))
    return NodeFacts(
        name=node.metadata.name,
        allocatable=wants.amounts(node.status.allocatable),
        requested_known=False,
        labels=node.metadata.labels or {},
        taints=tuple((taint.key, taint.value, taint.effect) for taint in in_the_way),
    )


def _tolerated(taint: Taint, pod: Pod) -> bool:
    """Say whether a taint leaves the pod alone, by the rules of core/v1 Toleration; an unknown operator does."""
    if taint.effect not in KEEPS_AWAY:
        return True
    for known in pod.spec.tolerations or ():
        fits = known.effect in ("", taint.effect) and known.key in ("", taint.key)
        if fits and (known.operator not in ("", "Equal") or (known.key != "" and known.value == taint.value)):
            return True
    return False
