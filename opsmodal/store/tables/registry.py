"""The registry as it is stored: one table for each kind of entry, each a name and the entry's own JSON.

The shape of that JSON is the registry's business (`opsmodal.registry.schema`); here it is only kept, in order.
Credentials stand apart, sealed; the JSON holds file names and fingerprints only.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from opsmodal.store.tables.base import HASH_CHARS, NAME_CHARS, Table


class Entry:
    """The columns of every kind of entry. `position` keeps the order in which entries were first applied."""

    name: Mapped[str] = mapped_column(String(NAME_CHARS * 3), primary_key=True)
    spec: Mapped[dict[str, Any]]
    position: Mapped[int]
    updated_at: Mapped[datetime]
    updated_by: Mapped[str] = mapped_column(String(NAME_CHARS), default="", server_default="")


class VpnProfileEntry(Entry, Table):
    """A VPN profile."""

    __tablename__ = "vpn_profiles"


class RuntimeEntry(Entry, Table):
    """A runtime with its connections."""

    __tablename__ = "runtimes"


class ServiceEntry(Entry, Table):
    """A service."""

    __tablename__ = "services"


class GroupEntry(Entry, Table):
    """A group of people."""

    __tablename__ = "groups"


class GrantEntry(Entry, Table):
    """One role of one user or group on one target; the name says whose and on what."""

    __tablename__ = "grants"


class Credential(Table):
    """A sealed file. `owner_kind` and `owner` name the entry, `field` its place there: `connections.lan.knownHosts`."""

    __tablename__ = "credentials"

    owner_kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    owner: Mapped[str] = mapped_column(String(NAME_CHARS), primary_key=True)
    field: Mapped[str] = mapped_column(String(NAME_CHARS), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    file_name: Mapped[str] = mapped_column(String(1024))
    fingerprint: Mapped[str] = mapped_column(String(HASH_CHARS))
    updated_at: Mapped[datetime]


class HostKey(Table):
    """A host key of an SSH server that an administrator has said is the right one; `line` is as in known_hosts."""

    __tablename__ = "host_keys"

    host: Mapped[str] = mapped_column(String(NAME_CHARS), primary_key=True)
    port: Mapped[int] = mapped_column(primary_key=True)
    algorithm: Mapped[str] = mapped_column(String(64), primary_key=True)
    line: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[str] = mapped_column(String(HASH_CHARS))
    trusted_by: Mapped[str] = mapped_column(String(NAME_CHARS))
    trusted_at: Mapped[datetime]


class RegistryLogin(Table):
    """How a runtime signs in to an image registry: `host` in one spelling, `sealed` the password."""

    __tablename__ = "registry_logins"

    runtime: Mapped[str] = mapped_column(String(NAME_CHARS), primary_key=True)
    host: Mapped[str] = mapped_column(String(NAME_CHARS), primary_key=True)
    user: Mapped[str] = mapped_column(String(NAME_CHARS))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    given_by: Mapped[str] = mapped_column(String(NAME_CHARS))
    given_at: Mapped[datetime]


class Mark(Table):
    """A named value about the store itself: the registry's version, the proof that a key is the right one."""

    __tablename__ = "marks"

    name: Mapped[str] = mapped_column(String(NAME_CHARS), primary_key=True)
    value: Mapped[str] = mapped_column(String(4096))
