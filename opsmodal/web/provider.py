"""The OpenID provider in the registry, for administrators: its form, its test, its removal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request, url_for
from werkzeug.wrappers import Response as AnyResponse

from opsmodal import actions
from opsmodal.answers import Done
from opsmodal.operations.provider import ProviderAnswer
from opsmodal.operations.registered import Tested
from opsmodal.web.asking import actor, operations
from opsmodal.web.oidc import CALLBACK
from opsmodal.web.origin import own_origin
from opsmodal.web.provider_form import fields_of, provider_entry
from opsmodal.web.respond import body_fields, consent, done, respond, wants_json, why
from opsmodal.web.routes import CONFIRM, REASON, Routes

routes = Routes("provider")
PATH, PAGE = "/registry/oidc", "registry/provider.html"


@routes.get(PATH, actions.REGISTRY_VIEW, ProviderAnswer)
def read() -> AnyResponse:
    """Read the OpenID provider that people may sign in with."""
    value = operations().provider.read(actor())
    return _page(value, fields_of(value.entry))


@routes.put(PATH, actions.REGISTRY_CHANGE, Done, body=dict[str, Any], parameters=(REASON,))
def put() -> AnyResponse:
    """Register the OpenID provider, or change it; texts of files go under `files`, by field."""
    entry, files = _sent()
    if not wants_json() and (problems := operations().provider.problems(actor(), entry, files)):
        return _page(operations().provider.read(actor()), request.form, status=422, problems=problems)
    return done(operations().provider.put(actor(), entry, files, consent=why()), to=url_for("page.provider_read"))


@routes.delete(PATH, actions.REGISTRY_REMOVE, Done, parameters=(CONFIRM, REASON))
def remove() -> AnyResponse:
    """Remove the OpenID provider; users and their ties to it stay."""
    return done(operations().provider.remove(actor(), consent=consent()), to=url_for("page.provider_read"))


@routes.post(f"{PATH}/test", actions.REGISTRY_TEST, Tested)
def test() -> AnyResponse:
    """Ask the OpenID provider for what it says of itself, and for its keys."""
    tested = operations().provider.test(actor())
    if wants_json():
        return respond(tested, "")
    value = operations().provider.read(actor())
    return _page(value, fields_of(value.entry), tested=tested)


def _page(value: ProviderAnswer, fields: Mapping[str, Any], **more: Any) -> AnyResponse:
    by_field: dict[str, list[Any]] = {}
    for problem in more.pop("problems", ()):
        by_field.setdefault(problem.field.split(".")[0].split("[")[0], []).append(problem)
    callback = f"{own_origin(request)}{CALLBACK}"
    return respond(value, PAGE, fields=fields, problems=by_field, callback=callback, **more)


def _sent() -> tuple[dict[str, Any], dict[str, str]]:
    if not wants_json():
        return provider_entry(request.form, operations().provider.read(actor()).entry)
    entry = dict(body_fields())
    files = entry.pop("files", {})
    return entry, {str(key): str(text) for key, text in files.items()} if isinstance(files, dict) else {}
