"""Debug pods beside a service, and files out of its containers."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from flask import Response, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from opsmodal import actions
from opsmodal.answers import Done
from opsmodal.operations.debugging import DebugPods
from opsmodal.web.asking import actor, operations
from opsmodal.web.origin import demand_own_visit
from opsmodal.web.plans import PREVIEW, REVISION, is_preview, planned
from opsmodal.web.respond import consent, done, json_answer, respond, sent, wants_json
from opsmodal.web.routes import REASON, Parameter, Routes
from runtimes.debugging import CopyPod, DebugPod, DebugRequest, NewPod
from runtimes.planning import Plan

routes = Routes("debugging")
ALL = "/services/<service>/debug-pods"
INSTANCE = "/services/<service>/instances/<instance>"
ASKED = (PREVIEW, REVISION, REASON)
TAR = "application/x-tar"
CONTAINER = Parameter(name="container", description="In which container; the first one without it")
PATH = Parameter(name="path", description="The whole path of a file or folder in the container, up to 100 MB")


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyBody:
    """Which container of the instance is copied; the first one without it."""

    container: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageBody:
    """The image of a pod of tools."""

    image: str = ""


@routes.get(ALL, actions.DEBUG_VIEW, DebugPods)
def listing(service: str) -> AnyResponse:
    """List the debug pods of a service, newest first."""
    return respond(operations().debugging.list(actor(), service), "debugging/pods.html", service=service)


@routes.post(
    ALL, actions.DEBUG_RUN, DebugPod, body=ImageBody, parameters=ASKED, status=201, other_answers=[(200, Plan)]
)
def run(service: str) -> AnyResponse:
    """Run a pod of an image for an hour, without privileges and beside the service."""
    return _made(service, NewPod(image=sent("image").strip()), back=url_for("page.debugging_listing", service=service))


@routes.post(
    f"{INSTANCE}/debug",
    actions.DEBUG_COPY,
    DebugPod,
    body=CopyBody,
    parameters=ASKED,
    status=201,
    other_answers=[(200, Plan)],
)
def copy(service: str, instance: str) -> AnyResponse:
    """Copy one container of an instance for an hour, with a sleep in place of its command."""
    back = url_for("page.instances_one", service=service, instance=instance)
    return _made(service, CopyPod(instance=instance, container=sent("container")), back=back)


@routes.delete(f"{ALL}/<name>", actions.DEBUG_REMOVE, Done, parameters=(REASON,))
def remove(service: str, name: str) -> AnyResponse:
    """Take a debug pod away."""
    value = operations().debugging.remove(actor(), service, name, consent=consent())
    return done(value, to=url_for("page.debugging_listing", service=service))


@routes.get(f"{INSTANCE}/files", actions.FILE_FETCH, str, parameters=(CONTAINER, PATH), media_type=TAR)
def fetch(service: str, instance: str) -> AnyResponse:
    """Fetch a file or folder out of a container, as a tar archive of up to 100 MB."""
    demand_own_visit(request)
    args = request.args
    container, path = args.get("container", ""), args.get("path", "")
    found = operations().files.fetch(actor(), service, instance, container=container, path=path)
    if request.method == "HEAD":  # nobody reads what was opened for it
        found.close()
        return Response(mimetype=TAR)
    response = Response(iter(found), mimetype=TAR)
    response.call_on_close(found.close)
    name = f"filename*=UTF-8''{quote(found.filename, safe='')}"
    response.headers["Content-Disposition"] = f"attachment; {name}"
    return response


def _made(service: str, wanted: DebugRequest, *, back: str) -> AnyResponse:
    """Show what would be made, or make it and open the Commands tab with a line that runs in it."""
    if is_preview():
        return planned(operations().debugging.preview(actor(), service, wanted), back=back, leaves=True)
    made = operations().debugging.make(actor(), service, wanted, consent=consent(), revision=sent("revision"))
    if wants_json():
        return json_answer(made, status=201)
    flash(f"{made.pod or made.name} is there for an hour. Run something in it, or remove it among the debug pods.")
    if not made.command or "exec" not in operations().services.header(actor(), service).row.permissions:
        return redirect(url_for("page.debugging_listing", service=service), code=303)
    return redirect(url_for("page.commands_read", service=service, line=made.command), code=303)
