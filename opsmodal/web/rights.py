"""The pages of rights: what one may do here and who gave it, the same of every service, and who can do what on one."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response as AnyResponse

from opsmodal import actions
from opsmodal.errors import BadRequest
from opsmodal.listing import Page, parsed
from opsmodal.operations import reach, rights
from opsmodal.operations.reach import ReachRow
from opsmodal.operations.rights import RightsAnswer, RightsRow
from opsmodal.permissions import Permission
from opsmodal.web.asking import actor, operations
from opsmodal.web.respond import respond
from opsmodal.web.routes import LIST_PARAMETERS, Parameter, Routes

routes = Routes("rights")
KIND = Parameter(name="kind", description="Only these", schema={"type": "string", "enum": list(reach.KINDS)})
ENVIRONMENT = Parameter(name="environment", description="Only services of this environment")
RUNTIME = Parameter(name="runtime", description="Only services of this runtime")
LISTED = tuple(Permission)


@routes.get("/rights", actions.RIGHTS_LIST, Page[RightsRow], parameters=(*LIST_PARAMETERS, ENVIRONMENT, RUNTIME))
def listing() -> AnyResponse:
    """List the services that you see, with what you may do on each and what gives it."""
    query = parsed(request.args, sorts=tuple(rights.SORTS), filters=rights.FILTERS)
    return respond(operations().rights.list(actor(), query), "rights/rights.html", query=query, listed=LISTED)


@routes.get("/services/<service>/rights", actions.RIGHTS_VIEW, RightsAnswer)
def here(service: str) -> AnyResponse:
    """Read what you may do on one service, and who gave it to you."""
    return respond(operations().rights.here(actor(), service), "rights/here.html")


@routes.get("/services/<service>/people", actions.RIGHTS_PEOPLE, Page[ReachRow], parameters=(*LIST_PARAMETERS, KIND))
def people(service: str) -> AnyResponse:
    """List who can do what on one service: users, groups and API tokens."""
    query = parsed(request.args, sorts=tuple(reach.SORTS), filters=reach.FILTERS)
    if query.filters.get("kind", reach.USER) not in reach.KINDS:
        raise BadRequest("There is no such kind.", hint=f"There are: {', '.join(reach.KINDS)}.")
    value = operations().reach.list(actor(), service, query)
    return respond(value, "rights/people.html", query=query, service=service, listed=LISTED)
