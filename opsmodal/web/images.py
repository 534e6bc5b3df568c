"""The images of a service's host, as page and in the API. The page belongs to the Deployment tab."""

from __future__ import annotations

from flask import url_for
from werkzeug.wrappers import Response

from opsmodal import actions
from opsmodal.answers import Done
from opsmodal.operations.tasks import CLEANUP
from opsmodal.tasks import Task
from opsmodal.web.asking import actor, operations
from opsmodal.web.plans import PREVIEW, REVISION, is_preview, planned
from opsmodal.web.respond import consent, respond, sent, wants_json
from opsmodal.web.routes import CONFIRM, REASON, Parameter, Routes
from opsmodal.web.tasks import begun
from runtimes.images import HostImages, RegistryTag
from runtimes.planning import Plan

routes = Routes("images")
ALL = "/services/<service>/host-images"
IMAGE = Parameter(name="image", description="Only this image; without it all that no container has")


@routes.get(ALL, actions.IMAGES_VIEW, HostImages)
def listing(service: str) -> Response:
    """List the images on the host that are the service's, its tags that have moved, and what unused ones take."""
    return _page(service, operations().images.list(actor(), service))


@routes.get(f"{ALL}/tags", actions.IMAGES_ASK, tuple[RegistryTag, ...])
def tags(service: str) -> Response:
    """Ask the registries whether the tags that the service's containers run mean another image there by now."""
    found = operations().images.tags(actor(), service)
    if wants_json():
        return respond(found, "")
    return _page(service, operations().images.list(actor(), service), asked=found)


@routes.post(
    f"{ALL}/cleanup",
    actions.IMAGES_CLEAN,
    Plan,
    parameters=(IMAGE, PREVIEW, REVISION, CONFIRM, REASON),
    other_answers=[(202, Task)],
)
def clean(service: str) -> Response:
    """Delete the images that no container has, or one: 202, and a job that tells each. 412 when others are unused."""
    image = sent("image").strip()
    back = url_for("page.images_listing", service=service)
    if is_preview():
        return planned(operations().images.preview(actor(), service, image), back=back)
    value = operations().images.clean(actor(), service, image, consent=consent(), revision=sent("revision"))
    return begun(Done(sentence=value.sentence), value.task, to=back)


def _page(service: str, value: HostImages, asked: tuple[RegistryTag, ...] | None = None) -> Response:
    tasks, who = operations().tasks, actor()
    return respond(
        value,
        "deployment/images.html",
        service=service,
        asked=asked,
        jobs_now=() if wants_json() else [task for task in tasks.latest(who, service) if task.kind == CLEANUP],
        may_stop=tasks.may_stop(who, service),
        may_change=operations().images.may_change(who, service),
    )
