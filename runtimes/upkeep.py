"""The Upkeep facet: what a cluster itself needs for the pages of its services, and the room that images take there.

Metrics Server is installed out of a manifest of ours, whose image and flags are settings, and is never touched where
somebody else installed it in another way, but by a person who says so. Cleaning images runs one short-lived pod a node,
of which nothing is left. Both hit more than one service: what they hit is said before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from runtimes.planning import Plan, Progress

if TYPE_CHECKING:
    from runtimes.base import Event, Scope

Telling = Callable[[Progress], None]
"""Told how far something is, again and again; raises what is to end it (see `opsmodal.tasks`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsServer:
    """How the Metrics API stands. `sentence` says it; `ours`: installed by the manifest of this program."""

    state: Literal["answering", "starting", "failing", "absent", "unknown"]
    sentence: str
    hint: str = ""
    ours: bool = False
    image: str = ""
    events: tuple[Event, ...] = ()
    logs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleanup:
    """Which images to take away: those nobody uses, or the one `image`; on `node`, or on all ("")."""

    image: str = ""
    node: str = ""


class Upkeep(Protocol):
    """What can be done about the cluster under a service. All methods raise only `runtimes.errors`."""

    def metrics_server(self, scope: Scope, *, diagnose: bool = False, lately: bool = False) -> MetricsServer:
        """Say how the Metrics API stands; with `diagnose` with the events and last log lines of its pods.

        `lately` is for pages that ask again and again: who serves it may then be a minute old while it answers.
        """
        ...

    def plan_metrics_server(self, scope: Scope, *, remove: bool = False) -> Plan: ...

    def install_metrics_server(self, scope: Scope, tell: Telling) -> None:
        """Install or reinstall, and go on until the Metrics API answers."""
        ...

    def remove_metrics_server(self, scope: Scope, tell: Telling) -> None: ...

    def nodes(self, scope: Scope, *, lately: bool = False) -> tuple[str, ...]:
        """Name the nodes; with `lately` those of a minute ago at most."""
        ...

    def plan_cleanup(self, scope: Scope, cleanup: Cleanup) -> Plan: ...

    def clean_images(self, scope: Scope, cleanup: Cleanup, tell: Telling) -> None:
        """Run the pods, tell their output, and take them away whatever happens."""
        ...
