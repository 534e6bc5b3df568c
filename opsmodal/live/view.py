"""One page of a list as some people see it, and what changes on it. Everybody with the same view shares its frames.

A view knows neither sockets nor HTML: its Dress says how rows are shown and what a frame is.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Protocol

import msgspec

from opsmodal.answers import InstanceRow
from opsmodal.listing import ListQuery, Page
from opsmodal.live.reader import Reader
from opsmodal.live.reading import BEAT_S, Reading
from opsmodal.rows import page_of

MARK_BYTES = 6
"""Two rows of one id look alike by chance once in 2^48 times."""
ANSWERS_MAX = 4
"""Answers to pages that catch up, kept until the next change: after a restart a thousand pages lack the same."""


class Dress(Protocol):
    """How a view is shown. Dresses that are equal share a view, so what they hold says whether frames may be shared."""

    def shape(self, page: Page[InstanceRow], /) -> str:
        """Name what all rows depend on; when it changes, everything is sent again."""
        ...

    def parts(self, page: Page[InstanceRow], reading: Reading, /) -> Mapping[str, Any]:
        """Give what stands around the rows, each by the name of its field or place."""
        ...

    def rows(self, page: Page[InstanceRow], rows: tuple[InstanceRow, ...], /) -> Any:
        """Show some of the rows."""
        ...

    def whole(self, page: Page[InstanceRow], /) -> Mapping[str, Any] | None:
        """Show everything, for a page of another shape; None where rows and parts are all there is."""
        ...

    def pack(self, fields: Mapping[str, Any], /) -> Any:
        """Make a frame."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A view at one moment. `marks` are those of the rows, by id and in order."""

    page: Page[InstanceRow]
    marks: Mapping[str, str]
    shape: str
    parts: Mapping[str, Any]
    reading: Reading


class View:
    """One query in one dress."""

    def __init__(self, query: ListQuery, dress: Dress, *, left: Callable[[View], None]) -> None:
        self._query = query
        self._dress = dress
        self._left = left
        self._lock = threading.Lock()
        self._seen: Seen | None = None
        self._answers: dict[object, Any] = {}
        self._told_at = 0.0
        self.readers: set[Reader] = set()

    @property
    def begun(self) -> bool:
        """Whether it has seen anything."""
        return self._seen is not None

    def join(self, wake: Callable[[], None]) -> Reader:
        """Let one more watch."""
        reader = Reader(self, wake)
        with self._lock:
            self.readers.add(reader)
        return reader

    def begin(self, reading: Reading) -> None:
        """See for the first time; a view that has seen something keeps to it, which is no older."""
        with self._lock:
            if self._seen is None:
                self._seen = self._look(reading)

    def advance(self, reading: Reading) -> None:
        """Look again, and tell everybody what is different."""
        with self._lock:
            before, after = self._seen, self._look(reading)
            self._seen = after
            self._answers.clear()
            if before is None:
                return
            fields = self._difference(after, set(before.marks.values()), before.shape, before.parts)
            if list(before.marks) != list(after.marks):
                fields["order"] = list(after.marks)
            if not fields and before.reading.same_trouble(reading) and monotonic() - self._told_at < BEAT_S:
                return
            frame, self._told_at = self._dress.pack({**fields, **_told(reading)}), monotonic()
            for reader in self.readers:
                reader.put(frame)

    def catch_up(self, reader: Reader, have: Collection[str], shape: str | None) -> Any:
        """Give what a page lacks, and let the reader hear of everything after it."""
        key = (frozenset(have), shape)
        with self._lock:
            assert self._seen is not None  # noqa: S101 - begin() comes before anybody holds the reader
            if key not in self._answers:
                while len(self._answers) >= ANSWERS_MAX:
                    self._answers.pop(next(iter(self._answers)))
                fields = self._difference(self._seen, key[0], shape, {})
                fields["order"] = list(self._seen.marks)
                self._answers[key] = self._dress.pack({**fields, **_told(self._seen.reading)})
            reader.begin()
            return self._answers[key]

    def leave(self, reader: Reader) -> None:
        """Let one watch no more."""
        with self._lock:
            self.readers.discard(reader)
        self._left(self)

    def end(self, why: str) -> None:
        """Tell everybody that nothing comes any more."""
        with self._lock:
            for reader in self.readers:
                reader.end(why)

    def _look(self, reading: Reading) -> Seen:
        page = page_of(reading.kept, self._query, datetime.now(UTC))
        shape = self._dress.shape(page)
        return Seen(
            page=page,
            marks={row.id: mark_of(row, shape) for row in page.items},
            shape=shape,
            parts=self._dress.parts(page, reading),
            reading=reading,
        )

    def _difference(
        self, now: Seen, have: Collection[str], shape: str | None, parts: Mapping[str, Any]
    ) -> dict[str, Any]:
        whole = self._dress.whole(now.page) if shape != now.shape else None
        if whole is not None:
            return {**now.parts, **whole}
        fields = {name: value for name, value in now.parts.items() if name not in parts or parts[name] != value}
        rows = tuple(row for row in now.page.items if now.marks[row.id] not in have)
        return {**fields, "rows": self._dress.rows(now.page, rows)} if rows else fields


def mark_of(row: InstanceRow, shape: str) -> str:
    """Give a short text that differs when a row looks different; its age, which pages count themselves, is left out."""
    content = msgspec.json.encode((shape, replace(row, age_s=None)))
    return hashlib.blake2b(content, digest_size=MARK_BYTES).hexdigest()


def _told(reading: Reading) -> dict[str, Any]:
    kept = reading.kept
    return {
        "as_of": kept.as_of,
        "stale": kept.stale,
        "problem": kept.problem,
        "retry_s": reading.retry_s,
    }
