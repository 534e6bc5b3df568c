"""The pages and the API of VPN profiles, for administrators. A profile's file goes in and never comes out again."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from werkzeug.wrappers import Response as AnyResponse

from opsmodal import actions
from opsmodal.answers import Done
from opsmodal.operations.vpn_profiles import VpnProfileAnswer, VpnProfileRow
from opsmodal.web.asking import actor, operations
from opsmodal.web.file_fields import given
from opsmodal.web.forms import profile_entry
from opsmodal.web.respond import body_fields, consent, done, respond, wants_json, why
from opsmodal.web.routes import CONFIRM, REASON, Routes

routes = Routes("vpn_profiles")
SECTION = "vpnProfiles"
PROFILE = "/registry/vpn-profiles/<name>"
PAGE = "registry/vpn_profile.html"


@routes.get("/registry/vpn-profiles", actions.REGISTRY_VIEW, tuple[VpnProfileRow, ...], page=None)
def listing() -> AnyResponse:
    """List the registered VPN profiles."""
    return respond(operations().vpn_profiles.rows(actor()), PAGE)


@routes.get("/registry/add-vpn-profile", actions.REGISTRY_VIEW, None, api=False)
def add() -> AnyResponse:
    """Show an empty form for a VPN profile."""
    operations().vpn_profiles.rows(actor())
    return respond(None, PAGE, fields={"kind": "wireguard", "mode": "managed"}, problems={})


@routes.post("/registry/add-vpn-profile", actions.REGISTRY_CHANGE, Done, api=False)
def create() -> AnyResponse:
    """Create a VPN profile from the form."""
    return put(request.form.get("name", "").strip())


@routes.get(PROFILE, actions.REGISTRY_VIEW, VpnProfileAnswer)
def show(name: str) -> AnyResponse:
    """Read one VPN profile; its files are named by fingerprint only."""
    value = operations().vpn_profiles.profile(actor(), name)
    return respond(value, PAGE, fields=_fields(value.entry), problems={})


@routes.put(PROFILE, actions.REGISTRY_CHANGE, Done, body=dict[str, Any], parameters=(REASON,))
def put(name: str) -> AnyResponse:
    """Create or replace a VPN profile; the texts of its files go under `files`: configFile, authFile."""
    entry, files, before = _sent(name)
    problems = {} if wants_json() else _problems(entry, files)
    if problems:
        fields = {**request.form, **_stored(before.entry if before else {})}
        return respond(before, PAGE, status=422, fields=fields, problems=problems)
    value = operations().registration.put(actor(), SECTION, entry, files, consent=why())
    return done(value, to=url_for("page.registry_page"))


@routes.delete(PROFILE, actions.REGISTRY_REMOVE, Done, parameters=(CONFIRM, REASON))
def remove(name: str) -> AnyResponse:
    """Remove a VPN profile's registration; its tunnel is taken down once nobody uses it."""
    value = operations().registration.remove(actor(), SECTION, name, consent=consent())
    return done(value, to=url_for("page.registry_page"))


def _sent(name: str) -> tuple[dict[str, Any], dict[str, str], VpnProfileAnswer | None]:
    if wants_json():
        fields = dict(body_fields())
        files = fields.pop("files", {})
        texts = {str(key): str(text) for key, text in files.items()} if isinstance(files, dict) else {}
        return {**fields, "name": name}, texts, None
    known = {row.name for row in operations().vpn_profiles.rows(actor())}
    # The form for a new one must not fall upon an old one of that name: then it has no files to keep.
    is_new = request.path.endswith("/add-vpn-profile")
    before = operations().vpn_profiles.profile(actor(), name) if name in known and not is_new else None
    entry, files = profile_entry(request.form, given(request), name, before.entry if before else {})
    return entry, files, before


def _problems(entry: dict[str, Any], files: dict[str, str]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for problem in operations().registration.problems(actor(), SECTION, entry, files):
        found.setdefault(problem.field.partition("[")[0].partition(".")[0], []).append(problem)
    return found


def _fields(entry: dict[str, Any]) -> dict[str, Any]:
    """Flatten an entry into the fields of its form; a file is named, never shown."""
    networks = "\n".join(entry.get("allowedNetworks") or ())
    return {"mode": "managed", **entry, **_stored(entry), "allowedNetworks": networks}


def _stored(entry: dict[str, Any]) -> dict[str, str]:
    return {f"stored_{key}": (entry.get(key) or {}).get("file", "") for key in ("configFile", "authFile")}
