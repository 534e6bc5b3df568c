"""How much room the nodes have, against what a pod wants: the figures that the scheduler's message leaves out.

Works only where the adapter could read nodes; everywhere else it says nothing. It refuses to promise that a pod would
fit: free is what nobody has asked for, on the node where that is most.
"""

from __future__ import annotations

from collections.abc import Sequence

from runtimes.causes.facts import Facts, NodeFacts
from runtimes.causes.words import LISTED_MAX, amount, counted, listed, named, plain


def short(facts: Facts, kind: str, fields: dict[str, str]) -> str:
    """Say in a few words, for use within a sentence, what the nodes add to an obstacle; "" when nothing is known."""
    if kind == "insufficient":
        return _least(facts, fields["resource"])
    unmet = _unmet(facts) if kind == "node-selector" else []
    return f"no node carries the label {_spelled(unmet)}" if unmet else ""


def more(facts: Facts, kind: str, fields: dict[str, str]) -> str:
    """Say what the nodes add to an obstacle: by how much a resource is short, which label or taint it is."""
    if kind == "insufficient":
        return _shortage(facts, fields["resource"])
    if kind == "node-selector":
        return _labels(facts)
    if kind == "untolerated-taint" and "taint" not in fields:
        return _taints(facts)
    return ""


def _least(facts: Facts, resource: str) -> str:
    """Say by how much the node that comes closest is short; "at least" where others are shorter or it may be more."""
    wanted = facts.requests.get(resource)
    near = [node for node in facts.nodes if not node.taints and _matches(facts, node)] or facts.nodes
    missing = {node.name: wanted - _free(node, resource) for node in near} if wanted is not None else {}
    lacking = {name: value for name, value in missing.items() if value > 0}
    if not lacking:
        return ""
    exact = len(lacking) == 1 and all(node.requested_known for node in near if node.name in lacking)
    return f"by {plain(resource, min(lacking.values()))}{'' if exact else ' at least'}"


def _shortage(facts: Facts, resource: str) -> str:
    wanted, free = facts.requests.get(resource), _most_free(facts, resource)
    if wanted is None or free is None:
        return ""
    asked = f"It asks for {amount(resource, wanted)}"
    largest = max(node.allocatable.get(resource, 0.0) for node in facts.nodes)
    if wanted > largest:
        return f"{asked}; even an empty node has only {amount(resource, largest)}."
    if not free[2]:
        return f"{asked}; an empty node has up to {amount(resource, largest)}, how much of it is taken was not read."
    missing = wanted - free[0]
    enough = f": {amount(resource, missing)} too little" if missing > 0 else ""
    return f"{asked}; the most is free on {named(free[1])}, {amount(resource, free[0])}{enough}."


def _most_free(facts: Facts, resource: str) -> tuple[float, str, bool] | None:
    free = [(max(0.0, _free(node, resource)), node.name, node.requested_known) for node in facts.nodes]
    return max(free, key=lambda each: each[0], default=None)


def _free(node: NodeFacts, resource: str) -> float:
    return node.allocatable.get(resource, 0.0) - node.requested.get(resource, 0.0)


def _labels(facts: Facts) -> str:
    if not facts.nodes or not facts.wanted_labels:
        return ""
    unmet = _unmet(facts)
    if unmet:
        return f"None of {counted(len(facts.nodes), 'node')} carries the label {_spelled(unmet)}."
    wanted = listed([_label(key, values) for key, values in facts.wanted_labels])
    return f"It wants the label {wanted}: nodes that carry all of it are too few or ruled out otherwise."


def _unmet(facts: Facts) -> list[tuple[str, tuple[str, ...]]]:
    wanted = facts.wanted_labels if facts.nodes else ()
    return [each for each in wanted if not any(_carries(node, *each) for node in facts.nodes)]


def _spelled(labels: Sequence[tuple[str, tuple[str, ...]]]) -> str:
    return " nor ".join(_label(key, values) for key, values in labels[:LISTED_MAX])


def _matches(facts: Facts, node: NodeFacts) -> bool:
    return all(_carries(node, key, values) for key, values in facts.wanted_labels)


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
