"""Service accounts in pods: each pod runs as one, and finds its token where clients look for it.

Source: k8s.io/kubernetes plugin/pkg/admission/serviceaccount. Only changes the pod it is given.
"""

from __future__ import annotations

from opsmodal.demo import problems
from opsmodal.demo.documents import Obj, dig, name_of, namespace_of, uid_of
from opsmodal.demo.kinds import PODS, stored
from opsmodal.demo.names import letters_of
from opsmodal.demo.storage import Storage

ACCOUNTS = stored("serviceaccounts")
MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
ROOT = "kube-root-ca.crt"
"""The ConfigMap with the authority's certificate that every namespace has."""
TOKEN_S = 3607
"""How long a mounted token lasts: the seven seconds tell it from one that somebody asked for."""


def mount(storage: Storage, pod: Obj) -> None:
    """Give a new pod its account's token. Raise a Forbidden Problem when there is no such account."""
    spec, namespace = pod["spec"], namespace_of(pod)
    name = str(spec.get("serviceAccountName") or "default")
    account = storage.get(ACCOUNTS, namespace, name)
    if account is None and name != "default":
        why = f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
        raise problems.forbidden(PODS.plural, PODS.group, name_of(pod), why)
    wanted = spec.get("automountServiceAccountToken")
    if wanted is None and account is not None:
        wanted = account.document.get("automountServiceAccountToken")
    if wanted is not False:
        _add(pod, f"kube-api-access-{letters_of(uid_of(pod))}")


def _add(pod: Obj, volume: str) -> None:
    spec, used = pod["spec"], False
    for container in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]:
        mounts = container.setdefault("volumeMounts", [])
        if not any(item.get("mountPath") == MOUNT for item in mounts):
            mounts.append({"name": volume, "readOnly": True, "mountPath": MOUNT})
            used = True
    if used:
        spec.setdefault("volumes", []).append(_volume(volume))


def _volume(name: str) -> Obj:
    namespace = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    sources: list[Obj] = [
        {"serviceAccountToken": {"expirationSeconds": TOKEN_S, "path": "token"}},
        {"configMap": {"name": ROOT, "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [namespace]}},
    ]
    return {"name": name, "projected": {"sources": sources, "defaultMode": 0o644}}


def account_of(pod: Obj) -> str:
    """Give the name of the account that a pod runs as."""
    return str(dig(pod, "spec", "serviceAccountName") or "default")
