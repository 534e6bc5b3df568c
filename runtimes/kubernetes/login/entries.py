"""The entries of a kubeconfig, and what one context of it leads to.

Source: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
"""

from __future__ import annotations

from typing import Any

import msgspec

from runtimes.structs import make_ready


class ExecVariable(msgspec.Struct, frozen=True):
    name: str
    value: str


class ExecPlugin(msgspec.Struct, frozen=True, rename="camel"):
    """How a kubeconfig asks a program for a credential (client.authentication.k8s.io)."""

    command: str
    api_version: str = "client.authentication.k8s.io/v1"
    args: list[str] | None = None
    env: list[ExecVariable] | None = None
    interactive_mode: str = "IfAvailable"
    provide_cluster_info: bool = False


class Cluster(msgspec.Struct, frozen=True, rename="kebab"):
    server: str = ""
    certificate_authority: str = ""
    certificate_authority_data: str = ""
    insecure_skip_tls_verify: bool = False
    tls_server_name: str = ""
    proxy_url: str = ""


class User(msgspec.Struct, frozen=True, rename="kebab"):
    client_certificate: str = ""
    client_certificate_data: str = ""
    client_key: str = ""
    client_key_data: str = ""
    token: str = ""
    token_file: str = msgspec.field(name="tokenFile", default="")
    username: str = ""
    password: str = ""
    as_user: str = msgspec.field(name="as", default="")
    as_uid: str = ""
    as_groups: list[str] | None = None
    as_user_extra: dict[str, list[str]] | None = None
    exec_plugin: ExecPlugin | None = msgspec.field(name="exec", default=None)
    auth_provider: dict[str, Any] | None = None


class Context(msgspec.Struct, frozen=True):
    cluster: str
    user: str = ""
    namespace: str = ""


class NamedCluster(msgspec.Struct, frozen=True):
    name: str
    cluster: Cluster


class NamedUser(msgspec.Struct, frozen=True):
    name: str
    user: User | None = None


class NamedContext(msgspec.Struct, frozen=True):
    name: str
    context: Context


class Kubeconfig(msgspec.Struct, frozen=True, rename="kebab"):
    current_context: str | None = None
    clusters: list[NamedCluster] | None = None
    users: list[NamedUser] | None = None
    contexts: list[NamedContext] | None = None


class Chosen(msgspec.Struct, frozen=True):
    """What one context of a kubeconfig leads to."""

    context: str
    namespace: str
    cluster: Cluster
    user: User


make_ready(globals())
