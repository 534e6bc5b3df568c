"""The Pods or Containers tab."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from simple_websocket import Server
from werkzeug.wrappers import Response

from opsmodal import actions
from opsmodal.answers import CauseAnswer, Done, InstanceAnswer, InstanceRow
from opsmodal.errors import BadRequest
from opsmodal.listing import ListQuery, Page, parsed
from opsmodal.operations.instances import Verb
from opsmodal.rows import SORTS
from opsmodal.web.asking import access, actor, operations
from opsmodal.web.dress import AsHtml, AsValues, application, shown
from opsmodal.web.respond import consent, done, flag, respond, sent, wants_json
from opsmodal.web.routes import CONFIRM, LIST_PARAMETERS, REASON, Parameter, Routes
from opsmodal.web.sockets import Sockets
from opsmodal.web.watching import send_changes

routes = Routes("instances")
sockets = Sockets("instances")
SEVERITY = Parameter(name="severity", description="Only these: ok, progress, error, neutral, separated by commas")
UID = Parameter(name="uid", description="Only the one with this uid: 409 when another has its name by now")
FORCE = Parameter(name="force", description="Delete without grace", schema={"type": "boolean"})
ROWS = Parameter(
    name="rows", description="Rows as values, or as the HTML of our page", schema={"enum": ["values", "html"]}
)
LIVE_PARAMETERS = (*LIST_PARAMETERS, SEVERITY, ROWS)
ONE = "/services/<service>/instances/<instance>"


@routes.get(
    "/services/<service>/instances",
    actions.INSTANCES_VIEW,
    Page[InstanceRow],
    parameters=(*LIST_PARAMETERS, SEVERITY),
)
def listing(service: str) -> Response:
    """List the pods or containers of a service, worst first."""
    query = _query()
    value = operations().instances.list(actor(), service, query)
    look, hours = operations().instances.look(actor(), service), operations().usage.telling(actor(), service)
    pods = () if wants_json() else operations().libpod.pods_if_any(actor(), service)
    return respond(value, "instances/instances.html", query=query, pods=pods, **shown(value, look, hours))


@sockets.route("/services/<service>/live", actions.INSTANCES_VIEW, parameters=LIVE_PARAMETERS)
def live(socket: Server, service: str) -> None:
    """Watch a list: frames of what changes on it, `{order, rows, counts, as_of, stale, …}`, at most four a second."""
    who, query = actor(), _query()
    look = operations().instances.look(who, service, opening=True)
    as_html = _as_html()
    way = operations().connection.telling(who, service)
    hours = operations().usage.telling(who, service)
    dress = AsHtml(look, query, application(), way, hours) if as_html else AsValues()
    with operations().instances.watch(who, service, query, dress, wake=socket.event.set) as reader:
        go_on, settle = operations().instances.looking(look, access()), access().settle
        send_changes(socket, reader, go_on=go_on, settle=settle, at_once=not as_html)


@routes.get(ONE, actions.INSTANCES_VIEW, InstanceAnswer)
def one(service: str, instance: str) -> Response:
    """Read everything about one instance."""
    value = operations().instances.get(actor(), service, instance)
    verbs = operations().instances.look(actor(), service).verbs
    usage = operations().usage.instance(actor(), service, value.instance.id, exact=True)
    offers = operations().debugging.offers(actor(), service)
    beside = None if wants_json() else operations().libpod.beside(actor(), service, value.instance.id)
    more: dict[str, Any] = {"verbs": verbs, "service": service, "usage": usage, "offers": offers, "beside": beside}
    return respond(value, "instances/instance.html", **more)


@routes.get(f"{ONE}/cause", actions.INSTANCES_VIEW, CauseAnswer)
def cause(service: str, instance: str) -> Response:
    """Explain why an instance is not ok."""
    value = operations().instances.cause(actor(), service, instance)
    return respond(value, "instances/cause.html", service=service)


@routes.delete(ONE, actions.INSTANCE_DELETE, Done, parameters=(FORCE, UID, CONFIRM, REASON))
def delete(service: str, instance: str) -> Response:
    """Delete one instance; its workload makes another."""
    operation = operations().instances.delete
    value = operation(actor(), service, instance, force=flag("force"), uid=sent("uid"), consent=consent())
    return done(value, to=url_for("page.instances_listing", service=service))


@routes.post(f"{ONE}/restart", actions.INSTANCE_RESTART, Done, parameters=(CONFIRM, REASON))
def restart(service: str, instance: str) -> Response:
    """Restart one container."""
    return _changed(service, instance, "restart")


@routes.post(f"{ONE}/stop", actions.INSTANCE_STOP, Done, parameters=(CONFIRM, REASON))
def stop(service: str, instance: str) -> Response:
    """Stop one container that runs; 409 for one that does not."""
    return _changed(service, instance, "stop")


@routes.post(f"{ONE}/start", actions.INSTANCE_START, Done, parameters=(CONFIRM, REASON))
def start(service: str, instance: str) -> Response:
    """Start one container that does not run; 409 for one that does."""
    return _changed(service, instance, "start")


@routes.post(
    "/services/<service>/instances/delete-pending", actions.INSTANCES_DELETE_PENDING, Done, parameters=(CONFIRM, REASON)
)
def delete_pending(service: str) -> Response:
    """Delete every Pending pod of a service."""
    value = operations().instances.delete_pending(actor(), service, consent=consent())
    return done(value, to=url_for("page.instances_listing", service=service))


def _changed(service: str, instance: str, verb: Verb) -> Response:
    value = operations().instances.change(actor(), service, instance, verb, consent=consent())
    return done(value, to=url_for("page.instances_listing", service=service))


def _query() -> ListQuery:
    return parsed(request.args, sorts=tuple(SORTS), filters=("severity",))


def _as_html() -> bool:
    wanted = request.args.get("rows", "values")
    if wanted not in ("values", "html"):
        raise BadRequest("rows must be values or html.")
    return wanted == "html"
