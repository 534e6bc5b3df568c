"""Ingresses as rules, and what becomes of one when a rule is added, changed or removed. Pure.

A change is made in a copy of the whole spec: what belongs to other rules, and every field that this program does not
know, stays as it was read. Source: https://kubernetes.io/docs/concepts/services-networking/ingress/
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

import msgspec

from runtimes.domains import DomainChange
from runtimes.errors import Conflict
from runtimes.kubernetes.api.spoiled import known_as, name_of
from runtimes.kubernetes.domains import tls
from runtimes.kubernetes.domains.models import IngressBackend, IngressObject, IngressPath, IngressTls
from runtimes.kubernetes.domains.rules import ANY_HOST, INGRESS, Document, Holder, Rule, as_holder

API_VERSION = "networking.k8s.io/v1"
OLD_CLASS = "kubernetes.io/ingress.class"
"""The annotation that named the class before `ingressClassName`; controllers still read it."""


def holder(raw: Document) -> Holder:
    """Read an Ingress with its rules."""
    known = known_as(raw, IngressObject, what=f"Ingress {name_of(raw)}")
    return as_holder(INGRESS, raw, known.metadata, _rules(known))


def _rules(known: IngressObject) -> Iterator[Rule]:
    for at, rule in enumerate(known.spec.rules or ()):
        paths = (rule.http.paths if rule.http else None) or ()
        for where, path in enumerate(paths):
            yield _rule(known, rule.host, path, (at, where))
        if not paths:
            yield _default(known, rule.host, (at, -1), "It names no path: what is asked there goes to the default.")
    if known.spec.default_backend is not None:
        yield _default(known, "", (-1, -1), "It is the default backend of the whole Ingress: change it in its YAML.")


def _rule(known: IngressObject, host: str, path: IngressPath, place: tuple[int, int], *, fixed: str = "") -> Rule:
    covered = tls.cover(known.spec.tls or (), host or ANY_HOST)
    service = path.backend.service
    resource = path.backend.resource
    if resource is not None:
        fixed = f"It leads to a {resource.kind}, not to a Service: change it in its YAML."
    entries = known.status.load_balancer.ingress or ()
    return Rule(
        kind=INGRESS,
        namespace=known.metadata.namespace,
        object=known.metadata.name,
        host=host or ANY_HOST,
        path=path.path or "/",
        path_type=path.path_type,
        place=place,
        backend=service.name if service else f"{resource.kind} {resource.name}" if resource else "",
        port=_port(path.backend),
        class_name=class_of(known),
        tls=covered is not None,
        tls_secret=covered.secret if covered else "",
        entries=tuple(each.ip or each.hostname for each in entries if each.ip or each.hostname),
        fixed=fixed,
    )


def _default(known: IngressObject, host: str, place: tuple[int, int], fixed: str) -> Rule:
    path = IngressPath(path="/", path_type="Prefix", backend=known.spec.default_backend or IngressBackend())
    return _rule(known, host, path, place, fixed=fixed)


def _port(backend: IngressBackend) -> str:
    if backend.service is None:
        return ""
    port = backend.service.port
    return str(port.number) if port.number is not None else port.name


def class_of(known: IngressObject) -> str:
    """Name the class of an Ingress, "" where none is said."""
    return known.spec.ingress_class_name or (known.metadata.annotations or {}).get(OLD_CLASS, "")


def created(name: str, change: DomainChange) -> Document:
    """Give the spec of a new Ingress that holds one rule."""
    spec: Document = {"ingressClassName": change.class_name} if change.class_name else {}
    spec["rules"] = [_entry(change.host, [_path(change)])]
    if change.tls_secret:
        spec["tls"] = tls.with_secret([], change.host, change.tls_secret)
    return {"apiVersion": API_VERSION, "kind": INGRESS, "metadata": {"name": name}, "spec": spec}


def changed(held: Holder, rule: Rule | None, change: DomainChange) -> Document:
    """Give the spec with a rule as it is to be; None adds it. Raise Conflict where others would change with it."""
    spec: Document = copy.deepcopy(held.raw.get("spec") or {})
    _demand_class(held, rule, change)
    if change.class_name and (rule is None or rule.class_name != change.class_name):
        spec["ingressClassName"] = change.class_name
    if rule is None:
        _add(spec, change.host, _path(change))
    elif rule.host == change.host:
        at, where = rule.place
        paths = spec["rules"][at]["http"]["paths"]
        paths[where] = {**paths[where], **_path(change)}
    else:
        _add(spec, change.host, {**_taken(spec, rule), **_path(change)})
        _forget_tls(held, rule, spec)
    known = tuple(msgspec.convert(spec.get("tls") or [], tuple[IngressTls, ...]))
    _set_tls(spec, tls.wanted(spec.get("tls") or [], known, change.host, change.tls_secret))
    return spec


def removed(held: Holder, rule: Rule) -> Document | None:
    """Give the spec without a rule, None where nothing would be left of the object."""
    spec: Document = copy.deepcopy(held.raw.get("spec") or {})
    if rule.place == (-1, -1):
        spec.pop("defaultBackend", None)
    else:
        _taken(spec, rule)
        _forget_tls(held, rule, spec)
    return spec if spec.get("rules") or spec.get("defaultBackend") else None


def _demand_class(held: Holder, rule: Rule | None, change: DomainChange) -> None:
    """The class is the object's: it changes with a rule only where that is the only one."""
    others = [each for each in held.rules if rule is None or each.place != rule.place]
    now = next((each.class_name for each in held.rules), "")
    if others and change.class_name and change.class_name != now:
        sentence = f"The class holds for all of Ingress {held.name}, which has {len(others)} more."
        raise Conflict(sentence, hint=f"Keep the class {now or 'it has'}, or make a rule in an object of its own.")


def _taken(spec: Document, rule: Rule) -> Document:
    """Take a rule's path out of the spec, and its host where it was the last there; give the path."""
    at, where = rule.place
    if where < 0:
        spec["rules"].pop(at)
        return {}
    paths = spec["rules"][at]["http"]["paths"]
    path: Document = paths.pop(where)
    if not paths:
        spec["rules"].pop(at)
    return path


def _forget_tls(held: Holder, rule: Rule, spec: Document) -> None:
    """A host that no rule names any more needs no TLS; where an entry has it alone, that entry goes."""
    if sum(each.host == rule.host for each in held.rules) == 1:
        _set_tls(spec, tls.without(spec.get("tls") or [], rule.host))


def _set_tls(spec: Document, entries: list[Document]) -> None:
    if entries:
        spec["tls"] = entries
    else:
        spec.pop("tls", None)


def _add(spec: Document, host: str, path: Document) -> None:
    rules = spec.setdefault("rules", [])
    for rule in rules:
        if (rule.get("host") or ANY_HOST) == host and (rule.get("http") or {}).get("paths"):
            rule["http"]["paths"].append(path)
            return
    rules.append(_entry(host, [path]))


def _entry(host: str, paths: list[Document]) -> Document:
    named: Document = {"host": host} if host != ANY_HOST else {}
    return named | {"http": {"paths": paths}}


def _path(change: DomainChange) -> Document:
    port: Document = {"number": int(change.port)} if change.port.isdigit() else {"name": change.port}
    backend = {"service": {"name": change.backend, "port": port}}
    return {"path": change.path, "pathType": change.path_type, "backend": backend}
