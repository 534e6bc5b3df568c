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
    """How the Metrics API stands. `sentence` says it; `ours`: installed by the manifest of this program.

    `image` is what its pods run, "" where that is not known. `events`, newest first, and `logs`, lines as they were
    written, are there only where they were asked for.
    """

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

        Raise RuntimeProblem where the cluster does not answer; that the API does not is an answer (`state`).
        `lately` is for pages that ask again and again: who serves it may then be a minute old while it answers.
        """
        ...

    def plan_metrics_server(self, scope: Scope, *, remove: bool = False) -> Plan:
        """Say what installing or removing it would do. Raise what it would be refused with.

        That is Conflict where the Metrics API is served by something else, and Missing where there is none to remove.
        """
        ...

    def install_metrics_server(self, scope: Scope, tell: Telling) -> None:
        """Install or reinstall, and go on until the Metrics API answers; `tell` is told on the way.

        Raise Unavailable when it does not answer in time, and what `tell` raises.
        """
        ...

    def remove_metrics_server(self, scope: Scope, tell: Telling) -> None:
        """Take it away, whoever installed it. Raise what its plan raises."""
        ...

    def nodes(self, scope: Scope, *, lately: bool = False) -> tuple[str, ...]:
        """Name the nodes; with `lately` those of a minute ago at most. Raise Denied for who may not read nodes."""
        ...

    def plan_cleanup(self, scope: Scope, cleanup: Cleanup) -> Plan:
        """Say what a cleanup would hit; each of `hits` is one node.

        Raise Invalid for what is no image, or too many nodes at once; Missing for a node that is not there; Conflict
        where none is ready; Disallowed where a policy of the cluster forbids the pod that cleans.
        """
        ...

    def clean_images(self, scope: Scope, cleanup: Cleanup, tell: Telling) -> None:
        """Run the pods, tell their output, and take them away whatever happens.

        Raise what `plan_cleanup` raises, Conflict when some nodes could not be cleaned, and what `tell` raises.
        """
        ...
