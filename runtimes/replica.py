"""The copy of one collection that a watch keeps: what is there, up to which version, and how often it changed. Pure.

It refuses to guess. A change from the past that it does not already hold means that the stream cannot be trusted, and
it says so. Nothing here waits, locks or asks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, TypeVar

T = TypeVar("T")


class Did(Enum):
    """What happened to an item; a bookmark only says how far the watch has come."""

    PUT = auto()
    GONE = auto()
    BOOKMARK = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Generic[T]):
    """One event of a watch. `item` is None for what is gone; `version` is where the watch stands after it."""

    did: Did
    version: str
    key: str = ""
    item: T | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed(Generic[T]):
    """An item of a list with its key and the version in which it was last changed ("" where there is none)."""

    key: str
    version: str
    item: T


@dataclass(frozen=True, slots=True)
class _Held(Generic[T]):
    number: int | None
    item: T


class Replica(Generic[T]):
    """The items by key. Not locked itself: the reflector holds the lock."""

    def __init__(self) -> None:
        self.version = ""
        """Where a watch goes on from."""
        self.serial = 0
        """Grows with every change: who remembers it sees that something is different."""
        self._held: dict[str, _Held[T]] = {}
        self._items: tuple[T, ...] | None = None

    @property
    def items(self) -> tuple[T, ...]:
        """Give all items by key; the same tuple until something changes."""
        if self._items is None:
            self._items = tuple(self._held[key].item for key in sorted(self._held))
        return self._items

    @property
    def size(self) -> int:
        """Count the items."""
        return len(self._held)

    def get(self, key: str) -> T | None:
        """Give one item, None when it is not there."""
        held = self._held.get(key)
        return held.item if held else None

    def replace(self, listed: Iterable[Listed[T]], version: str) -> None:
        """Become what a list says; only what differs counts as changed."""
        before, self._held = self._held, {}
        for each in listed:
            number, held = _number(each.version), before.pop(each.key, None)
            # A list may show an item in the same version: then readers have it already.
            if held is not None and number is not None and held.number == number:
                self._held[each.key] = held
                continue
            self._held[each.key] = _Held(number, each.item)
            if held is None or held.item != each.item:
                self.serial += 1
        self.serial += len(before)
        self.version, self._items = version, None

    def apply(self, change: Change[T]) -> bool:
        """Take in one event; False when it shows that events came in another order than they happened.

        Versions that are decimal numbers grow with time, as those of Kubernetes and time stamps do; others are taken
        in the order in which they come. Source: https://kubernetes.io/docs/reference/using-api/api-concepts/.
        """
        number, reached = _number(change.version), _number(self.version)
        if number is not None and reached is not None and number <= reached:
            return change.did is Did.BOOKMARK or self._includes(change, number)
        if change.did is not Did.BOOKMARK:
            self._put(change, number)
        self.version = change.version
        return True

    def clear(self) -> None:
        """Forget everything; every reader has to read again."""
        self._held, self._items, self.version = {}, None, ""
        self.serial += 1

    def _includes(self, change: Change[T], number: int) -> bool:
        """Say whether an event from the past is one that is already in: repeated, or outdated by a newer one."""
        held = self._held.get(change.key)
        if held is None:
            # Gone and not held is the same. Put and not held is either a repetition from before it went, or an event
            # that comes late: only a list can tell.
            return change.did is Did.GONE
        return held.number is not None and held.number >= number

    def _put(self, change: Change[T], number: int | None) -> None:
        if change.item is None or change.did is Did.GONE:
            if self._held.pop(change.key, None) is None:
                return
        else:
            held = self._held.get(change.key)
            if held is not None and held.item == change.item:
                # Told again, as a source does that overlaps rather than to lose something: no news for any reader.
                self._held[change.key] = _Held(number, held.item)
                return
            self._held[change.key] = _Held(number, change.item)
        self._items = None
        self.serial += 1


def _number(version: str) -> int | None:
    return int(version) if version.isascii() and version.isdigit() else None
