"""The Config facet: ConfigMaps and Secrets of a namespace as keys and values, who uses them, and every change to them.

A value is bytes; whether a person sees it is not decided here. Changes name the revision that was looked at and lose to
whoever was faster: nothing is overwritten unseen. Values never go into an error or a plan of a Secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

from runtimes.planning import Applied, Plan

if TYPE_CHECKING:
    from runtimes.base import Scope

KEY_MAX_CHARS = NAME_MAX_CHARS = 253
_KEY = re.compile(r"[-._a-zA-Z0-9]+")
"""https://kubernetes.io/docs/concepts/configuration/configmap/#configmap-object; `..` is kept for mounts."""
_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?")

Holder = Literal["configmaps", "secrets"]
"""Which of the two, as the API and the address of a page name them."""


def is_key(text: str) -> bool:
    """Tell whether a cluster takes it as the name of a key."""
    return len(text) <= KEY_MAX_CHARS and bool(_KEY.fullmatch(text)) and text != "." and not text.startswith("..")


def is_name(text: str) -> bool:
    """Tell whether a cluster takes it as the name of a ConfigMap or Secret."""
    return len(text) <= NAME_MAX_CHARS and bool(_NAME.fullmatch(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """What a certificate in a Secret says of itself."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    matches_key: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Who uses a key (or "*", all of them) and how: `workload` is `deployment.web`, `how` "env LOG_LEVEL of web"."""

    workload: str
    key: str
    how: str
    live: bool = False
    """Whether a running pod sees a new value by itself (a volume without subPath), in about a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigObject:
    """A ConfigMap or Secret without its values. `size_bytes` is that of all values; `type` a Secret's own."""

    holder: Holder
    name: str
    keys: tuple[str, ...]
    size_bytes: int
    type: str = ""
    immutable: bool = False
    made_at: datetime | None = None
    managed_by: str = ""
    """What would undo a change made here (Helm, Argo CD, Flux, a controller), with how it will; a sentence."""
    revision: str = ""
    locked: str = ""
    """Why its values are neither shown nor changed here, as a sentence; "" where they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigContent:
    """One with its values. `registries` are the hosts in a dockerconfigjson."""

    about: ConfigObject
    values: Mapping[str, bytes] = field(repr=False)
    certificate: CertificateFacts | None = None
    registries: tuple[str, ...] = ()
    uses: tuple[Use, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigList:
    """All of a namespace, and in `notes` what could not be read."""

    items: tuple[ConfigObject, ...]
    as_of: datetime
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigChange:
    """What is to become of one: all its keys as they are to be. `revision` "" creates it.

    `type` counts for a Secret that is created. `immutable` None leaves it. `given` are the keys of a Secret that were
    sent with a value: each counts as changed, and is set, whatever is stored. A plan that left out those that are so
    already would tell a value to whoever guesses it.
    """

    holder: Holder
    name: str
    values: Mapping[str, bytes] = field(repr=False)
    revision: str = ""
    type: str = ""
    immutable: bool | None = None
    given: frozenset[str] = frozenset()


class Config(Protocol):
    """The Config tab. All methods raise only `runtimes.errors`; Stale when the object moved.

    The `field` of an error is `name`, `type`, `keys.KEY` for a key that cannot be one, or `values.KEY`.
    """

    def list(self, scope: Scope) -> ConfigList:
        """List all of the namespace, without values. Raise Denied only where neither kind may be read."""
        ...

    def get(self, scope: Scope, holder: Holder, name: str, *, with_uses: bool = True) -> ConfigContent:
        """Read one; who uses it only where that is asked for, which takes many lists. Raise Missing."""
        ...

    def uses(self, scope: Scope, holder: Holder, name: str) -> Sequence[Use]:
        """Say which workloads of the namespace use it, and how. One that does not exist may have users too."""
        ...

    def plan(self, scope: Scope, change: ConfigChange) -> Plan:
        """Say what saving would do, checked by a dry run on the server. Values of Secrets never stand in it.

        Raise Stale when it is no longer at the revision of the change, Conflict for the name of a new one that is
        taken, and Invalid for keys and values that cannot be, or for one that is locked or immutable.
        """
        ...

    def save(self, scope: Scope, change: ConfigChange) -> Applied:
        """Write one, once, at the revision that the change names; without one it is created.

        Raise what `plan` raises. `revision` of what is given is the new one.
        """
        ...

    def delete(self, scope: Scope, holder: Holder, name: str, *, revision: str) -> Applied:
        """Delete one as it was at a revision, or as it is now (""). Raise Missing, and Stale when it moved."""
        ...
