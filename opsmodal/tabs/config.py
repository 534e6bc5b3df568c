"""The Config tab: ConfigMaps and Secrets of a service's namespace, read, revealed, changed, deleted and restored."""

from __future__ import annotations

from flask import Response, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from opsmodal import actions
from opsmodal.listing import ListQuery, Page, parsed
from opsmodal.operations.config_answers import (
    FILTERS,
    SORTS,
    ConfigAnswer,
    ConfigDone,
    ConfigRow,
    Merge,
)
from opsmodal.operations.config_objects import DesiredConfig, Target, target_of
from opsmodal.operations.config_past import VersionsAnswer
from opsmodal.operations.previews import Preview
from opsmodal.permissions import Action
from opsmodal.web.asking import actor, operations
from opsmodal.web.config_again import edit_page, new_page, or_again
from opsmodal.web.config_bodies import ConfigBody, NewConfigBody, kept_of, looked_at, wanted_new, wanted_now
from opsmodal.web.config_form import Sent
from opsmodal.web.config_rows import form_of, new_form
from opsmodal.web.origin import demand_own_visit
from opsmodal.web.plans import PREVIEW, REVISION, is_preview, planned
from opsmodal.web.respond import consent, done, flag, json_answer, respond, wants_json
from opsmodal.web.routes import CONFIRM, LIST_PARAMETERS, REASON, Parameter, Routes, confirm_when
from runtimes.errors import Missing
from runtimes.planning import Plan

routes = Routes("config")
ALL = "/services/<service>/config"
OF_HOLDER = f"{ALL}/<holder>"
ONE = f"{OF_HOLDER}/<name>"
HOLDER = Parameter(name="holder", description="Only these", schema={"enum": ["configmaps", "secrets"]})
REVEAL = Parameter(name="reveal", description="With the values of a Secret; audited", schema={"type": "boolean"})
MOVED_STATUS = 412
CHANGING = (PREVIEW, REVISION, REASON)
WITH_VERSION = "and with the version"


@routes.get(ALL, actions.CONFIG_VIEW, Page[ConfigRow], parameters=(*LIST_PARAMETERS, HOLDER))
def listing(service: str) -> AnyResponse:
    """List the ConfigMaps and Secrets of the service's namespace, without values."""
    query = parsed(request.args, sorts=tuple(SORTS), filters=FILTERS)
    return _listed(service, query)


@routes.get(f"{ALL}/new", actions.CONFIG_VIEW, str, api=False)
def new(service: str) -> AnyResponse:
    """Show the form for a new ConfigMap or Secret."""
    holder = _target(service, actions.CONFIG_VIEW, request.args.get("holder", "configmaps")).holder
    return Response(new_page(service, new_form(holder, request.args.get("type", ""))))


@routes.get(OF_HOLDER, actions.CONFIG_VIEW, Page[ConfigRow], parameters=LIST_PARAMETERS)
def listing_of(service: str, holder: str) -> AnyResponse:
    """List the ConfigMaps, or the Secrets, without values."""
    wanted = {**request.args.to_dict(), "holder": _target(service, actions.CONFIG_VIEW, holder).holder}
    return _listed(service, parsed(wanted, sorts=tuple(SORTS), filters=FILTERS))


@routes.post(
    OF_HOLDER,
    actions.CONFIG_CREATE,
    ConfigDone,
    status=201,
    body=NewConfigBody,
    parameters=CHANGING,
    other_answers=[(200, Plan)],
)
def create(service: str, holder: str) -> AnyResponse:
    """Create one."""
    _target(service, actions.CONFIG_CREATE, holder)
    name, wanted, packed = wanted_new()
    target = target_of(holder, name)
    return or_again(service, target, packed, lambda: _create(service, target, wanted, packed))


def _create(service: str, target: Target, wanted: DesiredConfig, packed: Sent | None) -> AnyResponse:
    if is_preview():
        kept = {"name": target.name, "type": wanted.type, **kept_of(packed, wanted)}
        back = url_for("page.config_listing", service=service)
        preview = operations().config.plan_new(actor(), service, target, wanted)
        return planned(preview, back=back, sent=kept, leaves=True, also=WITH_VERSION)
    value = operations().config.create(actor(), service, target, wanted, consent=consent())
    return _done(service, target, value, status=201)


@routes.get(ONE, actions.CONFIG_VIEW, ConfigAnswer, parameters=(REVEAL, REASON))
def one(service: str, holder: str, name: str) -> AnyResponse:
    """Read one: its keys, who uses them, and its values, those of a Secret only with `reveal`."""
    value = _read(service, _target(service, actions.CONFIG_VIEW, holder, name))
    response = respond(value, "config/one.html", service=service)
    response.headers["ETag"] = f'"{value.revision}"'
    return response


@routes.get(f"{ONE}/edit", actions.CONFIG_VIEW, str, api=False)
def edit(service: str, holder: str, name: str) -> AnyResponse:
    """Show the form that changes one."""
    value = _read(service, _target(service, actions.CONFIG_VIEW, holder, name))
    return Response(edit_page(service, form_of(value), value))


@routes.get(f"{ONE}/keys/<key>", actions.CONFIG_VIEW, str, parameters=(REASON,), media_type="application/octet-stream")
def value(service: str, holder: str, name: str, key: str) -> AnyResponse:
    """Take one value away as a file, as it is; of a Secret that is audited."""
    demand_own_visit(request)
    target = _target(service, actions.CONFIG_VIEW, holder, name)
    found = operations().config.value(actor(), service, target, key, consent=consent())
    response = Response(found, mimetype="application/octet-stream")
    # The key is one of those that the object has, and Kubernetes allows letters, digits, - _ . in them only.
    response.headers["Content-Disposition"] = f'attachment; filename="{key}"'
    return response


@routes.put(
    ONE,
    actions.CONFIG_SAVE,
    ConfigDone,
    body=ConfigBody,
    parameters=(*CHANGING, confirm_when("with restart in production")),
    other_answers=[(201, ConfigDone)],
)
def save(service: str, holder: str, name: str) -> AnyResponse:
    """Save one: 412 when it moved; 201 where there was none and no revision is named; with `preview` only the plan."""
    target = _target(service, actions.CONFIG_SAVE, holder, name)
    wanted, packed = wanted_now()
    return or_again(service, target, packed, lambda: _save(service, target, wanted, packed))


def _save(service: str, target: Target, wanted: DesiredConfig, packed: Sent | None) -> AnyResponse:
    config = operations().config
    try:
        outcome = (
            config.plan(actor(), service, target, wanted)
            if is_preview()
            else config.save(actor(), service, target, wanted, consent=consent())
        )
    except Missing:
        if packed is not None or wanted.revision or request.headers.get("If-Match"):
            raise
        return _made(service, target, wanted)
    if isinstance(outcome, ConfigDone):
        return _done(service, target, outcome)
    kept, back = kept_of(packed, wanted), _address(service, target)
    if isinstance(outcome, Preview):
        return planned(outcome, back=back, sent=kept, leaves=True, also=WITH_VERSION)
    return _merged(service, outcome, kept, back)


@routes.delete(ONE, actions.CONFIG_DELETE, ConfigDone, parameters=(REVISION, CONFIRM, REASON))
def delete(service: str, holder: str, name: str) -> AnyResponse:
    """Delete one; opsmodal keeps what was in it, and can restore it."""
    target = _target(service, actions.CONFIG_DELETE, holder, name)
    value = operations().config.delete(actor(), service, target, revision=looked_at(), consent=consent())
    return done(value, to=url_for("page.config_listing", service=service))


@routes.get(f"{ONE}/versions", actions.CONFIG_VIEW, VersionsAnswer)
def versions(service: str, holder: str, name: str) -> AnyResponse:
    """List the versions that opsmodal has kept of one, newest first."""
    target = _target(service, actions.CONFIG_VIEW, holder, name)
    value = operations().config.past.versions(actor(), service, target)
    return respond(value, "config/versions.html", service=service)


@routes.post(f"{ONE}/versions/<version>/restore", actions.CONFIG_RESTORE, ConfigDone, parameters=CHANGING)
def restore(service: str, holder: str, name: str, version: str) -> AnyResponse:
    """Put a version in the place of what there is; with `preview` only how it differs from that."""
    target, past = _target(service, actions.CONFIG_RESTORE, holder, name), operations().config.past
    if is_preview():
        preview = past.plan_restore(actor(), service, target, version)
        return planned(preview, back=f"{_address(service, target)}/versions", sent={}, also=WITH_VERSION)
    value = past.restore(actor(), service, target, version, revision=looked_at(), consent=consent())
    return _done(service, target, value)


def _made(service: str, target: Target, wanted: DesiredConfig) -> AnyResponse:
    """Create what a program puts where there is nothing yet."""
    if is_preview():
        return planned(operations().config.plan_new(actor(), service, target, wanted), back="")
    value = operations().config.create(actor(), service, target, wanted, consent=consent())
    return _done(service, target, value, status=201)


def _target(service: str, action: Action, holder: str, name: str = "") -> Target:
    return operations().config.target(actor(), service, action, holder, name)


def _listed(service: str, query: ListQuery) -> AnyResponse:
    value = operations().config.list(actor(), service, query)
    if wants_json():
        return json_answer(value)
    deleted = operations().config.past.deleted(actor(), service)
    return Response(render_template("config/config.html", value=value, query=query, service=service, deleted=deleted))


def _read(service: str, target: Target) -> ConfigAnswer:
    if not flag("reveal"):
        return operations().config.get(actor(), service, target)
    demand_own_visit(request)
    return operations().config.reveal(actor(), service, target, consent=consent())


def _merged(service: str, merge: Merge, kept: dict[str, str], back: str) -> AnyResponse:
    page = render_template("config/merge.html", merge=merge, kept=kept, service=service, back=back)
    return Response(page, status=MOVED_STATUS)


def _done(service: str, target: Target, value: ConfigDone, *, status: int = 200) -> AnyResponse:
    address = _address(service, target)
    if not wants_json():
        words = " ".join((value.sentence, *value.notes))
        return done(ConfigDone(sentence=words), to=address)
    response = json_answer(value, status=status)
    response.headers["ETag"] = f'"{value.revision}"'
    is_below = request.method == "POST" and status == 201
    response.headers["Location"] = f"{request.path}/{target.name}" if is_below else request.path
    return response


def _address(service: str, target: Target) -> str:
    return url_for("page.config_one", service=service, holder=target.holder, name=target.name)
