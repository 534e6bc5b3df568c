"""Makes the kubeconfig that one typed command gets: one cluster, one context, one namespace, one user, nothing else.

It is made from what the runtime itself speaks with just now: the near end of the connection, the name and the
authority that the certificate is checked against, the token that a plugin gave. Nothing in it starts a program or
names a file, and a certificate goes unchecked only where the registered kubeconfig says so.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec
import yaml

from runtimes.kubernetes.login.access import Login, proof

ONLY = "opsmodal"
"""The name of the one cluster, context and user."""
IMPERSONATED = {"Impersonate-User": "as", "Impersonate-Uid": "as-uid"}
EXTRA = "impersonate-extra-"

Entry = dict[str, Any]


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who a command is. `token` is a service account's; "" is the runtime's own credential, perhaps as `as_user`."""

    name: str
    token: str = ""
    as_user: str = ""


def kubeconfig(login: Login, namespace: str, identity: Identity) -> bytes:
    """Give the kubeconfig of one command, as YAML."""
    user = {"token": identity.token} if identity.token else own_user(login)
    user |= {"as": identity.as_user} if identity.as_user else {}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": ONLY,
        "contexts": [{"name": ONLY, "context": {"cluster": ONLY, "user": ONLY, "namespace": namespace}}],
        "clusters": [{"name": ONLY, "cluster": _cluster(login)}],
        "users": [{"name": ONLY, "user": user}],
    }
    return yaml.safe_dump(document, sort_keys=False).encode()


def own_user(login: Login) -> Entry:
    """Give what the runtime proves itself with, in the words of a kubeconfig."""
    configuration = login.configuration
    user: Entry = _from_header(proof(configuration).get("authorization", ""))
    if configuration.cert_file:
        user |= {"client-certificate-data": _inlined(configuration.cert_file)}
        user |= {"client-key-data": _inlined(configuration.key_file)}
    return user | _impersonation(login.headers)


def impersonates(login: Login) -> bool:
    """Tell whether the runtime's own credential is somebody else already."""
    return bool(_impersonation(login.headers))


def _cluster(login: Login) -> Entry:
    configuration = login.configuration
    cluster: Entry = {"server": login.base}
    if configuration.tls_server_name:
        cluster["tls-server-name"] = configuration.tls_server_name
    if not configuration.verify_ssl:
        cluster["insecure-skip-tls-verify"] = True
    elif configuration.ssl_ca_cert:
        cluster["certificate-authority-data"] = _inlined(configuration.ssl_ca_cert)
    if login.pool.proxy is not None:  # what requests of our own go through; the child has no variables to take one from
        cluster["proxy-url"] = str(login.pool.proxy)
    return cluster


def _from_header(header: str) -> Entry:
    kind, _, value = header.partition(" ")
    if kind.lower() == "basic":
        name, _, password = base64.b64decode(value).decode(errors="replace").partition(":")
        return {"username": name, "password": password}
    return {"token": value} if value else {}


def _impersonation(headers: Iterable[tuple[str, str]]) -> Entry:
    entry: Entry = {}
    for name, value in headers:
        if name in IMPERSONATED:
            entry[IMPERSONATED[name]] = value
        elif name == "Impersonate-Group":
            entry.setdefault("as-groups", []).append(value)
        elif name.lower().startswith(EXTRA):
            entry.setdefault("as-user-extra", {}).setdefault(unquote(name[len(EXTRA) :]), []).append(value)
    return entry


def _inlined(path: str) -> str:
    return base64.b64encode(Path(path).read_bytes()).decode()
