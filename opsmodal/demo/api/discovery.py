"""Discovery: which groups, versions and kinds there are, in the plain and in the aggregated form.

Source: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api. The version says that this is a
simulation, so that a page can say so too.
"""

from __future__ import annotations

import platform

from opsmodal.demo.api.requests import JSON, Answer, Request
from opsmodal.demo.documents import Obj, encode
from opsmodal.demo.kinds import Catalogue, Kind
from opsmodal.demo.problems import no_such_resource

GIT_VERSION = "v1.32.5+opsmodal-simulated"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
SCALE = ("autoscaling", "v1", "Scale")
SUBRESOURCE_KINDS = {
    "scale": SCALE,
    "eviction": ("policy", "v1", "Eviction"),
    "binding": ("", "v1", "Binding"),
    "token": ("authentication.k8s.io", "v1", "TokenRequest"),
    "exec": ("", "v1", "PodExecOptions"),
    "attach": ("", "v1", "PodAttachOptions"),
}
SUBRESOURCE_VERBS = {
    "log": ("get",),
    "eviction": ("create",),
    "binding": ("create",),
    "token": ("create",),
    "exec": ("create", "get"),
    "attach": ("create", "get"),
    "finalize": ("update",),
}
CHANGEABLE = ("get", "patch", "update")


def version() -> Obj:
    """Give the version document."""
    return {
        "major": "1",
        "minor": "32",
        "gitVersion": GIT_VERSION,
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "2025-05-15T09:00:00Z",
        "goVersion": "none",
        "compiler": f"python{platform.python_version()}",
        "platform": "simulated/opsmodal",
    }


def _resources(kind: Kind) -> list[Obj]:
    plain: Obj = {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.name,
        "verbs": list(kind.verbs),
    }
    plain |= {"shortNames": list(kind.short)} if kind.short else {}
    plain |= {"categories": list(kind.categories)} if kind.categories else {}
    rows = [plain]
    for name in kind.subresources:
        row: Obj = {"name": f"{kind.plural}/{name}", "singularName": "", "namespaced": kind.namespaced}
        group, version_, kind_name = SUBRESOURCE_KINDS.get(name, ("", "", kind.name))
        row |= {"group": group, "version": version_} if version_ else {}
        rows.append(row | {"kind": kind_name, "verbs": list(SUBRESOURCE_VERBS.get(name, CHANGEABLE))})
    return rows


def _aggregated_resource(kind: Kind) -> Obj:
    row: Obj = {
        "resource": kind.plural,
        "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.name},
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": list(kind.verbs),
    }
    row |= {"shortNames": list(kind.short)} if kind.short else {}
    row |= {"categories": list(kind.categories)} if kind.categories else {}
    subresources = []
    for name in kind.subresources:
        group, version_, kind_name = SUBRESOURCE_KINDS.get(name, (kind.group, kind.version, kind.name))
        response = {"group": group, "version": version_, "kind": kind_name}
        verbs = list(SUBRESOURCE_VERBS.get(name, CHANGEABLE))
        subresources.append({"subresource": name, "responseKind": response, "verbs": verbs})
    return row | ({"subresources": subresources} if subresources else {})


class Discovery:
    """Answer what is served."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def answer(self, request: Request) -> Answer:
        """Answer /api, /apis and what is below them; a 404 Problem when there is no such group."""
        parts = request.path.strip("/").split("/")
        if len(parts) == 1:
            core = parts[0] == "api"
            if "as=APIGroupDiscoveryList" in request.accept and "v=v2" in request.accept.replace("v=v2beta1", ""):
                return Answer(200, encode(self._aggregated(core=core)), AGGREGATED)
            return Answer(200, encode(_CORE_VERSIONS if core else self._groups()), JSON)
        if parts[0] == "api" and len(parts) == 2:
            return Answer(200, encode(self._list("", parts[1])))
        if len(parts) == 2:
            return Answer(200, encode(self._group(parts[1])))
        return Answer(200, encode(self._list(parts[1], parts[2])))

    def _named_groups(self) -> list[str]:
        return list(dict.fromkeys(group for group, _ in self._catalogue.versions() if group))

    def _group(self, name: str) -> Obj:
        versions = [
            {"groupVersion": f"{name}/{version_}", "version": version_}
            for group, version_ in self._catalogue.versions()
            if group == name
        ]
        if not versions:
            raise no_such_resource()
        head: Obj = {"kind": "APIGroup", "apiVersion": "v1", "name": name}
        return head | {"versions": versions, "preferredVersion": versions[0]}

    def _groups(self) -> Obj:
        groups = [
            {key: value for key, value in self._group(name).items() if key not in ("kind", "apiVersion")}
            for name in self._named_groups()
        ]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}

    def _kinds(self, group: str, version_: str) -> list[Kind]:
        return [kind for kind in self._catalogue.kinds if (kind.group, kind.version) == (group, version_)]

    def _list(self, group: str, version_: str) -> Obj:
        kinds = self._kinds(group, version_)
        if not kinds:
            raise no_such_resource()
        rows = [row for kind in kinds for row in _resources(kind)]
        head: Obj = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": kinds[0].api_version}
        return head | {"resources": rows}

    def _aggregated(self, *, core: bool) -> Obj:
        items = []
        for group in [""] if core else self._named_groups():
            versions = [
                {
                    "version": version_,
                    "freshness": "Current",
                    "resources": [_aggregated_resource(kind) for kind in self._kinds(group, version_)],
                }
                for name, version_ in self._catalogue.versions()
                if name == group
            ]
            metadata = {"creationTimestamp": None} | ({"name": group} if group else {})
            items.append({"metadata": metadata, "versions": versions})
        head: Obj = {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}}
        return head | {"items": items}


_CORE_VERSIONS: Obj = {
    "kind": "APIVersions",
    "versions": ["v1"],
    "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1:6443"}],
}
