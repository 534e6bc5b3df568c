"""What a verdict depends on beside the line: who asks, what is the service's own, and what the site allows.

A World is read attribute by attribute, and only what a line needs: the one behind a page asks the runtime when an
attribute is first read, the one of a policy test is a plain value. Whatever reading raises goes through the guard.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol

from opsmodal.permissions import EVERYTHING, Permission
from runtimes.commands import Kind


class Mode(StrEnum):
    """How long a command may run: once and short, or as a stream."""

    ONESHOT = "oneshot"
    STREAMING = "streaming"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A runbook: an exact argv with typed parameters, which an administrator registered.

    `argv` holds literal words and `{name}` words; `parameters` maps each name to a regular expression that the whole
    value must match. `permissions` is what somebody needs to run it; `approved`: it asks for no confirmation.
    """

    name: str
    argv: tuple[str, ...]
    parameters: Mapping[str, str] = field(default_factory=dict)
    permissions: frozenset[Permission] = frozenset({Permission.EXEC})
    approved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowing:
    """What the site's policy leaves of the built-in rules, for this person on this service; None leaves all.

    `verbs` are "rollout restart", "delete" …; `kinds` resource names ("pods", "deployments"); `programs` the first
    inner words of an exec. It only ever narrows.
    """

    verbs: frozenset[str] | None = None
    kinds: frozenset[str] | None = None
    programs: frozenset[str] | None = None


Pair = tuple[Mapping[str, Any], Mapping[str, Any]]
"""A manifest as it is, and as it would be."""


class World(Protocol):
    """What the guard may ask."""

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the person may do on the service."""
        ...

    @property
    def runtime_permissions(self) -> frozenset[Permission]:
        """What the person was granted on the whole runtime."""
        ...

    @property
    def autoscaled(self) -> frozenset[str]:
        """The workloads of the namespace that an autoscaler owns, as `deployment/web`, kinds in small letters."""
        ...

    @property
    def switched_off(self) -> Mapping[str, tuple[int, int]]:
        """Of these, those that have 0 replicas, which switches an autoscaler off: with its minimum and maximum."""
        ...

    @property
    def owners(self) -> Mapping[str, str]:
        """What owns what, in the same spelling: `replicaset/web-5d4f` → `deployment/web`."""
        ...

    @property
    def tokens(self) -> frozenset[str]:
        """The Secrets of the namespace that hold tokens of the cluster: of service accounts, or of nodes."""
        ...

    def going_back(self, workload: str, revision: int) -> Pair | None:
        """Give the manifest of `deployment/web` as it is, and as it would be at a revision (0: the one before).

        None where there is nothing to go back to: the program says so itself.
        """
        ...

    @property
    def own(self) -> Mapping[str, str]:
        """The service's own containers on an engine: name → full id."""
        ...

    @property
    def other(self) -> Mapping[str, str]:
        """Every other container of the engine: name → full id; a prefix that fits one of these is nobody's own."""
        ...

    @property
    def kinds(self) -> Sequence[Kind]:
        """The namespaced custom kinds of the cluster."""
        ...

    @property
    def cluster_kinds(self) -> Sequence[Kind]:
        """The cluster-scoped custom kinds of the cluster."""
        ...

    @property
    def narrowing(self) -> Narrowing: ...

    @property
    def shapes(self) -> Sequence[Shape]:
        """The runbooks of the runtime that commands on its host may be."""
        ...

    @property
    def read_only(self) -> bool:
        """Whether this installation changes nothing: only what reads is left."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A World that is known beforehand: a policy test's, or a test's."""

    permissions: frozenset[Permission] = EVERYTHING
    runtime_permissions: frozenset[Permission] = EVERYTHING
    autoscaled: frozenset[str] = frozenset()
    switched_off: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    tokens: frozenset[str] = frozenset()
    own: Mapping[str, str] = field(default_factory=dict)
    other: Mapping[str, str] = field(default_factory=dict)
    kinds: Sequence[Kind] = ()
    cluster_kinds: Sequence[Kind] = ()
    narrowing: Narrowing = field(default_factory=Narrowing)
    shapes: Sequence[Shape] = ()
    read_only: bool = False
    revisions: Mapping[tuple[str, int], Pair] = field(default_factory=dict)

    def going_back(self, workload: str, revision: int) -> Pair | None:
        """Give what a test says of it."""
        return self.revisions.get((workload, revision))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A line that somebody wants to run. `namespace` is the service's own (Kubernetes); `container` the chosen one."""

    kind: Literal["kubernetes", "docker", "podman"]
    mode: Mode
    world: World
    namespace: str = ""
    container: str = ""
