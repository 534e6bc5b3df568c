"""Says which rights the tabs of a service need in its namespace, and writes the manifest that gives just those. Pure.

A test holds this table against the code: an account with nothing but these rights is made, and every facet is used as
it. What is about the cluster as a whole is not among them: Metrics Server, image cleanup, ingress classes, nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from runtimes.kubernetes.figures.metrics import GROUP as METRICS
from runtimes.kubernetes.roles import ACCOUNT, Object, Right, granted, written

READ = ("get", "list")
WATCHED = ("get", "list", "watch")
GATEWAY, NETWORKING = "gateway.networking.k8s.io", "networking.k8s.io"

_PODS = Right(verbs=WATCHED, resources=("pods",))
_EVENTS = Right(verbs=("list", "watch"), resources=("events",))
_FIGURES = Right(verbs=("list",), group=METRICS, resources=("pods",))
_WORKLOADS = (
    Right(verbs=WATCHED, group="apps", resources=("deployments", "statefulsets", "daemonsets", "replicasets")),
    Right(verbs=WATCHED, group="batch", resources=("jobs", "cronjobs")),
)
_NAMES = (
    Right(verbs=WATCHED, resources=("services",)),
    Right(verbs=WATCHED, group=NETWORKING, resources=("ingresses",)),
    Right(verbs=WATCHED, group=GATEWAY, resources=("httproutes",)),
)
_SCALING = Right(verbs=WATCHED, group="autoscaling", resources=("horizontalpodautoscalers",))
_EXEC = Right(verbs=("create", "get"), resources=("pods/exec",))
"""Over a WebSocket the API server asks for `get`, since 1.35 for `create` as well; over SPDY for `create`."""

LOOKING: Mapping[str, Sequence[Right]] = {
    "overview": (_PODS, _EVENTS, _FIGURES, *_WORKLOADS, *_NAMES),
    "instances": (
        *(_PODS, _EVENTS, _FIGURES, *_WORKLOADS),
        Right(verbs=("get",), resources=("persistentvolumeclaims",)),
        Right(verbs=("get",), resources=("pods/log",)),
    ),
    "deployment": (
        *(_PODS, _EVENTS, *_WORKLOADS, _SCALING),
        Right(verbs=WATCHED, group="apps", resources=("controllerrevisions",)),
        Right(verbs=("get",), resources=("persistentvolumeclaims",)),
    ),
    "config": (_PODS, *_WORKLOADS, Right(verbs=READ, resources=("configmaps", "secrets", "serviceaccounts"))),
    "logs": (_PODS, Right(verbs=("get",), resources=("pods/log",))),
    "commands": (_PODS, *_WORKLOADS, _SCALING),
    "domains": (
        *(_PODS, *_WORKLOADS, *_NAMES),
        Right(verbs=READ, resources=("secrets",)),
        Right(verbs=WATCHED, group=GATEWAY, resources=("gateways",)),
        Right(verbs=WATCHED, group="discovery.k8s.io", resources=("endpointslices",)),
    ),
}
"""What each tab reads."""
WRITTEN = ("create", "update", "patch", "delete")
CHANGING: Mapping[str, Sequence[Right]] = {
    "instances": (
        *(*_NAMES, _EXEC),
        Right(verbs=("create", "delete"), resources=("pods",)),
        Right(verbs=("create", "delete"), group="batch", resources=("jobs",)),
    ),
    "deployment": (
        Right(verbs=("update", "patch"), group="apps", resources=("deployments", "statefulsets", "daemonsets")),
        Right(verbs=("update", "patch"), group="apps", resources=("replicasets",)),
        Right(verbs=("create", "update", "patch"), group="batch", resources=("jobs",)),
        Right(verbs=("update", "patch"), group="batch", resources=("cronjobs",)),
        Right(verbs=WRITTEN, group="autoscaling", resources=("horizontalpodautoscalers",)),
    ),
    "config": (
        Right(verbs=WRITTEN, resources=("configmaps", "secrets")),
        Right(verbs=("patch",), group="apps", resources=("deployments", "statefulsets", "daemonsets")),
    ),
    "commands": (_EXEC,),
    "domains": (
        Right(verbs=WRITTEN, group=NETWORKING, resources=("ingresses",)),
        Right(verbs=WRITTEN, group=GATEWAY, resources=("httproutes",)),
    ),
}
"""What each tab changes, beside what it reads; of Commands what an exec takes, for nobody knows what is typed."""
TABS = tuple(LOOKING)
DEFAULT_ACCOUNT = "opsmodal"


def rights(tabs: Iterable[str], *, changes: bool) -> tuple[Right, ...]:
    """Give the rights of some tabs, each verb on each resource once, in as few rules as that takes."""
    verbs: dict[tuple[str, str], set[str]] = {}
    for tab in tabs:
        for right in (*LOOKING[tab], *(CHANGING.get(tab, ()) if changes else ())):
            for resource in right.resources:
                verbs.setdefault((right.group, resource), set()).update(right.verbs)
    rules: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (group, resource), found in verbs.items():
        rules.setdefault((group, tuple(sorted(found))), []).append(resource)
    return tuple(
        Right(verbs=found, group=group, resources=tuple(resources)) for (group, found), resources in rules.items()
    )


def manifest(namespace: str, account: str, tabs: Iterable[str], *, changes: bool) -> str:
    """Give, as YAML, a service account, its Role and the binding of both."""
    user = f"{ACCOUNT}{namespace}:{account}"
    head: Object = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account, "namespace": namespace}}
    found = rights(tabs, changes=changes)
    return written([head, *granted(found, user=user, namespace=namespace, name=f"opsmodal-{account}")])


def lending(namespace: str, account: str) -> str:
    """Give, as YAML, the Role by which another identity gets tokens of an account; who binds it names that identity."""
    right = Right(verbs=("create",), resources=("serviceaccounts/token",), names=(account,))
    role, _ = granted([right], user="", namespace=namespace, name=f"opsmodal-token-of-{account}")
    return written([role])
