"""The one door to the registry's entries: read, apply, compare, export, put, remove.

Reads come from the last state that was loaded, as long as the version in the store is the same. A change is checked
against what is stored inside the transaction that writes it, so that two at once cannot both be right.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from opsmodal.errors import InUse, NotThere, Problem, Rejected
from opsmodal.permissions import Grant
from opsmodal.registry import credentials, entries, hostkeys
from opsmodal.registry.changes import Applied, Change, changes_of, kept_grants, warnings_of
from opsmodal.registry.entries import Granted, Grouped
from opsmodal.registry.export import export
from opsmodal.registry.files import Files, Sent
from opsmodal.registry.logins import RegistryLogins
from opsmodal.registry.reading import NOUNS, Reading, key_of, plain, read_document, read_entry
from opsmodal.registry.references import check_references
from opsmodal.registry.rights import apart, as_permission, name_of
from opsmodal.registry.schema import Document, GroupSpec, OidcSpec, RuntimeSpec, ServiceSpec, Spec, VpnProfile
from opsmodal.registry.state import State
from opsmodal.store import Store, Vault

LOCK = "registry"


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Registry:
    """The registered runtimes, services, VPN profiles, groups and grants."""

    def __init__(
        self,
        store: Store,
        vault: Vault,
        *,
        allowed_exec: Sequence[str] = (),
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.logins = RegistryLogins(store, vault)
        self._store = store
        self._vault = vault
        self._allowed_exec = tuple(allowed_exec)
        self._now = now
        self._lock = threading.Lock()
        self._state: State | None = None

    def version(self) -> int:
        """Give the number that grows with every change, by whichever worker."""
        with self._store.looking() as connection:
            return entries.version(connection)

    def state(self) -> State:
        """Give everything as it is now."""
        known = self._state
        if known is not None and known.version == self.version():
            return known
        with self._store.reading() as session:
            loaded = entries.load(session)
        with self._lock:
            if self._state is None or self._state.version < loaded.version:
                self._state = loaded
        return loaded

    def document(self) -> Document:
        """Give everything as a document."""
        return self.state().document()

    def runtimes(self) -> tuple[RuntimeSpec, ...]:
        """List the runtimes."""
        return tuple(self.state().runtimes.values())

    def runtime(self, name: str) -> RuntimeSpec | None:
        """Find a runtime."""
        return self.state().runtimes.get(name)

    def is_choosable(self, runtime: str) -> bool:
        """Tell whether more than one connection led to a runtime when the registry was last read."""
        known = self._state
        spec = known.runtimes.get(runtime) if known else None
        return spec is not None and len(spec.connections) > 1

    def services(self) -> tuple[ServiceSpec, ...]:
        """List the services."""
        return tuple(self.state().services.values())

    def service(self, name: str) -> ServiceSpec | None:
        """Find a service."""
        return self.state().services.get(name)

    def groups(self) -> tuple[GroupSpec, ...]:
        """List the groups."""
        return tuple(self.state().groups.values())

    def groups_of(self, user: str) -> frozenset[str]:
        """Name the groups that somebody is in."""
        return frozenset(group.name for group in self.groups() if user in group.users)

    def vpn_profiles(self) -> tuple[VpnProfile, ...]:
        """List the VPN profiles."""
        return tuple(self.state().vpn_profiles.values())

    def vpn_profile(self, name: str) -> VpnProfile | None:
        """Find a VPN profile."""
        return self.state().vpn_profiles.get(name)

    def host_keys(self, host: str, port: int) -> tuple[str, ...]:
        """List the keys of an SSH server that were trusted by hand, each a line of known_hosts."""
        return tuple(key.line for key in self.state().host_keys if (key.host, key.port) == (host, port))

    def trust(self, key: hostkeys.Trusted) -> None:
        """Trust a host key. Raise Rejected when the host has another one of its algorithm."""
        with self._store.session() as session:
            self._store.lock(session, LOCK)
            hostkeys.trust(session, key)
            entries.count_up(session)

    def forget_host_keys(self, host: str, port: int) -> None:
        """Drop every key of a host that was trusted by hand. Raise NotThere."""
        with self._store.session() as session:
            self._store.lock(session, LOCK)
            hostkeys.forget(session, host, port)
            entries.count_up(session)

    def oidc(self) -> OidcSpec | None:
        """Give the OpenID provider that people may sign in with."""
        return self.state().oidc

    def grants(self) -> tuple[Grant, ...]:
        """List the grants, one target each, as the resolver of permissions takes them."""
        return tuple(as_permission(spec) for spec in self.state().grants.values())

    def standing(self, name: str) -> tuple[ServiceSpec | None, tuple[Grant, ...]]:
        """Find a service, and list the grants, as they are at the same moment."""
        state = self.state()
        return state.services.get(name), tuple(as_permission(spec) for spec in state.grants.values())

    def granted(self) -> tuple[Granted, ...]:
        """List the grants, one target each, with who wrote each and when."""
        with self._store.reading() as session:
            return entries.granted(session)

    def grouped(self) -> tuple[Grouped, ...]:
        """List the groups with who wrote each and when."""
        with self._store.reading() as session:
            return entries.grouped(session)

    def admins(self) -> tuple[str, ...]:
        """Name the administrators who are not disabled."""
        with self._store.reading() as session:
            return entries.user_names(session, only_admins=True)

    def credential(self, section: str, name: str, field: str) -> str | None:
        """Open a stored file, e.g. ("runtimes", "prod", "kubeconfig"); None where there is none. Raise WrongKey."""
        if section not in credentials.OWNERS:
            raise ValueError(f"entries of {section!r} hold no credentials")
        with self._store.reading() as session:
            return credentials.opened(session, self._vault, (section, name, field))

    def signature(self, runtime: str) -> str:
        """Give a text that changes whenever the runtime or what it is reached with does; "" without it."""
        state = self.state()
        spec = state.runtimes.get(runtime)
        if spec is None:
            return ""
        profiles = [state.vpn_profiles.get(getattr(way, "profile", "")) for way in spec.connections]
        trusted = [key.line for key in state.host_keys] if any(way.kind == "ssh" for way in spec.connections) else []
        told = msgspec.json.encode([plain(spec), [plain(one) for one in profiles if one is not None], trusted])
        return hashlib.sha256(told).hexdigest()

    def export(self) -> str:
        """Write everything as YAML that can be applied again."""
        return export(self.document())

    def apply(self, data: bytes, files: Files, *, by: str = "") -> Applied:
        """Take a document whole: entries are created or replaced. Raise Rejected with every problem it has.

        `by` is noted at each entry that is other than it was: somebody's name, or "command line".
        """
        return self._change(read_document(data), files, by=by)

    def diff(self, data: bytes, files: Files) -> Applied:
        """Say what `apply` would do, and change nothing. Raise Rejected."""
        return self._change(read_document(data), files, write=False)

    def put(
        self, section: str, entry: Mapping[str, Any], sent: Mapping[str, str] | None = None, *, by: str = ""
    ) -> Change:
        """Create or replace one entry, given as in the document. Raise Rejected.

        `sent` holds the texts of files by field: `kubeconfig`, `tls.key`, `connections.NAME.identityFile`,
        `configFile`. A file that is not sent is kept when the entry carries its fingerprint.
        `by` is noted at the entry.
        """
        applied = self._change(read_entry(section, entry), Sent(sent), by=by)
        return next((change for change in applied.changes if change.action != "unchanged"), applied.changes[0])

    def problems(
        self, section: str, entry: Mapping[str, Any], sent: Mapping[str, str] | None = None
    ) -> tuple[Problem, ...]:
        """List what is wrong with one entry; fields are paths inside it. Changes nothing."""
        try:
            self._change(read_entry(section, entry), Sent(sent), write=False)
        except Rejected as rejected:
            return rejected.problems
        return ()

    def demand_unused(self, section: str, name: str) -> None:
        """Raise InUse while something refers to an entry."""
        _demand_unused(self.state(), section, name)

    def remove(self, section: str, name: str) -> Change:
        """Remove an entry and its credentials. Raise NotThere, or InUse while something refers to it."""
        noun = NOUNS[section]
        with self._store.session() as session:
            self._store.lock(session, LOCK)
            _demand_unused(entries.load(session), section, name)
            if not entries.remove(session, section, name):
                raise NotThere(f"There is no {noun} named “{name[:80]}”.")
            credentials.drop(session, section, name)
        return Change(section=section, noun=noun, name=name, action="removed")

    def _change(self, reading: Reading, files: Files, *, write: bool = True, by: str = "") -> Applied:
        holders = credentials.gather(reading, files, self._allowed_exec)
        with self._store.session() if write else self._store.reading() as session:
            if write:
                self._store.lock(session, LOCK)
            before = entries.load(session)
            credentials.settle(session, self._vault, reading, holders, self._allowed_exec)
            wanted = _wanted(reading)
            after = before.with_entries(wanted)
            check_references(reading, after)
            _demand_right(reading)
            changes = changes_of(before, wanted)
            if write:
                self._write(session, wanted, changes, holders, by)
            users = entries.user_names(session)
        warnings = (*warnings_of(after, wanted, users), *credentials.warnings_of(holders), *kept_grants(before, wanted))
        return Applied(changes=changes, warnings=warnings)

    def _write(
        self,
        session: Session,
        wanted: Mapping[str, Mapping[str, Spec]],
        changes: Sequence[Change],
        holders: list[credentials.Holder],
        by: str,
    ) -> None:
        now = self._now()
        credentials.save(session, self._vault, holders, now)
        entries.save(session, wanted, changes, now, by)


def _demand_unused(state: State, section: str, name: str) -> None:
    users = list(state.users_of(section, name))
    if users:
        sentence = f"The {NOUNS[section]} {name} is still used by: {'; '.join(users)}."
        raise InUse(sentence, hint="Remove these first.")


def _wanted(reading: Reading) -> dict[str, dict[str, Spec]]:
    """Give the well-formed entries by name, grants taken apart."""
    wanted: dict[str, dict[str, Spec]] = {
        section: {key_of(section, read.spec.name): read.spec for read in reads}
        for section, reads in reading.entries.items()
        if section != "grants"
    }
    singles = [single for read in reading.entries["grants"] for single in apart(read.spec)]
    return {**wanted, "grants": {name_of(single): single for single in singles}}


def _demand_right(reading: Reading) -> None:
    if not reading.problems:
        return
    problems = sorted(reading.problems, key=lambda problem: problem.line)
    count = "is one mistake" if len(problems) == 1 else f"are {len(problems)} mistakes"
    raise Rejected(f"There {count} in this; nothing was changed.", problems)
