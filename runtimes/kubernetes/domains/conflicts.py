"""Who has a host, or a host and path, already. Pure.

Two rules for the same host and path are answered by whichever a controller happens to prefer, and some controllers stop
taking up changes at all. Of two different classes (a public and an internal controller, say) both are answered, at
different addresses: that is told, and not refused.

Controllers put the paths of a host together, whichever namespace they come from, and the longer path wins: whoever may
make an Ingress anywhere can take /login from a host of others. So a host that only others have is not taken by the way.
Source: https://kubernetes.github.io/ingress-nginx/user-guide/basic-usage/ and the order of rules in
https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from runtimes.domains import DomainChange
from runtimes.errors import Conflict
from runtimes.kubernetes.domains.rules import ANY_HOST, ROUTE, Holder, Rule, key

NAMED_MAX = 3
"""Namespaces that a sentence names."""


def demand_free(
    change: DomainChange, holders: Iterable[Holder], namespace: str, *, itself: Rule | None
) -> tuple[str, ...]:
    """Raise Conflict when a rule elsewhere is for the same host and path; give warnings for those of another class."""
    told = []
    for rule in _same(change, holders, itself):
        where = f"{rule.holder} in namespace {rule.namespace}"
        if rule.kind == change.kind and _differ(rule, change, namespace):
            told.append(f"{where} of class {rule.class_name} has {rule.words} as well: DNS decides which one answers.")
            continue
        leads = f", which leads it to {rule.backend}:{rule.port}" if rule.backend else ""
        hint = "Change that one, or take another host or path."
        raise Conflict(f"{rule.words} is taken by {where}{leads}.", hint=hint, field="host")
    return tuple(told)


def demand_own(change: DomainChange, holders: Sequence[Holder], namespace: str) -> tuple[str, ...]:
    """Raise Conflict for a host that only other namespaces have, unless it is to be shared; give warnings otherwise."""
    where = _namespaces(change, holders, namespace, change.host)
    others = _some(where - {namespace})
    if others and change.host != ANY_HOST:
        told = f"{change.path} is taken from what answers there"
        if namespace not in where and not change.shared_host:
            sentence = f"{change.host} is the host of {others}, and of nothing in {namespace} so far."
            hint = f"With a rule here {told}. Ask who runs it, then say that the host is to be shared."
            raise Conflict(sentence, hint=hint, field="shared_host")
        return (f"{change.host} is the host of {others}, too: {told}.",)
    wildcard = f"*.{change.host.partition('.')[2]}"
    wider = _some(_namespaces(change, holders, namespace, wildcard) - {namespace})
    is_new = change.host != wildcard and namespace not in where
    return (f"{wildcard} is of {wider}: {change.host} is taken from it.",) if wider and is_new else ()


def _namespaces(change: DomainChange, holders: Sequence[Holder], namespace: str, host: str) -> set[str]:
    """Name where rules for a host are that the same controller answers."""
    rules = (rule for held in holders for rule in held.rules if rule.host.lower() == host)
    same = (rule for rule in rules if rule.kind == change.kind and not _differ(rule, change, namespace))
    return {rule.namespace for rule in same}


def _some(namespaces: Iterable[str]) -> str:
    named = sorted(namespaces)
    more = f" and {len(named) - NAMED_MAX} more" if len(named) > NAMED_MAX else ""
    return f"namespace {', '.join(named[:NAMED_MAX])}{more}" if named else ""


def _same(change: DomainChange, holders: Iterable[Holder], itself: Rule | None) -> Iterator[Rule]:
    wanted = key(change.host, change.path, change.path_type)
    for held in holders:
        for rule in held.rules:
            own = itself is not None and (rule.id, rule.namespace) == (itself.id, itself.namespace)
            if not own and rule.place != (-1, -1) and rule.key() == wanted and not _narrow(rule):
                yield rule


def _narrow(rule: Rule) -> bool:
    """A rule that looks at headers or methods too leaves the rest of its path to others."""
    return rule.fixed.startswith("It looks at more")


def _differ(rule: Rule, change: DomainChange, namespace: str) -> bool:
    """Tell whether a rule is answered elsewhere than a change would be; one without a class may be by any."""
    known, wanted = _answering(rule, rule.namespace), _answering(change, namespace)
    return bool(known and wanted) and known.isdisjoint(wanted)


def _answering(of: Rule | DomainChange, namespace: str) -> set[str]:
    """Name the class, or the gateways with their namespaces: `edge` in its own is `infra/edge` in another one."""
    names = [name for name in of.class_name.split(", ") if name]
    return {name if "/" in name or of.kind != ROUTE else f"{namespace}/{name}" for name in names}
