"""HTTPRoutes of the Gateway API as rules, and what becomes of one when a rule is changed. Pure.

A route is host names times matches: what cannot be changed for one of them without the others is refused, and said. A
rule that does more than lead a path to one Service is shown and left alone. Source:
https://gateway-api.sigs.k8s.io/reference/spec/#httproute
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence

import msgspec

from runtimes.causes.words import quoted
from runtimes.domains import DomainChange
from runtimes.errors import Conflict, Invalid
from runtimes.kubernetes.api.spoiled import known_as, name_of
from runtimes.kubernetes.domains.models import Parent, RouteMatch, RouteObject, RouteRule
from runtimes.kubernetes.domains.rules import ANY_HOST, ROUTE, Document, Holder, Rule, as_holder

API_VERSION = "gateway.networking.k8s.io/v1"
PREFIX = "PathPrefix"
HERE = "Gateway"


def holder(raw: Document) -> Holder:
    """Read an HTTPRoute with its rules."""
    known = known_as(raw, RouteObject, what=f"HTTPRoute {name_of(raw)}")
    return as_holder(ROUTE, raw, known.metadata, _rules(known))


def _rules(known: RouteObject) -> Iterator[Rule]:
    for at, rule in enumerate(known.spec.rules or ()):
        for host in known.spec.hostnames or (ANY_HOST,):
            for where, match in enumerate(rule.matches or (RouteMatch(),)):
                yield _rule(known, host, rule, match, (at, where if rule.matches else -1))


def _rule(known: RouteObject, host: str, rule: RouteRule, match: RouteMatch, place: tuple[int, int]) -> Rule:
    first = next(iter(rule.backend_refs or ()), None)
    return Rule(
        kind=ROUTE,
        namespace=known.metadata.namespace,
        object=known.metadata.name,
        host=host,
        path=match.path.value,
        path_type="Prefix" if match.path.type == PREFIX else match.path.type,
        place=place,
        backend=first.name if first else "",
        port=str(first.port) if first and first.port is not None else "",
        class_name=", ".join(gateways(known)),
        problems=tuple(_problems(known)),
        fixed=_fixed(rule, match, known.metadata.namespace),
    )


def gateways(known: RouteObject) -> tuple[str, ...]:
    """Name the gateways of a route: `edge`, or `infra/edge` in another namespace."""
    own = known.metadata.namespace
    parents = (each for each in known.spec.parent_refs or () if each.kind == HERE)
    return tuple(dict.fromkeys(gateway_name(each.namespace or own, each.name, own) for each in parents))


def gateway_name(namespace: str, name: str, own: str) -> str:
    """Name a gateway as it is chosen: by its namespace where that is not the service's own."""
    return name if namespace == own else f"{namespace}/{name}"


def _fixed(rule: RouteRule, match: RouteMatch, namespace: str) -> str:
    backends = rule.backend_refs or ()
    if len(backends) > 1:
        return f"It splits what comes between {len(backends)} backends: change it in its YAML."
    if match.headers or match.query_params or match.method:
        return "It looks at more than host and path: change it in its YAML."
    if match.path.type not in (PREFIX, "Exact"):
        return f"It matches its path as {match.path.type}: change it in its YAML."
    if not backends:
        does = ", ".join(each.type for each in rule.filters or ()) or "nothing"
        return f"It leads to no backend, it does {does}: change it in its YAML."
    if backends[0].kind != "Service" or backends[0].namespace not in ("", namespace):
        return f"It leads to {backends[0].kind} {backends[0].name} elsewhere: change it in its YAML."
    return ""


def _problems(known: RouteObject) -> Iterator[str]:
    for parent in known.status.parents or ():
        for condition in parent.conditions or ():
            if condition.type in ("Accepted", "ResolvedRefs") and condition.status == "False":
                why = (condition.message or condition.reason).rstrip(".")
                yield f"Gateway {parent.parent_ref.name} does not take it: {quoted(why)}."


def created(name: str, namespace: str, change: DomainChange) -> Document:
    """Give a new HTTPRoute that holds one rule. Raise Invalid without a gateway, or with a Secret of its own."""
    _demand_no_secret(change)
    if not change.class_name:
        raise Invalid("An HTTPRoute needs a gateway.", hint="Choose one of those that there are.")
    spec: Document = {"parentRefs": [_parent(change.class_name, namespace)]}
    spec |= {"hostnames": [change.host]} if change.host != ANY_HOST else {}
    spec["rules"] = [_new(change)]
    return {"apiVersion": API_VERSION, "kind": ROUTE, "metadata": {"name": name}, "spec": spec}


def changed(held: Holder, rule: Rule | None, change: DomainChange) -> Document:
    """Give the spec with a rule as it is to be; None adds it. Raise Conflict where others would change with it."""
    _demand_no_secret(change)
    spec: Document = copy.deepcopy(held.raw.get("spec") or {})
    hosts = list(spec.get("hostnames") or [ANY_HOST])
    _demand_gateway(held, rule, change)
    if rule is None:
        return _added(held, spec, hosts, change)
    if change.class_name and change.class_name != rule.class_name:
        spec["parentRefs"] = [_parent(change.class_name, held.namespace)]
    if change.host != rule.host:
        _rename(held, rule, spec, hosts, change)
    if _leads(change) != (rule.path, rule.path_type, rule.backend, rule.port):
        if len(hosts) > 1:
            raise _shared(held, [host for host in hosts if host not in (rule.host, change.host)])
        _redirect(spec, rule, change)
    return spec


def removed(held: Holder, rule: Rule) -> Document | None:
    """Give the spec without a rule, None where nothing would be left. Raise Conflict where others would go with it."""
    spec: Document = copy.deepcopy(held.raw.get("spec") or {})
    hosts = list(spec.get("hostnames") or [ANY_HOST])
    if len(hosts) > 1:
        if _others(held, rule):
            raise _shared(held, [host for host in hosts if host != rule.host])
        spec["hostnames"] = [host for host in hosts if host != rule.host]
        return spec
    _take(spec, rule)
    return spec if spec["rules"] else None


def _added(held: Holder, spec: Document, hosts: Sequence[str], change: DomainChange) -> Document:
    if list(hosts) != [change.host]:
        sentence = f"HTTPRoute {held.name} is for {', '.join(hosts)}: a rule of it holds for all of these."
        raise Conflict(sentence, hint="Make it in an object of its own.")
    spec["rules"] = [*(spec.get("rules") or []), _new(change)]
    return spec


def _rename(held: Holder, rule: Rule, spec: Document, hosts: list[str], change: DomainChange) -> None:
    others = _others(held, rule)
    if others:
        raise _shared(held, [each.words for each in others])
    if change.host == ANY_HOST and len(hosts) > 1:
        raise _shared(held, [host for host in hosts if host != rule.host])
    if change.host == ANY_HOST:
        spec.pop("hostnames", None)
    else:
        spec["hostnames"] = [change.host if host == rule.host else host for host in hosts]
        hosts[:] = spec["hostnames"]


def _redirect(spec: Document, rule: Rule, change: DomainChange) -> None:
    """Set path and backend of one match; where the rule has more of them, it gets a rule of its own beside it."""
    at, where = rule.place
    found = spec["rules"][at]
    moved = (change.backend, change.port) != (rule.backend, rule.port)
    if len(found.get("matches") or ()) > 1 and moved:
        own = copy.deepcopy(found)
        own.pop("name", None)  # unique in a route
        own["matches"] = [found["matches"].pop(where)]
        spec["rules"].insert(at, own)
        found, where = own, 0
    matches = found.setdefault("matches", [{}]) or [{}]
    matches[max(where, 0)] = {**matches[max(where, 0)], "path": _path(change)}
    found["matches"] = matches
    if moved:
        found["backendRefs"] = [{**found["backendRefs"][0], **_backend(change)}]


def _take(spec: Document, rule: Rule) -> None:
    at, where = rule.place
    matches = spec["rules"][at].get("matches") or []
    if len(matches) > 1:
        matches.pop(where)
    else:
        spec["rules"].pop(at)


def _others(held: Holder, rule: Rule) -> list[Rule]:
    """Give the other rules under the same host name: they go wherever it goes."""
    return [each for each in held.rules if each.host == rule.host and each.place != rule.place]


def _shared(held: Holder, others: Sequence[str]) -> Conflict:
    sentence = (
        f"In HTTPRoute {held.name} this would also change {', '.join(others)}: host names hold for all its rules."
    )
    return Conflict(sentence, hint="Make a row in an object of its own for it, or change the HTTPRoute's YAML.")


def _demand_gateway(held: Holder, rule: Rule | None, change: DomainChange) -> None:
    now = next((each.class_name for each in held.rules), "")
    others = [each for each in held.rules if rule is None or each.id != rule.id]
    if others and change.class_name and change.class_name != now:
        sentence = f"The gateway holds for all of HTTPRoute {held.name}, which has {len(others)} more."
        raise Conflict(sentence, hint=f"Keep {now}, or make a row in an object of its own.")


def _demand_no_secret(change: DomainChange) -> None:
    if change.tls_secret:
        hint = "Leave the Secret out here: it stands in the listener of the Gateway."
        raise Invalid("The certificate of an HTTPRoute is that of its gateway.", hint=hint)


def _leads(change: DomainChange) -> tuple[str, str, str, str]:
    return change.path, change.path_type, change.backend, change.port


def _parent(name: str, own: str) -> Document:
    namespace, _, short = name.rpartition("/")
    return {"name": short, **({"namespace": namespace} if namespace and namespace != own else {})}


def _new(change: DomainChange) -> Document:
    return {"matches": [{"path": _path(change)}], "backendRefs": [_backend(change)]}


def _path(change: DomainChange) -> Document:
    return {"type": PREFIX if change.path_type == "Prefix" else change.path_type, "value": change.path}


def _backend(change: DomainChange) -> Document:
    if not change.port.isdigit():
        raise Invalid(f'"{change.port[:63]}" is no port number.', hint="An HTTPRoute takes ports by number only.")
    return {"name": change.backend, "port": int(change.port)}


def parents(raw: Document) -> tuple[Parent, ...]:
    """Give the gateways that a route is attached to, with its sections."""
    return tuple(each for each in msgspec.convert(raw, RouteObject).spec.parent_refs or () if each.kind == HERE)
