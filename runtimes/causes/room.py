"""How much room the nodes have, against what a pod wants: the figures that the scheduler's message leaves out.

Works only where the adapter could read nodes; everywhere else it says nothing. It refuses to promise that a pod would
fit: free is what nobody has asked for, on the node where that is most.
"""

from __future__ import annotations

from runtimes.causes.facts import Facts, NodeFacts
from runtimes.causes.words import LISTED_MAX, amount, counted, listed, named


def short(facts: Facts, resource: str) -> str:
    """Say in brackets what is asked for and what is free, for use within a sentence; "" when it is not known."""
    wanted, free = facts.requests.get(resource), _most_free(facts, resource)
    if wanted is None or free is None:
        return ""
    return f" (it asks for {amount(resource, wanted)}, the most that is free is {amount(resource, free[0])})"


def more(facts: Facts, kind: str, fields: dict[str, str]) -> str:
    """Say what the nodes add to an obstacle: by how much a resource is short, which label or taint it is."""
    if kind == "insufficient":
        return _shortage(facts, fields["resource"])
    if kind == "node-selector":
        return _labels(facts)
    if kind == "untolerated-taint" and "taint" not in fields:
        return _taints(facts)
    return ""


def _shortage(facts: Facts, resource: str) -> str:
    wanted, free = facts.requests.get(resource), _most_free(facts, resource)
    if wanted is None or free is None:
        return ""
    largest = max(node.allocatable.get(resource, 0.0) for node in facts.nodes)
    if wanted > largest:
        return f"It asks for {amount(resource, wanted)}; even an empty node has only {amount(resource, largest)}."
    missing = wanted - free[0]
    enough = f": {amount(resource, missing)} too little" if missing > 0 else ""
    asked = f"It asks for {amount(resource, wanted)}"
    return f"{asked}; the most is free on {named(free[1])}, {amount(resource, free[0])}{enough}."


def _most_free(facts: Facts, resource: str) -> tuple[float, str] | None:
    free = [(max(0.0, _free(node, resource)), node.name) for node in facts.nodes]
    return max(free, key=lambda pair: pair[0], default=None)


def _free(node: NodeFacts, resource: str) -> float:
    return node.allocatable.get(resource, 0.0) - node.requested.get(resource, 0.0)


def _labels(facts: Facts) -> str:
    if not facts.nodes or not facts.wanted_labels:
        return ""
    unmet = [wanted for wanted in facts.wanted_labels if not any(_carries(node, *wanted) for node in facts.nodes)]
    if unmet:
        labels = " nor ".join(_label(key, values) for key, values in unmet[:LISTED_MAX])
        return f"None of {counted(len(facts.nodes), 'node')} carries the label {labels}."
    wanted = listed([_label(key, values) for key, values in facts.wanted_labels])
    return f"It wants the label {wanted}: nodes that carry all of it are too few or ruled out otherwise."


def _carries(node: NodeFacts, key: str, values: tuple[str, ...]) -> bool:
    return key in node.labels and (not values or node.labels[key] in values)


def _label(key: str, values: tuple[str, ...]) -> str:
    if not values:
        return named(key)
    return f"{named(key)}={' or '.join(map(named, values[:LISTED_MAX]))}"


def _taints(facts: Facts) -> str:
    taints = {
        f"{key}={value}:{effect}" if value else f"{key}:{effect}"
        for n in facts.nodes
        for key, value, effect in n.taints
    }
    return f"Taints of its nodes: {listed([named(taint) for taint in sorted(taints)])}." if taints else ""
