"""What collectors ask of an engine: its events as they come, figures and images out of the list that is kept live."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping, Sequence

from runtimes.base import Instances, Scope
from runtimes.engine.api import Api
from runtimes.engine.reports import EngineReports
from runtimes.errors import Unavailable
from runtimes.history import Used, Version

ID_SHOWN_CHARS = 12


class EngineHistory:
    """What happens, is used and runs on one engine."""

    def __init__(self, api: Api, instances: Instances) -> None:
        self._api = api
        self._instances = instances
        self._lock = threading.Lock()
        self._open: weakref.WeakSet[EngineReports] = weakref.WeakSet()
        self._closed = False

    def place(self, scope: Scope) -> str:  # noqa: ARG002  the contract's shape: all services share the engine
        """Name the whole engine: it has one stream of events."""
        return ""

    def events(self, scopes: Sequence[Scope]) -> EngineReports:
        """Open what happens on the engine. Raise Unavailable once the runtime is closed."""
        opened = EngineReports(self._api, scopes)
        with self._lock:
            if self._closed:
                raise Unavailable("The runtime is being closed.")
            self._open.add(opened)
        return opened

    def usage(self, scopes: Sequence[Scope]) -> Mapping[str, Used]:
        """Read what containers use."""
        return {scope.service: self._used(scope) for scope in scopes}

    def versions(self, scopes: Sequence[Scope]) -> Mapping[str, Sequence[Version]]:
        """Read which images containers run; an id that changes is a container that was made anew."""
        return {scope.service: self._versions(scope) for scope in scopes}

    def close(self) -> None:
        """End what is open. May be called twice."""
        with self._lock:
            self._closed, opened = True, list(self._open)
        for each in opened:
            each.close()

    def _used(self, scope: Scope) -> Used:
        known = self._instances.list(scope)
        if known.stale:
            raise Unavailable(known.problem or "The engine does not answer.")
        figures = {row.id: row.usage for row in known.items if row.usage.cpu_cores is not None}
        reasons = (row.usage.missing_reason for row in known.items if row.usage.missing_reason)
        return Used(figures=figures, note=next(reasons, "" if figures else "The service has no containers."))

    def _versions(self, scope: Scope) -> list[Version]:
        rows = self._instances.list(scope).items
        return [
            Version(workload=f"container/{row.name}", revision=row.id[:ID_SHOWN_CHARS], images=(row.image,))
            for row in rows
        ]
