"""Everything that is watched in this process: which service is read, and who shares which view of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from opsmodal.fleet import AUTO, Fleet
from opsmodal.listing import ListQuery
from opsmodal.live.reader import Reader
from opsmodal.live.reading import Feed, Reading
from opsmodal.live.view import Dress, View
from opsmodal.registry.schema import ServiceSpec
from runtimes.errors import Unavailable

LINGER_S = 5.0
"""How long a service is watched on after the last page: somebody who filters leaves and comes back at once."""
STOPPING = "stopping"
FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is watched: services, views of them, pages that watch these."""

    services: int
    views: int
    readers: int


@dataclass(slots=True)
class _Service:
    """One service that is read, and the views of it."""

    feed: Feed
    views: dict[Hashable, View] = field(default_factory=dict)
    idle_since: float = 0.0


class Live:
    """Let pages watch services. Close it before the fleet that it reads from."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._lock = threading.Lock()
        self._services: dict[Hashable, _Service] = {}
        self._closed = False

    def reader(
        self, service: ServiceSpec, query: ListQuery, dress: Dress, *, wake: Callable[[], None], over: str = AUTO
    ) -> Reader:
        """Watch a part of a service's list, over a connection or what Auto takes; the reader must be closed.

        Raise what the runtime says when it has never answered, and Unavailable when this process is ending.
        """
        feed, view, reader = self._joined(service, query, dress, wake, over)
        try:
            if not view.begun:
                view.begin(feed.read())
        except BaseException:
            reader.close()
            raise
        return reader

    def sizes(self) -> Sizes:
        """Count what is watched."""
        with self._lock:
            views = [view for watched in self._services.values() for view in watched.views.values()]
            return Sizes(
                services=len(self._services), views=len(views), readers=sum(len(view.readers) for view in views)
            )

    def close(self) -> None:
        """Tell every page that it ends here, and end the threads. May be called twice."""
        with self._lock:
            self._closed = True
            services = list(self._services.values())
        for watched in services:
            watched.feed.stop()
            for view in list(watched.views.values()):
                view.end(STOPPING)
        for watched in services:
            watched.feed.join()

    def _joined(
        self, service: ServiceSpec, query: ListQuery, dress: Dress, wake: Callable[[], None], over: str
    ) -> tuple[Feed, View, Reader]:
        name = (service.name, service.runtime, service.scope_key(), over)
        key = (query.limit, query.cursor, query.search, query.sort, tuple(sorted(query.filters.items())), dress)
        with self._lock:
            if self._closed:
                raise Unavailable("The server is being restarted.", hint="Try again in a few seconds.")
            watched = self._services.get(name)
            if watched is None:
                watched = self._services[name] = _Service(self._feed(service, name, over))
            view = watched.views.get(key)
            if view is None:
                view = watched.views[key] = View(query, dress, left=lambda left: self._left(name, key, left))
            return watched.feed, view, view.join(wake)

    def _feed(self, service: ServiceSpec, name: Hashable, over: str) -> Feed:
        feed = Feed(
            self._fleet,
            service,
            over=over,
            tell=lambda reading: self._told(name, reading),
            gone=lambda: self._gone(name, feed),
        )
        feed.start()
        return feed

    def _left(self, name: Hashable, key: Hashable, view: View) -> None:
        with self._lock:
            watched = self._services.get(name)
            if watched is None or view.readers or watched.views.get(key) is not view:
                return
            del watched.views[key]
            watched.idle_since = time.monotonic()

    def _gone(self, name: Hashable, feed: Feed) -> None:
        """Forget a feed that has ended; whoever still watches it must come again."""
        with self._lock:
            watched = self._services.get(name)
            if watched is None or watched.feed is not feed:
                return
            if not self._closed:
                del self._services[name]
            views = list(watched.views.values())
        for view in views:
            view.end(STOPPING if self._closed else FAILED)

    def _told(self, name: Hashable, reading: Reading | None) -> bool:
        """Hand a reading to the views. False, and the service is forgotten, when there has been none for a while."""
        with self._lock:
            watched = self._services[name]
            views = list(watched.views.values())
            if not views and time.monotonic() - watched.idle_since > LINGER_S:
                del self._services[name]
                return False
        if reading is not None:
            for view in views:
                view.advance(reading)
        return True
