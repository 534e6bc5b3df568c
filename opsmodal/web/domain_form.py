"""What pages and programs send for a domain, read into the change that it is. Raise BadRequest for the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import request

from opsmodal.errors import BadRequest, Problem
from opsmodal.operations.domain_answers import DomainAnswer
from opsmodal.operations.domain_checks import CHECKS
from opsmodal.web.again import Mended, problem_of
from opsmodal.web.bodies import sent_as
from opsmodal.web.respond import sent
from runtimes.domains import DomainChange, DomainChoices

FIELDS = ("host", "path", "path_type", "target", "class_name", "tls_secret", "shared_host", "revision")
NEEDED = {"host": "The host is missing.", "target": "Choose what it leads to."}


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainBody:
    """A domain as it is to be. `target` is a Service, `port` its number or name; a form sends both as `web:8080`.

    `class_name` is the ingress class, or the gateway of an HTTPRoute. `object` names the one that gets a new row; where
    it is empty, the row gets an object of its own. `shared_host` confirms a host that only other namespaces have.
    """

    host: str = ""
    path: str = "/"
    path_type: str = "Prefix"
    target: str = ""
    port: str | int = ""
    class_name: str = ""
    tls_secret: str = ""
    kind: str = "Ingress"
    object: str = ""
    shared_host: bool = False


def wanted(domain: str = "") -> DomainChange:
    """Read the domain that was sent; `domain` is the id of the one that is changed."""
    body = sent_as(DomainBody)
    target, _, behind = body.target.partition(":")
    if not body.host or not target or not (body.port or behind):
        raise BadRequest("host, target and port are needed.", hint="A domain leads from a host to a port of a Service.")
    return DomainChange(
        host=body.host,
        path=body.path,
        path_type=body.path_type,
        backend=target,
        port=str(body.port or behind),
        class_name=body.class_name,
        tls_secret=body.tls_secret,
        kind=body.kind,
        object="" if domain else body.object,
        id=domain,
        revision=looked_at(),
        shared_host=body.shared_host,
    )


def typed(value: DomainAnswer | None) -> Mapping[str, str]:
    """Give what stands in the fields of a form: what was sent, or what the row has that is changed."""
    if request.method == "POST":
        return {name: request.form.get(name, "") for name in FIELDS}
    if value is None:
        return dict.fromkeys(FIELDS, "") | {"path": "/", "path_type": "Prefix"}
    plain = {name: str(getattr(value, name)) for name in FIELDS if hasattr(value, name)}
    return {**dict.fromkeys(FIELDS, ""), **plain, "target": f"{value.target}:{value.port}"}


def problems_of(problem: Mended) -> dict[str, Problem]:
    """Say what is wrong with a form by the field that it is about, "" for none; all that is missing at once."""
    if isinstance(problem, BadRequest):
        missing = [name for name in NEEDED if not request.form.get(name, "").strip()]
        if missing:
            return {name: Problem(field=name, sentence=NEEDED[name]) for name in missing}
    named = getattr(problem, "field", "")
    return {named: problem_of(problem, named)}


def kind_of(choices: DomainChoices) -> str:
    """Read which kind a new domain is to be of: the first there is, unless another one was chosen."""
    chosen = request.values.get("kind", "")
    return chosen if chosen in choices.kinds else choices.kinds[0]


def targets_of(choices: DomainChoices, kind: str) -> tuple[str, ...]:
    """Give what a domain of this kind can lead to, as `web:8080`; an HTTPRoute takes numbers of ports only."""
    found = ((name, port) for name, ports in choices.backends.items() for port in ports)
    return tuple(f"{name}:{port}" for name, port in found if kind != "HTTPRoute" or port.isdigit())


def looked_at() -> str:
    """Give the revision that was looked at: `If-Match`, or the field."""
    return next(iter(request.if_match.as_set(include_weak=True)), "") or sent("revision")


def chosen_checks() -> Sequence[str]:
    """Read which checks are wanted; all of them where none is named."""
    named = [each for each in request.args.get("only", "").split(",") if each]
    for each in named:
        if each not in CHECKS:
            raise BadRequest(f"There is no check {each[:40]!r}.", hint=f"There are: {', '.join(CHECKS)}.")
    return named or CHECKS
