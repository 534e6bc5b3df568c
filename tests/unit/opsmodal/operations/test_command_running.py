"""A command that could change something is asked of one runtime once; one that reads may be asked again elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from opsmodal import actions
from opsmodal.guard.verdict import Decision, Verdict
from opsmodal.operations.command_running import Running
from opsmodal.operations.permits import Pass
from opsmodal.permissions import EVERYTHING, Actor
from opsmodal.registry.schema import ServiceSpec
from runtimes.commands import Started
from runtimes.errors import Unavailable


class TwoWays:
    """A fleet whose first way is lost while a command begins, and whose second one carries."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def runtime(self, _name: str, *, over: str) -> Any:
        return self._by("first")

    def read(self, _name: str, ask: Callable[[Any], Started], *, over: str) -> Started:
        try:
            return ask(self._by("first"))
        except Unavailable:
            return ask(self._by("second"))

    def connection_in_use(self, _name: str, _over: str) -> str:
        return "second"

    def _by(self, way: str) -> Any:
        def run(_scope: Any, _command: Any) -> Started:
            self.asked.append(way)
            if way == "first":
                raise Unavailable("The way was lost.", hint="Try again.")
            return Started(stream=iter(()), identity="somebody")  # type: ignore[arg-type]

        return SimpleNamespace(commands=SimpleNamespace(run=run))


def start(fleet: TwoWays, *, changes: bool) -> None:
    leave = Pass(
        actor=Actor(name="al"),
        action=actions.COMMAND_RUN,
        service=ServiceSpec(name="shop", runtime="prod"),
        permissions=EVERYTHING,
    )
    verdict = Verdict(decision=Decision.ALLOW, rule="", reason="", argv=("kubectl",), changes=changes)
    Running(fleet).start(leave, verdict, limit_s=1)  # type: ignore[arg-type]


def test_what_reads_begins_over_another_way() -> None:
    fleet = TwoWays()
    start(fleet, changes=False)
    assert fleet.asked == ["first", "second"]


def test_what_could_change_something_is_not_tried_twice() -> None:
    fleet = TwoWays()
    with pytest.raises(Unavailable):
        start(fleet, changes=True)
    assert fleet.asked == ["first"]
