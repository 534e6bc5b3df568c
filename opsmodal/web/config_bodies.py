"""What somebody wants of a ConfigMap or Secret, read out of a JSON body, or of what was done in a form."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import request

from opsmodal.errors import BadRequest
from opsmodal.operations.config_edits import whole
from opsmodal.operations.config_objects import DesiredConfig
from opsmodal.web.bodies import sent_as
from opsmodal.web.config_form import Sent, sent_edits
from opsmodal.web.respond import sent


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigBody:
    """All keys as they are to be: `values` as text, `binary` as base64; null keeps the value that a key has.

    `rename` gives values from one key to another. `restart` names workloads to restart afterwards, `deployment.web`.
    `revision` is what was looked at, as If-Match is.
    """

    values: dict[str, str | None] | None = field(default=None, repr=False)
    binary: dict[str, str | None] | None = field(default=None, repr=False)
    rename: dict[str, str] | None = None
    immutable: bool | None = None
    restart: tuple[str, ...] = ()
    revision: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewConfigBody(ConfigBody):
    """One to be created. `type` is that of a Secret, Opaque unless given."""

    name: str
    type: str = ""


def wanted_now() -> tuple[DesiredConfig, Sent | None]:
    """Read what somebody wants: all keys out of a JSON body, or what was done in a form."""
    if request.is_json:
        return _of_body(sent_as(ConfigBody)), None
    sent_by_form = sent_edits(request)
    immutable = True if request.form.get("immutable") else None
    wanted = DesiredConfig(
        wish=sent_by_form.edits, revision=looked_at(), immutable=immutable, restart=sent_by_form.restart
    )
    return wanted, sent_by_form


def wanted_new() -> tuple[str, DesiredConfig, Sent | None]:
    """Read what is to be created, and under which name."""
    if request.is_json:
        body = sent_as(NewConfigBody)
        return body.name, _of_body(body, kind=body.type), None
    sent_by_form = sent_edits(request)
    immutable = True if request.form.get("immutable") else None
    wanted = DesiredConfig(wish=sent_by_form.edits, immutable=immutable, type=request.form.get("type", "").strip())
    return request.form.get("name", "").strip(), wanted, sent_by_form


def _of_body(body: ConfigBody, *, kind: str = "") -> DesiredConfig:
    if body.values is None and body.binary is None:
        raise BadRequest("The body names no values.", hint="Send all keys in values, or in binary as base64.")
    wish = whole(body.values or {}, body.binary or {}, body.rename)
    return DesiredConfig(wish=wish, revision=looked_at(), immutable=body.immutable, type=kind, restart=body.restart)


def looked_at() -> str:
    """Give the revision that was looked at: of the header If-Match, else of the body or query."""
    matching = request.headers.get("If-Match", "").strip().removeprefix("W/").strip('"')
    return "" if matching == "*" else matching or sent("revision")


def kept_of(sent_by_form: Sent | None, wanted: DesiredConfig) -> dict[str, str]:
    """Give what the form of the next step sends on."""
    if sent_by_form is None:
        return {}
    kept = {"edits": sent_by_form.packed, "restart": " ".join(wanted.restart), "type": request.form.get("type", "")}
    return kept | ({"immutable": "true"} if wanted.immutable else {})
