"""Names the pod of an exec that names a workload: what it started there is ended by a second exec, in the same pod."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from runtimes.commands import Command
from runtimes.errors import RuntimeProblem
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.objects.held import HeldPod, Labels
from runtimes.structs import make_ready

RESOURCES = {
    "deployments": ("deployment", "deploy"),
    "replicasets": ("replicaset", "rs"),
    "statefulsets": ("statefulset", "sts"),
    "daemonsets": ("daemonset", "ds"),
    "jobs": ("job",),
    "services": ("service", "svc"),
}


class _Expression(msgspec.Struct, frozen=True):
    key: str
    operator: str
    values: tuple[str, ...] | None = None


class _Selector(msgspec.Struct, frozen=True, rename="camel"):
    match_labels: Labels | None = None
    match_expressions: tuple[_Expression, ...] | None = None


class _Spec(msgspec.Struct, frozen=True):
    selector: msgspec.Raw = msgspec.Raw(b"{}")


class _Selecting(msgspec.Struct, frozen=True):
    spec: _Spec = _Spec()


def pinned(client: Client, namespace: str, command: Command) -> Command:
    """Give the command with the name of one ready pod instead of a workload's, as kubectl would choose one.

    Where that cannot be found out the command stays as it is: kubectl says what is wrong with it, or chooses itself.
    """
    kind, slash, name = command.pod.partition("/")
    resource = resource_of(kind)
    places = [at for at, word in enumerate(command.argv[: command.inner]) if word.endswith(f"/{name}")]
    if not slash or resource is None or len(places) != 1:
        return command
    try:
        pod = _chosen(client, namespace, resource, name)
    except RuntimeProblem:
        return command
    if not pod:
        return command
    argv = (*command.argv[: places[0]], pod, *command.argv[places[0] + 1 :])
    return replace(command, argv=argv, pod=pod)


def resource_of(kind: str) -> str | None:
    """Give the plural of a kind that selects pods, however it is spelled: `deploy`, `Deployment.apps`."""
    word = kind.partition(".")[0].lower()
    return next((plural for plural, others in RESOURCES.items() if word == plural or word in others), None)


def _chosen(client: Client, namespace: str, resource: str, name: str) -> str:
    path = paths.single(namespace, resource, name)
    asked = client.get(path, _Selecting, what=f"{resource} {name}").spec.selector
    selector = selecting(bytes(asked), plain=resource == "services")
    if not selector:
        return ""
    query = {"labelSelector": selector}
    pods = client.listed(paths.collection(namespace, "pods"), HeldPod, what="pods", query=query)
    ready = sorted((each for each in pods if _is_ready(each)), key=lambda each: each.metadata.name)
    return ready[0].metadata.name if ready else ""


def selecting(selector: bytes, *, plain: bool) -> str:
    """Write a selector object as the API takes it in a query; "" for one that selects nothing. Pure."""
    if plain:
        found = _Selector(match_labels=msgspec.json.decode(selector, type=Labels))
    else:
        found = msgspec.json.decode(selector, type=_Selector)
    parts = [f"{key}={value}" for key, value in (found.match_labels or {}).items()]
    for each in found.match_expressions or ():
        values = ",".join(each.values or ())
        sign = {"In": f" in ({values})", "NotIn": f" notin ({values})"}.get(each.operator, "")
        parts.append(f"!{each.key}" if each.operator == "DoesNotExist" else f"{each.key}{sign}")
    return ",".join(parts)


def _is_ready(pod: HeldPod) -> bool:
    conditions = pod.status.conditions or ()
    return pod.metadata.deletion_timestamp is None and any(
        each.type == "Ready" and each.status == "True" for each in conditions
    )


make_ready(globals())
