"""What is sent for a change of a row, and what is told of it before: one request, one diff, one line to type. Pure.

A patch replaces the lists of rules and of TLS entries, as they were read with one row changed, and names the revision
they were read at: the API server refuses it when anybody was faster. The same line by hand is refused likewise.
"""

from __future__ import annotations

import difflib
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import yaml

from runtimes.domains import DomainChange
from runtimes.kubernetes.domains import ingress, routes
from runtimes.kubernetes.domains.rules import ANY_HOST, INGRESS, ROUTE, Document, Holder, Rule
from runtimes.kubernetes.managers import managed_by
from runtimes.planning import Difference, Plan

NAME_MAX_CHARS = 50
"""Of a host and path that become a name; room for a number stays up to 63."""
FIELDS = ("host", "path", "path_type", "backend", "port", "class_name", "tls_secret")
WORDS = {"path_type": "path type", "class_name": "class", "tls_secret": "TLS Secret", "backend": "Service"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One request. `body` is empty for a DELETE; `version` and `uid` are what it holds for."""

    method: Literal["POST", "PATCH", "DELETE"]
    kind: str
    name: str
    rule: str
    before: Document = field(repr=False)
    after: Document = field(repr=False)
    body: Document = field(repr=False, default_factory=dict)
    uid: str = ""
    version: str = ""

    @property
    def holder(self) -> str:
        """Name what is written: `ingress/web`."""
        return f"{self.kind.lower()}/{self.name}"


def creation(change: DomainChange, namespace: str, taken: frozenset[str]) -> Draft:
    """Draft an object of its own for a row. `taken` are the names that there are."""
    name = new_name(change.host, change.path, taken)
    made = ingress.created(name, change) if change.kind == INGRESS else routes.created(name, namespace, change)
    rule = f"{change.host}{change.path}"
    return Draft(method="POST", kind=change.kind, name=name, rule=rule, before={}, after=made["spec"], body=made)


def alteration(held: Holder, rule: Rule | None, change: DomainChange) -> Draft:
    """Draft a row that is added to an object (`rule` None) or changed in it. Raise Conflict, see `changed`."""
    module = ingress if held.kind == INGRESS else routes
    return _patch(held, f"{change.host}{change.path}", module.changed(held, rule, change))


def removal(held: Holder, rule: Rule) -> Draft:
    """Draft the end of a row; the object goes with its last one. Raise Conflict, see `removed`."""
    left = ingress.removed(held, rule) if held.kind == INGRESS else routes.removed(held, rule)
    if left is not None:
        return _patch(held, rule.words, left)
    before = held.raw.get("spec") or {}
    return Draft(
        method="DELETE",
        kind=held.kind,
        name=held.name,
        rule=rule.words,
        before=before,
        after={},
        uid=held.uid,
        version=held.version,
    )


def _patch(held: Holder, words: str, after: Document) -> Draft:
    before = held.raw.get("spec") or {}
    spec = {name: after.get(name) for name in sorted({*before, *after}) if before.get(name) != after.get(name)}
    body: Document = {"metadata": {"resourceVersion": held.version}, "spec": spec}
    return Draft(
        method="PATCH",
        kind=held.kind,
        name=held.name,
        rule=words,
        before=before,
        after=after,
        body=body,
        uid=held.uid,
        version=held.version,
    )


def new_name(host: str, path: str, taken: frozenset[str]) -> str:
    """Give a name out of host and path that no object has yet."""
    words = re.sub(r"[^a-z0-9]+", "-", f"{host.replace(ANY_HOST, 'any')}{path}".lower()).strip("-")
    name = words[:NAME_MAX_CHARS].strip("-") or "domain"
    numbers = (f"{name}-{number}" for number in range(2, len(taken) + 3))
    return next(each for each in (name, *numbers) if each not in taken)


def command(draft: Draft, namespace: str) -> str:
    """Give the line that does the same by hand."""
    begin = ["kubectl", "-n", namespace]
    if draft.method == "DELETE":
        return shlex.join([*begin, "delete", draft.kind.lower(), draft.name])
    if draft.method == "PATCH":
        body = json.dumps(draft.body, separators=(",", ":"))
        return shlex.join([*begin, "patch", draft.kind.lower(), draft.name, "--type=merge", "-p", body])
    if words := _short(draft.after):
        return shlex.join([*begin, "create", "ingress", draft.name, *words])
    line = shlex.join([*begin, "create", "-f", "-"])
    return f"printf %s {shlex.quote(json.dumps(draft.body, separators=(',', ':')))} | {line}"


def _short(spec: Document) -> list[str]:
    """Give the words of `kubectl create ingress` for a new one, none where it cannot say the same."""
    if not spec.get("rules") or "http" not in spec["rules"][0]:
        return []
    rule, secret = spec["rules"][0], next((each.get("secretName") for each in spec.get("tls") or ()), "")
    path = rule["http"]["paths"][0]
    star = {"Prefix": "*", "Exact": ""}.get(path["pathType"])
    if star is None or path["path"].endswith("*") or "host" not in rule or re.search(r"[=,:]", path["path"]):
        return []
    service = path["backend"]["service"]
    port = service["port"].get("number") or service["port"].get("name")
    tls = f",tls={secret}" if secret else ""
    named = f"--rule={rule['host']}{path['path']}{star}={service['name']}:{port}{tls}"
    return [*([f"--class={spec['ingressClassName']}"] if "ingressClassName" in spec else []), named]


def told(draft: Draft, held: Holder | None, rule: Rule | None, change: DomainChange | None, namespace: str) -> Plan:
    """Say what a draft would do; what the API server thinks of it is not known here."""
    verb = "Remove" if change is None else "Change" if rule else "Add"
    return Plan(
        target=draft.holder,
        summary=f"{verb} {draft.rule}",
        command=command(draft, namespace),
        differences=tuple(_differences(rule, change)),
        diff=diff(draft),
        warnings=tuple(_warnings(draft, held)),
        hits=tuple(_hits(draft, rule)) if change is None else (),
        revision=held.revision if held else "",
        unchanged=draft.method == "PATCH" and not draft.body["spec"],
    )


def diff(draft: Draft) -> str:
    """Give what changes of the spec, as a unified diff of YAML."""
    before, after = (yaml.safe_dump(each, sort_keys=False).splitlines() if each else [] for each in _sides(draft))
    lines = difflib.unified_diff(before, after, f"{draft.holder} now", f"{draft.holder} then", lineterm="")
    return "\n".join(lines)


def _sides(draft: Draft) -> tuple[Document, Document]:
    return draft.before, draft.after


def _differences(rule: Rule | None, change: DomainChange | None) -> Iterator[Difference]:
    for name in FIELDS:
        before = str(getattr(rule, name)) if rule else ""
        after = str(getattr(change, name)) if change else ""
        if name == "class_name" and change is not None and not after:
            after = before  # a class that is not said stays
        if name == "class_name" and ROUTE in (getattr(rule, "kind", ""), getattr(change, "kind", "")):
            what = "gateway"
        else:
            what = WORDS.get(name, name)
        if before != after:
            yield Difference(what=what, before=before, after=after)


def _warnings(draft: Draft, held: Holder | None) -> Iterator[str]:
    if held is not None:
        if manager := managed_by(held.labels, held.annotations):
            yield manager
        if draft.method == "DELETE" and held.annotations:
            yield f"Nothing is left of {held.kind} {held.name}: its {len(held.annotations)} annotations go with it."
        if draft.before.get("tls") != draft.after.get("tls") and draft.method == "PATCH":
            yield "TLS holds for a host name, whatever the path: it changes for all rows of that name in this Ingress."


def _hits(draft: Draft, rule: Rule | None) -> Iterator[str]:
    if rule is not None:
        yield f"{rule.words} is not answered any more by {rule.holder}"
    if draft.method == "DELETE":
        yield f"{draft.kind} {draft.name} goes as a whole: this is its last rule"
