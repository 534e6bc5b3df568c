"""The Overview tab."""

from __future__ import annotations

from werkzeug.wrappers import Response

from opsmodal import actions
from opsmodal.answers import OverviewAnswer
from opsmodal.web.asking import actor, operations
from opsmodal.web.respond import respond
from opsmodal.web.routes import Routes

routes = Routes("overview")


@routes.get("/services/<service>/overview", actions.OVERVIEW_VIEW, OverviewAnswer)
def read(service: str) -> Response:
    """Read a service at a glance."""
    value, usage = operations().overview.read(actor(), service), operations().usage.service(actor(), service)
    return respond(value, "overview/overview.html", usage=usage)
