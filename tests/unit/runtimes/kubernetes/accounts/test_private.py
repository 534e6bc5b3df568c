"""The kubeconfig of one command: one cluster, one namespace, one user, as the runtime speaks with them just now."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.base import Endpoint
from runtimes.kubernetes.accounts import private
from runtimes.kubernetes.accounts.private import Identity
from runtimes.kubernetes.login import kubeconfig as kubeconfigs
from runtimes.kubernetes.login.access import Access, Login
from runtimes.kubernetes.login.configuring import dialled, from_kubeconfig
from tests.unit.runtimes.kubernetes.api.test_client import Authority, authority, encoded, giving, plugin

__all__ = ["authority"]
REAL = "https://api.example.test:6443/k8s/clusters/c-1"


class Tunnel:
    """A connection whose near end is another address, as a tunnel's."""

    def __init__(self, address: str = "https://127.0.0.1:40001") -> None:
        self._address = address

    def reach(self, address: str) -> Endpoint:
        return Endpoint(self._address or address)


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield
    assert not list(tmp_path.glob("opsmodal-*"))


def made(
    cluster: dict[str, Any],
    user: dict[str, Any],
    *,
    identity: Identity | None = None,
    through: str = "https://127.0.0.1:40001",
    allowed: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Give the kubeconfig of a command beside a runtime with this cluster and user."""
    text = yaml.safe_dump(
        {
            "current-context": "one",
            "contexts": [
                {"name": "one", "context": {"cluster": "it", "user": "me", "namespace": "elsewhere"}},
                {"name": "two", "context": {"cluster": "other", "user": "other"}},
            ],
            "clusters": [
                {"name": "it", "cluster": {"server": REAL} | cluster},
                {"name": "other", "cluster": {"server": "https://other.example.test"}},
            ],
            "users": [{"name": "me", "user": user}, {"name": "other", "user": {"token": "another-secret"}}],
        }
    )
    chosen = kubeconfigs.chosen(text, None, allowed)
    connection: Any = Tunnel(through)
    target = dialled(chosen.cluster.server, connection)
    access = Access(from_kubeconfig(chosen, target, timeout_s=10), server=target.server)
    try:
        given = private.kubeconfig(access.login(), "shop", identity or Identity(name="me"))
    finally:
        access.close()
    assert b"other" not in given, "only the one cluster is in it"
    document: dict[str, Any] = yaml.safe_load(given)
    (named,) = document["contexts"]
    assert named["context"]["namespace"] == "shop"
    assert document["current-context"] == named["name"]
    (one,), (who,) = document["clusters"], document["users"]
    assert (one["name"], who["name"]) == (named["context"]["cluster"], named["context"]["user"])
    return {"cluster": one["cluster"], "user": who["user"]}


def test_the_near_end_is_dialled_and_the_far_ones_name_is_checked(authority: Authority) -> None:
    ca = encoded(authority.pem)
    found = made({"certificate-authority-data": ca}, {"token": "secret"})
    assert found["cluster"] == {
        "server": "https://127.0.0.1:40001/k8s/clusters/c-1",
        "tls-server-name": "api.example.test",
        "certificate-authority-data": ca,
    }
    assert found["user"] == {"token": "secret"}


def test_a_registered_name_is_kept(authority: Authority) -> None:
    cluster = {"certificate-authority-data": encoded(authority.pem), "tls-server-name": "kubernetes"}
    assert made(cluster, {"token": "t"})["cluster"]["tls-server-name"] == "kubernetes"


def test_without_a_tunnel_nothing_is_changed() -> None:
    assert made({}, {"token": "t"}, through="")["cluster"] == {"server": REAL}


def test_a_certificate_goes_unchecked_only_where_it_was_registered_so() -> None:
    assert made({"insecure-skip-tls-verify": True}, {"token": "t"})["cluster"]["insecure-skip-tls-verify"] is True
    assert "insecure-skip-tls-verify" not in made({}, {"token": "t"})["cluster"]


def test_a_registered_proxy_is_taken_where_the_way_is_direct() -> None:
    cluster = {"proxy-url": "http://proxy.example.test:3128"}
    assert made(cluster, {"token": "t"}, through="")["cluster"]["proxy-url"] == "http://proxy.example.test:3128"
    assert "proxy-url" not in made(cluster, {"token": "t"})["cluster"], "a tunnel ends on this machine"


def test_a_proxy_of_our_own_environment_is_named_as_our_requests_take_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.test:8080")
    assert made({}, {"token": "t"}, through="")["cluster"]["proxy-url"] == "http://proxy.example.test:8080"
    monkeypatch.setenv("NO_PROXY", "api.example.test")
    assert "proxy-url" not in made({}, {"token": "t"}, through="")["cluster"]


@pytest.mark.parametrize(
    "user",
    [
        {"token": "secret"},
        {"username": "anna", "password": "p:a"},
        {
            "token": "t",
            "as": "jane",
            "as-uid": "7",
            "as-groups": ["dev", "ops"],
            "as-user-extra": {"example.test/reason": ["a", "b"]},
        },
        {},
    ],
)
def test_the_runtimes_own_credential_is_said_as_it_was_given(user: dict[str, Any]) -> None:
    assert made({}, user)["user"] == user


def test_a_client_certificate_is_inlined(authority: Authority) -> None:
    certificate, key = authority.pair("alice")
    user = {"client-certificate-data": encoded(certificate), "client-key-data": encoded(key)}
    assert made({}, user)["user"] == user


def test_what_a_plugin_gave_is_taken_and_the_plugin_is_not(tmp_path: Path) -> None:
    user, allowed = plugin(tmp_path, f"cat <<E\n{giving('from-plugin', seconds=3600)}\nE")
    assert made({}, user, allowed=allowed)["user"] == {"token": "from-plugin"}


def test_a_token_of_a_service_account_is_all_that_is_given(authority: Authority) -> None:
    certificate, key = authority.pair("alice")
    user = {"client-certificate-data": encoded(certificate), "client-key-data": encoded(key), "as": "jane"}
    narrow = Identity(name="system:serviceaccount:shop:web", token="narrow")
    assert made({}, user, identity=narrow)["user"] == {"token": "narrow"}


def test_acting_as_an_account_needs_our_own_credential() -> None:
    narrow = Identity(name="x", as_user="system:serviceaccount:shop:web")
    found = made({}, {"token": "secret"}, identity=narrow)["user"]
    assert found == {"token": "secret", "as": "system:serviceaccount:shop:web"}


def test_who_acts_as_somebody_is_known() -> None:
    from kubernetes.client import Configuration

    def login(*headers: tuple[str, str]) -> Login:
        pool: Any = None
        return Login(base="https://a", configuration=Configuration(), pool=pool, headers=headers)

    assert private.impersonates(login(("Host", "a"), ("Impersonate-User", "jane")))
    assert not private.impersonates(login(("Host", "a")))
