"""Reads a kubeconfig before anything is done with it, so that a mistake is a sentence and never a traceback.

What it refuses in a cluster or a user is in `checks`. References to files are refused too, unless the caller reads
them. Source of the format: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import yaml

from runtimes.errors import Invalid
from runtimes.kubernetes.login.checks import FLATTEN_HINT, check_cluster, check_user
from runtimes.kubernetes.login.entries import Chosen, Kubeconfig, NamedContext, User

MAX_CHARS = 1_000_000
"""A kubeconfig of a thousand clusters is half of this; the web form takes no more than 1 MB either."""

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
    check_cluster(found.cluster)
    check_user(found.user, allowed_exec)
    return found


def unchecked(text: str, context: str | None) -> bool:
    """Tell whether a context lets anybody answer in the cluster's name (insecure-skip-tls-verify). Raise Invalid."""
    return _led_to(text, context).cluster.insecure_skip_tls_verify


def _led_to(text: str, context: str | None) -> Chosen:
    try:
        config = msgspec.convert(_document(text), Kubeconfig)
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


def _context(config: Kubeconfig, name: str | None) -> NamedContext:
    contexts = {entry.name: entry for entry in config.contexts or ()}
    there = ", ".join(sorted(contexts)[:10]) or "none"
    wanted = name or config.current_context
    if not wanted:
        raise Invalid("The kubeconfig has no current context.", hint=f"Name one of its contexts: {there}.")
    if wanted not in contexts:
        raise Invalid(f'The kubeconfig has no context "{wanted[:100]}".', hint=f"Its contexts are: {there}.")
    return contexts[wanted]
