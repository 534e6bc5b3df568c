"""Tells what happens in one namespace: its events listed and then watched, and the restarts that they point to.

Kubernetes keeps an event for an hour and says nothing in it of why a container ended; the pod's status does, until the
next end. So an event that tells of a new start has the pod read, a moment later, when its status has followed.

Sources: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/ and, of the watch,
https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, datetime
from time import monotonic

import msgspec

from runtimes.base import Scope
from runtimes.errors import Denied, Expired, Missing, Unavailable
from runtimes.history import Report
from runtimes.kubernetes import events
from runtimes.kubernetes.api import answers, paths
from runtimes.kubernetes.api.answers import Asked
from runtimes.kubernetes.api.chunks import Chunks
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.history.endings import endings
from runtimes.kubernetes.history.owners import Owners
from runtimes.kubernetes.objects.common import OnlyMetadata, Status, WatchEvent
from runtimes.kubernetes.objects.neighbours import EventObject
from runtimes.kubernetes.objects.pods import Pod
from runtimes.kubernetes.watching.pods import lines

WATCH_S = 65
"""How long the server is asked to let a watch last: for longer than a minute, of which it then costs no more than one
request, and hardly longer, since rights that ended are seen to have ended only when it is opened again."""
QUIET_S = 95.0
"""A watch silent for longer should have been ended by the server: the line is dead."""
SHORT_WATCH_S = 1.0
"""A watch that ends sooner is none."""
PAGE_ITEMS = 500
STARTS = frozenset({"Started", "BackOff"})
"""Reasons of events that tell of a new start, when they are told more than once."""
FOLLOWS_AFTER_S = 5.0
"""How long after the event the pod is read: the kubelet writes the status after it has told of the start."""
LOOKS_MAX = 200
"""Pods that wait to be read; of more at once the first are left out, until they start again."""

_EVENT = msgspec.json.Decoder(EventObject)
_WATCHED = msgspec.json.Decoder(WatchEvent)
_ONLY = msgspec.json.Decoder(OnlyMetadata)
_STATUS = msgspec.json.Decoder(Status)


class EventReports:
    """What happens to services of one namespace. One thread reads it; `close()` ends it from any thread."""

    def __init__(self, client: Client, scopes: Sequence[Scope]) -> None:
        self._client = client
        self._namespace = scopes[0].namespace
        self._path = paths.collection(self._namespace, "events")
        self._owners = Owners(client, scopes)
        self._asked = Asked(server=client.server, runtime="", what="the watch of events")
        self._looks: OrderedDict[str, tuple[float, tuple[str, ...]]] = OrderedDict()
        self._lock = threading.Lock()
        self._chunks: Chunks | None = None
        self._closed = False

    def __iter__(self) -> Iterator[Report]:
        self._owners.learn()
        version = yield from self._listed()
        yield from self._restarts()
        while not self._closed:
            began = monotonic()
            version = yield from self._watched(version)
            yield from self._restarts()
            if not self._closed and monotonic() - began < SHORT_WATCH_S:
                raise Unavailable(f"The API server at {self._client.server} ends every watch of events at once.")

    def close(self) -> None:
        with self._lock:
            self._closed, chunks = True, self._chunks
        if chunks is not None:
            chunks.close()

    def _listed(self) -> Generator[Report, None, str]:
        """Tell of all events there are; return where a watch goes on from."""
        position = version = ""
        while not self._closed:
            page = self._client.page(self._path, EventObject, what="events", position=position, limit=PAGE_ITEMS)
            for known in page.items or ():
                yield from self._told(known)
            position, version = page.metadata.continue_, page.metadata.resource_version
            if not position:
                break
        return version

    def _watched(self, version: str) -> Generator[Report, None, str]:
        """Tell of what happens after `version` until the server ends the watch; return how far that was."""
        query: dict[str, str | int | None] = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": WATCH_S,
        }
        chunks = self._client.stream(self._path, what=self._asked.what, query=query, quiet_s=QUIET_S)
        with self._lock:
            self._chunks = chunks
            closed = self._closed
        try:
            for line in () if closed else lines(chunks):
                if line:
                    version, known = self._read(line)
                    yield from self._told(known) if known is not None else ()
                    yield from self._restarts()
        finally:
            chunks.close()
        return version

    def _read(self, line: bytes) -> tuple[str, EventObject | None]:
        """Read one line of the watch. Raise what an ERROR says, Expired for what cannot be read."""
        try:
            seen = _WATCHED.decode(line)
            if seen.type == "ERROR":
                raise answers.refused(_STATUS.decode(seen.object).code or 500, bytes(seen.object), self._asked)
            if seen.type in ("BOOKMARK", "DELETED"):  # an event that is deleted is an hour old
                return _ONLY.decode(seen.object).metadata.resource_version, None
            known = _EVENT.decode(seen.object)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Expired(f"The API server at {self._asked.server} sent an event that cannot be read.") from error
        return known.metadata.resource_version, known

    def _told(self, known: EventObject) -> Iterator[Report]:
        at = events.event(known).at
        if at is None or not known.involved_object.namespace:  # events of nodes stand in the namespace "default"
            return
        services = self._owners.of(known.involved_object)
        if services and _starts_again(known):
            age_s = max(0.0, (datetime.now(UTC) - at).total_seconds())
            self._looks[known.involved_object.name] = (monotonic() + max(0.0, FOLLOWS_AFTER_S - age_s), services)
            if len(self._looks) > LOOKS_MAX:
                self._looks.popitem(last=False)
        for service in services:
            yield report(known, service, at)

    def _restarts(self) -> Iterator[Report]:
        """Tell why containers ended that have been started again, of the pods whose status has followed by now."""
        for name in [name for name, (due, _) in self._looks.items() if due <= monotonic()]:
            _, services = self._looks.pop(name)
            try:
                pod = self._client.get(paths.single(self._namespace, "pods", name), Pod, what=f"pod {name}")
            except (Missing, Denied):
                continue
            for service in services:
                yield from endings(pod, service)


def _starts_again(known: EventObject) -> bool:
    return known.involved_object.kind == "Pod" and known.reason in STARTS and events.event(known).count > 1


def report(known: EventObject, service: str, at: datetime) -> Report:
    """Give an event as a report: one for each day, so that what goes on since Saturday is Saturday's as well."""
    said = events.event(known)
    return Report(
        service=service,
        key=f"{known.metadata.uid}/{at.astimezone(UTC):%Y-%m-%d}",
        kind=said.kind,
        reason=said.reason,
        subject=said.subject,
        message=said.message,
        count=said.count,
        first_at=min(known.metadata.creation_timestamp or at, at),
        last_at=at,
    )
