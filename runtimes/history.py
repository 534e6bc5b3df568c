"""The contract of what a runtime can tell over time, next to its values: what happened, what is used, what runs.

It is for collectors, which ask whether or not somebody looks. So every question is about several services at once:
those that share a `place` cost the runtime one request and one watch, however many they are. Whose an event is, is
decided by the adapter, behind the same wall as everything else of a service.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from runtimes.base import Scope, Stream, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Something that happened to a service. The same thing, told again, has the same `key` and no lower `count`.

    `about` is "restart" for an end and new start of a container, "version" for a change of what is meant to run, else
    "event". `kind` is "Normal" or "Warning".
    """

    service: str
    key: str
    about: Literal["event", "restart", "version"] = "event"
    kind: str
    reason: str
    subject: str
    message: str
    count: int = 1
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What the instances of a service use now, by id; `note` says why figures are missing, where any are."""

    figures: Mapping[str, Usage] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What a workload (`deployment/web`) is meant to run: its revision in the runtime's words, and its images."""

    workload: str
    revision: str
    images: tuple[str, ...]


class History(Protocol):
    """What collectors ask. Everything raises only `runtimes.errors`; all scopes of one question share a place."""

    def place(self, scope: Scope) -> str:
        """Name what a service shares with others: its namespace, or "" for a whole engine. Raise Invalid."""
        ...

    def events(self, scopes: Sequence[Scope]) -> Stream[Report]:
        """Tell what happened lately and then what happens, until it is closed, or raises because the line broke.

        What was told before may be told again after it is opened anew.
        """
        ...

    def usage(self, scopes: Sequence[Scope]) -> Mapping[str, Used]:
        """Give what is used, by service. Raise Unavailable for a runtime that is silent."""
        ...

    def versions(self, scopes: Sequence[Scope]) -> Mapping[str, Sequence[Version]]:
        """Give what is meant to run, by service, as far as it may be read."""
        ...
