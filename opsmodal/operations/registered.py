"""What the registry's operations answer: values, and how they are made. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from opsmodal.opening import Opened
from opsmodal.registry.schema import scope_key
from runtimes.base import Proposal, Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeRow:
    """One registered runtime. `state` is open, failed or unknown (not asked since the start)."""

    name: str
    kind: str
    address: str
    connections: tuple[str, ...]
    services: int
    state: str
    sentence: str
    hint: str
    simulated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeAnswer:
    """One runtime: its entry as in the document (credentials by name and fingerprint), and its services."""

    row: RuntimeRow
    entry: dict[str, Any]
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """What a test of a runtime found."""

    ok: bool
    sentence: str
    hint: str = ""
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalRow:
    """A service that discovery found; `taken` when one with this scope is registered already."""

    name: str
    evidence: str
    instances: int
    taken: bool
    entry: dict[str, Any]


def answered(opened: Opened) -> Tested:
    """Say that a runtime answered, and what it is."""
    identity = opened.runtime.identity
    return Tested(
        ok=True,
        sentence=f"{identity.program} {identity.version} answered over {opened.connection_name}.",
        facts=identity.detail,
    )


def proposed(runtime: str, found: Proposal, known: set[tuple[object, ...]], used: set[str]) -> ProposalRow:
    """Make the row of a service that was found, where these scopes and names are registered already."""
    entry = {"name": found.name, "runtime": runtime, **_scope_entry(found.scope)}
    return ProposalRow(
        name=found.name,
        evidence=found.evidence,
        instances=found.instances,
        taken=scope_key(runtime, found.scope) in known or found.name in used,
        entry=entry,
    )


def _scope_entry(scope: Scope) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "namespace": scope.namespace,
        "selector": scope.selector,
        "project": scope.project,
        "containers": list(scope.containers),
        "labels": dict(scope.labels),
    }
    return {name: value for name, value in fields.items() if value}
