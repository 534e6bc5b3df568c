"""The kinds that the simulated cluster serves: one row each; routes and discovery follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
READ_ONLY = ("get", "list")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Custom:
    """What a CustomResourceDefinition says of one version of its kind.

    `shape` is its schema with the metadata of all objects, `columns` its additionalPrinterColumns, `scale` the paths of
    its scale subresource (empty when it has none).
    """

    definition: str
    shape: Mapping[str, Any]
    columns: tuple[Mapping[str, Any], ...] = ()
    has_status: bool = False
    scale: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of the API in one version. `subresources` are served beside the object.

    `stored_as` is the version in which its objects are kept, None where it is this one; `single` is the word for one
    where it is not the name in lower case.
    """

    group: str
    version: str
    name: str
    plural: str
    namespaced: bool = True
    short: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = VERBS
    stored_as: Kind | None = None
    custom: Custom | None = None
    single: str = ""

    @property
    def stored(self) -> Kind:
        """Give the kind under which storage keeps the objects."""
        return self.stored_as or self

    @property
    def api_version(self) -> str:
        """Give what `apiVersion` says: `v1`, `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self) -> str:
        """Give the word for one: `pod`."""
        return self.single or self.name.lower()

    @property
    def resource(self) -> str:
        """Give the name by which refusals and storage know it: `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


def _core(name: str, plural: str, *short: str, **more: Any) -> Kind:
    return Kind(group="", version="v1", name=name, plural=plural, short=short, **more)


def _of(group: str, name: str, plural: str, *short: str, **more: Any) -> Kind:
    version = str(more.pop("version", "v1"))
    return Kind(group=group, version=version, name=name, plural=plural, short=short, **more)


ALL = ("all",)
SCALED = ("status", "scale")
RBAC = "rbac.authorization.k8s.io"
EXTENSIONS = "apiextensions.k8s.io"

KINDS: tuple[Kind, ...] = (
    _core("ConfigMap", "configmaps", "cm"),
    _core("Endpoints", "endpoints", "ep"),
    _core("Event", "events", "ev"),
    _core("LimitRange", "limitranges", "limits"),
    _core("Namespace", "namespaces", "ns", namespaced=False, subresources=("status", "finalize")),
    _core("Node", "nodes", "no", namespaced=False, subresources=("status",)),
    _core("PersistentVolumeClaim", "persistentvolumeclaims", "pvc", subresources=("status",)),
    _core("PersistentVolume", "persistentvolumes", "pv", namespaced=False, subresources=("status",)),
    _core(
        "Pod",
        "pods",
        "po",
        categories=ALL,
        subresources=("status", "log", "exec", "attach", "portforward", "eviction", "binding", "ephemeralcontainers"),
    ),
    _core("ReplicationController", "replicationcontrollers", "rc", categories=ALL, subresources=SCALED),
    _core("ResourceQuota", "resourcequotas", "quota", subresources=("status",)),
    _core("Secret", "secrets"),
    _core("ServiceAccount", "serviceaccounts", "sa", subresources=("token",)),
    _core("Service", "services", "svc", categories=ALL, subresources=("status",)),
    _of("apps", "ControllerRevision", "controllerrevisions"),
    _of("apps", "DaemonSet", "daemonsets", "ds", categories=ALL, subresources=("status",)),
    _of("apps", "Deployment", "deployments", "deploy", categories=ALL, subresources=SCALED),
    _of("apps", "ReplicaSet", "replicasets", "rs", categories=ALL, subresources=SCALED),
    _of("apps", "StatefulSet", "statefulsets", "sts", categories=ALL, subresources=SCALED),
    _of("batch", "CronJob", "cronjobs", "cj", categories=ALL, subresources=("status",)),
    _of("batch", "Job", "jobs", categories=ALL, subresources=("status",)),
    _of(
        "autoscaling",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        "hpa",
        version="v2",
        categories=ALL,
        subresources=("status",),
    ),
    _of("networking.k8s.io", "IngressClass", "ingressclasses", namespaced=False),
    _of("networking.k8s.io", "Ingress", "ingresses", "ing", subresources=("status",)),
    _of("networking.k8s.io", "NetworkPolicy", "networkpolicies", "netpol"),
    _of("policy", "PodDisruptionBudget", "poddisruptionbudgets", "pdb", subresources=("status",)),
    _of("storage.k8s.io", "StorageClass", "storageclasses", "sc", namespaced=False),
    _of(RBAC, "ClusterRoleBinding", "clusterrolebindings", namespaced=False),
    _of(RBAC, "ClusterRole", "clusterroles", namespaced=False),
    _of(RBAC, "RoleBinding", "rolebindings"),
    _of(RBAC, "Role", "roles"),
    _of("coordination.k8s.io", "Lease", "leases"),
    _of("discovery.k8s.io", "EndpointSlice", "endpointslices"),
    _of("scheduling.k8s.io", "PriorityClass", "priorityclasses", "pc", namespaced=False),
    _of(
        EXTENSIONS,
        "CustomResourceDefinition",
        "customresourcedefinitions",
        "crd",
        "crds",
        categories=("api-extensions",),
        namespaced=False,
        subresources=("status",),
    ),
    _of(
        "apiregistration.k8s.io",
        "APIService",
        "apiservices",
        categories=("api-extensions",),
        namespaced=False,
        subresources=("status",),
    ),
)

REVIEWS: tuple[Kind, ...] = (
    _of("authentication.k8s.io", "SelfSubjectReview", "selfsubjectreviews", namespaced=False, verbs=("create",)),
    _of(
        "authorization.k8s.io",
        "SelfSubjectAccessReview",
        "selfsubjectaccessreviews",
        namespaced=False,
        verbs=("create",),
    ),
    _of(
        "authorization.k8s.io",
        "SelfSubjectRulesReview",
        "selfsubjectrulesreviews",
        namespaced=False,
        verbs=("create",),
    ),
    _of("authorization.k8s.io", "SubjectAccessReview", "subjectaccessreviews", namespaced=False, verbs=("create",)),
    _of("authorization.k8s.io", "LocalSubjectAccessReview", "localsubjectaccessreviews", verbs=("create",)),
)
"""Kinds that are asked and answered, never stored."""

METRICS: tuple[Kind, ...] = (
    _of("metrics.k8s.io", "NodeMetrics", "nodes", version="v1beta1", namespaced=False, verbs=READ_ONLY),
    _of("metrics.k8s.io", "PodMetrics", "pods", version="v1beta1", verbs=READ_ONLY),
)
"""Kinds that are computed when they are read, as metrics-server does."""


class Catalogue:
    """Find kinds by what a path, a manifest or an owner reference calls them. Custom kinds come and go."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self._fill(tuple(kinds))

    def _fill(self, kinds: tuple[Kind, ...]) -> None:
        self.kinds = kinds
        self._by_path = {(kind.group, kind.version, kind.plural): kind for kind in self.kinds}
        self._by_name = {(kind.api_version, kind.name): kind for kind in self.kinds}

    def at(self, group: str, version: str, plural: str) -> Kind | None:
        """Find the kind that a path names."""
        return self._by_path.get((group, version, plural))

    def of(self, document: Mapping[str, object]) -> Kind | None:
        """Find the kind of a manifest or an owner reference by its apiVersion and kind."""
        return self._by_name.get((str(document.get("apiVersion")), str(document.get("kind"))))

    def stored(self) -> tuple[Kind, ...]:
        """Give every kind of which objects are kept, each once and in the version that is kept."""
        return tuple(kind for kind in self.kinds if kind.stored_as is None and "delete" in kind.verbs)

    def define(self, definition: str, kinds: Iterable[Kind]) -> None:
        """Serve exactly `kinds` for one definition; none ends it."""
        others = (kind for kind in self.kinds if kind.custom is None or kind.custom.definition != definition)
        self._fill((*others, *kinds))

    def serve(self, kinds: Iterable[Kind], *, is_on: bool) -> None:
        """Serve `kinds`, which another server adds to the API, or serve them no longer."""
        added = tuple(kinds)
        others = (kind for kind in self.kinds if kind not in added)
        self._fill((*others, *(added if is_on else ())))

    def versions(self) -> tuple[tuple[str, str], ...]:
        """Give each (group, version) once, in the order of the table."""
        return tuple(dict.fromkeys((kind.group, kind.version) for kind in self.kinds))


def built_in() -> Catalogue:
    """Give the catalogue of everything that is served without custom kinds."""
    return Catalogue((*KINDS, *OTHER_VERSIONS, *REVIEWS, *METRICS))


def stored(plural: str) -> Kind:
    """Give the stored kind with this plural. Raise KeyError when there is none."""
    return _STORED[plural]


_STORED = {kind.plural: kind for kind in KINDS}
OTHER_VERSIONS: tuple[Kind, ...] = (
    replace(stored("horizontalpodautoscalers"), version="v1", stored_as=stored("horizontalpodautoscalers")),
    replace(stored("events"), group="events.k8s.io", stored_as=stored("events")),
)
"""Kinds that are served in a second version, too."""
PODS = stored("pods")
NODES = stored("nodes")
NAMESPACES = stored("namespaces")
EVENTS = stored("events")
