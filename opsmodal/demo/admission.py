"""Admission: what the cluster adds to new objects, and what a namespace's label, LimitRanges and quotas refuse.

In the API server's order: first everything that changes an object, then validation, then what only refuses.
"""

from __future__ import annotations

from opsmodal.demo import accounts, limits, podsecurity, problems, quotas
from opsmodal.demo.defaults import qos_class
from opsmodal.demo.documents import Obj, name_of, namespace_of
from opsmodal.demo.kinds import PODS, Kind, stored
from opsmodal.demo.quotas import CLAIMS, QUOTAS
from opsmodal.demo.storage import Storage

LIMITS = stored("limitranges")
PROTECTION = "kubernetes.io/pvc-protection"
"""The finalizer that keeps a claim for as long as a pod uses it (admission plugin StorageObjectInUseProtection)."""


def mutate(storage: Storage, kind: Kind, document: Obj) -> None:
    """Let service accounts and LimitRanges fill in a new pod, and protect a new claim.

    Raise a Forbidden Problem for an unknown account.
    """
    if kind is CLAIMS:
        finalizers = document["metadata"].setdefault("finalizers", [])
        finalizers += [] if PROTECTION in finalizers else [PROTECTION]
    if kind is not PODS or not document.get("spec"):
        return
    accounts.mount(storage, document)
    for item in storage.records(LIMITS, namespace_of(document))[1]:
        limits.add(item.document, document)
    document["status"]["qosClass"] = qos_class(document["spec"])


def admit(storage: Storage, kind: Kind, document: Obj) -> None:
    """Ask Pod Security, every LimitRange and every quota; raise a Forbidden Problem when one says no."""
    if kind is PODS and document.get("spec"):
        podsecurity.judge(storage, document)
    if kind in (PODS, CLAIMS):
        _check_limits(storage, kind, document)
    for quota in storage.records(QUOTAS, namespace_of(document))[1] if kind.namespaced else ():
        _ask(storage, kind, document, quota.document)


def _check_limits(storage: Storage, kind: Kind, document: Obj) -> None:
    judge = limits.judge_pod if kind is PODS else limits.judge_claim
    for item in storage.records(LIMITS, namespace_of(document))[1]:
        if words := list(judge(item.document, document)):
            why = words[0] if len(words) == 1 else f"[{', '.join(words)}]"
            raise problems.forbidden(kind.plural, kind.group, name_of(document), why)


def _ask(storage: Storage, kind: Kind, document: Obj, quota: Obj) -> None:
    wanted = quotas.demand(quota, kind, document)
    if not wanted:
        return
    name = name_of(quota)
    if kind is PODS and (missing := quotas.unspecified(quota, document)):
        why = f"failed quota: {name}: must specify {missing}"
        raise problems.forbidden(kind.plural, kind.group, name_of(document), why)
    present = quotas.used(storage, quota, namespace_of(document), (kind,))
    if words := quotas.exceeded(quota, wanted, present):
        why = f"exceeded quota: {name}, {words}"
        raise problems.forbidden(kind.plural, kind.group, name_of(document), why)
