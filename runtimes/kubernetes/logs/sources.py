"""Which logs a question means: the containers of pods, by name, by default, or all of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from runtimes.base import EVERY, Container, LogQuery
from runtimes.errors import Missing
from runtimes.kubernetes.objects.pods import Pod
from runtimes.kubernetes.pods.instance import containers, first_container
from runtimes.kubernetes.pods.status import TERMINAL, printed


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The log of one container of one pod; equal for the same pod, not for one recreated under its name.

    `started`: it has run at some time. `ended`: it has, and will not again. `waits`: for what, where that is known.
    """

    namespace: str
    pod: str
    uid: str
    container: str
    started: bool = field(compare=False, default=True)
    ended: bool = field(compare=False, default=False)
    waits: str = field(compare=False, default="")


def sources(pod: Pod, query: LogQuery, *, strict: bool) -> list[Source]:
    """Give the sources of a pod. Raise Missing when `strict` and the pod has no container of that name."""
    wanted = query.container or first_container(pod)
    found = [each for each in containers(pod) if wanted in {EVERY, each.name}]
    if query.previous and not (strict and query.container != EVERY):
        found = [each for each in found if each.previous]
    if strict and not found and wanted != EVERY:
        there = ", ".join(each.name for each in containers(pod))
        name = pod.metadata.name
        raise Missing(f'Pod {name} has no container "{wanted[:100]}".', hint=f"Its containers are: {there}.")
    return [
        Source(
            namespace=pod.metadata.namespace,
            pod=pod.metadata.name,
            uid=pod.metadata.uid,
            container=each.name,
            started=each.state != "waiting" or each.previous,
            ended=_ended(pod, each),
            waits=each.reason or printed(pod).word,
        )
        for each in found
    ]


def _ended(pod: Pod, known: Container) -> bool:
    """Say whether a container has ended for good, by the pod's phase and its restart policy."""
    if pod.status.phase in TERMINAL:
        return True
    if known.state != "terminated" or known.kind == "sidecar":
        return False
    never = pod.spec.restart_policy == "Never" or known.kind == "ephemeral"
    well = known.exit_code == 0 and (pod.spec.restart_policy == "OnFailure" or known.kind == "init")
    return never or well
