"""What an identity may do: role based access control, evaluated from the stored roles and bindings.

Source of the rules and of the words: k8s.io/apiserver pkg/endpoints/handlers/responsewriters/errors.go,
k8s.io/kubernetes plugin/pkg/auth/authorizer/rbac. Nothing is allowed that no rule allows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from opsmodal.demo.api.requests import Target
from opsmodal.demo.api.users import AUTHENTICATED, User
from opsmodal.demo.documents import Obj
from opsmodal.demo.kinds import stored
from opsmodal.demo.problems import Problem, forbidden
from opsmodal.demo.storage import Storage

ROLES = stored("roles")
CLUSTER_ROLES = stored("clusterroles")
BINDINGS = stored("rolebindings")
CLUSTER_BINDINGS = stored("clusterrolebindings")
PUBLIC_PATHS = ("/healthz", "/livez", "/readyz", "/version")
DISCOVERY_PATHS = ("/api", "/apis", "/openapi")
SELF_REVIEWS = ("authorization.k8s.io", "authentication.k8s.io")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """May somebody `verb` this? `resource` includes the subresource."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""


def question(target: Target) -> Question:
    """Give what a request asks leave for."""
    return Question(
        verb=target.verb,
        group=target.kind.group,
        resource=target.resource,
        namespace=target.namespace,
        name=target.name,
    )


class Access:
    """Answer questions about rights."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def rules(self, user: User, namespace: str) -> Iterator[Obj]:
        """Give every rule that holds for `user` in a namespace, or in the whole cluster with ""."""
        bindings = [(binding.document, "") for binding in self._storage.records(CLUSTER_BINDINGS)[1]]
        if namespace:
            bindings += [(binding.document, namespace) for binding in self._storage.records(BINDINGS, namespace)[1]]
        for binding, where in bindings:
            if any(_is(user, subject, where) for subject in binding.get("subjects") or ()):
                yield from self._role(binding["roleRef"], where)

    def _role(self, reference: Obj, namespace: str) -> list[Obj]:
        kind, where = (ROLES, namespace) if reference["kind"] == "Role" else (CLUSTER_ROLES, "")
        role = self._storage.get(kind, where, reference["name"])
        return (role.document.get("rules") or []) if role else []

    def allows(self, user: User, asked: Question) -> bool:
        """Tell whether `user` may do what is asked."""
        if "system:masters" in user.groups:
            return True
        if asked.group in SELF_REVIEWS and asked.resource.startswith("selfsubject") and asked.verb == "create":
            return AUTHENTICATED in user.groups
        return any(_allows(rule, asked) for rule in self.rules(user, asked.namespace))

    def allows_path(self, user: User, path: str) -> bool:
        """Tell whether `user` may read a path that is not a resource."""
        first = "/" + path.strip("/").split("/")[0]
        if "system:masters" in user.groups or first in PUBLIC_PATHS:
            return True
        return AUTHENTICATED in user.groups and first in DISCOVERY_PATHS

    def check(self, user: User, target: Target) -> None:
        """Raise a Forbidden Problem when `user` may not do what the request asks."""
        if not self.allows(user, question(target)):
            raise refusal(user, question(target))


def _is(user: User, subject: Obj, namespace: str) -> bool:
    """Tell whether a subject names `user`. An account without a namespace is one of the binding's own."""
    if subject["kind"] == "User":
        return bool(subject["name"] == user.name)
    if subject["kind"] == "Group":
        return subject["name"] in user.groups
    return user.name == f"system:serviceaccount:{subject.get('namespace') or namespace}:{subject['name']}"


def _allows(rule: Obj, asked: Question) -> bool:
    verbs, groups, resources = (rule.get(part) or () for part in ("verbs", "apiGroups", "resources"))
    if not ({"*", asked.verb} & set(verbs) and {"*", asked.group} & set(groups)):
        return False
    subresource = asked.resource.partition("/")[2]
    wanted = {"*", asked.resource} | ({f"*/{subresource}"} if subresource else set())
    if not wanted & set(resources):
        return False
    names = rule.get("resourceNames")
    return not names or asked.name in names


def refusal(user: User, asked: Question) -> Problem:
    """Word the refusal as the API server does."""
    plural = asked.resource.partition("/")[0]
    where = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    why = f'User "{user.name}" cannot {asked.verb} resource "{asked.resource}" in API group "{asked.group}" {where}'
    return forbidden(plural, asked.group, asked.name, why)


def path_refusal(user: User, method: str, path: str) -> Problem:
    """Word the refusal of a path that is not a resource."""
    return Problem(403, "Forbidden", f'forbidden: User "{user.name}" cannot {method.lower()} path "{path}"')


def standing_grants(target_namespace: str, account: str) -> list[Obj]:
    """Give the objects by which one service account holds one namespace and nothing else."""
    subject = {"kind": "ServiceAccount", "name": account, "namespace": target_namespace}
    role = {"apiGroup": CLUSTER_ROLES.group, "kind": "ClusterRole", "name": "admin"}
    return [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": account, "namespace": target_namespace},
        },
        {
            "apiVersion": BINDINGS.api_version,
            "kind": "RoleBinding",
            "metadata": {"name": f"{account}-admin", "namespace": target_namespace},
            "subjects": [subject],
            "roleRef": role,
        },
    ]


EVERY_VERB = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
READ = ["get", "list", "watch"]
GROUPS = ["", "apps", "batch", "autoscaling", "networking.k8s.io", "policy"]
WORKLOADS = [
    *("pods", "replicationcontrollers", "services", "configmaps", "persistentvolumeclaims", "serviceaccounts"),
    *("daemonsets", "deployments", "deployments/scale", "replicasets", "replicasets/scale", "statefulsets"),
    *("statefulsets/scale", "cronjobs", "jobs", "horizontalpodautoscalers", "ingresses", "networkpolicies"),
    "poddisruptionbudgets",
]
ONLY_READ = [
    *("endpoints", "endpointslices", "events", "limitranges", "namespaces", "pods/log", "pods/status"),
    *("controllerrevisions", "resourcequotas"),
]
ONLY_WRITTEN = ["secrets", "pods/attach", "pods/exec", "pods/eviction", "pods/portforward", "deployments/rollback"]


def _rule(groups: list[str], resources: list[str], verbs: list[str]) -> Obj:
    return {"apiGroups": groups, "resources": resources, "verbs": verbs}


def cluster_roles() -> list[Obj]:
    """Give the roles that every cluster has, as far as they are asked about: cluster-admin, admin, edit and view."""
    read = [
        _rule([*GROUPS, "discovery.k8s.io"], WORKLOADS + ONLY_READ, READ),
        _rule(["metrics.k8s.io"], ["pods"], READ),
    ]
    write = [
        _rule(GROUPS, WORKLOADS + ONLY_WRITTEN, EVERY_VERB),
        _rule([""], ["serviceaccounts/token"], ["create"]),
    ]
    roles = [_rule([CLUSTER_ROLES.group], ["roles", "rolebindings"], EVERY_VERB)]
    names = {
        "cluster-admin": [_rule(["*"], ["*"], ["*"])],
        "admin": read + write + roles,
        "edit": read + write,
        "view": read,
    }
    labels = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    head = {"apiVersion": CLUSTER_ROLES.api_version, "kind": "ClusterRole"}
    return [head | {"metadata": {"name": name, "labels": labels}, "rules": rules} for name, rules in names.items()]
