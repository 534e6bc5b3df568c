"""ConfigMaps and Secrets as the API server has them, turned into keys and bytes and back again. Pure.

Only what changed is written, as a merge patch: labels, annotations and the keys of others stay as they are. What is
read of annotations says who manages an object and goes no further: `last-applied-configuration` holds every value.
Source of the fields: https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from runtimes.config import ConfigChange, ConfigObject, Holder
from runtimes.errors import Unavailable
from runtimes.kubernetes.managers import managed_by
from runtimes.kubernetes.objects.common import Metadata
from runtimes.kubernetes.objects.held import Model
from runtimes.structs import make_ready

KINDS: Mapping[Holder, str] = {"configmaps": "ConfigMap", "secrets": "Secret"}
TOKEN_TYPES = {
    "kubernetes.io/service-account-token": "It is the token of a service account, which may do more in the cluster "
    "than who manages a service: opsmodal neither shows nor changes it.",
    "bootstrap.kubernetes.io/token": "It lets nodes join the cluster: opsmodal neither shows nor changes it.",
}
"""Types whose values are credentials of the cluster itself: whoever may manage a namespace must not become more."""
ROOT_CA, ROOT_CA_WORDS = (
    "kube-root-ca.crt",
    "The cluster keeps it in every namespace and writes it anew when it changes.",
)
"""https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/"""


class Stored(Model, frozen=True):
    """Either of them. Values are text in `data` of a ConfigMap, base64 everywhere else."""

    metadata: Metadata = Metadata()
    data: dict[str, str | None] | None = None
    binary_data: dict[str, str | None] | None = None
    type: str = ""
    immutable: bool | None = None

    def __repr__(self) -> str:
        return f"Stored({self.metadata.name!r})"


def about(holder: Holder, stored: Stored) -> ConfigObject:
    """Say what one is, without its values."""
    metadata, owner = stored.metadata, stored.metadata.controller
    manager = managed_by(metadata.labels, metadata.annotations, owner=f"{owner.kind} {owner.name}" if owner else "")
    is_root_ca = holder == "configmaps" and metadata.name == ROOT_CA
    return ConfigObject(
        holder=holder,
        name=metadata.name,
        keys=tuple(sorted({*(stored.data or ()), *(stored.binary_data or ())})),
        size_bytes=_size_bytes(holder, stored),
        type=stored.type if holder == "secrets" else "",
        immutable=bool(stored.immutable),
        made_at=metadata.creation_timestamp,
        managed_by=ROOT_CA_WORDS if is_root_ca else manager,
        revision=metadata.resource_version,
        locked=TOKEN_TYPES.get(stored.type, "") if holder == "secrets" else "",
    )


def values_of(holder: Holder, stored: Stored) -> dict[str, bytes]:
    """Give the values by key, in the order of the keys. Raise Unavailable for what is no base64."""
    found = {key: _plain(holder, text or "") for key, text in (stored.data or {}).items()}
    found |= {key: _decoded(text or "") for key, text in (stored.binary_data or {}).items()}
    return dict(sorted(found.items()))


def created(change: ConfigChange) -> dict[str, Any]:
    """Give the body that creates what is wanted."""
    data, binary = _split(change.holder, change.values)
    body: dict[str, Any] = {"apiVersion": "v1", "kind": KINDS[change.holder], "metadata": {"name": change.name}}
    body |= {"data": data} if data else {}
    body |= {"binaryData": binary} if binary else {}
    body |= {"type": change.type or "Opaque"} if change.holder == "secrets" else {}
    return body | ({"immutable": True} if change.immutable else {})


def patched(change: ConfigChange, stored: Stored) -> dict[str, Any]:
    """Give the merge patch (RFC 7396) that makes what is stored into what is wanted, only at the revision named.

    Nothing but a `metadata` means that everything is so already.
    """
    before = values_of(change.holder, stored)
    changed = {key: value for key, value in change.values.items() if key in change.given or before.get(key) != value}
    data, binary = _split(change.holder, changed)
    gone = [key for key in before if key not in change.values]
    body: dict[str, Any] = {
        "data": {**_dropped(stored.data, [*gone, *binary]), **data},
        "binaryData": {**_dropped(stored.binary_data, [*gone, *data]), **binary},
    }
    body = {part: entries for part, entries in body.items() if entries}
    if change.immutable is not None and change.immutable != bool(stored.immutable):
        body["immutable"] = change.immutable
    return {"metadata": {"resourceVersion": change.revision}, **body}


def is_text(value: bytes) -> bool:
    """Tell whether a value can stand in `data` of a ConfigMap: it is UTF-8."""
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _split(holder: Holder, values: Mapping[str, bytes]) -> tuple[dict[str, str], dict[str, str]]:
    """Write values as `data` and `binaryData`."""
    if holder == "secrets":
        return {key: base64.b64encode(value).decode() for key, value in values.items()}, {}
    data = {key: value.decode() for key, value in values.items() if is_text(value)}
    return data, {key: base64.b64encode(value).decode() for key, value in values.items() if key not in data}


def _dropped(part: Mapping[str, str | None] | None, keys: list[str]) -> dict[str, None]:
    return {key: None for key in keys if key in (part or {})}


def _plain(holder: Holder, text: str) -> bytes:
    return text.encode() if holder == "configmaps" else _decoded(text)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unavailable("The API server sent a value that is no base64.") from error


def _size_bytes(holder: Holder, stored: Stored) -> int:
    data, binary = [text or "" for text in (stored.data or {}).values()], (stored.binary_data or {}).values()
    encoded = [text or "" for text in binary]
    if holder == "secrets":
        encoded, data = [*encoded, *data], []
    total = sum(len(text) // 4 * 3 - text[-2:].count("=") for text in encoded)
    return total + sum(len(text) if text.isascii() else len(text.encode()) for text in data)


make_ready(globals())
