"""Gives the words that a line of somebody can be completed with, out of the last answers that the pages have, too."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal, cast

from connectors.errors import ConnectionProblem
from opsmodal.answers import InstanceRow
from opsmodal.fleet import Fleet
from opsmodal.guard.vocabulary import host_programs
from opsmodal.guard.world import Mode
from opsmodal.listing import LIMIT_MAX, ListQuery
from opsmodal.operations.command_completing import Vocabulary
from opsmodal.operations.command_words import vocabulary
from opsmodal.operations.door import Pass
from opsmodal.permissions import Permission
from opsmodal.rows import page_of
from runtimes.errors import RuntimeProblem

FRESH_S = 15.0
"""Words are asked for with each key that is pressed: that must cost the runtime next to nothing."""
CLUSTER_PROGRAM = "kubectl"
Kind = Literal["kubernetes", "docker", "podman"]


class Words:
    """Give the words that fit on a service."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def of(self, leave: Pass, mode: Mode, *, on_runtime: frozenset[Permission]) -> Vocabulary:
        """Give the vocabulary of a person on a service; names are left out while the runtime is silent."""
        kind = cast(Kind, self._fleet.kind(leave.service.runtime))
        program = CLUSTER_PROGRAM if kind == "kubernetes" else kind
        known = vocabulary(kind, program, mode=mode, instances=self._rows(leave))
        hosts = kind != "kubernetes" and Permission.EXEC in on_runtime
        return replace(known, others=host_programs()) if hosts else known

    def _rows(self, leave: Pass) -> tuple[InstanceRow, ...]:
        try:
            kept = self._fleet.instances(leave.service, fresh_s=FRESH_S, over=leave.over)
        except (RuntimeProblem, ConnectionProblem):
            return ()
        return page_of(kept, ListQuery(limit=LIMIT_MAX), datetime.now(UTC)).items
