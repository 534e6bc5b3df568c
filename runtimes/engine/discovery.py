"""Proposes services on an engine: by compose project, by pod, else each container by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import chain, count

from runtimes.base import Proposal, Scope
from runtimes.engine.answers import Row
from runtimes.engine.pods import Membership
from runtimes.engine.scope import PROJECT_LABELS, first_label

NAME_MAX_CHARS = 60
"""A DNS label's 63 (RFC 1123) less a number to tell two apart."""
_STRANGE = re.compile(r"[^a-z0-9]+")


def proposals(rows: Sequence[Row], pods: Mapping[str, Membership]) -> tuple[Proposal, ...]:
    """Group the containers of an engine; a container that only holds a pod's namespaces counts for nothing."""
    projects: dict[str, list[Row]] = {}
    in_pods: dict[str, list[Row]] = {}
    alone: list[Row] = []
    for row in rows:
        membership = pods.get(row.id)
        if membership and membership.infra:
            continue
        if project := first_label(row.labels or {}, PROJECT_LABELS):
            projects.setdefault(project, []).append(row)
        elif membership:
            in_pods.setdefault(membership.pod, []).append(row)
        else:
            alone.append(row)
    taken: set[str] = set()
    return (
        *(_by_project(name, members, taken) for name, members in sorted(projects.items())),
        *(_by_names(name, members, f"pod {name}", taken) for name, members in sorted(in_pods.items())),
        *(_by_names(row.name, [row], "container", taken) for row in sorted(alone, key=lambda row: row.name)),
    )


def service_name(text: str, taken: set[str]) -> str:
    """Make a name that a service can have, and that is not taken yet, of whatever an engine allows; take it."""
    plain = _STRANGE.sub("-", text.lower()).strip("-")[:NAME_MAX_CHARS].strip("-") or "service"
    name = next(name for name in chain([plain], (f"{plain}-{n}" for n in count(2))) if name not in taken)
    taken.add(name)
    return name


def _by_project(project: str, members: Sequence[Row], taken: set[str]) -> Proposal:
    name = service_name(project, taken)
    scope = Scope(service=name, project=project)
    return Proposal(name=name, scope=scope, evidence="compose project", instances=len(members))


def _by_names(called: str, members: Sequence[Row], evidence: str, taken: set[str]) -> Proposal:
    name = service_name(called, taken)
    scope = Scope(service=name, containers=tuple(sorted(row.name for row in members)))
    return Proposal(name=name, scope=scope, evidence=evidence, instances=len(members))
