"""Which files an entry names, and under which field each of their texts is sent and kept. Pure.

Entries come as plain values: from the store, where they are whole, or from a form, where anything may stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opsmodal.registry.shape import Path

KUBECONFIG = "kubeconfig"
DIRECT = ("configFile", "authFile", KUBECONFIG, "clientSecretFile", "caFile")
"""Keys of an entry itself that name a file."""
LOGIN = ("identityFile", "certificate", "passphrase", "password", "knownHosts")
"""Keys of an SSH login that name a file."""
SECRETS = ("passphrase", "password")
"""Files of one line."""
Ref = tuple[str, Path, Any]


def refs(values: dict[str, Any]) -> Iterator[Ref]:
    """List (field, path, reference) for every file that an entry names."""
    for key in DIRECT:
        if key in values:
            yield key, (key,), values[key]
    for key, ref in (values.get("tls") or {}).items():
        yield f"tls.{key}", ("tls", key), ref
    yield from login_refs(values.get("connections"))


def login_refs(connections: Any) -> Iterator[Ref]:
    """List the same for the SSH logins of connections, passing over what is no connection."""
    for index, way in enumerate(connections if isinstance(connections, list | tuple) else ()):
        if not isinstance(way, dict) or "name" not in way:
            continue
        field, path = f"connections.{way['name']}", ("connections", index)
        yield from _login(field, path, way)
        jumps = way.get("jump")
        for number, jump in enumerate(jumps if isinstance(jumps, list | tuple) else ()):
            if isinstance(jump, dict):
                yield from _login(f"{field}.jump.{number}", (*path, "jump", number), jump)


def _login(field: str, path: Path, login: dict[str, Any]) -> Iterator[Ref]:
    for key in LOGIN:
        if key in login:
            yield f"{field}.{key}", (*path, key), login[key]
