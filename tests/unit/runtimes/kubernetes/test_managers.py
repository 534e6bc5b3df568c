"""Who would undo a change: told by what Helm, Argo CD, Flux and others write on what they keep."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.kubernetes.managers import managed_by

HELM = {"app.kubernetes.io/managed-by": "Helm"}
RELEASE = {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "prod"}
ARGO = {"argocd.argoproj.io/tracking-id": "store:apps/Deployment:prod/web"}
FLUX = {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
FLUX_HELM = {"helm.toolkit.fluxcd.io/name": "shop", "helm.toolkit.fluxcd.io/namespace": "prod"}


@pytest.mark.parametrize(
    ("labels", "annotations", "words"),
    [
        (HELM, RELEASE, ("Helm", "release prod/shop", "helm upgrade")),
        ({}, RELEASE, ("Helm", "prod/shop")),
        (HELM, {}, ("Helm", "next upgrade")),
        (HELM, ARGO, ("Argo CD", "application store,", "sync")),
        ({"argocd.argoproj.io/instance": "store"}, {}, ("Argo CD", "application store ")),
        (FLUX, {}, ("Flux", "Kustomization flux-system/apps", "reconciliation")),
        (FLUX_HELM | HELM, RELEASE, ("Flux", "HelmRelease prod/shop", "drift detection")),
        ({"app.kubernetes.io/managed-by": "cert-manager"}, {}, ("cert-manager", "may undo")),
        ({"olm.owner": "etcdoperator.v1"}, {}, ("Operator Lifecycle Manager", "etcdoperator.v1")),
        ({"kapp.k14s.io/app": "1612"}, {}, ("kapp", "1612")),
    ],
)
def test_the_manager_is_named_with_how_it_undoes(
    labels: dict[str, str], annotations: dict[str, str], words: tuple[str, ...]
) -> None:
    said = managed_by(labels, annotations)
    assert said.endswith(".")
    for word in words:
        assert word.rstrip(",") in said


@pytest.mark.parametrize(
    ("labels", "annotations"),
    [
        ({}, {}),
        (None, None),
        ({"app": "web"}, {"kubectl.kubernetes.io/last-applied-configuration": "{}"}),
        ({"app.kubernetes.io/managed-by": "kustomize"}, {}),
        ({"app.kubernetes.io/instance": "shop"}, {}),
        (FLUX, {"kustomize.toolkit.fluxcd.io/reconcile": "disabled"}),
        ({"argocd.argoproj.io/instance": ""}, {"argocd.argoproj.io/tracking-id": ""}),
    ],
)
def test_nobody_is_named_where_nobody_undoes(labels: dict[str, str] | None, annotations: dict[str, str] | None) -> None:
    assert managed_by(labels, annotations) == ""


def test_a_controller_comes_before_every_label() -> None:
    said = managed_by(HELM, RELEASE, owner="Certificate shop-tls")
    assert said.startswith("The Certificate shop-tls made it")


@given(st.text(), st.sampled_from(["app.kubernetes.io/managed-by", "olm.owner", "argocd.argoproj.io/instance"]))
def test_what_a_label_says_stays_on_one_short_line(text: str, key: str) -> None:
    said = managed_by({key: text}, {})
    assert len(said) < 600
    assert not any(unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"} for character in said)
    assert not said.startswith(" ")
