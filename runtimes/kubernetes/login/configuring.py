"""Configures the client library for one cluster, from a kubeconfig or from the pod that opsmodal runs in.

The address to dial comes from the connection: a tunnel ends on loopback, yet the certificate is checked against the
API server's own name. Impersonation is honoured: to ignore `as` would be to act with more rights than its author
meant. Keys are handed over as files of a private folder, because the library would leave them in a shared one.
"""

from __future__ import annotations

import base64
import copy
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

import urllib3

from connectors.base import Connection
from connectors.errors import ConnectionProblem
from runtimes.errors import Invalid, Unavailable, Unsupported
from runtimes.kubernetes.login import plugins
from runtimes.kubernetes.login.access import Login
from runtimes.kubernetes.login.entries import Chosen, Cluster, User
from runtimes.kubernetes.login.plugins import Credential

POOL_CONNECTIONS = 256
"""Kept open to one API server at most; more are opened when needed and closed after use, each with a warning in the
log. One follow or merged read has 200 at once, and pages are read beside it."""

KEEPALIVE_S = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}
"""A follow of a quiet log notices within a minute that the far side is gone without a word."""

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialled:
    """Where requests go. `tls_name` is what the certificate is checked against when the address is another."""

    base: str
    server: str
    tls_name: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    tunnelled: bool


def dialled(address: str, connection: Connection) -> Dialled:
    """Ask the connection what to dial for the API server at `address`. Raise Unavailable or Unsupported."""
    wanted = urlsplit(address.rstrip("/"))
    try:
        given = urlsplit(connection.reach(address).address.rstrip("/"))
    except ConnectionProblem as problem:
        raise Unavailable(problem.sentence, hint=problem.hint) from problem
    if given.scheme not in {"http", "https", "tcp"}:
        raise Unsupported(f"An API server cannot be spoken to over {given.scheme or 'this kind of address'}.")
    base = SplitResult(wanted.scheme, given.netloc, wanted.path, "", "").geturl()
    tunnelled = (given.hostname, given.port) != (wanted.hostname, wanted.port)
    return Dialled(
        base=base,
        server=wanted.netloc,
        tls_name=(wanted.hostname or "") if tunnelled else "",
        headers=(("Host", wanted.netloc),) if tunnelled else (),
        tunnelled=tunnelled,
    )


def from_kubeconfig(chosen: Chosen, target: Dialled, *, timeout_s: float) -> Callable[[Path], Login]:
    """Give the function that logs in with a checked kubeconfig; it raises Invalid for keys that do not fit."""

    def log_in(folder: Path) -> Login:
        given, expires_at = Credential(token=chosen.user.token), None
        if chosen.user.exec_plugin is not None and not chosen.user.token:
            given = plugins.credential(chosen.user.exec_plugin, chosen.cluster, timeout_s=timeout_s)
            expires_at = given.expiration_timestamp
        configuration = _configuration()
        _load(_document(chosen, given, folder), configuration)
        _direct(configuration, target, chosen.cluster)
        if chosen.cluster.insecure_skip_tls_verify:
            _without_warnings()
        _check_keys(configuration)
        return _login(configuration, target, _impersonation(chosen.user), expires_at)

    return log_in


def from_pod(connection: Connection) -> tuple[Dialled, Callable[[Path], Login]]:
    """Give the way in that a pod's service account has. Raise Invalid outside of a pod."""
    found = _configuration()
    _load_from_pod(found)
    target = dialled(found.host, connection)

    def log_in(folder: Path) -> Login:  # noqa: ARG001  (the kubelet keeps the files of a service account)
        configuration = _configuration()
        _load_from_pod(configuration)
        _direct(configuration, target, Cluster(server=configuration.host))
        return _login(configuration, target, [], None)

    return target, log_in


def _configuration() -> Any:
    from kubernetes.client import Configuration

    configuration = Configuration()
    configuration.retries = False
    configuration.connection_pool_maxsize = POOL_CONNECTIONS
    configuration.socket_options = [
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        *((socket.IPPROTO_TCP, getattr(socket, k), v) for k, v in KEEPALIVE_S.items() if hasattr(socket, k)),
    ]
    return configuration


def _load(document: dict[str, Any], configuration: Any) -> None:
    from kubernetes.config.config_exception import ConfigException
    from kubernetes.config.kube_config import KubeConfigLoader

    try:
        loader: Any = KubeConfigLoader
        loader(config_dict=document).load_and_set(configuration)
    except (ConfigException, KeyError, TypeError, ValueError) as error:
        raise Invalid("The Kubernetes client does not accept the kubeconfig.", detail=type(error).__name__) from error


def _load_from_pod(configuration: Any) -> None:
    from kubernetes.config import load_incluster_config
    from kubernetes.config.config_exception import ConfigException

    try:
        load: Any = load_incluster_config
        load(client_configuration=configuration)
    except (ConfigException, OSError) as error:
        hint = "Give a kubeconfig, or run opsmodal in a pod with a service account whose token is mounted."
        raise Invalid("opsmodal does not run in a pod with a service account.", hint=hint) from error


def _document(chosen: Chosen, given: Credential, folder: Path) -> dict[str, Any]:
    cluster, user = chosen.cluster, chosen.user
    entry: dict[str, Any] = {"server": cluster.server, "insecure-skip-tls-verify": cluster.insecure_skip_tls_verify}
    entry |= _files(folder, {"certificate-authority": base64.b64decode(cluster.certificate_authority_data)})
    certificate = given.client_certificate_data.encode() or base64.b64decode(user.client_certificate_data)
    key = given.client_key_data.encode() or base64.b64decode(user.client_key_data)
    login: dict[str, Any] = _files(folder, {"client-certificate": certificate, "client-key": key})
    login |= {"token": given.token} if given.token else {}
    login |= {"username": user.username, "password": user.password} if user.username else {}
    return {
        "current-context": "only",
        "contexts": [{"name": "only", "context": {"cluster": "only", "user": "only"}}],
        "clusters": [{"name": "only", "cluster": entry}],
        "users": [{"name": "only", "user": login}],
    }


def _files(folder: Path, contents: Mapping[str, bytes]) -> dict[str, Any]:
    written = {}
    for name, content in contents.items():
        if content:
            path = folder / f"{name}.pem"
            path.touch(mode=0o600)
            path.write_bytes(content)
            written[name] = str(path)
    return written


def _direct(configuration: Any, target: Dialled, cluster: Cluster) -> None:
    """Point the configuration at what is dialled; a tunnel or loopback never goes through a proxy."""
    configuration.host = target.base
    if name := cluster.tls_server_name or target.tls_name:
        configuration.tls_server_name = name
    if target.tunnelled or urlsplit(target.base).hostname in LOOPBACK:
        configuration.proxy = None
    elif cluster.proxy_url:
        configuration.proxy = cluster.proxy_url


def _check_keys(configuration: Any) -> None:
    """Load the PEM files once, so that a wrong one is found now and never asks for a pass phrase on the terminal."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if configuration.ssl_ca_cert:
            context.load_verify_locations(cafile=configuration.ssl_ca_cert)
    except (ssl.SSLError, OSError):
        raise Invalid("The kubeconfig's certificate-authority-data holds no usable certificate.") from None
    try:
        if configuration.cert_file:
            context.load_cert_chain(configuration.cert_file, configuration.key_file, password="")
    except (ssl.SSLError, OSError, ValueError):
        hint = "They must belong together, and the key must not be locked by a pass phrase."
        raise Invalid("The kubeconfig's client certificate and key cannot be used.", hint=hint) from None


def _impersonation(user: User) -> list[tuple[str, str]]:
    """Give the headers of https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/."""
    if not user.as_user:
        return []
    headers = [("Impersonate-User", user.as_user)]
    headers += [("Impersonate-Uid", user.as_uid)] if user.as_uid else []
    headers += [("Impersonate-Group", group) for group in user.as_groups or ()]
    for key, values in (user.as_user_extra or {}).items():
        headers += [(f"Impersonate-Extra-{quote(key, safe='')}", value) for value in values]
    return headers


def _without_warnings() -> None:
    """Keep urllib3 from warning at every request: `doctor` and `apply` say once that a certificate is not checked."""
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)


def certless(configuration: Any) -> urllib3.PoolManager:
    """Give connections like those of a configuration that show no client certificate."""
    from kubernetes.client import ApiClient

    plain = copy.copy(configuration)
    plain.cert_file = plain.key_file = None
    pool: urllib3.PoolManager = ApiClient(plain).rest_client.pool_manager
    return pool


def _login(
    configuration: Any, target: Dialled, headers: Sequence[tuple[str, str]], expires_at: datetime | None
) -> Login:
    from kubernetes.client import ApiClient

    return Login(
        base=target.base,
        configuration=configuration,
        pool=ApiClient(configuration).rest_client.pool_manager,
        headers=(*target.headers, *headers),
        expires_at=expires_at,
    )
