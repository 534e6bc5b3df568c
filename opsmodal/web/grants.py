"""The pages and the API of grants and groups, for administrators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request, url_for
from werkzeug.wrappers import Response as AnyResponse

from opsmodal import actions
from opsmodal.answers import Done
from opsmodal.errors import Problem
from opsmodal.listing import Page, parsed
from opsmodal.operations.grants import FILTERS, SORTS, GrantRow
from opsmodal.operations.groups import SORTS as GROUP_SORTS
from opsmodal.operations.groups import GroupRow
from opsmodal.registry.schema import GrantSpec
from opsmodal.web.asking import actor, operations
from opsmodal.web.bodies import GroupBody, RoleBody, or_again, sent_as
from opsmodal.web.respond import body_fields, consent, done, respond, wants_json, why
from opsmodal.web.routes import CONFIRM, LIST_PARAMETERS, REASON, Parameter, Routes
from opsmodal.web.signing import local

routes = Routes("grants")
GRANT, GROUP = "/grants/<name>", "/groups/<name>"
PARAMETERS = (*LIST_PARAMETERS, *(Parameter(name=name, description=f"Only this {name}") for name in FILTERS))


@routes.get("/grants", actions.PEOPLE_VIEW, Page[GrantRow], parameters=PARAMETERS)
def listing() -> AnyResponse:
    """List the grants: which user or group has which role on what."""
    return _listing({})


@routes.post("/grants", actions.GRANT_CHANGE, Done, body=GrantSpec)
def put() -> AnyResponse:
    """Grant a role, written as in the registry's document; one on the same target is replaced."""

    def grant() -> AnyResponse:
        entry = dict(body_fields()) if wants_json() else _entry(request.form)
        return _back(operations().grants.put(actor(), entry, consent=why()))

    return or_again(grant, _listing)


@routes.put(GRANT, actions.GRANT_CHANGE, Done, body=RoleBody)
def change(name: str) -> AnyResponse:
    """Give a grant another role."""
    return _back(operations().grants.change(actor(), name, sent_as(RoleBody).role or "", consent=consent()))


@routes.delete(GRANT, actions.GRANT_REMOVE, Done, parameters=(CONFIRM, REASON))
def remove(name: str) -> AnyResponse:
    """Remove a grant."""
    return _back(operations().grants.remove(actor(), name, consent=consent()))


@routes.get("/groups", actions.PEOPLE_VIEW, Page[GroupRow], parameters=LIST_PARAMETERS)
def groups() -> AnyResponse:
    """List the groups."""
    return _groups({})


@routes.get(GROUP, actions.PEOPLE_VIEW, GroupRow)
def group(name: str) -> AnyResponse:
    """Read one group."""
    return _group(name, {})


@routes.post("/groups", actions.GROUP_CHANGE, Done, api=False)
def create_group() -> AnyResponse:
    """Create a group from the form."""
    name = request.form.get("name", "").strip()
    return or_again(lambda: _put_group(name), _groups)


@routes.put(GROUP, actions.GROUP_CHANGE, Done, body=GroupBody)
def put_group(name: str) -> AnyResponse:
    """Create a group, or replace its members."""
    return or_again(lambda: _put_group(name), lambda problems: _group(name, problems))


@routes.delete(GROUP, actions.GROUP_REMOVE, Done, parameters=(CONFIRM, REASON))
def remove_group(name: str) -> AnyResponse:
    """Remove a group to which nothing is granted."""
    value = operations().groups.remove(actor(), name, consent=consent())
    return done(value, to=url_for("page.grants_groups"))


def _put_group(name: str) -> AnyResponse:
    if wants_json():
        body = sent_as(GroupBody)
        users, as_of = body.users, body.as_of
    else:
        users, as_of = tuple(request.form.get("users", "").split()), request.form.get("as_of", "")
    value = operations().groups.put(actor(), name, users, as_of=as_of, consent=consent())
    return done(value, to=url_for("page.grants_group", name=name))


def _entry(form: Mapping[str, str]) -> dict[str, Any]:
    """Read the form of a grant: `target` is `kind:name`, as its choices are."""
    entry: dict[str, Any] = {key: form[key].strip() for key in ("user", "group") if form.get(key, "").strip()}
    entry["role"] = form.get("role", "")
    target_kind, _, target = form.get("target", "").partition(":")
    if target_kind == "all":
        entry["all"] = True
    elif target:
        entry[f"{target_kind}s"] = [target]
    return entry


def _back(value: Done) -> AnyResponse:
    given = request.form.get("back", "")
    return done(value, to=local(given) if given else url_for("page.grants_listing"))


def _listing(problems: Mapping[str, Problem]) -> AnyResponse:
    query = parsed(request.args, sorts=tuple(SORTS), filters=FILTERS)
    value, choices = operations().grants.list(actor(), query), operations().grants.choices(actor())
    shown = {"query": query, "choices": choices, "problems": problems}
    return respond(value, "grants/grants.html", status=422 if problems else 200, **shown)


def _groups(problems: Mapping[str, Problem]) -> AnyResponse:
    query = parsed(request.args, sorts=tuple(GROUP_SORTS))
    value = operations().groups.list(actor(), query)
    return respond(value, "grants/groups.html", status=422 if problems else 200, query=query, problems=problems)


def _group(name: str, problems: Mapping[str, Problem]) -> AnyResponse:
    value = operations().groups.one(actor(), name)
    grants = operations().grants.list(actor(), parsed({"group": name, "limit": "1000"}, sorts=(), filters=FILTERS))
    return respond(value, "grants/group.html", status=422 if problems else 200, grants=grants, problems=problems)
