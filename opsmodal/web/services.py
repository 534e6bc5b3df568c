"""The services page, favourites, and what stands over the tabs of a service's page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Flask, g, redirect, request, url_for
from werkzeug.wrappers import Response

from opsmodal import actions
from opsmodal.answers import Done, ServiceRow
from opsmodal.candidates import Tag
from opsmodal.errors import Refusal
from opsmodal.listing import Page, parsed
from opsmodal.operations.services import SORTS, Header
from opsmodal.permissions import Permission
from opsmodal.store.errors import StoreProblem
from opsmodal.tabs import TABS
from opsmodal.web.asking import actor, operations
from opsmodal.web.respond import done, respond
from opsmodal.web.routes import LIST_PARAMETERS, Routes

routes = Routes("services")
FILTERS = ("environment", "status", "runtime")
PARTS = {"instances": ("scaling", "metrics-server", "debug-pods"), "deployment": ("host-images",)}
"""Pages of a service that belong to a tab and have addresses of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TabLink:
    """A tab as it is shown: its number is its key. `current`: the page on screen is the tab or a part of it."""

    name: str
    label: str
    url: str
    number: int
    current: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The frame of a service's page."""

    header: Header
    tabs: tuple[TabLink, ...]
    way: Tag
    tab: str
    """The tab on screen; the first where none is, to come back to."""

    @property
    def service(self) -> ServiceRow:
        """The service that the page is about."""
        return self.header.row


@routes.get("/services", actions.SERVICES_LIST, Page[ServiceRow], parameters=LIST_PARAMETERS)
def listing() -> Response:
    """List the services you may see, favourites first."""
    query = parsed(request.args, sorts=tuple(SORTS), filters=FILTERS)
    return respond(operations().services.list(actor(), query), "services/services.html", query=query)


@routes.get("/services/<service>", actions.SERVICE_VIEW, ServiceRow)
def one(service: str) -> Response:
    """Read one service; its page opens on the first tab."""
    header = operations().services.header(actor(), service)
    if request.blueprint == "page":
        return redirect(url_for("page.overview_read", service=service), code=303)
    return respond(header.row, "services/services.html")


@routes.put("/services/<service>/favorite", actions.FAVORITE, Done)
def star(service: str) -> Response:
    """Make a service one of your favourites."""
    value = operations().services.favorite(actor(), service, wanted=True)
    return done(value, to=_back(service))


@routes.delete("/services/<service>/favorite", actions.FAVORITE, Done)
def unstar(service: str) -> Response:
    """Take a service off your favourites."""
    value = operations().services.favorite(actor(), service, wanted=False)
    return done(value, to=_back(service))


def install_frame(app: Flask) -> None:
    """Give every template of a service's page its frame."""

    @app.context_processor
    def frame() -> dict[str, Any]:
        service = (request.view_args or {}).get("service") if request.blueprint == "page" else None
        if service is None or g.get("actor") is None:
            return {"frame": None}
        try:
            header = operations().services.header(actor(), service)
            return {"frame": frame_of(header, operations().connection.tag(actor(), service))}
        except (Refusal, StoreProblem):  # the page that says "there is no such service for you" has no frame of it
            return {"frame": None}


def frame_of(header: Header, way: Tag) -> Frame:
    """Decide which tabs are shown: those that the runtime offers, the permissions allow, and exist."""
    given = {Permission(name) for name in header.row.permissions}
    shown = [tab for tab in TABS if tab.permission in given and (not header.facets or tab.name in header.facets)]
    links = tuple(
        TabLink(
            name=tab.name,
            label=tab.label(header.row.kind),
            url=f"/services/{header.row.name}/{tab.name}",
            number=number,
            current=request.path.startswith(_addresses(header.row.name, tab.name)),
        )
        for number, tab in enumerate(shown, 1)
    )
    on_screen = (link.name for link in links if link.current)
    return Frame(header=header, tabs=links, way=way, tab=next(on_screen, TABS[0].name))


def _addresses(service: str, tab: str) -> tuple[str, ...]:
    return tuple(f"/services/{service}/{each}" for each in (tab, *PARTS.get(tab, ())))


def _back(service: str) -> str:
    return url_for("page.services_listing") if request.form.get("from") == "list" else f"/services/{service}/overview"
