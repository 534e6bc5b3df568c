"""Reads a kubeconfig before anything is done with it, so that a mistake is a sentence and never a traceback.

Refuses what would start a program or read a file that nobody agreed to: exec plugins that are not on the list of
allowed ones, auth-provider commands, references to files (unless the caller reads them), proxies of odd schemes.
Pure but for one look whether an allowed plugin is installed. Source of the format:
https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
"""

from __future__ import annotations

import base64
import binascii
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import yaml

from runtimes.errors import Invalid
from runtimes.structs import make_ready

MAX_CHARS = 1_000_000
"""A kubeconfig of a thousand clusters is half of this; the web form takes no more than 1 MB either."""
PROXY_SCHEMES = frozenset({"http", "https"})
FLATTEN_HINT = "Write a self-contained one: kubectl config view --minify --flatten --context=NAME"
STARTER_PREFIXES = ("LD_", "DYLD_", "PYTHON", "PERL5", "RUBY", "NODE_", "JAVA_", "_JAVA", "GIT_", "BASH_")
STARTER_NAMES = frozenset({"PATH", "ENV", "IFS", "SHELLOPTS", "EDITOR", "PAGER", "BROWSER", "JDK_JAVA_OPTIONS"})
"""Variables that make an allowed plugin load or start something that is not allowed."""


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


class _NamedCluster(msgspec.Struct, frozen=True):
    name: str
    cluster: Cluster


class _NamedUser(msgspec.Struct, frozen=True):
    name: str
    user: User | None = None


class _NamedContext(msgspec.Struct, frozen=True):
    name: str
    context: Context


class _Kubeconfig(msgspec.Struct, frozen=True, rename="kebab"):
    current_context: str | None = None
    clusters: list[_NamedCluster] | None = None
    users: list[_NamedUser] | None = None
    contexts: list[_NamedContext] | None = None


class Chosen(msgspec.Struct, frozen=True):
    """What one context of a kubeconfig leads to."""

    context: str
    namespace: str
    cluster: Cluster
    user: User


FILES = {
    "clusters": ("cluster", {"certificate-authority": "certificate-authority-data"}),
    "users": (
        "user",
        {"client-certificate": "client-certificate-data", "client-key": "client-key-data", "tokenFile": "token"},
    ),
}
"""Where files may be named, and the key that takes their content: base64, but for a token."""


UNCHECKED = "the server's certificate is not checked (insecure-skip-tls-verify)"
"""What is said of a cluster whose kubeconfig says so: whoever is on the way can be the cluster."""


def inlined(text: str, read: Callable[[str], bytes] | None) -> str:
    """Give the kubeconfig with the content of every file it names in it, as YAML.

    `read` gets each path as it is written and may raise OSError. Without it (a web form must never make the server
    read its own files) a reference is refused. Raise Invalid.
    """
    document = _document(text)
    for entry, key, target in _references(document):
        path = entry.pop(key)
        if entry.get(target):
            continue  # as kubectl does: data wins over a file
        if read is None:
            raise Invalid(f'The kubeconfig names the file "{str(path)[:200]}" in {key}.', hint=FLATTEN_HINT)
        entry[target] = _content(str(path), key, read)
    return yaml.safe_dump(document, sort_keys=False)


def check(text: str, context: str | None, allowed_exec: Sequence[str]) -> None:
    """Raise Invalid, with a sentence and a hint, unless `context` of the kubeconfig can be used as it is.

    `allowed_exec` holds the exec plugins that may run, each exactly as the kubeconfig's `command` spells it.
    """
    chosen(text, context, allowed_exec)


def chosen(text: str, context: str | None, allowed_exec: Sequence[str]) -> Chosen:
    """Check as `check` does and give what the context (None: the current one) leads to. Raise Invalid."""
    found = _led_to(text, context)
    _check_cluster(found.cluster)
    _check_user(found.user, allowed_exec)
    return found


def unchecked(text: str, context: str | None) -> bool:
    """Tell whether a context lets anybody answer in the cluster's name (insecure-skip-tls-verify). Raise Invalid."""
    return _led_to(text, context).cluster.insecure_skip_tls_verify


def _led_to(text: str, context: str | None) -> Chosen:
    try:
        config = msgspec.convert(_document(text), _Kubeconfig)
    except msgspec.ValidationError as error:
        raise Invalid(f"The kubeconfig is not one: {error}.", hint=FLATTEN_HINT) from None
    picked = _context(config, context)
    clusters = {entry.name: entry.cluster for entry in config.clusters or ()}
    users = {entry.name: entry.user or User() for entry in config.users or ()}
    if picked.context.cluster not in clusters:
        raise Invalid(f'Context "{picked.name}" names the cluster "{picked.context.cluster}", which is not there.')
    if picked.context.user and picked.context.user not in users:
        raise Invalid(f'Context "{picked.name}" names the user "{picked.context.user}", who is not there.')
    cluster, user = clusters[picked.context.cluster], users.get(picked.context.user, User())
    return Chosen(context=picked.name, namespace=picked.context.namespace, cluster=cluster, user=user)


def _document(text: str) -> dict[str, Any]:
    if len(text) > MAX_CHARS:
        raise Invalid(f"The kubeconfig is larger than {MAX_CHARS // 1_000_000} MB.", hint=FLATTEN_HINT)
    try:
        # Aliases are how a small YAML document becomes a huge one; no tool writes a kubeconfig with them.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            raise Invalid("The kubeconfig uses YAML aliases, which are not accepted.", hint=FLATTEN_HINT)
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise Invalid(f"The kubeconfig is not valid YAML{where}.", hint=FLATTEN_HINT) from None
    if not isinstance(document, dict):
        raise Invalid("The kubeconfig is empty or not a mapping.", hint=FLATTEN_HINT)
    return document


def _references(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, str]]:
    for section, (inner, keys) in FILES.items():
        named = document.get(section)
        for item in named if isinstance(named, list) else ():
            entry = item.get(inner) if isinstance(item, dict) else None
            if isinstance(entry, dict):
                yield from ((entry, key, target) for key, target in keys.items() if entry.get(key))


def _content(path: str, key: str, read: Callable[[str], bytes]) -> str:
    try:
        data = read(path)
    except OSError as error:
        words = error.strerror or type(error).__name__
        raise Invalid(f'The file "{path[:200]}" that the kubeconfig names in {key} cannot be read: {words}.') from None
    if key != "tokenFile":
        return base64.b64encode(data).decode("ascii")
    try:
        return data.decode("ascii").strip()
    except UnicodeDecodeError:
        raise Invalid(f'The file "{path[:200]}" that the kubeconfig names in {key} holds no token.') from None


def _context(config: _Kubeconfig, name: str | None) -> _NamedContext:
    contexts = {entry.name: entry for entry in config.contexts or ()}
    there = ", ".join(sorted(contexts)[:10]) or "none"
    wanted = name or config.current_context
    if not wanted:
        raise Invalid("The kubeconfig has no current context.", hint=f"Name one of its contexts: {there}.")
    if wanted not in contexts:
        raise Invalid(f'The kubeconfig has no context "{wanted[:100]}".', hint=f"Its contexts are: {there}.")
    return contexts[wanted]


def _check_cluster(cluster: Cluster) -> None:
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


def _check_user(user: User, allowed_exec: Sequence[str]) -> None:
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


make_ready(globals())
