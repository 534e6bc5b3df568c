"""Pods, secrets and health checks, as only Podman's own API tells them."""

from __future__ import annotations

from flask import flash, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from opsmodal import actions
from opsmodal.web.asking import actor, operations
from opsmodal.web.plans import PREVIEW, is_preview, planned
from opsmodal.web.respond import consent, json_answer, respond, wants_json
from opsmodal.web.routes import REASON, Routes
from runtimes.libpod import HealthCheck, Own, Pod
from runtimes.planning import Plan

routes = Routes("libpod")
INSTANCE = "/services/<service>/instances/<instance>"


@routes.get("/services/<service>/pods", actions.INSTANCES_VIEW, tuple[Pod, ...], page=None)
def pods(service: str) -> AnyResponse:
    """List the Podman pods that a service has containers in."""
    return respond(operations().libpod.pods(actor(), service), "instances/instances.html")


@routes.get(f"{INSTANCE}/podman", actions.INSTANCES_VIEW, Own, page=None)
def one(service: str, instance: str) -> AnyResponse:
    """Read what only Podman tells of a container: who runs its health check, and its secrets by name."""
    return respond(operations().libpod.one(actor(), service, instance), "instances/instance.html")


@routes.post(
    f"{INSTANCE}/healthcheck",
    actions.HEALTH_CHECK,
    HealthCheck,
    parameters=(PREVIEW, REASON),
    other_answers=[(200, Plan)],
)
def check(service: str, instance: str) -> AnyResponse:
    """Run the health check of a container once, as `podman healthcheck run` does."""
    back = url_for("page.instances_one", service=service, instance=instance)
    if is_preview():
        return planned(operations().libpod.preview(actor(), service, instance), back=back)
    found = operations().libpod.check(actor(), service, instance, consent=consent())
    if wants_json():
        return json_answer(found)
    code = f", exit code {found.runs[0].exit_code}" if found.runs else ""
    flash(f"The health check ran: {found.status}{code}.")
    return redirect(back, code=303)
