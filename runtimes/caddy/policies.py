"""How the certificate of a host is made: by Caddy's own authority where that is wanted, else as Caddy does it. Pure.

It holds for a host, whatever the path, so it belongs to whoever said it first: nobody else's is changed.
"""

from __future__ import annotations

from runtimes.caddy.config import INTERNAL_NAMES, POLICIES, Known, Policy, Server
from runtimes.caddy.marks import policy_mark
from runtimes.caddy.placing import covers
from runtimes.caddy.routes import Route
from runtimes.caddy.steps import Step, insertion
from runtimes.errors import Conflict

INTERNAL = "internal"


def wanted(known: Known, server: Server, route: Route) -> tuple[list[Step], list[Step]]:
    """Give what is to be done before and after a route is written, for its host to have the wanted TLS.

    Raise Conflict where somebody else has said otherwise for the host.
    """
    tls = route.proxying.tls
    if tls in ("", "none"):
        return [], []
    named = next((each for each in known.policies if route.host in each.subjects), None)
    now = known.tls_of(server, route.host)
    if now == tls and not (tls == INTERNAL and _is_lent(known.policy_of(route.host), route)):
        return [], []
    if named is not None and named.service != route.service:
        sentence = f"How {route.host} gets its certificate is set elsewhere in Caddy's configuration: {now}."
        raise Conflict(sentence, hint=f"Choose {now}, or change it there.", field="tls")
    if tls == INTERNAL:
        _demand_own_names(known, route)
        return [insertion(known.root, POLICIES, 0, _made(route))], []
    if named is not None:
        return [], [removal(named)]
    why = "has no name for a public certificate" if INTERNAL_NAMES.fullmatch(route.host) else "gets Caddy's own one"
    sentence = f"{route.host} {why}, by what holds for every host of this Caddy."
    raise Conflict(sentence, hint="Choose internal, or change that in Caddy's configuration.", field="tls")


def _is_lent(policy: Policy | None, route: Route) -> bool:
    """Tell whether another service's wildcard is what holds for a host: it goes when that service wants."""
    return policy is not None and policy.service not in ("", route.service) and route.host not in policy.subjects


def _demand_own_names(known: Known, route: Route) -> None:
    """Raise Conflict for a wildcard that holds names of others: how their certificates are made would change."""
    for entry in known.entries():
        own = entry.mark is not None and entry.mark.service == route.service
        if not own and any(covers(route.host, host) for host in (*entry.hosts, *entry.inner_hosts)):
            sentence = f"{route.host} holds names that are not this service's: their certificates would change, too."
            raise Conflict(sentence, hint="Name your hosts one by one, or choose automatic.", field="tls")


def leftover(known: Known, service: str, host: str) -> Policy | None:
    """Give the service's own entry for a host that no route names any more."""
    if any(host in each.hosts for each in known.entries()):
        return None
    return next((each for each in known.policies if each.service == service and each.subjects == (host,)), None)


def removal(policy: Policy) -> Step:
    """Take an entry out."""
    return Step(method="DELETE", place=(*POLICIES, policy.index))


def _made(route: Route) -> dict[str, object]:
    issuers = [{"module": INTERNAL}]
    return {"@id": policy_mark(route.service, route.host), "subjects": [route.host], "issuers": issuers}
