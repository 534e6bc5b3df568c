"""The figures of the last hour in the API; pages draw the same values (`drawing`)."""

from __future__ import annotations

from werkzeug.wrappers import Response

from opsmodal import actions
from opsmodal.history.answers import UsageAnswer
from opsmodal.web.asking import actor, operations
from opsmodal.web.respond import json_answer
from opsmodal.web.routes import Routes

routes = Routes("usage")


@routes.get("/services/<service>/usage", actions.USAGE_VIEW, UsageAnswer, page=None)
def whole(service: str) -> Response:
    """Read what all instances of a service used in the last hour, added up."""
    return json_answer(operations().usage.service(actor(), service))


@routes.get("/services/<service>/instances/<instance>/usage", actions.USAGE_VIEW, UsageAnswer, page=None)
def one(service: str, instance: str) -> Response:
    """Read what one instance used in the last hour; null is a gap."""
    return json_answer(operations().usage.instance(actor(), service, instance))
