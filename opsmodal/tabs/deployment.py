"""The Deployment tab: the workloads of a service, what each runs, and every change to them, planned or done."""

from __future__ import annotations

from collections.abc import Callable

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from opsmodal import actions
from opsmodal.answers import Done
from opsmodal.errors import BadRequest
from opsmodal.listing import parsed
from opsmodal.operations.deployment_answers import ManifestAnswer, WorkloadAnswer, WorkloadsAnswer
from opsmodal.operations.deployment_rows import SORTS
from opsmodal.permissions import Action
from opsmodal.tasks import Task
from opsmodal.web import changes
from opsmodal.web.again import AWAY, MENDED, grant_of, hint_of
from opsmodal.web.asking import actor, operations
from opsmodal.web.change_again import or_again
from opsmodal.web.errors import count_refusal, known
from opsmodal.web.plans import PREVIEW, REVISION, is_preview, planned
from opsmodal.web.respond import consent, respond, sent, wants_json
from opsmodal.web.routes import CONFIRM, LIST_PARAMETERS, REASON, Routes, confirm_when
from opsmodal.web.tasks import begun
from runtimes.changes import Change, Pause, Restart, Resume, RunNow
from runtimes.errors import Missing

routes = Routes("deployment")
ALL = "/services/<service>/deployment"
ONE = f"{ALL}/<workload>"
ASKED = (PREVIEW, REVISION, REASON)
"""What every change takes beside its body; what is dangerous, always or in some cases, takes `confirm` as well."""
JOB = ((202, Task),)


@routes.get(ALL, actions.DEPLOYMENT_VIEW, WorkloadsAnswer, parameters=LIST_PARAMETERS)
def listing(service: str) -> Response:
    """List the workloads of a service with what they run and how far their rollouts are; those in trouble first."""
    query = parsed(request.args, sorts=tuple(SORTS))
    value = operations().deployment.list(actor(), service, query, with_revisions=wants_json())
    return respond(value, "deployment/deployment.html", service=service, query=query, may_stop=_may_stop(service))


@routes.get(ONE, actions.DEPLOYMENT_VIEW, WorkloadAnswer)
def one(service: str, workload: str) -> Response:
    """Read one workload with its revisions."""
    value = operations().deployment.get(actor(), service, workload)
    return respond(value, "deployment/workload.html", service=service, may_stop=_may_stop(service))


@routes.put(
    f"{ONE}/replicas",
    actions.DEPLOYMENT_SCALE,
    Done,
    body=changes.ReplicasBody,
    parameters=(*ASKED, confirm_when("for 0 replicas")),
    other_answers=JOB,
)
def replicas(service: str, workload: str) -> Response:
    """Scale by hand: 409 while an autoscaler owns the workload. 0 wants `confirm`."""
    return _change(service, workload, actions.DEPLOYMENT_SCALE, changes.replicas)


@routes.put(
    f"{ONE}/autoscaler",
    actions.DEPLOYMENT_AUTOSCALE,
    Done,
    body=changes.AutoscalerBody,
    parameters=ASKED,
    other_answers=JOB,
)
def autoscaler(service: str, workload: str) -> Response:
    """Create an autoscaler on CPU, or set the bounds of the one there is; 424 without a Metrics Server."""
    return _change(service, workload, actions.DEPLOYMENT_AUTOSCALE, changes.autoscaler)


@routes.delete(
    f"{ONE}/autoscaler",
    actions.DEPLOYMENT_REMOVE_AUTOSCALER,
    Done,
    parameters=(*ASKED, CONFIRM),
    other_answers=JOB,
)
def remove_autoscaler(service: str, workload: str) -> Response:
    """Remove the autoscaler; with `replicas` scale by hand at once."""
    return _change(service, workload, actions.DEPLOYMENT_REMOVE_AUTOSCALER, changes.no_autoscaler)


@routes.put(
    f"{ONE}/image",
    actions.DEPLOYMENT_IMAGE,
    Done,
    body=changes.ImageBody,
    parameters=(*ASKED, confirm_when("in production where a container is replaced")),
    other_answers=JOB,
)
def image(service: str, workload: str) -> Response:
    """Run another image in one container. Wants `confirm` in production on Docker and Podman."""
    return _change(service, workload, actions.DEPLOYMENT_IMAGE, changes.image)


@routes.post(
    f"{ONE}/redeploy",
    actions.DEPLOYMENT_REDEPLOY,
    Done,
    body=changes.RedeployBody,
    parameters=(*ASKED, confirm_when("in production")),
    other_answers=JOB,
)
def redeploy(service: str, workload: str) -> Response:
    """Replace a container by one with the same settings; the old one comes back if that does not run.

    Wants `confirm` in production.
    """
    return _change(service, workload, actions.DEPLOYMENT_REDEPLOY, changes.redeploy)


@routes.post(
    f"{ALL}/redeploy",
    actions.DEPLOYMENT_REDEPLOY,
    Done,
    body=changes.RedeployBody,
    parameters=(*ASKED, confirm_when("in production")),
    other_answers=JOB,
)
def redeploy_all(service: str) -> Response:
    """Redeploy all containers of a service, one after another, those first that others depend on.

    It stops at the first that does not run. Wants `confirm` in production.
    """
    return _change(service, "", actions.DEPLOYMENT_REDEPLOY, changes.redeploy_all)


@routes.put(
    f"{ONE}/restart-policy",
    actions.DEPLOYMENT_RESTART_POLICY,
    Done,
    body=changes.RestartPolicyBody,
    parameters=ASKED,
    other_answers=JOB,
)
def restart_policy(service: str, workload: str) -> Response:
    """Set the restart policy of a container, without replacing it."""
    return _change(service, workload, actions.DEPLOYMENT_RESTART_POLICY, changes.restart_policy)


@routes.post(
    f"{ONE}/restart",
    actions.DEPLOYMENT_RESTART,
    Done,
    parameters=(*ASKED, confirm_when("in production")),
    other_answers=JOB,
)
def restart(service: str, workload: str) -> Response:
    """Replace all instances, some at a time. Wants `confirm` in production."""
    return _change(service, workload, actions.DEPLOYMENT_RESTART, lambda it: Restart(workload=it))


@routes.post(f"{ONE}/pause", actions.DEPLOYMENT_PAUSE, Done, parameters=ASKED, other_answers=JOB)
def pause(service: str, workload: str) -> Response:
    """Hold the rollout of a Deployment."""
    return _change(service, workload, actions.DEPLOYMENT_PAUSE, lambda it: Pause(workload=it))


@routes.post(f"{ONE}/resume", actions.DEPLOYMENT_RESUME, Done, parameters=ASKED, other_answers=JOB)
def resume(service: str, workload: str) -> Response:
    """Go on with a rollout that is held."""
    return _change(service, workload, actions.DEPLOYMENT_RESUME, lambda it: Resume(workload=it))


@routes.post(
    f"{ONE}/rollback",
    actions.DEPLOYMENT_ROLLBACK,
    Done,
    body=changes.RollbackBody,
    parameters=(PREVIEW, REASON, CONFIRM),
    other_answers=JOB,
)
def rollback(service: str, workload: str) -> Response:
    """Go back to a revision; with `preview` give the difference first."""
    return _change(service, workload, actions.DEPLOYMENT_ROLLBACK, changes.rollback)


@routes.put(
    f"{ONE}/resources",
    actions.DEPLOYMENT_RESOURCES,
    Done,
    body=changes.ResourcesBody,
    parameters=ASKED,
    other_answers=JOB,
)
def resources(service: str, workload: str) -> Response:
    """Set requests and limits of one container; on an engine at once, without replacing it."""
    return _change(service, workload, actions.DEPLOYMENT_RESOURCES, changes.resources)


@routes.put(
    f"{ONE}/strategy",
    actions.DEPLOYMENT_STRATEGY,
    Done,
    body=changes.StrategyBody,
    parameters=ASKED,
    other_answers=JOB,
)
def strategy(service: str, workload: str) -> Response:
    """Say how instances are replaced."""
    return _change(service, workload, actions.DEPLOYMENT_STRATEGY, changes.strategy)


@routes.put(
    f"{ONE}/suspend",
    actions.DEPLOYMENT_SUSPEND,
    Done,
    body=changes.SuspendBody,
    parameters=ASKED,
    other_answers=JOB,
)
def suspend(service: str, workload: str) -> Response:
    """Suspend or resume a CronJob or Job."""
    return _change(service, workload, actions.DEPLOYMENT_SUSPEND, changes.suspend)


@routes.post(f"{ONE}/run", actions.DEPLOYMENT_RUN, Done, parameters=ASKED, other_answers=JOB)
def run(service: str, workload: str) -> Response:
    """Run a CronJob at once."""
    return _change(service, workload, actions.DEPLOYMENT_RUN, lambda it: RunNow(workload=it))


@routes.get(f"{ONE}/manifest", actions.DEPLOYMENT_MANIFEST, ManifestAnswer)
def manifest(service: str, workload: str) -> Response:
    """Read a workload as YAML; its ETag is what `If-Match` takes when it is put back."""
    value = operations().deployment.manifest(actor(), service, workload)
    looked_at, typed = value.revision, value.text
    response = respond(value, "deployment/manifest.html", service=service, typed=typed, looked_at=looked_at)
    response.set_etag(value.revision)
    return response


@routes.put(
    f"{ONE}/manifest",
    actions.DEPLOYMENT_EDIT,
    Done,
    body=changes.ManifestBody,
    parameters=(*ASKED, confirm_when("for a manifest with 0 replicas")),
    other_answers=JOB,
)
def edit(service: str, workload: str) -> Response:
    """Put a whole manifest in place of the workload's own, as YAML or `{text}`; 412 when it has moved meanwhile."""

    def change(of: str) -> Change:
        wanted = changes.manifest(of)
        if not is_preview() and not _revision():
            hint = "Send If-Match with the ETag of the manifest that you changed, or * to overwrite whatever is there."
            raise BadRequest("Which manifest was changed is missing.", hint=hint)
        return wanted

    try:
        return _change(service, workload, actions.DEPLOYMENT_EDIT, change)
    except Missing:  # nothing is left that could be changed
        raise
    except MENDED as problem:
        if wants_json():
            raise
        count_refusal(problem)
        typed, looked_at = request.form.get("text", ""), sent("revision")
        value = _manifest_now(service, workload) or ManifestAnswer(workload=workload, text=typed, revision=looked_at)
        shown = {"value": value, "service": service, "typed": typed, "looked_at": looked_at, "problem": problem}
        shown |= {"hint": hint_of(problem), "grant": grant_of(problem)}
        return Response(render_template("deployment/manifest.html", **shown), status=known(problem)[0])


def _manifest_now(service: str, workload: str) -> ManifestAnswer | None:
    """Read what is there now, to tell whether it moved; None where that cannot be read."""
    try:
        return operations().deployment.manifest(actor(), service, workload)
    except AWAY:
        return None


def _change(service: str, workload: str, action: Action, read: Callable[[str], Change]) -> Response:
    """Plan a change or do it; who may not is told so before what was sent is read."""
    operations().services.demand(actor(), action, service)
    page, named = ("page.deployment_one", {"workload": workload}) if workload else ("page.deployment_listing", {})
    back = url_for(page, service=service, **named)  # type: ignore[arg-type]  # what a route takes is text
    return or_again(back, lambda: _changed(service, read(workload), back))


def _changed(service: str, change: Change, back: str) -> Response:
    revision = _revision().removeprefix("*")
    if is_preview():
        preview = operations().deployment.plan(actor(), service, change, revision=revision)
        also = "" if preview.plan.target.startswith("container/") else "and as the workload’s change-cause"
        return planned(preview, back=back, also=also)
    value = operations().deployment.apply(actor(), service, change, consent=consent(), revision=revision)
    response = begun(value.done, value.job, to=back)
    if value.revision and wants_json():
        response.set_etag(value.revision)
    return response


def _revision() -> str:
    """Give the revision that was looked at: `If-Match`, or the field; "*" for whatever is there."""
    if request.if_match.star_tag:
        return "*"
    looked_at = next(iter(request.if_match.as_set(include_weak=True)), "")
    is_number_to_go_back_to = request.path.rstrip("/").endswith("/rollback") and not sent("to")
    return looked_at or ("" if is_number_to_go_back_to else sent("revision"))


def _may_stop(service: str) -> bool:
    return operations().tasks.may_stop(actor(), service)
