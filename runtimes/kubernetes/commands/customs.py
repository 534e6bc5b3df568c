"""Names the kinds that a cluster has beyond those of Kubernetes: a guard has to know them.

Which words kubectl takes for a kind, and whether that kind belongs to a namespace, only the cluster's discovery knows.
Source: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery (since 1.26; before that each
group is asked for by itself).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence

import msgspec

from runtimes.commands import Kind, Kinds
from runtimes.errors import Missing, Unavailable
from runtimes.kubernetes.api.client import Client
from runtimes.structs import make_ready

KEPT_S = 60.0
GROUPS_MAX = 500
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
BUILT_IN = frozenset(
    {"apps", "autoscaling", "batch", "extensions", "policy", "metrics.k8s.io", "storagemigration.k8s.io"}
    | {f"{name}.k8s.io" for name in ("admissionregistration", "apiextensions", "apiregistration", "authentication")}
    | {f"{name}.k8s.io" for name in ("authorization", "certificates", "coordination", "discovery", "events")}
    | {f"{name}.k8s.io" for name in ("flowcontrol.apiserver", "internal.apiserver", "networking", "node", "resource")}
    | {f"{name}.k8s.io" for name in ("rbac.authorization", "scheduling", "storage")}
)
"""The API groups of Kubernetes itself, and of metrics-server. Source:
https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.33/#-strong-api-groups-strong-"""


class _Resource(msgspec.Struct, frozen=True, rename="camel"):
    resource: str
    scope: str = ""
    singular_resource: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


class _Version(msgspec.Struct, frozen=True):
    version: str
    resources: tuple[_Resource, ...] = ()


class _Name(msgspec.Struct, frozen=True):
    name: str = ""


class _Group(msgspec.Struct, frozen=True):
    metadata: _Name = _Name()
    versions: tuple[_Version, ...] = ()
    name: str = ""
    """Stands here in the plain form, where `versions` come without their resources."""


class _Groups(msgspec.Struct, frozen=True):
    items: tuple[_Group, ...] | None = None
    groups: tuple[_Group, ...] | None = None


class _PlainResource(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    namespaced: bool = False
    singular_name: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


class _PlainResources(msgspec.Struct, frozen=True):
    resources: tuple[_PlainResource, ...] | None = None


class Customs:
    """The custom kinds of one cluster, kept for a minute."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._kept: Kinds | None = None
        self._at = 0.0

    def get(self) -> Kinds:
        """Give them. Raise RuntimeProblem when the cluster does not tell."""
        with self._lock:
            if self._kept is None or time.monotonic() - self._at > KEPT_S:
                self._kept, self._at = gathered(self._groups()), time.monotonic()
            return self._kept

    def _groups(self) -> Sequence[_Group]:
        found = self._client.get("/apis", _Groups, what="the kinds of the cluster", accept=AGGREGATED)
        if found.items is not None:
            return found.items
        plain = [group for group in found.groups or () if group.name not in BUILT_IN]
        if len(plain) > GROUPS_MAX:
            raise Unavailable(f"The cluster has more than {GROUPS_MAX} groups of custom kinds.")
        return [self._asked(group) for group in plain]

    def _asked(self, group: _Group) -> _Group:
        versions = []
        for each in group.versions:
            try:
                path = f"/apis/{group.name}/{each.version}"
                listed = self._client.get(path, _PlainResources, what=f"the kinds of {group.name}").resources or ()
            except (Missing, Unavailable):
                continue  # a group whose server is gone: kubectl knows its kinds as little as we do
            resources = tuple(_from_plain(one) for one in listed if "/" not in one.name)
            versions.append(_Version(each.version, resources))
        return _Group(_Name(group.name), tuple(versions))


def gathered(groups: Sequence[_Group]) -> Kinds:
    """Sort the kinds of groups that are not built in by their scope. Pure."""
    namespaced: list[Kind] = []
    cluster: list[Kind] = []
    for group in groups:
        if group.metadata.name and group.metadata.name not in BUILT_IN:
            for scope, kind in _kinds(group):
                (namespaced if scope == "Namespaced" else cluster).append(kind)
    return Kinds(namespaced=namespaced, cluster=cluster)


def _kinds(group: _Group) -> Iterator[tuple[str, Kind]]:
    """Give each resource once, with all versions that have it; what it is called may differ between them."""
    by_name: dict[tuple[str, str], list[tuple[str, _Resource]]] = {}
    for version in group.versions:
        for each in version.resources:
            by_name.setdefault((each.scope, each.resource), []).append((version.version, each))
    for (scope, name), found in by_name.items():
        yield (
            scope,
            Kind(
                name=name,
                singular=next((each.singular_resource for _, each in found if each.singular_resource), ""),
                short=_every(each.short_names for _, each in found),
                group=group.metadata.name,
                versions=tuple(version for version, _ in found),
                categories=_every(each.categories for _, each in found),
            ),
        )


def _every(names: Iterator[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for each in names for name in each))


def _from_plain(one: _PlainResource) -> _Resource:
    scope = "Namespaced" if one.namespaced else "Cluster"
    return _Resource(one.name, scope, one.singular_name, one.short_names, one.categories)


make_ready(globals())
