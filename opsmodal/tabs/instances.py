"""The Pods or Containers tab."""

from __future__ import annotations

from flask import request, url_for
from werkzeug.wrappers import Response

from opsmodal import actions
from opsmodal.answers import CauseAnswer, Done, InstanceAnswer, InstanceRow
from opsmodal.listing import Page, parsed
from opsmodal.operations.instances import SORTS
from opsmodal.web.asking import actor, operations
from opsmodal.web.respond import done, flag, respond, sent
from opsmodal.web.routes import CONFIRM, LIST_PARAMETERS, Parameter, Routes

routes = Routes("instances")
SEVERITY = Parameter(name="severity", description="Only these: ok, progress, error, neutral, separated by commas")
FORCE = Parameter(name="force", description="Delete without grace", schema={"type": "boolean"})
ONE = "/services/<service>/instances/<instance>"


@routes.get(
    "/services/<service>/instances",
    actions.INSTANCES_VIEW,
    Page[InstanceRow],
    parameters=(*LIST_PARAMETERS, SEVERITY),
)
def listing(service: str) -> Response:
    """List the pods or containers of a service, worst first."""
    query = parsed(request.args, sorts=tuple(SORTS), filters=("severity",))
    value = operations().instances.list(actor(), service, query)
    verbs = operations().instances.verbs(actor(), service)
    return respond(value, "instances/instances.html", query=query, verbs=verbs, service=service)


@routes.get(ONE, actions.INSTANCES_VIEW, InstanceAnswer)
def one(service: str, instance: str) -> Response:
    """Read everything about one instance."""
    value = operations().instances.get(actor(), service, instance)
    verbs = operations().instances.verbs(actor(), service)
    return respond(value, "instances/instance.html", verbs=verbs, service=service)


@routes.get(f"{ONE}/cause", actions.INSTANCES_VIEW, CauseAnswer)
def cause(service: str, instance: str) -> Response:
    """Explain why an instance is not ok."""
    value = operations().instances.cause(actor(), service, instance)
    return respond(value, "instances/cause.html", service=service)


@routes.delete(ONE, actions.INSTANCE_DELETE, Done, parameters=(FORCE, CONFIRM))
def delete(service: str, instance: str) -> Response:
    """Delete one instance; its workload makes another."""
    operation = operations().instances.delete
    value = operation(actor(), service, instance, force=flag("force"), confirm=sent("confirm"))
    return done(value, to=url_for("page.instances_listing", service=service))


@routes.post(f"{ONE}/restart", actions.INSTANCE_RESTART, Done, parameters=(CONFIRM,))
def restart(service: str, instance: str) -> Response:
    """Restart one container."""
    value = operations().instances.restart(actor(), service, instance, confirm=sent("confirm"))
    return done(value, to=url_for("page.instances_listing", service=service))


@routes.post(
    "/services/<service>/instances/delete-pending", actions.INSTANCES_DELETE_PENDING, Done, parameters=(CONFIRM,)
)
def delete_pending(service: str) -> Response:
    """Delete every Pending pod of a service."""
    value = operations().instances.delete_pending(actor(), service, confirm=sent("confirm"))
    return done(value, to=url_for("page.instances_listing", service=service))
