"""The Config facet on Kubernetes: reads, plans and writes the ConfigMaps and Secrets of a service's namespace.

What is written is a merge patch at the revision that was looked at, sent once. Errors of a Secret are stripped of what
quotes its values before they leave here. It decides nothing about who may see a value.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from runtimes.base import Scope
from runtimes.config import ConfigChange, ConfigContent, ConfigList, ConfigObject, Holder, Use
from runtimes.errors import Conflict, Denied, Expired, Missing, RuntimeProblem, Stale
from runtimes.kubernetes.api import paths
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.api.media import MERGE
from runtimes.kubernetes.config import certificates, plans, rules, using
from runtimes.kubernetes.config.objects import KINDS, Stored, about, created, patched, values_of
from runtimes.kubernetes.config.uses import uses_of
from runtimes.kubernetes.objects.common import OnlyMetadata
from runtimes.planning import Applied, Plan

PAGE_ITEMS = 50
"""Read at once: each may be 1.4 MB of JSON, and a list of all of them must not take the memory of the process."""
ITEMS_MAX = 5_000
HOLDERS: tuple[Holder, ...] = ("configmaps", "secrets")
DRY_RUN = {"dryRun": "All"}
TRIES = 2
"""A list begins anew once when its position expires under way."""


class NamespaceConfig:
    """ConfigMaps and Secrets of one namespace: all of it, whatever a service's selector says."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def list(self, scope: Scope) -> ConfigList:
        """List all of them without their values. Raise RuntimeProblem; what is denied stands in the notes."""
        items: list[ConfigObject] = []
        notes: builtins.list[str] = []
        problem: Denied | None = None
        for holder in HOLDERS:
            try:
                items += self._all(scope, holder, notes)
            except Denied as denied:
                notes.append(f"The {KINDS[holder]}s of {scope.namespace} are not shown: {denied.sentence}")
                problem = denied
        if problem is not None and len(notes) == len(HOLDERS) and not items:
            raise problem
        return ConfigList(items=tuple(items), as_of=datetime.now(UTC), notes=tuple(notes))

    def get(self, scope: Scope, holder: Holder, name: str, *, with_uses: bool = True) -> ConfigContent:
        """Read one with its values and who uses it. Raise RuntimeProblem, Missing where there is none."""
        stored = self._read(scope, holder, name)
        users = using.read(self._client, scope.namespace) if with_uses else using.Users()
        values = values_of(holder, stored)
        return ConfigContent(
            about=about(holder, stored),
            values=values,
            certificate=certificates.facts_of(values) if holder == "secrets" else None,
            registries=rules.registries(values) if holder == "secrets" else (),
            uses=uses_of(users, holder, name),
            notes=(*users.notes, *(certificates.doubts(values) if holder == "secrets" else ())),
        )

    def uses(self, scope: Scope, holder: Holder, name: str) -> Sequence[Use]:
        """Say which workloads of the namespace use it, and how. Raise RuntimeProblem."""
        return uses_of(using.read(self._client, scope.namespace), holder, name)

    def plan(self, scope: Scope, change: ConfigChange) -> Plan:
        """Say what saving would do, checked by a dry run on the server. Raise RuntimeProblem, Stale when it moved."""
        stored = self._looked_at(scope, change)
        rules.check(change, stored)
        self._write(scope, change, stored, query=DRY_RUN)
        users = using.read(self._client, scope.namespace)
        warnings = [manager] if (manager := about(change.holder, stored).managed_by if stored else "") else []
        warnings += certificates.doubts(change.values) if change.holder == "secrets" else ()
        used = uses_of(users, change.holder, change.name)
        return plans.plan_of(change, stored, namespace=scope.namespace, uses=used, warnings=warnings)

    def save(self, scope: Scope, change: ConfigChange) -> Applied:
        """Write it, once. Raise RuntimeProblem, Stale when it is no longer at the revision of the change."""
        stored = self._looked_at(scope, change)
        rules.check(change, stored)
        written = self._write(scope, change, stored)
        kind, noun = KINDS[change.holder], change.holder.removesuffix("s")
        return Applied(
            target=f"{noun}/{change.name}",
            sentence=f"{kind} {change.name} was {'saved' if stored else 'created'}.",
            revision=written.metadata.resource_version,
            made="" if stored else f"{noun}/{change.name}",
        )

    def delete(self, scope: Scope, holder: Holder, name: str, *, revision: str) -> Applied:
        """Delete one as it was at `revision`, or as it is now where none is given. Raise Stale when it moved."""
        path, what = paths.single(scope.namespace, holder, name), _what(holder, name)
        stored = self._read(scope, holder, name)
        found = stored.metadata
        _demand_same(found.resource_version, revision, what)
        with _told_safely(holder, values_of(holder, stored).values()):
            self._client.delete(path, what=what, uid=found.uid, revision=found.resource_version)
        return Applied(target=f"{holder.removesuffix('s')}/{name}", sentence=f"{KINDS[holder]} {name} was deleted.")

    def _all(self, scope: Scope, holder: Holder, notes: builtins.list[str]) -> builtins.list[ConfigObject]:
        for _ in range(TRIES):
            try:
                return list(self._pages(scope, holder, notes))
            except Expired:
                continue
        return list(self._pages(scope, holder, notes))

    def _pages(self, scope: Scope, holder: Holder, notes: builtins.list[str]) -> Iterator[ConfigObject]:
        position, path = "", paths.collection(scope.namespace, holder)
        for _ in range(ITEMS_MAX // PAGE_ITEMS):
            page = self._client.page(path, Stored, what=holder, position=position, limit=PAGE_ITEMS, words=notes)
            yield from (about(holder, each) for each in page.items or ())
            position = page.metadata.continue_
            if not position:
                return
        notes.append(f"There are more {KINDS[holder]}s than the {ITEMS_MAX:,} that are shown.")

    def _read(self, scope: Scope, holder: Holder, name: str) -> Stored:
        return self._client.get(paths.single(scope.namespace, holder, name), Stored, what=_what(holder, name))

    def _looked_at(self, scope: Scope, change: ConfigChange) -> Stored | None:
        """Read what a change is to; None where it creates it. Raise Stale when it is no longer what was looked at."""
        if not change.revision:
            return None
        what = _what(change.holder, change.name)
        try:
            stored = self._read(scope, change.holder, change.name)
        except Missing as missing:
            raise Stale(f"{what} was deleted meanwhile.", hint="Create it anew, or leave it.") from missing
        _demand_same(stored.metadata.resource_version, change.revision, what)
        return stored

    def _write(
        self, scope: Scope, change: ConfigChange, stored: Stored | None, *, query: Mapping[str, str] | None = None
    ) -> OnlyMetadata:
        what = _what(change.holder, change.name)
        before = values_of(change.holder, stored).values() if stored else ()
        with _told_safely(change.holder, (*change.values.values(), *before)):
            if stored is None:
                path = paths.collection(scope.namespace, change.holder)
                return self._create(path, change, what, query)
            path, body = paths.single(scope.namespace, change.holder, change.name), patched(change, stored)
            return self._client.write("PATCH", path, OnlyMetadata, body, what=what, query=query, media=MERGE)

    def _create(self, path: str, change: ConfigChange, what: str, query: Mapping[str, str] | None) -> OnlyMetadata:
        try:
            return self._client.write("POST", path, OnlyMetadata, created(change), what=what, query=query)
        except Conflict as taken:
            taken.field = "name"
            raise


@contextmanager
def _told_safely(holder: Holder, values: Iterable[bytes]) -> Iterator[None]:
    """Let no error of a Secret quote its values, new or old: a webhook is sent both and may say whatever it likes."""
    try:
        yield
    except RuntimeProblem as problem:
        if holder == "secrets":
            raise rules.without_values(problem, values) from None
        raise


def _demand_same(found: str, wanted: str, what: str) -> None:
    if wanted and found != wanted:
        raise Stale(f"{what} changed meanwhile.", hint="Read it again, then repeat what you wanted to do.")


def _what(holder: Holder, name: str) -> str:
    return f"{KINDS[holder]} {name[:100]}"
