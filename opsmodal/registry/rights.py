"""Grants as they are stored: one role of one subject on one target.

A document may grant several targets at once. Taken apart, an upsert has a plain meaning: a document that grants a
subject something on a target sets the role there, also a lower one, and touches no other target.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from opsmodal.permissions import Grant, Role
from opsmodal.registry.schema import GrantSpec

ALL = "all"


def subject(spec: GrantSpec) -> str:
    """Name whose grant it is: `user alice`, `group oncall`."""
    return f"user {spec.user}" if spec.user else f"group {spec.group}"


def name_of(single: GrantSpec) -> str:
    """Name a grant with one target: `user alice on service shop`."""
    return f"{subject(single)} on {_target(single)}"


def apart(spec: GrantSpec) -> Iterator[GrantSpec]:
    """Take a grant apart into grants with one target each."""
    if spec.everything:
        yield _single(spec, everything=True)
    for service in spec.services:
        yield _single(spec, services=(service,))
    for runtime in spec.runtimes:
        yield _single(spec, runtimes=(runtime,))


def together(singles: Iterable[GrantSpec]) -> list[GrantSpec]:
    """Put grants of one subject with one role together again, in the order in which each first stands."""
    targets: dict[tuple[str, str, Role, str], list[str]] = {}
    for one in singles:
        section = ALL if one.everything else "services" if one.services else "runtimes"
        targets.setdefault((one.user, one.group, one.role, section), []).extend(one.services or one.runtimes)
    return [
        GrantSpec(
            user=user,
            group=group,
            role=role,
            services=tuple(names) if section == "services" else (),
            runtimes=tuple(names) if section == "runtimes" else (),
            everything=section == ALL,
        )
        for (user, group, role, section), names in targets.items()
    ]


def as_permission(spec: GrantSpec) -> Grant:
    """Give a grant as the resolver of permissions takes it."""
    return Grant(
        role=spec.role,
        user=spec.user,
        group=spec.group,
        services=frozenset(spec.services),
        runtimes=frozenset(spec.runtimes),
        everything=spec.everything,
    )


def _single(
    spec: GrantSpec, *, services: tuple[str, ...] = (), runtimes: tuple[str, ...] = (), everything: bool = False
) -> GrantSpec:
    return GrantSpec(
        user=spec.user,
        group=spec.group,
        role=spec.role,
        services=services,
        runtimes=runtimes,
        everything=everything,
    )


def _target(single: GrantSpec) -> str:
    if single.everything:
        return ALL
    return f"service {single.services[0]}" if single.services else f"runtime {single.runtimes[0]}"
