"""What pages and programs send for a domain, read into the change that it is. Raise BadRequest for the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import request

from opsmodal.errors import BadRequest, Problem
from opsmodal.operations.domain_answers import DomainAnswer
from opsmodal.operations.domain_checks import CHECKS
from opsmodal.web.again import Mended, problem_of
from opsmodal.web.bodies import sent_as
from opsmodal.web.respond import sent
from runtimes.domains import DomainChange, DomainChoices, Headers, Proxying
from runtimes.errors import Invalid

FIELDS = ("host", "path", "path_type", "target", "class_name", "tls_secret", "shared_host", "revision")
OPTIONS = (
    *("tls", "redirect", "redirect_status", "request_headers", "response_headers"),
    *("connect_timeout_s", "answer_timeout_s"),
)
LINES_MAX = 100
NUMBER = re.compile(r"[0-9]{1,5}")
NEEDED = {"host": "The host is missing.", "target": "Choose what it leads to."}


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainBody:
    """A domain as it is to be. `target` is a Service, `port` its number or name; a form sends both as `web:8080`.

    `class_name` is the ingress class, or the gateway of an HTTPRoute. `object` names the one that gets a new row; where
    it is empty, the row gets an object of its own. `shared_host` confirms a host that only others have.

    On engines `target` is a container and `class_name` a server of Caddy, and the rest is what Caddy does beside:
    `tls` automatic, internal or none; `redirect` instead of a target; headers by name, or as lines `Name: value`;
    times in seconds, 0 for its own.
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
    tls: str = ""
    redirect: str = ""
    redirect_status: str | int = 308
    request_headers: dict[str, str] | str = ""
    response_headers: dict[str, str] | str = ""
    connect_timeout_s: str | int = 0
    answer_timeout_s: str | int = 0


def wanted(domain: str = "") -> DomainChange:
    """Read the domain that was sent; `domain` is the id of the one that is changed."""
    body = sent_as(DomainBody)
    target, _, behind = body.target.partition(":")
    if not body.host or not (body.redirect or (target and (body.port or behind))):
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
        proxying=_proxying(body),
    )


def typed(value: DomainAnswer | None) -> Mapping[str, str]:
    """Give what stands in the fields of a form: what was sent, or what the row has that is changed."""
    if request.method == "POST":
        return {name: request.form.get(name, "") for name in (*FIELDS, *OPTIONS)}
    empty = dict.fromkeys((*FIELDS, *OPTIONS), "")
    if value is None:
        return empty | {"path": "/", "path_type": "Prefix"}
    plain = {name: str(getattr(value, name)) for name in FIELDS if hasattr(value, name)}
    options = {name: _written(getattr(value.proxying, name)) for name in OPTIONS}
    target = f"{value.target}:{value.port}" if value.target else ""
    return {**empty, **plain, **options, "target": target}


def problems_of(problem: Mended) -> dict[str, Problem]:
    """Say what is wrong with a form by the field that it is about, "" for none; all that is missing at once."""
    if isinstance(problem, BadRequest):
        needed = {name: name == "target" and bool(request.form.get("redirect", "").strip()) for name in NEEDED}
        missing = [name for name, spared in needed.items() if not spared and not request.form.get(name, "").strip()]
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


def _proxying(body: DomainBody) -> Proxying:
    return Proxying(
        tls=body.tls,
        redirect=body.redirect,
        redirect_status=_number(body.redirect_status or 308, "redirect_status"),
        request_headers=_headers(body.request_headers, "request_headers"),
        response_headers=_headers(body.response_headers, "response_headers"),
        connect_timeout_s=_number(body.connect_timeout_s or 0, "connect_timeout_s"),
        answer_timeout_s=_number(body.answer_timeout_s or 0, "answer_timeout_s"),
    )


def _number(text: str | int, field: str) -> int:
    plain = str(text).strip() or "0"
    if not NUMBER.fullmatch(plain):
        raise Invalid(f"{field} is no number.", hint="Write whole seconds, or a status.", field=field)
    return int(plain)


def _headers(given: Mapping[str, str] | str, field: str) -> Headers:
    """Read headers by name, or lines `Name: value`."""
    if not isinstance(given, str):
        return tuple(given.items())
    lines = [line.strip() for line in given.splitlines() if line.strip()]
    for line in lines:
        if ":" not in line or len(lines) > LINES_MAX:
            raise Invalid("A line of headers has no colon.", hint="Write one on each line: Name: value.", field=field)
    return tuple((name.strip(), text.strip()) for name, _, text in (line.partition(":") for line in lines))


def _written(value: object) -> str:
    """Write an option as it stands in a form."""
    if isinstance(value, tuple):
        return "\n".join(f"{name}: {text}" for name, text in value)
    return str(value or "")


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
