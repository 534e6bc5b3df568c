"""Gathers what a line can be completed with: the words of the guard, and names out of the page's last answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Literal, cast

from connectors.errors import ConnectionProblem
from opsmodal.fleet import Fleet
from opsmodal.guard.vocabulary import host_programs, kinds_of, verbs_of
from opsmodal.guard.world import Mode
from opsmodal.operations.command_completing import Vocabulary
from opsmodal.operations.door import Pass
from opsmodal.permissions import Permission
from runtimes.errors import RuntimeProblem

FRESH_S = 15.0
"""Names are completed with each key that is pressed: that must cost the runtime nothing."""
NAMES_MAX = 2000
Kind = Literal["kubernetes", "docker", "podman"]


class Words:
    """Give the words that fit on a service."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def of(self, leave: Pass, mode: Mode, *, on_runtime: frozenset[Permission]) -> Vocabulary:
        """Give the vocabulary of a person on a service; names are left out while the runtime is silent."""
        kind = cast(Kind, self._fleet.kind(leave.service.runtime))
        names: dict[str, list[str]] = defaultdict(list)
        for of, name in self._named(leave):
            names[of].append(name)
        on_cluster = kind == "kubernetes"
        return Vocabulary(
            program="kubectl" if on_cluster else kind,
            verbs=verbs_of(kind, mode),
            kinds=kinds_of() if on_cluster else (),
            others=host_programs() if not on_cluster and Permission.EXEC in on_runtime else (),
            names={of: tuple(sorted(dict.fromkeys(found))) for of, found in names.items()},
        )

    def _named(self, leave: Pass) -> Iterator[tuple[str, str]]:
        service = leave.service
        try:
            for row in self._fleet.instances(service, fresh_s=FRESH_S, over=leave.over).value.items[:NAMES_MAX]:
                yield row.kind.lower(), row.name
            kept = self._fleet.kept(
                service, "overview", lambda it: it.overview.read(service.scope()), fresh_s=FRESH_S, over=leave.over
            )
            for workload in kept.value.workloads:
                yield workload.kind.lower(), workload.name
        except (RuntimeProblem, ConnectionProblem):
            return
