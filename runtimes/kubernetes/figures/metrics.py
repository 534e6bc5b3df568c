"""What the pods of a namespace use now, from the Metrics API; where there is no figure, the reason why.

None never becomes 0: a page that shows 0 for "nobody measured" sends people to the wrong place. Source:
https://kubernetes.io/docs/reference/external-api/metrics.v1beta1/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from runtimes.base import Usage
from runtimes.errors import Denied, Missing, RuntimeProblem
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.objects.neighbours import PodMetrics
from runtimes.kubernetes.objects.quantity import cores, whole_bytes

GROUP = "metrics.k8s.io"
NO_NETWORK = "The Metrics API has no network figures."
NOT_INSTALLED = "The Metrics API is not installed in the cluster."
NOT_ALLOWED = "The credential may not read the Metrics API in this namespace."
NO_MEMORY = "The Metrics API has no network figures and gives no memory figure for this pod."
NOT_SCRAPED = "The Metrics API has no figures of this pod yet: it measures running pods every 15 to 60 s."
NOT_RUNNING = "Only running pods use anything."


@dataclass(frozen=True, slots=True)
class Figures:
    """Usage by pod name; `problem` says why there is none at all."""

    by_pod: Mapping[str, Usage] = field(default_factory=dict)
    problem: str = ""

    def of(self, name: str, *, running: bool) -> Usage:
        """Give the usage of a pod, or why it is not known."""
        known = self.by_pod.get(name)
        if known is not None:
            return known
        return _missing(NOT_RUNNING if not running else self.problem or NOT_SCRAPED)


@lru_cache(64)
def _missing(reason: str) -> Usage:
    return Usage(missing_reason=reason)


def read(client: Client, namespace: str) -> Figures:
    """Read the figures of a namespace. Never raises for a Metrics API that is absent, forbidden or broken."""
    try:
        found = client.listed(paths.pod_metrics(namespace), PodMetrics, what="pod metrics")
    except Missing:
        return Figures(problem=NOT_INSTALLED)
    except Denied:
        return Figures(problem=NOT_ALLOWED)
    except RuntimeProblem as problem:
        return Figures(problem=f"The Metrics API does not answer: {problem.sentence}")
    return Figures({known.metadata.name: usage(known) for known in found})


def usage(known: PodMetrics) -> Usage:
    """Sum up the containers of a pod."""
    used = [container.usage or {} for container in known.containers or ()]
    if not used:
        return Usage(missing_reason=NOT_SCRAPED)
    # Nothing that runs uses no memory at all; nodes with cgroups v1 were seen to report 0 for small pods.
    memory_bytes = sum(whole_bytes(figures.get("memory")) or 0 for figures in used) or None
    return Usage(
        cpu_cores=sum(cores(figures.get("cpu")) or 0.0 for figures in used),
        memory_bytes=memory_bytes,
        missing_reason=NO_NETWORK if memory_bytes else NO_MEMORY,
    )


def total(usages: list[Usage], problem: str) -> Usage:
    """Sum up the pods of a service: None when none of them has a figure."""
    known = [each for each in usages if each.cpu_cores is not None]
    if not known:
        return Usage(missing_reason=problem or (usages[0].missing_reason if usages else NOT_RUNNING))
    return Usage(
        cpu_cores=sum(each.cpu_cores or 0.0 for each in known),
        memory_bytes=sum(each.memory_bytes or 0 for each in known) or None,
        missing_reason=NO_NETWORK,
    )
