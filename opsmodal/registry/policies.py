"""Gives the guard what the registry says of typed lines: a service's policy and a runtime's runbooks, for one person.

A policy only ever narrows, so a mistake in one refuses too much and never lets through. A runbook is the one way for an
administrator to let more run on a host than the built-in shapes; what is wrong with one is said when it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from opsmodal.guard.shapes import parameter
from opsmodal.guard.world import Narrowing, Shape
from opsmodal.permissions import GIVES, Permission, Role
from opsmodal.registry.schema import ByRole, EngineSpec, ParameterSpec, RunbookSpec, RuntimeSpec, ServiceSpec

Wrong = tuple[tuple[str | int, ...], str, str]

JUDGED_PROGRAMS = frozenset({"docker", "podman", "kubectl"})
"""Lines that begin with them never get to the host: the guard judges them by their own grammar."""


def narrowing_of(service: ServiceSpec, permissions: AbstractSet[Permission]) -> Narrowing:
    """Give what the policy of a service leaves somebody with these permissions on it."""
    policy = service.policy
    if policy is None:
        return Narrowing()
    return Narrowing(
        verbs=_left(policy.verbs, permissions),
        kinds=_left(policy.kinds, permissions),
        programs=_left(policy.programs, permissions),
    )


def shapes_of(runtime: RuntimeSpec, permissions: AbstractSet[Permission]) -> tuple[Shape, ...]:
    """Give the runbooks of a runtime; a cluster has none. `permissions` are those on the service."""
    if not isinstance(runtime, EngineSpec):
        return ()
    return tuple(
        Shape(
            name=runbook.name,
            argv=runbook.argv,
            parameters={name: _pattern(given) for name, given in runbook.parameters.items()},
            permissions=frozenset({Permission.EXEC, Permission(runbook.permission)}),
            approved=any(GIVES[role] <= permissions for role in runbook.approved_for),
        )
        for runbook in runtime.runbooks
    )


def runbooks_wrong(runbooks: Sequence[RunbookSpec]) -> Iterator[Wrong]:
    """List (path, sentence, hint) for what is wrong with runbooks."""
    seen: set[str] = set()
    for index, runbook in enumerate(runbooks):
        if runbook.name in seen:
            yield (index, "name"), f"There are two runbooks named “{runbook.name}”.", "Rename one of them."
        seen.add(runbook.name)
        yield from (((index, *path), sentence, hint) for path, sentence, hint in _runbook_wrong(runbook))


def _runbook_wrong(runbook: RunbookSpec) -> Iterator[Wrong]:
    if not runbook.argv:
        yield ("argv",), "A runbook is at least one word long.", "Give the program's name first."
        return
    first = runbook.argv[0]
    if parameter(first):
        yield ("argv", 0), "The program of a runbook is no parameter.", "Write one runbook for each program."
    if first in JUDGED_PROGRAMS:
        hint = "A runbook is a program of the host."
        yield ("argv", 0), f"Lines of {first} are judged by its own grammar, and never by a runbook.", hint
    used = {parameter(word): index for index, word in enumerate(runbook.argv) if parameter(word)}
    for name, index in used.items():
        if name not in runbook.parameters:
            yield ("argv", index), f"The parameter “{name}” is not described.", "Add it under “parameters”."
    for name, given in runbook.parameters.items():
        if name not in used:
            hint = f"Let {{{name}}} be a word of argv by itself, or remove it."
            yield ("parameters", name), f"The parameter “{name}” stands nowhere in argv.", hint
        yield from (((("parameters", name)), sentence, hint) for sentence, hint in _parameter_wrong(name, given))


def _parameter_wrong(name: str, given: str | ParameterSpec) -> Iterator[tuple[str, str]]:
    if isinstance(given, ParameterSpec) and bool(given.pattern) == bool(given.choices):
        yield f"The parameter “{name}” needs either a pattern or choices.", "A pattern is held against the whole value."
        return
    try:
        re.compile(_pattern(given))
    except re.error as error:
        yield f"The pattern of “{name}” is no regular expression: {error}.", "An example: [a-z0-9-]{1,40}"


def _pattern(given: str | ParameterSpec) -> str:
    if isinstance(given, str):
        return given
    return given.pattern or "|".join(re.escape(choice) for choice in given.choices)


def _left(given: tuple[str, ...] | ByRole | None, permissions: AbstractSet[Permission]) -> frozenset[str] | None:
    """Give the names that are left; None leaves all.

    What narrows a role narrows the ones below it too. Otherwise a token with fewer permissions than its owner could do
    what the owner may not.
    """
    if not isinstance(given, ByRole):
        return None if given is None else frozenset(given)
    lists = [getattr(given, role.value) for role in Role if permissions <= GIVES[role]]
    named = [frozenset(names) for names in lists if names is not None]
    return frozenset.intersection(*named) if named else None
