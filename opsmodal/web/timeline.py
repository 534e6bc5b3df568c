"""The timeline of a service: a page of its own under the frame, and the same in the API."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import request
from werkzeug.wrappers import Response

from opsmodal import actions
from opsmodal.durations import moment
from opsmodal.history.answers import KINDS, TimelineEntry
from opsmodal.listing import Page, parsed
from opsmodal.web.asking import actor, operations
from opsmodal.web.respond import respond
from opsmodal.web.routes import LIST_PARAMETERS, Parameter, Routes

routes = Routes("timeline")
PARAMETERS = (
    *(parameter for parameter in LIST_PARAMETERS if parameter.name != "sort"),
    Parameter(name="kind", description=f"Only these: {', '.join(KINDS)}, separated by commas"),
    Parameter(name="since", description="From then on: RFC 3339, or a span before now like 2d"),
    Parameter(name="until", description="Before then: RFC 3339, or a span before now like 1h"),
)


@routes.get("/services/<service>/timeline", actions.TIMELINE_VIEW, Page[TimelineEntry], parameters=PARAMETERS)
def read(service: str) -> Response:
    """Read what happened to a service: events, restarts, rollouts and what people did, newest first."""
    now, query = datetime.now(UTC), parsed(request.args, sorts=(), filters=("kind",))
    since, until = (moment(request.args.get(name, ""), now=now) for name in ("since", "until"))
    timeline = operations().timeline
    value = timeline.read(actor(), service, query, since=since, until=until)
    return respond(value, "timeline/timeline.html", query=query, service=service, kept_days=timeline.kept_days)
