"""Search, sort and page through a list. Pure; the same for pages and API.

A cursor is the offset of the next row: lists are read whole from a snapshot, so an offset says all there is to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from opsmodal.errors import BadRequest

T = TypeVar("T")

LIMIT_DEFAULT = 100
LIMIT_MAX = 1000
SEARCH_MAX_CHARS = 200

SortKey = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """What part of a list is wanted. `sort` is a column's name, with a leading "-" for descending."""

    limit: int = LIMIT_DEFAULT
    cursor: int = 0
    search: str = ""
    sort: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """A part of a list. `total` counts what the search left; `next` is the next cursor, None at the end."""

    items: tuple[T, ...]
    total: int
    next: str | None
    as_of: datetime
    stale: bool = False
    problem: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def parsed(args: Mapping[str, str], *, sorts: Sequence[str], filters: Sequence[str] = ()) -> ListQuery:
    """Read `limit`, `cursor`, `search`, `sort` and the named filters. Raise BadRequest naming what is wrong."""
    sort = args.get("sort", "")
    if sort and sort.removeprefix("-") not in sorts:
        raise BadRequest(f"Cannot sort by {sort[:40]!r}.", hint=f"Sort by one of: {', '.join(sorts)}.")
    return ListQuery(
        limit=_number(args, "limit", default=LIMIT_DEFAULT, low=1, high=LIMIT_MAX),
        cursor=_number(args, "cursor", default=0, low=0, high=10**9),
        search=args.get("search", "").strip()[:SEARCH_MAX_CHARS],
        sort=sort,
        filters={name: args[name] for name in filters if args.get(name)},
    )


def has_words(text: str, search: str) -> bool:
    """Tell whether every word of a search stands somewhere in a text, in capitals or not."""
    lowered = text.lower()
    return all(word in lowered for word in search.lower().split())


def sorted_by(items: Sequence[T], sort: str, keys: Mapping[str, SortKey]) -> list[T]:
    """Sort by a named column; rows whose value is None come last in either direction."""
    key = keys[sort.removeprefix("-")]
    known = [item for item in items if key(item) is not None]
    unknown = [item for item in items if key(item) is None]
    return sorted(known, key=key, reverse=sort.startswith("-")) + unknown


def cut(items: Sequence[T], query: ListQuery) -> tuple[tuple[T, ...], str | None]:
    """Give the rows of one page and the cursor of the next."""
    end = query.cursor + query.limit
    return tuple(items[query.cursor : end]), str(end) if end < len(items) else None


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """The rows of one page. `total` counts what the search left; `next` is the next cursor, None at the end."""

    items: tuple[T, ...]
    total: int
    next: str | None


def part_of(
    rows: Sequence[T], query: ListQuery, sorts: Mapping[str, SortKey], *, first: str, text: Callable[[T], str]
) -> Part[T]:
    """Search the text of each row, sort by the column that is asked for, else by `first`, and cut."""
    found = [row for row in rows if has_words(text(row), query.search)]
    ordered = sorted_by(found, query.sort or first, sorts)
    items, following = cut(ordered, query)
    return Part(items, len(ordered), following)


def _number(args: Mapping[str, str], name: str, *, default: int, low: int, high: int) -> int:
    text = args.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 12 or not low <= int(text) <= high:
        raise BadRequest(f"{name} must be a whole number from {low} to {high}.")
    return int(text)
