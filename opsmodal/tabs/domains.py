"""The Domains tab: under which hosts and paths a service is reached, every change to one, and how it looks outside."""

from __future__ import annotations

from collections.abc import Callable

from flask import request, url_for
from werkzeug.wrappers import Response

from opsmodal import actions
from opsmodal.answers import Done
from opsmodal.listing import parsed
from opsmodal.operations.domain_answers import SORTS, DomainAnswer, DomainsAnswer
from opsmodal.operations.domain_checks import CHECKS, DomainCheckAnswer
from opsmodal.web.again import AWAY, MENDED, Mended, grant_of
from opsmodal.web.asking import actor, operations
from opsmodal.web.domain_form import (
    DomainBody,
    chosen_checks,
    kind_of,
    looked_at,
    problems_of,
    targets_of,
    typed,
    wanted,
)
from opsmodal.web.errors import count_refusal, known
from opsmodal.web.origin import demand_own_visit
from opsmodal.web.plans import PREVIEW, REVISION, is_preview, planned
from opsmodal.web.respond import consent, done, json_answer, respond, wants_json
from opsmodal.web.routes import CONFIRM, LIST_PARAMETERS, REASON, Parameter, Routes

routes = Routes("domains")
ALL = "/services/<service>/domains"
ONE = f"{ALL}/<domain>"
ASKED = (PREVIEW, REVISION, REASON)
ONLY = Parameter(name="only", description=f"Only these checks, separated by commas: {', '.join(CHECKS)}")


@routes.get(ALL, actions.DOMAINS_VIEW, DomainsAnswer, parameters=LIST_PARAMETERS)
def listing(service: str) -> Response:
    """List the domains of a service, those in trouble first, and what new ones can be made of."""
    query = parsed(request.args, sorts=tuple(SORTS))
    value = operations().domains.list(actor(), service, query)
    return respond(value, "domains/domains.html", service=service, query=query)


@routes.get(f"{ALL}/new", actions.DOMAIN_ADD, DomainAnswer, api=False)
def new(service: str) -> Response:
    """Show the form of a new domain."""
    return _form(service, "")


@routes.post(ALL, actions.DOMAIN_ADD, Done, body=DomainBody, parameters=ASKED, status=201)
def add(service: str) -> Response:
    """Add a domain; 409 when its host and path are taken, with who has them. With `preview` say what would be done."""
    operations().services.demand(actor(), actions.DOMAIN_ADD, service)
    return _or_again(service, "", lambda: _add(service))


def _add(service: str) -> Response:
    change, back = wanted(), url_for("page.domains_listing", service=service)
    if is_preview():
        return planned(operations().domains.plan(actor(), service, change), back=back)
    value = operations().domains.save(actor(), service, change, consent=consent())
    return json_answer(value, status=201) if wants_json() else done(value, to=back)


@routes.get(ONE, actions.DOMAINS_VIEW, DomainAnswer)
def one(service: str, domain: str) -> Response:
    """Read one domain; its ETag is what `If-Match` takes when it is changed."""
    value = operations().domains.get(actor(), service, domain)
    response = respond(value, "domains/domain.html", service=service, may_change=_may_change(service), found=None)
    response.set_etag(value.revision)
    return response


@routes.get(f"{ONE}/edit", actions.DOMAIN_CHANGE, DomainAnswer, api=False)
def edit(service: str, domain: str) -> Response:
    """Show the form of a domain."""
    return _form(service, domain)


@routes.put(ONE, actions.DOMAIN_CHANGE, Done, body=DomainBody, parameters=ASKED)
def change(service: str, domain: str) -> Response:
    """Change a domain, all of it; what else its object holds stays. 412 when it has moved since it was looked at."""
    operations().services.demand(actor(), actions.DOMAIN_CHANGE, service)
    return _or_again(service, domain, lambda: _change(service, domain))


def _change(service: str, domain: str) -> Response:
    wish, back = wanted(domain), url_for("page.domains_listing", service=service)
    if is_preview():
        return planned(operations().domains.plan(actor(), service, wish), back=back)
    return done(operations().domains.save(actor(), service, wish, consent=consent()), to=back)


@routes.delete(ONE, actions.DOMAIN_REMOVE, Done, parameters=(*ASKED, CONFIRM))
def remove(service: str, domain: str) -> Response:
    """Remove a domain, and its object when it was the last one there."""
    back = url_for("page.domains_listing", service=service)
    if is_preview():
        return planned(operations().domains.plan_delete(actor(), service, domain), back=back)
    value = operations().domains.delete(actor(), service, domain, consent=consent(), revision=looked_at())
    return done(value, to=back)


@routes.post(f"{ONE}/renew", actions.DOMAIN_CHANGE, Done, parameters=ASKED)
def renew(service: str, domain: str) -> Response:
    """Lead a route to where its container is now; 422 where rows follow what is behind them by themselves."""
    back = url_for("page.domains_listing", service=service)
    if is_preview():
        return planned(operations().domains.plan_renew(actor(), service, domain), back=back)
    value = operations().domains.renew(actor(), service, domain, consent=consent(), revision=looked_at())
    return done(value, to=back)


@routes.get(f"{ONE}/check", actions.DOMAIN_CHECK, DomainCheckAnswer, parameters=(ONLY,))
def checks(service: str, domain: str) -> Response:
    """Look at a domain from outside: DNS, certificate, HTTP through the ingress, endpoints. It changes nothing."""
    demand_own_visit(request)  # or a page of another site had us ask around
    return _checked(service, domain)


@routes.post(f"{ONE}/check", actions.DOMAIN_CHECK, DomainCheckAnswer, parameters=(ONLY,))
def check(service: str, domain: str) -> Response:
    """Look at a domain from outside, as GET does."""
    return _checked(service, domain)


def _checked(service: str, domain: str) -> Response:
    found = operations().domains.check(actor(), service, domain, chosen_checks())
    if wants_json():
        return json_answer(found)
    value = operations().domains.get(actor(), service, domain)
    return respond(value, "domains/domain.html", service=service, may_change=_may_change(service), found=found)


def _or_again(service: str, domain: str, act: Callable[[], Response]) -> Response:
    """Act; what is wrong with a form is said in the form, with all that was typed."""
    try:
        return act()
    except MENDED as problem:
        if wants_json():
            raise
        count_refusal(problem)
        try:
            return _form(service, domain, problem)
        except AWAY:  # nothing to choose from: the first mistake is told
            raise problem from None


def _form(service: str, domain: str, problem: Mended | None = None) -> Response:
    value, choices = operations().domains.form(actor(), service, domain)
    kind = value.kind if value else kind_of(choices)
    context = {"service": service, "choices": choices, "kind": kind, "targets": targets_of(choices, kind)}
    problems, status = (problems_of(problem), known(problem)[0]) if problem else ({}, 200)
    context |= {"problems": problems, "grant": grant_of(problem), "typed": typed(value)}
    return respond(value, "domains/form.html", status=status, **context)


def _may_change(service: str) -> bool:
    return operations().domains.may_change(actor(), service)
