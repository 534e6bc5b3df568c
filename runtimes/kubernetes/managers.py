"""Says who else keeps an object as it is, and how that will undo what is changed here. Pure.

Only what a manager itself writes on its objects counts; a tool that merely made an object once is not told of. Labels
are data of others: they are quoted, never run, and prove nothing about who may do what.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from runtimes.causes.words import named

HELM_RELEASE, HELM_NAMESPACE = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"
"""Annotations that Helm 3 writes on all it makes: https://helm.sh/docs/chart_best_practices/labels/"""
MANAGED_BY = "app.kubernetes.io/managed-by"
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/"""
ARGO_TRACKING, ARGO_INSTANCE = "argocd.argoproj.io/tracking-id", "argocd.argoproj.io/instance"
"""https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/; the first begins with `application:`."""
FLUX_KUSTOMIZE, FLUX_HELM = "kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io"
"""Before `/name` and `/namespace` on what Flux applies: https://fluxcd.io/flux/components/kustomize/kustomizations/"""
FLUX_OFF = f"{FLUX_KUSTOMIZE}/reconcile"
"""An annotation: with the value `disabled` Flux leaves this one object alone."""
OLM_OWNER, KAPP, FLEET = "olm.owner", "kapp.k14s.io/app", "objectset.rio.cattle.io/id"
BY_HAND = frozenset({"", "helm", "kubectl", "kustomize", "manual", "opsmodal"})
"""Values of MANAGED_BY that say nothing more: Helm says so by its annotations, the others apply what a person has."""

Pairs = Mapping[str, str]


def managed_by(labels: Pairs | None, annotations: Pairs | None, *, owner: str = "") -> str:
    """Say in a sentence or two what would undo a change made here, and how; "" for an object of nobody's.

    `owner` is the controller in its ownerReferences, as `Kind name`, for objects that only a controller makes.
    """
    labels, annotations = labels or {}, annotations or {}
    if owner:
        kind, _, name = owner.partition(" ")
        return f"The {named(kind)} {named(name)} made it and may write it anew at any time: change that one instead."
    # Argo CD and Flux come first: both bring charts out, and then leave Helm's own marks on the objects, too.
    told = (*_argo(labels, annotations), *_flux(labels, annotations), *_helm(labels, annotations), *_other(labels))
    return next(iter(told), "")


def _argo(labels: Pairs, annotations: Pairs) -> Iterator[str]:
    application = annotations.get(ARGO_TRACKING, "").partition(":")[0] or labels.get(ARGO_INSTANCE, "")
    if application:
        yield (
            f"Argo CD keeps it as the source of its application {named(application)} says: the next sync, or self-heal "
            "within minutes where that is on, undoes a change made here. Change it in that source."
        )


def _flux(labels: Pairs, annotations: Pairs) -> Iterator[str]:
    kustomization = _qualified(labels, f"{FLUX_KUSTOMIZE}/name", f"{FLUX_KUSTOMIZE}/namespace")
    if kustomization and annotations.get(FLUX_OFF, "").lower() != "disabled":
        yield (
            f"Flux applies it again and again for the Kustomization {kustomization}: the next reconciliation undoes a "
            "change made here. Change it in the source, or suspend that Kustomization first."
        )
    release = _qualified(labels, f"{FLUX_HELM}/name", f"{FLUX_HELM}/namespace")
    if release:
        yield (
            f"Flux brings it out of the HelmRelease {release}: its next upgrade, or its drift detection where that is "
            "on, undoes a change made here. Change the values of that HelmRelease."
        )


def _helm(labels: Pairs, annotations: Pairs) -> Iterator[str]:
    release = _qualified(annotations, HELM_RELEASE, HELM_NAMESPACE)
    if release:
        yield (
            f"Helm made it for the release {release}: the next helm upgrade or rollback puts back what the chart sets. "
            "Change the values of the release as well."
        )
    elif labels.get(MANAGED_BY, "").lower() == "helm":
        yield "Helm made it: the next upgrade puts back what the chart sets. Change the values of the release as well."


def _other(labels: Pairs) -> Iterator[str]:
    known = (
        (OLM_OWNER, "The Operator Lifecycle Manager keeps it for {name} and undoes a change made here."),
        (KAPP, "kapp made it for the app {name}: its next deploy undoes a change made here."),
        (FLEET, "Fleet keeps it for the bundle {name} and may undo a change made here."),
    )
    for key, words in known:
        if name := labels.get(key):
            yield words.format(name=named(name))
    manager = named(labels.get(MANAGED_BY, ""))
    if manager.lower() not in BY_HAND:
        yield f"{manager} looks after it, by its label {MANAGED_BY}, and may undo a change made here."


def _qualified(pairs: Pairs, name: str, namespace: str) -> str:
    """Give `namespace/name`, the name alone where no namespace is told, "" without a name."""
    found, where = pairs.get(name, ""), pairs.get(namespace, "")
    return named(f"{where}/{found}" if where and found else found)
