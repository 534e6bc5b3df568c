"""The connections of a runtime on its page, the host keys that are trusted, and the buttons to trust and to forget."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request, url_for
from werkzeug.wrappers import Response

from opsmodal import actions
from opsmodal.answers import Done
from opsmodal.candidates import Candidate
from opsmodal.operations.host_keys import TrustedKey
from opsmodal.web.asking import actor, operations
from opsmodal.web.respond import consent, done, json_answer, sent, wants_json
from opsmodal.web.routes import CONFIRM, REASON, Routes

routes = Routes("host_keys")
WAYS = "/registry/runtimes/<name>/connections"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The fingerprint that somebody has compared."""

    fingerprint: str = ""


@routes.get(WAYS, actions.REGISTRY_VIEW, tuple[Candidate, ...], page=None)
def ways(name: str) -> Response:
    """Read how every connection of a runtime is, without trying any."""
    return json_answer(operations().host_keys.ways(actor(), name))


@routes.post(f"{WAYS}/test", actions.REGISTRY_TEST, tuple[Candidate, ...])
def test(name: str) -> Response:
    """Try every connection of a runtime now, side by side."""
    found = operations().host_keys.test(actor(), name)
    if wants_json():
        return json_answer(found)
    words = ", ".join(f"{each.label} {each.word}" for each in found)
    return done(Done(sentence=f"Tested now: {words}.", targets=(name,)), to=_runtime(name))


@routes.post(f"{WAYS}/<connection>/trust", actions.HOST_KEY_TRUST, Done, body=Seen, parameters=(CONFIRM, REASON))
def trust(name: str, connection: str) -> Response:
    """Trust the host key that a server shows now, if it is the one of this fingerprint."""
    operation = operations().host_keys.trust
    value = operation(actor(), name, connection, sent("fingerprint"), consent=consent())
    return done(value, to=_runtime(name))


@routes.get("/registry/host-keys", actions.REGISTRY_VIEW, tuple[TrustedKey, ...], page=None)
def trusted() -> Response:
    """List the host keys that were trusted by hand."""
    return json_answer(operations().host_keys.trusted(actor()))


@routes.delete("/registry/host-keys/<host>/<port>", actions.HOST_KEY_FORGET, Done, parameters=(CONFIRM, REASON))
def forget(host: str, port: str) -> Response:
    """Forget every key of a server that was trusted by hand."""
    value = operations().host_keys.forget(actor(), host, port, consent=consent())
    back = request.form.get("runtime", "")
    return done(value, to=_runtime(back) if back else url_for("page.registry_page"))


def _runtime(name: str) -> str:
    return url_for("page.registry_runtime", name=name)
