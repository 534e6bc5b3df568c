"""Writes the RBAC manifest that gives an identity certain rights: for a refusal (403), and for `doctor --rbac`. Pure.

It gives what is asked for and nothing more: no star, no ClusterRole where a Role is enough. It applies nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

GROUP = "rbac.authorization.k8s.io"
ACCOUNT = "system:serviceaccount:"
NAME_MAX_CHARS = 63

Object = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """Verbs on resources of one API group; with `names` only on the objects of these names."""

    verbs: tuple[str, ...]
    resources: tuple[str, ...]
    group: str = ""
    names: tuple[str, ...] = ()

    def rule(self) -> Object:
        """Give it as a PolicyRule, see https://kubernetes.io/docs/reference/access-authn-authz/rbac/."""
        rule: Object = {"apiGroups": [self.group], "resources": list(self.resources), "verbs": list(self.verbs)}
        return rule | ({"resourceNames": list(self.names)} if self.names else {})


def granting(rights: Iterable[Right], *, user: str, namespace: str, name: str) -> str:
    """Give, as YAML, a Role and its binding to a user by the name that the API server calls it.

    With `namespace` "" it is a ClusterRole: for what no namespace holds.
    """
    return written(granted(rights, user=user, namespace=namespace, name=name))


def granted(rights: Iterable[Right], *, user: str, namespace: str, name: str) -> list[Object]:
    """Give the objects of `granting`."""
    name = named(name)
    prefix = "" if namespace else "Cluster"
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    head = {"apiVersion": f"{GROUP}/v1"}
    role = head | {"kind": f"{prefix}Role", "metadata": metadata, "rules": [right.rule() for right in rights]}
    binding = head | {
        "kind": f"{prefix}RoleBinding",
        "metadata": dict(metadata),
        "subjects": [subject(user)],
        "roleRef": {"apiGroup": GROUP, "kind": f"{prefix}Role", "name": name},
    }
    return [role, binding]


def subject(user: str) -> Mapping[str, str]:
    """Give the subject of a binding for a user by name; a service account's is told by its prefix."""
    namespace, _, account = user.removeprefix(ACCOUNT).partition(":")
    if user.startswith(ACCOUNT) and account:
        return {"kind": "ServiceAccount", "name": account, "namespace": namespace}
    return {"apiGroup": GROUP, "kind": "User", "name": user}


def named(text: str) -> str:
    """Make the name of an object out of words: what stands there may come from a server's sentence."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:NAME_MAX_CHARS].strip("-") or "opsmodal"


def written(objects: Sequence[Object]) -> str:
    """Give objects as one document of YAML that `kubectl apply -f -` takes."""
    return str(yaml.safe_dump_all(objects, sort_keys=False, default_flow_style=False, allow_unicode=False))
