"""One facet of the runtimes of services: asked by it, what it said kept for all who look, and changed by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from opsmodal.fleet import Fleet
from opsmodal.operations.permits import Pass
from opsmodal.recent import Kept
from runtimes.base import Runtime, Scope

F = TypeVar("F")
T = TypeVar("T")

FRESH_S = 4.0
"""Shorter than the 5 s after which a page asks again: however many are open, the runtime is asked by one of them."""


@dataclass(frozen=True, slots=True)
class Facets(Generic[F]):
    """Reach a facet by leave of the door. `of` gives it, and raises Unsupported for a runtime that has none."""

    fleet: Fleet
    of: Callable[[Runtime], F]

    def read(self, leave: Pass, ask: Callable[[F, Scope], T]) -> T:
        """Ask what changes nothing: once more over another way, when Auto has to leave this one."""
        return self.fleet.read(leave.service.runtime, self._asking(leave, ask), over=leave.over)

    def kept(self, leave: Pass, question: str, ask: Callable[[F, Scope], T]) -> Kept[T]:
        """Ask so, or give what was answered to the same question FRESH_S ago or while the runtime is silent."""
        return self.fleet.kept(leave.service, question, self._asking(leave, ask), fresh_s=FRESH_S, over=leave.over)

    def changing(self, leave: Pass) -> F:
        """Give the facet for what changes something: that is sent once, whatever becomes of its way."""
        return self.of(self.fleet.runtime(leave.service.runtime, over=leave.over))

    def _asking(self, leave: Pass, ask: Callable[[F, Scope], T]) -> Callable[[Runtime], T]:
        scope = leave.service.scope()
        return lambda runtime: ask(self.of(runtime), scope)
