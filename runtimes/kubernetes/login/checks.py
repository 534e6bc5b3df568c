"""Refuses what a cluster or a user of a kubeconfig must not be, before anything is done with it.

That is what would start a program or read a file that nobody agreed to: exec plugins that are not on the list of
allowed ones, auth-provider commands, references to files; and proxies of odd schemes. Pure but for one look whether an
allowed plugin is installed.
"""

from __future__ import annotations

import base64
import binascii
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from runtimes.errors import Invalid
from runtimes.kubernetes.login.entries import Cluster, ExecPlugin, User

PROXY_SCHEMES = frozenset({"http", "https"})
FLATTEN_HINT = "Write a self-contained one: kubectl config view --minify --flatten --context=NAME"
STARTER_PREFIXES = ("LD_", "DYLD_", "PYTHON", "PERL5", "RUBY", "NODE_", "JAVA_", "_JAVA", "GIT_", "BASH_")
STARTER_NAMES = frozenset({"PATH", "ENV", "IFS", "SHELLOPTS", "EDITOR", "PAGER", "BROWSER", "JDK_JAVA_OPTIONS"})
"""Variables that make an allowed plugin load or start something that is not allowed."""


def check_cluster(cluster: Cluster) -> None:
    """Raise Invalid for an address that is none, a file, or a proxy that is none."""
    server = _parsed(cluster.server)
    if server is None or server[0] not in {"http", "https"}:
        raise Invalid("The cluster's server is no https:// address.", hint="It reads like https://10.0.0.5:6443.")
    if cluster.certificate_authority:
        raise Invalid("The kubeconfig names a file in certificate-authority.", hint=FLATTEN_HINT)
    _check_pem("certificate-authority-data", cluster.certificate_authority_data)
    proxy = _parsed(cluster.proxy_url) if cluster.proxy_url else ("http", "")
    if proxy is None or proxy[0] not in PROXY_SCHEMES:
        raise Invalid("The cluster's proxy-url is neither http:// nor https://.", hint="Use an HTTP proxy, or none.")


def _parsed(address: str) -> tuple[str, str] | None:
    """Give (scheme, host) of an address without a user part, else None."""
    try:
        parts = urlsplit(address)
        return (
            (parts.scheme, parts.hostname) if parts.hostname and "@" not in parts.netloc and parts.port != 0 else None
        )
    except ValueError:
        return None


def check_user(user: User, allowed_exec: Sequence[str]) -> None:
    """Raise Invalid for what names a file, cannot be sent, or would start what nobody allowed."""
    if user.auth_provider is not None:
        hint = "Use a token, a client certificate or an exec plugin; kubectl 1.26 and newer refuse it too."
        raise Invalid("The kubeconfig uses an auth-provider, which may start programs.", hint=hint)
    for key, path in (
        ("client-certificate", user.client_certificate),
        ("client-key", user.client_key),
        ("tokenFile", user.token_file),
    ):
        if path:
            raise Invalid(f"The kubeconfig names a file in {key}.", hint=FLATTEN_HINT)
    _check_pem("client-certificate-data", user.client_certificate_data)
    _check_pem("client-key-data", user.client_key_data)
    if bool(user.client_certificate_data) != bool(user.client_key_data):
        raise Invalid("The kubeconfig has a client certificate or a client key, but not both.", hint=FLATTEN_HINT)
    extra = [text for key, values in (user.as_user_extra or {}).items() for text in (key, *values)]
    sent = "".join([user.token, user.username, user.as_user, user.as_uid, *(user.as_groups or ()), *extra])
    if not (sent.isascii() and sent.isprintable()):
        raise Invalid("The kubeconfig's token or user holds line breaks or other characters that cannot be sent.")
    if user.exec_plugin is not None and not user.token:
        _check_exec(user.exec_plugin, allowed_exec)


def _check_pem(key: str, data: str) -> None:
    try:
        decoded = base64.b64decode(data, validate=False)
    except (binascii.Error, ValueError):
        decoded = b"?"
    if data and b"-----BEGIN " not in decoded:
        raise Invalid(f"The kubeconfig's {key} is not the base64 of a PEM file.", hint=FLATTEN_HINT)


def _check_exec(plugin: ExecPlugin, allowed_exec: Sequence[str]) -> None:
    command = plugin.command
    shown = command[:100]
    if command not in allowed_exec:
        hint = "An administrator allows it by the setting of allowed exec plugins; or use a service account's token."
        raise Invalid(f'The kubeconfig would start the program "{shown}", which is not allowed.', hint=hint)
    if os.sep in command and not Path(command).is_absolute():
        raise Invalid(f'The exec plugin "{shown}" is a relative path.', hint="Give its name or its absolute path.")
    if shutil.which(command) is None:
        hint = "Install it on the machine that runs opsmodal, or use a service account's token."
        raise Invalid(f'The exec plugin "{shown}" is not installed.', hint=hint)
    if plugin.interactive_mode == "Always":
        raise Invalid(f'The exec plugin "{shown}" wants to ask a person.', hint="Use a service account's token.")
    for variable in plugin.env or ():
        if variable.name.upper() in STARTER_NAMES or variable.name.upper().startswith(STARTER_PREFIXES):
            hint = "Set it in the environment of opsmodal, if it is needed."
            raise Invalid(f'The exec plugin would be given "{variable.name[:50]}", which may start others.', hint=hint)
