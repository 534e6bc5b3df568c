"""What a pod asks of a node, as the scheduler counts it: resources, and the labels that it wants. Pure.

Source: https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers and, for
sidecars, https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from runtimes.kubernetes.objects.held import Quantities
from runtimes.kubernetes.objects.pods import Affinity, PodSpec
from runtimes.kubernetes.objects.quantity import quantity

Amounts = Mapping[str, float]
WantedLabels = tuple[tuple[str, tuple[str, ...]], ...]


def amounts(known: Quantities | None) -> dict[str, float]:
    """Read quantities by resource: cpu in cores, memory and storage in bytes, everything else as a count."""
    read = {name: quantity(value) for name, value in (known or {}).items()}
    return {name: float(value) for name, value in read.items() if value is not None}


def together(every: Iterable[Amounts]) -> dict[str, float]:
    """Add up amounts, resource by resource."""
    total: dict[str, float] = {}
    for one in every:
        for name, value in one.items():
            total[name] = total.get(name, 0.0) + value
    return total


def of_pod(spec: PodSpec) -> dict[str, float]:
    """Give what a pod asks for in all: its containers, or an init container that needs more, and its overhead."""
    lasting = [amounts(each.resources.requests) for each in spec.containers]
    peaks: list[Amounts] = []
    beside: list[Amounts] = []
    for each in spec.init_containers or ():
        own = amounts(each.resources.requests)
        if each.restart_policy == "Always":
            beside.append(own)
        else:
            peaks.append(together([*beside, own]))
    total = together([*lasting, *beside])
    for peak in peaks:
        total = {name: max(total.get(name, 0.0), peak.get(name, 0.0)) for name in {*total, *peak}}
    # What is set for the pod as a whole counts instead of what its containers ask for (KEP 2837).
    whole = total | amounts(spec.resources.requests if spec.resources else None)
    return together([whole, amounts(spec.overhead)])


def wanted_labels(spec: PodSpec) -> WantedLabels:
    """Give the labels that a node must carry: (key, one of these values), no values for any.

    Several terms of node affinity are alternatives: none of them is a must, so none is given.
    """
    selected = tuple((key, (value,)) for key, value in (spec.node_selector or {}).items())
    return (*selected, *_of_affinity(spec.affinity))


def _of_affinity(affinity: Affinity | None) -> WantedLabels:
    required = affinity.node_affinity.required if affinity and affinity.node_affinity else None
    terms = (required.node_selector_terms or []) if required else []
    if len(terms) != 1:
        return ()
    must = [each for each in terms[0].match_expressions or () if each.operator in ("In", "Exists")]
    return tuple((each.key, tuple(each.values or ())) for each in must)
