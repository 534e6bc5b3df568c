"""The registry's pages and API, for administrators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from opsmodal import actions
from opsmodal.answers import Done
from opsmodal.contexts import Suggestion
from opsmodal.errors import BadRequest, NotThere
from opsmodal.operations.registered import ProposalRow, RuntimeAnswer, RuntimeRow, Tested
from opsmodal.registry.changes import Applied
from opsmodal.registry.schema import ServiceSpec
from opsmodal.web.asking import actor, operations
from opsmodal.web.file_fields import given, login_fields, login_texts
from opsmodal.web.forms import runtime_entry, service_entry
from opsmodal.web.respond import body_fields, consent, done, flag, respond, sent, wants_json, why
from opsmodal.web.routes import CONFIRM, REASON, Extra, Parameter, Routes

routes = Routes("registry")
RUNTIME, SERVICE = "/registry/runtimes/<name>", "/registry/services/<name>"
DRY_RUN = Parameter(name="dry_run", description="Say what would change only", schema={"type": "boolean"})
DOCUMENT: Extra = {
    "body": dict[str, Any],
    "body_media_type": "application/yaml",
    "parameters": (DRY_RUN, REASON),
    "page": None,
}


@routes.get("/registry", actions.REGISTRY_VIEW, tuple[RuntimeRow, ...], api=False)
def page() -> AnyResponse:
    """Show the registry."""
    registration = operations().registration
    services = registration.services(actor())
    profiles = operations().vpn_profiles.rows(actor())
    return respond(registration.runtimes(actor()), "registry/registry.html", services=services, profiles=profiles)


@routes.get("/registry/document", actions.REGISTRY_VIEW, dict[str, Any], media_type="application/yaml")
def export() -> AnyResponse:
    """Write the registry as YAML that can be applied again."""
    text = operations().registration.export(actor())
    return Response(text, mimetype="application/yaml")


@routes.post("/registry/document", actions.REGISTRY_CHANGE, Applied, **DOCUMENT)
def apply() -> AnyResponse:
    """Take a YAML document whole, or say what would change."""
    value = operations().registration.apply(actor(), request.get_data(), dry_run=flag("dry_run"), consent=why())
    return respond(value, "registry/registry.html")


@routes.get("/registry/runtimes", actions.REGISTRY_VIEW, tuple[RuntimeRow, ...], page=None)
def runtimes() -> AnyResponse:
    """List the registered runtimes."""
    return respond(operations().registration.runtimes(actor()), "registry/registry.html")


@routes.get("/registry/services", actions.REGISTRY_VIEW, tuple[ServiceSpec, ...], page=None)
def services() -> AnyResponse:
    """List the registered services."""
    return respond(operations().registration.services(actor()), "registry/registry.html")


@routes.get("/registry/add-runtime", actions.REGISTRY_VIEW, None, api=False)
def add_runtime() -> AnyResponse:
    """Show an empty form for a runtime."""
    operations().registration.runtimes(actor())
    kind, taken = request.args.get("kind", "kubernetes"), request.args.get("suggestion", "")
    found = operations().registration.contexts.list(actor())
    chosen = operations().registration.contexts.one(actor(), taken) if taken else None
    fields = _fields(dict(chosen.entry)) if chosen else {"kind": kind}
    context: dict[str, Any] = {"fields": fields, "problems": {}, "suggestions": found, "chosen": chosen}
    return respond(None, "registry/runtime.html", **context)


@routes.get("/registry/suggestions", actions.REGISTRY_VIEW, tuple[Suggestion, ...], page=None)
def suggestions() -> AnyResponse:
    """List Docker contexts and Podman connections of the user that runs the server, to be put as runtimes."""
    return respond(operations().registration.contexts.list(actor()), "registry/runtime.html")


@routes.get(RUNTIME, actions.REGISTRY_VIEW, RuntimeAnswer)
def runtime(name: str) -> AnyResponse:
    """Read one runtime; its page shows its form, its state and what it seems to run."""
    value = operations().registration.runtime(actor(), name)
    return respond(value, "registry/runtime.html", **_shown(value))


@routes.put(RUNTIME, actions.REGISTRY_CHANGE, Done, body=dict[str, Any], parameters=(REASON,))
def put_runtime(name: str) -> AnyResponse:
    """Create or replace a runtime; texts of files go under `files`, by field, or come with a `suggestion`."""
    entry, files = _runtime_sent(name)
    problems = {} if wants_json() else _problems("runtimes", entry, files)
    if problems:
        return _again(name, entry, problems)
    value = operations().registration.put(actor(), "runtimes", entry, files, consent=why())
    return done(value, to=url_for("page.registry_runtime", name=name))


@routes.post("/registry/add-runtime", actions.REGISTRY_CHANGE, Done, api=False)
def create_runtime() -> AnyResponse:
    """Create a runtime from the form."""
    return put_runtime(request.form.get("name", "").strip())


@routes.delete(RUNTIME, actions.REGISTRY_REMOVE, Done, parameters=(CONFIRM, REASON))
def remove_runtime(name: str) -> AnyResponse:
    """Remove a runtime's registration; nothing of it is stopped."""
    value = operations().registration.remove(actor(), "runtimes", name, consent=consent())
    return done(value, to=url_for("page.registry_page"))


@routes.post(f"{RUNTIME}/test", actions.REGISTRY_TEST, Tested)
def test(name: str) -> AnyResponse:
    """Open a runtime anew and ask it whether it is there."""
    tested = operations().registration.test(actor(), name)
    if wants_json():
        return respond(tested, "")
    value = operations().registration.runtime(actor(), name)
    return respond(value, "registry/runtime.html", **_shown(value), tested=tested)


@routes.get(f"{RUNTIME}/proposals", actions.REGISTRY_VIEW, tuple[ProposalRow, ...])
def proposals(name: str) -> AnyResponse:
    """List the services that a runtime seems to run."""
    return respond(operations().registration.proposals(actor(), name), "registry/proposals.html", name=name)


@routes.post(f"{RUNTIME}/proposals", actions.REGISTRY_CHANGE, Done, body=dict[str, Any], parameters=(REASON,))
def take(name: str) -> AnyResponse:
    """Register proposed services by their names."""
    names = body_fields().get("names", []) if wants_json() else request.form.getlist("names")
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise BadRequest("names must be a list of names.", hint="GET the proposals: each has a name.")
    value = operations().registration.take(actor(), name, names, sent("environment"), consent=why())
    return done(value, to=url_for("page.services_listing"))


@routes.get("/registry/add-service", actions.REGISTRY_VIEW, None, api=False)
def add_service() -> AnyResponse:
    """Show an empty form for a service."""
    known = operations().registration.runtimes(actor())
    return respond(None, "registry/service.html", fields=request.args, problems={}, runtimes=known)


@routes.get(SERVICE, actions.REGISTRY_VIEW, dict[str, Any])
def service(name: str) -> AnyResponse:
    """Read the entry of one service."""
    value = operations().registration.service(actor(), name)
    known = operations().registration.runtimes(actor())
    return respond(value, "registry/service.html", fields=_fields(value), problems={}, runtimes=known)


@routes.put(SERVICE, actions.REGISTRY_CHANGE, Done, body=dict[str, Any], parameters=(REASON,))
def put_service(name: str) -> AnyResponse:
    """Create or replace a service."""
    entry = {**body_fields(), "name": name} if wants_json() else service_entry(request.form, name, _stored(name))
    problems = {} if wants_json() else _problems("services", entry, {})
    if problems:
        known = operations().registration.runtimes(actor())
        context = {"fields": request.form, "problems": problems, "runtimes": known}
        return respond(None, "registry/service.html", status=422, **context)
    value = operations().registration.put(actor(), "services", entry, {}, consent=why())
    return done(value, to=f"/services/{name}/overview")


@routes.post("/registry/add-service", actions.REGISTRY_CHANGE, Done, api=False)
def create_service() -> AnyResponse:
    """Create a service from the form."""
    return put_service(request.form.get("name", "").strip())


@routes.delete(SERVICE, actions.REGISTRY_REMOVE, Done, parameters=(CONFIRM, REASON))
def remove_service(name: str) -> AnyResponse:
    """Remove a service's registration; nothing of it is stopped."""
    value = operations().registration.remove(actor(), "services", name, consent=consent())
    return done(value, to=url_for("page.registry_page"))


def _runtime_sent(name: str) -> tuple[dict[str, Any], dict[str, str]]:
    if wants_json():
        fields = dict(body_fields())
        files, suggested = fields.pop("files", {}), fields.pop("suggestion", "")
        texts = {str(key): str(text) for key, text in files.items()} if isinstance(files, dict) else {}
        return {**fields, "name": name}, {**_suggested(suggested), **texts}
    known = {row.name for row in operations().registration.runtimes(actor())}
    before = operations().registration.runtime(actor(), name).entry if name in known else {}
    texts = {**_suggested(request.form.get("takeFiles", "")), **given(request)}
    entry, sent = runtime_entry({**texts, **_filled(request.form)}, name, before)
    return entry, {**sent, **login_texts(entry.get("connections"), texts)}


def _suggested(wanted: Any) -> dict[str, str]:
    """Read the files that go with a suggestion, by field; none where none is named."""
    return operations().registration.contexts.texts(actor(), str(wanted)) if wanted else {}


def _filled(form: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in form.items() if text.strip()}


def _again(name: str, entry: dict[str, Any], problems: dict[str, list[Any]]) -> AnyResponse:
    """Show the form with what was typed and what is wrong with it: that of a new runtime, or of this one."""
    told = [each for found in problems.values() for each in found]
    context: dict[str, Any] = {"fields": request.form, "problems": problems}
    value = None
    if not request.path.endswith("/add-runtime"):
        value = operations().registration.runtime(actor(), name)
        stored = _shown(value)
        context = {**stored, "fields": {**stored["fields"], **request.form}, "problems": problems}
    context["file_fields"] = login_fields(entry.get("connections"), told)
    return respond(value, "registry/runtime.html", status=422, **context)


def _shown(value: RuntimeAnswer) -> dict[str, Any]:
    """Give the page of a runtime what stands beside its form: its connections as they are, and the trusted keys."""
    name, host_keys = value.row.name, operations().host_keys
    ways, keys = host_keys.ways(actor(), name), host_keys.trusted(actor(), name)
    logins = login_fields(value.entry.get("connections"))
    shown = {"fields": _fields(value.entry), "problems": {}, "file_fields": logins}
    registries = operations().registry_logins.rows(actor(), name)
    return {**shown, "ways_here": ways, "trusted_keys": keys, "registry_logins": registries}


def _problems(section: str, entry: dict[str, Any], files: dict[str, str]) -> dict[str, list[Any]]:
    by_field: dict[str, list[Any]] = {}
    for problem in operations().registration.problems(actor(), section, entry, files):
        by_field.setdefault(problem.field.split(".")[0].split("[")[0], []).append(problem)
    return by_field


def _stored(name: str) -> dict[str, Any]:
    """Give the entry of a service; an empty one where it is new."""
    try:
        return operations().registration.service(actor(), name)
    except NotThere:
        return {}


def _fields(entry: dict[str, Any]) -> dict[str, Any]:
    """Flatten an entry into the fields of its form; a credential is named, never shown."""
    fields = dict(entry)
    kubeconfig = fields.pop("kubeconfig", None) or {}
    labels = fields.get("labels") or {}
    fields["context"] = kubeconfig.get("context", "")
    fields["stored_kubeconfig"] = kubeconfig.get("file", "")
    fields["containers"] = " ".join(fields.get("containers") or [])
    fields["labels"] = "\n".join(f"{key}={value}" for key, value in labels.items())
    return fields
