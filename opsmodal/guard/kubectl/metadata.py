"""What of metadata a typed line changes: labels and annotations, but none by which a controller gives more away.

Who may set an owner has the garbage collector delete what `kubectl delete` refuses, and a finalizer keeps what it
deletes; so of metadata nothing but labels and annotations is set, text by text. The table holds keys that are known to
give an identity, code in a proxy, devices or replicas. It cannot hold those of every controller that a cluster has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from opsmodal.guard.kubectl.bodies import COPIED
from opsmodal.guard.kubectl.rules import Refused, shown

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""Where `kubectl apply` keeps a whole object, with the data of a secret."""
_MAPS = ("labels", "annotations")


@dataclass(frozen=True, slots=True)
class Acting:
    """Keys that a controller acts on, written with a star at one end or none, and what it would do."""

    keys: str
    reason: str

    def holds(self, key: str) -> bool:
        """Tell whether a key in small letters is one of them."""
        if self.keys.startswith("*"):
            return key.endswith(self.keys[1:])
        return key.startswith(self.keys[:-1]) if self.keys.endswith("*") else key == self.keys


ACTING = (
    Acting("*-snippet", "It is configuration, and so code, of the ingress controller."),
    Acting("eks.amazonaws.com/*", "It gives a role of AWS."),
    Acting("iam.amazonaws.com/*", "It gives a role of AWS."),
    Acting("iam.gke.io/*", "It gives a service account of Google Cloud."),
    Acting("azure.workload.identity/*", "It gives an identity of Azure."),
    Acting("kubernetes.io/service-account.*", "It says whose token a secret holds."),
    Acting("kubernetes.io/enforce-mountable-secrets", "It keeps pods of a service account from other secrets."),
    Acting("replicator.v1.mittwald.de/*", "It copies secrets between namespaces."),
    Acting("reflector.v1.k8s.emberstack.com/*", "It copies secrets between namespaces."),
    Acting("autoscaling.keda.sh/*", "It sets the replicas of what KEDA scales."),
    Acting("autoscaling.alpha.kubernetes.io/*", "It is what an autoscaler of autoscaling/v1 measures and does."),
    Acting("container.apparmor.security.beta.kubernetes.io/*", "It chooses the AppArmor profile of a container."),
    Acting("container.seccomp.security.alpha.kubernetes.io/*", "It chooses the seccomp profile of a container."),
    Acting("seccomp.security.alpha.kubernetes.io/*", "It chooses the seccomp profile of a pod."),
    Acting("io.kubernetes.cri-o.*", "It gives devices and namespaces of the node, with CRI-O."),
    Acting("cdi.k8s.io/*", "It gives devices of the node."),
    Acting("k8s.v1.cni.cncf.io/*", "It attaches a pod to other networks, with Multus."),
)
"""Keys of labels and annotations that are neither set nor removed. Source: the manuals of ingress-nginx, EKS, kube2iam,
GKE, Azure Workload Identity, KEDA, Kubernetes (well-known annotations, HPA conversion), CRI-O, CDI, Multus,
kubernetes-replicator and Reflector."""


def check_key(key: str, *, secrets: bool) -> None:
    """Judge the key of a label or an annotation; `secrets`: whether it is one of a secret. Raise Refused."""
    small = key.lower()
    for acting in ACTING:
        if acting.holds(small):
            raise Refused("kubectl-metadata", f"“{shown(key)}” is acted on. {acting.reason}")
    if secrets and small == LAST_APPLIED:
        raise Refused("kubectl-secret", "This annotation holds the values of a secret.", "Leave it as it is.")


def check_metadata(value: Any, *, secrets: bool = False) -> None:
    """Judge what a patch puts under `metadata`, of an object or of its template. Raise Refused."""
    if not isinstance(value, dict):
        raise Refused("kubectl-patch-field", "Metadata is replaced as a whole.")
    for name, entries in value.items():
        if name not in _MAPS:
            raise Refused(
                "kubectl-patch-field", f"Of metadata, labels and annotations are patched, not “{shown(name)}”."
            )
        if not isinstance(entries, dict):
            raise Refused("kubectl-patch-field", f"All {name} are taken away or copied.", "Name each by its key.")
        for key, text in entries.items():
            _entry(key, text, secrets=secrets)


def _entry(key: str, text: Any, *, secrets: bool) -> None:
    """Judge one entry. Of another type than text, an old server prints the whole object beside its error."""
    check_key(key, secrets=secrets)
    if text is COPIED:
        raise Refused("kubectl-patch-field", f"A step of the patch copies what cannot be judged into “{shown(key)}”.")
    if text is not None and not isinstance(text, str):
        raise Refused(
            "kubectl-patch-field", f"“{shown(key)}” gets a value that is no text.", "Put it in double quotes."
        )
