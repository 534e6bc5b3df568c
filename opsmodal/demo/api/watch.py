"""Watches: a stream of what changes from a version on, as long as the client wants and the server keeps.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes. A watch holds
nothing but a version: a reader that is too slow for the history gets a 410, never a queue that grows.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from opsmodal.demo.api.lists import NOT_OLDER, OPTIONS, Select, selection, version_asked
from opsmodal.demo.api.requests import Request, Target
from opsmodal.demo.documents import Obj, encode, namespace_of
from opsmodal.demo.problems import Cause, Problem, invalid
from opsmodal.demo.storage import Change, Record, Storage

BOOKMARK_S = 60.0
"""How often a quiet watch gets a bookmark (k8s.io/apiserver, cacher: bookmarkFrequency, one minute)."""
LOOK_UP_S = 0.5
"""How often a quiet watch looks whether its client is still there."""
SHORTEST_S = 1800.0
"""A watch without a timeout ends after 30 to 60 minutes (--min-request-timeout)."""
INITIAL_END = "k8s.io/initial-events-end"

Form = Callable[[Record], bytes]


def frame(type_: str, raw: bytes) -> bytes:
    """Write one event of a watch."""
    return b'{"type":"%b","object":%b}\n' % (type_.encode(), raw)


def _seen(change: Change, select: Select) -> tuple[str, Record] | None:
    """Tell how a change looks through a selector: objects enter and leave it."""
    now = change.type != "DELETED" and select(change.record.document)
    before = change.before is not None and select(change.before.document)
    if now:
        return ("MODIFIED" if before else "ADDED"), change.record
    if not before:
        return None
    if change.type == "DELETED":
        return "DELETED", change.record
    assert change.before is not None  # noqa: S101 - `before` is only true when there was one
    last = change.before.copy()
    last["metadata"]["resourceVersion"] = str(change.version)
    return "DELETED", Record(last)


@dataclass(slots=True, kw_only=True)
class Watch:
    """One watch of one client. `form` writes an object the way the client asked for."""

    storage: Storage
    target: Target
    request: Request
    form: Form
    select: Select
    bookmark_s: float = BOOKMARK_S

    def frames(self) -> Iterator[bytes]:
        """Give the events until the time is up, the client has gone, or the server ends."""
        timeout_s = self.request.number("timeoutSeconds")
        deadline = time.monotonic() + (timeout_s or SHORTEST_S * random.uniform(1, 2))  # noqa: S311 - spreads load
        version = self._start()
        if version is None:
            version, records = self.storage.records(self.target.kind.stored, self.target.space)
            yield from self._initial(version, records)
        yield from self._following(version, deadline)

    def _start(self) -> int | None:
        """Give the version to go on from; None when the present state comes first."""
        text = self.request.text("resourceVersion")
        if text in ("", "0") or self.request.flag("sendInitialEvents"):
            return None
        return int(text)

    def _initial(self, version: int, records: Sequence[Record]) -> Iterator[bytes]:
        for record in records:
            if self.select(record.document):
                yield frame("ADDED", self.form(record))
        if self.request.flag("sendInitialEvents") and self.request.flag("allowWatchBookmarks"):
            yield self._bookmark(version, {"annotations": {INITIAL_END: "true"}})

    def _bookmark(self, version: int, more: Obj | None = None) -> bytes:
        kind = self.target.kind
        metadata = {"resourceVersion": str(version), "creationTimestamp": None} | (more or {})
        return frame("BOOKMARK", encode({"kind": kind.name, "apiVersion": kind.api_version, "metadata": metadata}))

    def _following(self, version: int, deadline: float) -> Iterator[bytes]:
        storage, kind = self.storage, self.target.kind.stored
        marked = time.monotonic()
        while time.monotonic() < deadline and not self.request.ending() and not self.request.gone():
            try:
                with storage.lock:  # what is not in the changes has not happened: a bookmark may say so
                    changes, reached = storage.since(kind, version), storage.version
            except Problem as problem:
                yield frame("ERROR", encode(problem.status()))
                return
            for change in changes:
                if self.target.space and namespace_of(change.record.document) != self.target.space:
                    continue
                if seen := _seen(change, self.select):
                    yield frame(seen[0], self.form(seen[1]))
            version = reached
            if self.request.flag("allowWatchBookmarks") and time.monotonic() - marked >= self.bookmark_s:
                marked = time.monotonic()
                yield self._bookmark(version)
            storage.wait(kind, version, min(LOOK_UP_S, max(deadline - time.monotonic(), 0)))


def open_watch(storage: Storage, request: Request, target: Target, form: Form, *, bookmark_s: float) -> Iterator[bytes]:
    """Start a watch; refuse bad selectors and versions before the first byte."""
    watch = Watch(
        storage=storage,
        target=target,
        request=request,
        form=form,
        select=selection(request, target),
        bookmark_s=bookmark_s,
    )
    version_asked(request)
    _check(request)
    return watch.frames()


def _check(request: Request) -> None:
    """Refuse contradictions. Source: apimachinery pkg/apis/internalversion/validation/validation.go."""
    match, initial, causes = request.text("resourceVersionMatch"), request.text("sendInitialEvents"), []
    if initial and match != NOT_OLDER:
        words = f"Forbidden: sendInitialEvents requires setting resourceVersionMatch to {NOT_OLDER}"
        causes.append(Cause("FieldValueForbidden", "resourceVersionMatch", words))
    elif match and not initial:
        words = "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
        causes.append(Cause("FieldValueForbidden", "resourceVersionMatch", words))
    if causes:
        raise invalid(*OPTIONS, causes)
