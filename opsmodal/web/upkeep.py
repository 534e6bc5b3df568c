"""Scaling, Metrics Server and images, as page and in the API. The page belongs to the Pods tab.

What takes time answers 202 with where its job is; with `preview` all of it only says what it would do.
"""

from __future__ import annotations

from flask import request, url_for
from werkzeug.wrappers import Response

from opsmodal import actions
from opsmodal.answers import Done
from opsmodal.operations.upkeep_answers import Begun, MetricsServerAnswer, NodesAnswer, ScalingAnswer
from opsmodal.tasks import Task
from opsmodal.web.asking import actor, operations
from opsmodal.web.change_again import or_again
from opsmodal.web.plans import PREVIEW, is_preview, planned
from opsmodal.web.respond import consent, respond, sent, wants_json
from opsmodal.web.routes import CONFIRM, REASON, Parameter, Routes, confirm_when
from opsmodal.web.tasks import begun
from runtimes.planning import Plan
from runtimes.upkeep import Cleanup

routes = Routes("upkeep")
SERVER = "/services/<service>/metrics-server"
CHANGING = (PREVIEW, CONFIRM, REASON)
IMAGE = Parameter(name="image", description="Only this image; without it all that nobody uses")
SEARCH = Parameter(name="search", description="Only workloads whose kind and name hold all of these words")
SEARCH_MAX_CHARS = 200
NODE = Parameter(name="node", description="Only on this node; without it on all")


@routes.get("/services/<service>/scaling", actions.SCALING_VIEW, ScalingAnswer, parameters=(SEARCH,))
def scaling(service: str) -> Response:
    """Read what of a service can be scaled, by what it is scaled, and how the Metrics API stands."""
    search = request.args.get("search", "")[:SEARCH_MAX_CHARS]
    value = operations().upkeep.scaling(actor(), service, search)
    tasks, who = operations().tasks, actor()
    return respond(
        value,
        "instances/scaling.html",
        service=service,
        search=search,
        jobs_now=() if wants_json() else tasks.latest(who, service),
        may_stop=tasks.may_stop(who, service),
        may_change=operations().upkeep.may_change(who, service),
    )


@routes.get(SERVER, actions.METRICS_SERVER_VIEW, MetricsServerAnswer, page=None)
def metrics_server(service: str) -> Response:
    """Say how the Metrics API stands, and who serves it."""
    return respond(operations().upkeep.metrics_server(actor(), service), "")


@routes.get(f"{SERVER}/diagnostics", actions.METRICS_SERVER_DIAGNOSE, MetricsServerAnswer)
def diagnostics(service: str) -> Response:
    """Read the events and the last log lines of the pods that serve the Metrics API."""
    value = operations().upkeep.diagnostics(actor(), service)
    return respond(value, "instances/metrics-server.html", service=service)


@routes.put(
    SERVER,
    actions.METRICS_SERVER_INSTALL,
    Plan,
    parameters=(PREVIEW, confirm_when("for one that others installed"), REASON),
    other_answers=[(202, Task)],
)
def install(service: str) -> Response:
    """Install or reinstall Metrics Server: 202, with a job until it answers; what others installed wants `confirm`."""
    return _change(service, remove=False)


@routes.delete(SERVER, actions.METRICS_SERVER_REMOVE, Plan, parameters=CHANGING, other_answers=[(202, Task)])
def remove(service: str) -> Response:
    """Remove Metrics Server from the cluster."""
    return _change(service, remove=True)


@routes.get("/services/<service>/images", actions.IMAGES_VIEW, NodesAnswer, page=None)
def nodes(service: str) -> Response:
    """Name the nodes whose images can be cleaned."""
    return respond(operations().upkeep.nodes(actor(), service), "")


@routes.post(
    "/services/<service>/images/cleanup",
    actions.IMAGES_CLEAN,
    Plan,
    parameters=(IMAGE, NODE, *CHANGING),
    other_answers=[(202, Task)],
)
def clean(service: str) -> Response:
    """Delete the images that nobody uses, or one, from one node or all: 202, and a job with what each node said."""
    cleanup = Cleanup(image=sent("image").strip(), node=sent("node").strip())
    return or_again(_page(service), lambda: _cleaned(service, cleanup))


def _cleaned(service: str, cleanup: Cleanup) -> Response:
    if is_preview():
        return planned(operations().upkeep.preview_cleanup(actor(), service, cleanup), back=_page(service))
    return _answered(operations().upkeep.clean(actor(), service, cleanup, consent=consent()), service)


def _change(service: str, *, remove: bool) -> Response:
    if is_preview():
        preview = operations().upkeep.preview_metrics_server(actor(), service, remove=remove)
        return planned(preview, back=_page(service))
    value = operations().upkeep.change_metrics_server(actor(), service, remove=remove, consent=consent())
    return _answered(value, service)


def _answered(value: Begun, service: str) -> Response:
    return begun(Done(sentence=value.sentence), value.task, to=_page(service))


def _page(service: str) -> str:
    return url_for("page.upkeep_scaling", service=service)
