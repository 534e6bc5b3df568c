"""How a live view is shown: as values for programs, or as the HTML of our own page, made by the page's own macros."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from flask import Flask, current_app

from opsmodal.answers import InstanceRow, status_of
from opsmodal.candidates import Tag
from opsmodal.history.answers import UsageAnswer
from opsmodal.listing import LIMIT_DEFAULT, ListQuery, Page
from opsmodal.live import mark_of
from opsmodal.live.reading import Reading
from opsmodal.operations.instances import Look
from opsmodal.version import installed_version
from opsmodal.web.frames import Frame

PARTS, STATE, WAY = "instances/parts.html", "macros/state.html", "connection/parts.html"

TAB = "instances"
"""The tab that these pages are on, to come back to."""


Hours = Callable[[Sequence[str]], Mapping[str, UsageAnswer]]


@dataclass(frozen=True, slots=True)
class AsValues:
    """Rows as the API gives them."""

    def shape(self, _page: Page[InstanceRow], /) -> str:
        """Values have one shape."""
        return ""

    def parts(self, page: Page[InstanceRow], reading: Reading, /) -> Mapping[str, Any]:
        """Give what a page of the list says beside its rows."""
        severity, text, ready, total = status_of(reading.kept.value.items, reading.desired)
        status = {"severity": severity, "text": text, "ready": ready, "total": total}
        return {"counts": page.counts, "total": page.total, "next": page.next, "notes": page.notes, "status": status}

    def rows(self, _page: Page[InstanceRow], rows: tuple[InstanceRow, ...], /) -> Any:
        """Give rows as they are."""
        return rows

    def whole(self, _page: Page[InstanceRow], /) -> None:
        """Nothing: rows and parts are all there is."""

    def pack(self, fields: Mapping[str, Any], /) -> Frame:
        """Make a frame."""
        return Frame(fields)


@dataclass(frozen=True, slots=True)
class AsHtml:
    """Rows as our page shows them to people with the same rights. Equal ones share what is rendered."""

    look: Look
    query: ListQuery = field(compare=False)
    app: Flask = field(compare=False)
    way: Callable[[], Tag] = field(compare=False)
    """The way of everybody who watches this view: it is of one connection, or of Auto."""
    hours: Hours = field(compare=False)
    """What instances used in the last hour, by their ids."""

    def shape(self, page: Page[InstanceRow], /) -> str:
        """Name the columns, whether there are rows, and the version whose macros made them."""
        return shape_of(page, self.look)

    def parts(self, page: Page[InstanceRow], reading: Reading, /) -> Mapping[str, Any]:
        """Render what stands around the rows, by the ids of their places."""
        severity, text, *_ = status_of(reading.kept.value.items, reading.desired)
        macros, ways, tag = self._macros(), self._macros(WAY), self.way()
        with self._asking():
            return {
                "#way": str(ways.way(tag)),
                "#way-news": str(ways.news(tag)),
                "#instead": str(ways.offered(tag, self.look.service, TAB)),
                "#standing": str(self._macros(STATE).standing(severity, text, page.stale)),
                "#tools": str(macros.tools(page, self.query, self.look)),
                "#after": str(macros.after(page, self.query)),
            }

    def rows(self, page: Page[InstanceRow], rows: tuple[InstanceRow, ...], /) -> str:
        """Render rows."""
        macros, shape = self._macros(), self.shape(page)
        columns = columns_of(page, self.look)
        lines = lines_of(rows, self.look, self.hours)
        with self._asking():
            return "".join(str(macros.row(row, self.look, columns, mark_of(row, shape), lines)) for row in rows)

    def whole(self, page: Page[InstanceRow], /) -> Mapping[str, Any]:
        """Render the whole list."""
        look, columns, marks = self.look, columns_of(page, self.look), marks_of(page, self.look)
        with self._asking():
            listed = self._macros().list(page, self.query, look, columns, marks, lines_of(page.items, look, self.hours))
        return {"shape": self.shape(page), "#list": str(listed)}

    def pack(self, fields: Mapping[str, Any], /) -> Frame:
        """Make a frame."""
        return Frame(fields)

    def _macros(self, name: str = PARTS) -> Any:
        return self.app.jinja_env.get_template(name).module

    def _asking(self) -> Any:
        """Stand in for the request of the page, whose links name the query."""
        query = self.query
        asked = {"search": query.search, "sort": query.sort, "cursor": query.cursor or "", **query.filters}
        if query.limit != LIMIT_DEFAULT:
            asked["limit"] = query.limit
        sent = {name: value for name, value in asked.items() if value}
        return self.app.test_request_context(f"/services/{self.look.service}/instances", query_string=sent)


def application() -> Flask:
    """Give the application itself: what is rendered for others happens in another thread than this request."""
    return cast(Any, current_app)._get_current_object()  # type: ignore[no-any-return]  # werkzeug's proxy has no types


def columns_of(page: Page[InstanceRow], look: Look) -> frozenset[str]:
    """Name the columns that are not always shown."""
    columns = set()
    if any(row.network_rx_bytes is not None for row in page.items):
        columns.add("network")
    if any(row.block_read_bytes is not None for row in page.items):
        columns.add("disk")
    if look.kind == "kubernetes" or len({row.node for row in page.items}) > 1:
        columns.add("node")
    return frozenset(columns)


def shape_of(page: Page[InstanceRow], look: Look) -> str:
    """Name what all rows of a page depend on."""
    shown = sorted(columns_of(page, look)) if page.items else ["empty"]
    rights = sorted(look.verbs) + (["logs"] if look.may_log else [])
    return " ".join([*shown, *rights, installed_version()])


def shown(page: Page[InstanceRow], look: Look, hours: Hours) -> dict[str, Any]:
    """Give the page's template what a live view gives its macros: so both render the same."""
    return {
        "look": look,
        "service": look.service,
        "columns": columns_of(page, look),
        "marks": marks_of(page, look),
        "shape": shape_of(page, look),
        "lines": lines_of(page.items, look, hours),
    }


def lines_of(rows: Sequence[InstanceRow], look: Look, hours: Hours) -> Mapping[str, UsageAnswer]:
    """Give the hours of rows that are drawn with them: containers. Of thousands of pods they would cost too much."""
    return hours([row.id for row in rows]) if rows and look.kind != "kubernetes" else {}


def marks_of(page: Page[InstanceRow], look: Look) -> dict[str, str]:
    """Give the mark of each row on a page."""
    shape = shape_of(page, look)
    return {row.id: mark_of(row, shape) for row in page.items}
