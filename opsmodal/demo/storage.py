"""The memory of the simulated cluster: objects, their versions, and what changed, for watches.

Indexed so that no read walks over more than it gives: by namespace, by owner and by node. It keeps a bounded history of
changes for each kind; a watch that asks for more is told that it is too old. It knows nothing of what objects mean.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from opsmodal.demo.documents import Obj, decode, dig, encode, name_of, namespace_of
from opsmodal.demo.kinds import Kind
from opsmodal.demo.problems import too_old

HISTORY_CHANGES = 20_000
"""Changes kept for each kind. A real API server keeps about five minutes; 20,000 is 200 changes a second of that."""

Key = tuple[str, str]
"""(namespace, name); the namespace is empty for what belongs to the cluster."""

ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]


class Record:
    """A stored object: the document, which nobody may change, and its JSON, encoded at most once."""

    __slots__ = ("_raw", "document")

    def __init__(self, document: Obj) -> None:
        self.document = document
        self._raw: bytes | None = None

    @property
    def raw(self) -> bytes:
        """Give the JSON of the document."""
        if self._raw is None:
            self._raw = encode(self.document)
        return self._raw

    def copy(self) -> Obj:
        """Give a copy that may be changed."""
        result: Obj = decode(self.raw)
        return result


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one object; `before` is what it was, for selectors that an object leaves or enters."""

    version: int
    type: ChangeType
    record: Record
    before: Record | None


Listener = Callable[[Kind, Change], None]


class Shelf:
    """Everything of one kind. Not locked itself: Storage holds the lock."""

    def __init__(self, history: int, forgotten: int) -> None:
        self.records: dict[Key, Record] = {}
        self.spaces: dict[str, dict[str, Record]] = {}
        self.owned: dict[str, dict[Key, Record]] = {}
        self.placed: dict[str, dict[Key, Record]] = {}
        self.changes: deque[Change] = deque(maxlen=history)
        self.forgotten = forgotten
        """Changes up to this version are no longer kept."""

    def put(self, key: Key, record: Record) -> Record | None:
        """Keep `record`; give what it replaces."""
        before = self.take(key)
        self.records[key] = record
        self.spaces.setdefault(key[0], {})[key[1]] = record
        for owner in _owners(record):
            self.owned.setdefault(owner, {})[key] = record
        if node := dig(record.document, "spec", "nodeName"):
            self.placed.setdefault(node, {})[key] = record
        return before

    def take(self, key: Key) -> Record | None:
        """Take out what is kept under `key`; give it."""
        record = self.records.pop(key, None)
        if record is None:
            return None
        _drop(self.spaces, key[0], key[1])
        for owner in _owners(record):
            _drop(self.owned, owner, key)
        if node := dig(record.document, "spec", "nodeName"):
            _drop(self.placed, node, key)
        return record

    def remember(self, change: Change) -> None:
        """Add to the history, forgetting the oldest when it is full."""
        if len(self.changes) == self.changes.maxlen:
            self.forgotten = self.changes[0].version
        self.changes.append(change)


def _owners(record: Record) -> Iterable[str]:
    return [owner["uid"] for owner in dig(record.document, "metadata", "ownerReferences") or ()]


def _drop(index: dict[str, dict[Key, Record]] | dict[str, dict[str, Record]], name: str, key: Any) -> None:
    index[name].pop(key, None)
    if not index[name]:
        del index[name]


class Storage:
    """Keep objects. Every method is safe from any thread; several steps that belong together hold `lock`."""

    def __init__(self, *, history: int = HISTORY_CHANGES) -> None:
        self.lock = threading.RLock()
        self._news = threading.Condition(self.lock)
        self._history = history
        self._shelves: dict[str, Shelf] = {}
        self._listeners: list[Listener] = []
        self.version = 1
        self._forgotten = 0

    def _shelf(self, kind: Kind) -> Shelf:
        shelf = self._shelves.get(kind.resource)
        if shelf is None:
            shelf = self._shelves.setdefault(kind.resource, Shelf(self._history, self._forgotten))
        return shelf

    def listen(self, listener: Listener) -> None:
        """Call `listener` on every change, within the lock: it must only take a note."""
        self._listeners.append(listener)

    def get(self, kind: Kind, namespace: str, name: str) -> Record | None:
        """Give one object, None when there is none."""
        with self.lock:
            return self._shelf(kind).records.get((namespace, name))

    def records(self, kind: Kind, namespace: str = "") -> tuple[int, list[Record]]:
        """Give the version of the list and all objects of a namespace, or of all with "", in the order of keys."""
        with self.lock:
            shelf = self._shelf(kind)
            if not namespace:
                return self.version, [shelf.records[key] for key in sorted(shelf.records)]
            space = shelf.spaces.get(namespace, {})
            return self.version, [space[name] for name in sorted(space)]

    def snapshot(self, kind: Kind, namespace: str, version: int) -> list[Record]:
        """Give the objects as they were at `version`. Raise a 410 Problem when that is no longer known."""
        with self.lock:
            changes = self.since(kind, version)
            held = dict(self._shelf(kind).records)
            for change in reversed(changes):
                key = (namespace_of(change.record.document), name_of(change.record.document))
                if change.before is None:
                    held.pop(key, None)
                else:
                    held[key] = change.before
        return [held[key] for key in sorted(held) if not namespace or key[0] == namespace]

    def count(self, kind: Kind, namespace: str = "") -> int:
        """Give how many objects there are."""
        with self.lock:
            shelf = self._shelf(kind)
            return len(shelf.spaces.get(namespace, ())) if namespace else len(shelf.records)

    def owned(self, kind: Kind, uid: str) -> list[Record]:
        """Give the objects of `kind` that the object `uid` owns."""
        with self.lock:
            return list(self._shelf(kind).owned.get(uid, {}).values())

    def placed(self, kind: Kind, node: str) -> list[Record]:
        """Give the objects of `kind` whose spec.nodeName is `node`."""
        with self.lock:
            return list(self._shelf(kind).placed.get(node, {}).values())

    def put(self, kind: Kind, document: Obj) -> Record:
        """Keep a new or changed object; it gets the next resourceVersion. The caller gives the document away."""
        with self.lock:
            self.version += 1
            document["metadata"]["resourceVersion"] = str(self.version)
            record = Record(document)
            before = self._shelf(kind).put((namespace_of(document), name_of(document)), record)
            self._tell(kind, Change(self.version, "MODIFIED" if before else "ADDED", record, before))
            return record

    def remove(self, kind: Kind, namespace: str, name: str) -> Record | None:
        """Take an object out for good; give its last state, None when there was none."""
        with self.lock:
            before = self._shelf(kind).take((namespace, name))
            if before is None:
                return None
            self.version += 1
            last = before.copy()
            last["metadata"]["resourceVersion"] = str(self.version)
            record = Record(last)
            self._tell(kind, Change(self.version, "DELETED", record, before))
            return record

    def _tell(self, kind: Kind, change: Change) -> None:
        self._shelf(kind).remember(change)
        for listener in self._listeners:
            listener(kind, change)
        self._news.notify_all()

    def update(self, kind: Kind, namespace: str, name: str, edit: Callable[[Obj], None]) -> Record | None:
        """Let `edit` change a copy and keep it, unless nothing changed. None when the object is gone."""
        with self.lock:
            record = self.get(kind, namespace, name)
            if record is None:
                return None
            document = record.copy()
            edit(document)
            if document == record.document:
                return record
            if dig(document, "spec") != dig(record.document, "spec") and "generation" in document["metadata"]:
                document["metadata"]["generation"] += 1
            return self.put(kind, document)

    def since(self, kind: Kind, version: int) -> list[Change]:
        """Give the changes after `version`, oldest first. Raise a 410 Problem when they are no longer all kept."""
        with self.lock:
            shelf = self._shelf(kind)
            if version < shelf.forgotten:
                raise too_old(version, shelf.forgotten)
            found: list[Change] = []
            for change in reversed(shelf.changes):
                if change.version <= version:
                    break
                found.append(change)
            found.reverse()
            return found

    def wait(self, kind: Kind, version: int, timeout_s: float) -> None:
        """Return when something of `kind` is newer than `version`, or after `timeout_s`."""
        with self._news:
            changes = self._shelf(kind).changes
            self._news.wait_for(lambda: bool(changes) and changes[-1].version > version, timeout_s)

    def forget(self) -> None:
        """Forget all history, as a compaction does: every watch from an older version is now too old."""
        with self.lock:
            self.version += 1
            self._forgotten = self.version
            for shelf in self._shelves.values():
                shelf.changes.clear()
                shelf.forgotten = self.version
