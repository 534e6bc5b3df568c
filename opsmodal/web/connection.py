"""The ways to a service: a page that is also the dialog on every tab, and the same in the API."""

from __future__ import annotations

from dataclasses import dataclass

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from opsmodal import actions
from opsmodal.answers import Done
from opsmodal.operations.connection import ConnectionsAnswer
from opsmodal.tabs import TABS
from opsmodal.web.asking import actor, operations
from opsmodal.web.respond import consent, done, respond, sent, wants_json
from opsmodal.web.routes import Routes

routes = Routes("connection")
HERE = "/services/<service>/connection"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The name of a connection, or "auto"."""

    name: str = ""


@routes.get(HERE, actions.CONNECTION_VIEW, ConnectionsAnswer)
def read(service: str) -> Response:
    """Read which connections lead to a service, how each is, and which one you go."""
    return respond(operations().connection.read(actor(), service), "connection/connection.html", tab=_tab())


@routes.put(HERE, actions.CONNECTION_CHOOSE, Done, body=Chosen)
def choose(service: str) -> Response:
    """Choose the connection by which you reach a service, or "auto"."""
    value = operations().connection.choose(actor(), service, sent("name"), consent=consent())
    return done(value, to=f"/services/{service}/{_tab()}")


@routes.post(f"{HERE}/test", actions.CONNECTION_TEST, ConnectionsAnswer)
def test(service: str) -> Response:
    """Try every connection of a service now, side by side, and say how each is."""
    value = operations().connection.test(actor(), service)
    if wants_json():
        return respond(value, "")
    return redirect(url_for("page.connection_read", service=service, tab=_tab()), code=303)


def _tab() -> str:
    """Name the tab that the person came from; an address of their own making leads to the first."""
    wanted = request.form.get("tab") or request.args.get("tab", "")
    return wanted if wanted in {tab.name for tab in TABS} else TABS[0].name
