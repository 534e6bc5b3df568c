"""The manifest by which Metrics Server is installed: its objects, written out of an image and flags. Pure.

Names, rights and ports are those that metrics-server itself asks for, so that what was installed by its own manifest is
taken over as it stands. Sources: https://kubernetes-sigs.github.io/metrics-server/ (requirements, configuration) and
https://kubernetes.io/docs/tasks/extend-kubernetes/setup-extension-api-server/.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]

NAMESPACE, NAME = "kube-system", "metrics-server"
DEFAULT_IMAGE = "registry.k8s.io/metrics-server/metrics-server:v0.7.2"
"""The release that serves clusters from 1.27 on: https://github.com/kubernetes-sigs/metrics-server#compatibility-matrix."""
FLAGS = (
    "--cert-dir=/tmp",
    "--secure-port=10250",
    "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname",
    "--kubelet-use-node-status-port",
    "--metric-resolution=15s",
)
"""Without these it does not run as an ordinary user, or does not find the kubelets. A setting with the same name wins.
"""
MANAGED_BY, OURS = "app.kubernetes.io/managed-by", "opsmodal"
SELECTOR = {"k8s-app": NAME}
LABELS = {**SELECTOR, MANAGED_BY: OURS}
RBAC = "rbac.authorization.k8s.io"
REGISTRATION = "v1beta1.metrics.k8s.io"
"""The APIService: what makes the API server ask metrics-server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One object: the path of its collection, and the object as it is applied."""

    collection: str
    document: Object

    @property
    def path(self) -> str:
        """Give the path of the object itself."""
        return f"{self.collection}/{self.name}"

    @property
    def kind(self) -> str:
        """Name its kind."""
        return str(self.document["kind"])

    @property
    def name(self) -> str:
        """Give its name."""
        return str(self.document["metadata"]["name"])

    @property
    def words(self) -> str:
        """Name it for people: `Deployment kube-system/metrics-server`."""
        namespace = self.document["metadata"].get("namespace")
        return f"{self.kind} {namespace}/{self.name}" if namespace else f"{self.kind} {self.name}"


def parts(image: str, flags: Sequence[str]) -> tuple[Part, ...]:
    """Give what is installed, in this order: the registration last, when there is somebody to answer."""
    return (*_identity(), *_rights(), _service(), _deployment(image, flags), _registration())


def _identity() -> tuple[Part, ...]:
    return (_part("v1", "ServiceAccount", "serviceaccounts", NAME, namespace=NAMESPACE),)


def _rights() -> tuple[Part, ...]:
    reader = "system:aggregated-metrics-reader"
    roles = {f"{RBAC}/aggregate-to-{role}": "true" for role in ("view", "edit", "admin")}
    reading = {"apiGroups": ["metrics.k8s.io"], "resources": ["pods", "nodes"], "verbs": ["get", "list", "watch"]}
    measuring = [
        {"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["pods", "nodes"], "verbs": ["get", "list", "watch"]},
    ]
    own = f"system:{NAME}"
    auth = _part(
        f"{RBAC}/v1",
        "RoleBinding",
        "rolebindings",
        f"{NAME}-auth-reader",
        namespace=NAMESPACE,
        **_binding("Role", "extension-apiserver-authentication-reader"),
    )
    return (
        _part(f"{RBAC}/v1", "ClusterRole", "clusterroles", reader, labels=roles, rules=[reading]),
        _part(f"{RBAC}/v1", "ClusterRole", "clusterroles", own, rules=measuring),
        auth,
        _bound(f"{NAME}:system:auth-delegator", "system:auth-delegator"),
        _bound(own, own),
    )


def _bound(name: str, role: str) -> Part:
    return _part(f"{RBAC}/v1", "ClusterRoleBinding", "clusterrolebindings", name, **_binding("ClusterRole", role))


def _binding(kind: str, role: str) -> dict[str, Any]:
    subject = {"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}
    return {"roleRef": {"apiGroup": RBAC, "kind": kind, "name": role}, "subjects": [subject]}


def _service() -> Part:
    ports = [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": "https"}]
    return _part(
        "v1", "Service", "services", NAME, namespace=NAMESPACE, spec={"selector": dict(SELECTOR), "ports": ports}
    )


def _deployment(image: str, flags: Sequence[str]) -> Part:
    template = {
        "metadata": {"labels": dict(LABELS)},
        "spec": {
            "serviceAccountName": NAME,
            "priorityClassName": "system-cluster-critical",
            "nodeSelector": {"kubernetes.io/os": "linux"},
            "containers": [_container(image, flags)],
            "volumes": [{"name": "tmp", "emptyDir": {}}],
        },
    }
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": dict(SELECTOR)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}},
        "template": template,
    }
    return _part("apps/v1", "Deployment", "deployments", NAME, namespace=NAMESPACE, spec=spec)


def _container(image: str, flags: Sequence[str]) -> dict[str, Any]:
    given = {flag.partition("=")[0] for flag in flags}
    arguments = [flag for flag in FLAGS if flag.partition("=")[0] not in given] + list(flags)
    secure = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    return {
        "name": NAME,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": arguments,
        "ports": [{"name": "https", "containerPort": _port(arguments), "protocol": "TCP"}],
        "livenessProbe": _probe("/livez"),
        "readinessProbe": _probe("/readyz"),
        "resources": {"requests": {"cpu": "100m", "memory": "200Mi"}},
        "securityContext": secure,
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108  (a path in the container)
    }


def _port(arguments: Sequence[str]) -> int:
    port = next((flag.partition("=")[2] for flag in arguments if flag.startswith("--secure-port=")), "")
    return int(port) if port.isascii() and port.isdigit() else 10250


def _probe(path: str) -> dict[str, Any]:
    get = {"path": path, "port": "https", "scheme": "HTTPS"}
    return {"httpGet": get, "periodSeconds": 10, "failureThreshold": 3}


def _registration() -> Part:
    spec = {
        "group": "metrics.k8s.io",
        "version": "v1beta1",
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
        # metrics-server makes its own certificate at each start: nobody has signed it.
        "insecureSkipTLSVerify": True,
        "service": {"name": NAME, "namespace": NAMESPACE, "port": 443},
    }
    return _part("apiregistration.k8s.io/v1", "APIService", "apiservices", REGISTRATION, spec=spec)


def _part(
    version: str,
    kind: str,
    resource: str,
    name: str,
    *,
    namespace: str = "",
    labels: Mapping[str, str] | None = None,
    **fields: Any,
) -> Part:
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    metadata: dict[str, Any] = {"name": name, "labels": {**LABELS, **(labels or {})}}
    metadata |= {"namespace": namespace} if namespace else {}
    document = {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}
    return Part(
        collection=f"{root}/namespaces/{namespace}/{resource}" if namespace else f"{root}/{resource}", document=document
    )
