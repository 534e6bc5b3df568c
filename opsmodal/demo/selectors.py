"""Label and field selectors, as queries write them and as objects carry them.

Pure. Grammar: k8s.io/apimachinery/pkg/labels/selector.go. Refuses what it cannot read with a 400, like the API server.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opsmodal.demo.documents import Obj, dig
from opsmodal.demo.problems import Problem, bad_request

Labels = Mapping[str, str]
Match = Callable[[Labels], bool]

SET_BASED = re.compile(r"\s*(?P<key>[^\s,!=()]+)\s+(?P<op>in|notin)\s*\((?P<values>[^()]*)\)\s*$")
EQUALITY = re.compile(r"\s*(?P<key>[^\s,!=()<>]+)\s*(?P<op>==|=|!=)\s*(?P<value>[^\s,!=()]*)\s*$")
ORDER = re.compile(r"\s*(?P<key>[^\s,!=()<>]+)\s*(?P<op>[<>])\s*(?P<value>-?\d+)\s*$")
VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$")
VALUE_MAX_CHARS = 63
VALUE_WORDS = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue', or 'my_value', or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
EXISTS = re.compile(r"\s*(?P<not>!?)\s*(?P<key>[^\s,!=()<>]+)\s*$")

FIELDS: Mapping[str, tuple[str, ...]] = {
    "pods": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    "events": (
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    "nodes": ("spec.unschedulable",),
    "namespaces": ("status.phase",),
    "secrets": ("type",),
    "jobs": ("status.successful",),
    "replicasets": ("status.replicas",),
    "services": ("spec.clusterIP", "spec.type"),
}
"""Fields beside metadata.name and metadata.namespace that may be selected by, for each kind."""


def everything(_: Labels) -> bool:
    """Match any labels."""
    return True


def _terms(text: str) -> list[str]:
    """Cut a selector at its commas, but not at those within parentheses."""
    terms, depth, start = [], 0, 0
    for place, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            terms.append(text[start:place])
            start = place + 1
    return [*terms, text[start:]]


def _set_based(key: str, op: str, values: frozenset[str]) -> Match:
    if op == "in":
        return lambda labels: labels.get(key) in values
    return lambda labels: labels.get(key) not in values


def _ordered(key: str, op: str, bound: int) -> Match:
    def match(labels: Labels) -> bool:
        value = labels.get(key, "")
        if not value.lstrip("-").isdigit():
            return False
        return int(value) > bound if op == ">" else int(value) < bound

    return match


def _check_values(key: str, values: Sequence[str]) -> None:
    for place, value in enumerate(values):
        if len(value) > VALUE_MAX_CHARS or not VALUE.match(value):
            words = f'values[{place}][{key}]: Invalid value: "{value}": {VALUE_WORDS}'
            raise bad_request(f"unable to parse requirement: {words}")


def _term(text: str) -> Match:
    if found := SET_BASED.match(text):
        values = frozenset(value.strip() for value in found["values"].split(","))
        _check_values(found["key"], sorted(values))
        return _set_based(found["key"], found["op"], values)
    if found := EQUALITY.match(text):
        key, value = found["key"], found["value"]
        _check_values(key, [value])
        if found["op"] == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if found := ORDER.match(text):
        return _ordered(found["key"], found["op"], int(found["value"]))
    if found := EXISTS.match(text):
        key, wanted = found["key"], not found["not"]
        return lambda labels: (key in labels) is wanted
    if found := re.match(r"\s*\S+\s+(?:in|notin)\s+([^\s(]+)", text):
        raise bad_request(f"unable to parse requirement: found '{found[1]}' expected: '('")
    if re.match(r"[^=!]+!?==?[^=]*=", text):
        raise bad_request("found '=', expected: ',' or 'end of string'")
    raise bad_request(
        f"unable to parse requirement: found '{text.strip()}', expected: identifier after '!', 'in', 'notin', =, ==, !="
    )


def by_labels(text: str) -> Match:
    """Read a label selector of a query: `app=web,tier in (a, b),!canary`. Empty selects everything."""
    if not text.strip():
        return everything
    terms = [_term(term) for term in _terms(text)]
    return terms[0] if len(terms) == 1 else lambda labels: all(term(labels) for term in terms)


def _expression(expression: Obj) -> Match:
    key, values = expression["key"], frozenset(expression.get("values") or ())
    operators: dict[str, Match] = {
        "In": lambda labels: labels.get(key) in values,
        "NotIn": lambda labels: labels.get(key) not in values,
        "Exists": lambda labels: key in labels,
        "DoesNotExist": lambda labels: key not in labels,
    }
    return operators[expression["operator"]]


def of_object(selector: Obj | None) -> Match:
    """Read a LabelSelector of an object (`matchLabels`, `matchExpressions`). None selects nothing, {} everything."""
    if selector is None:
        return lambda _: False
    wanted: Labels = selector.get("matchLabels") or {}
    terms = [_expression(expression) for expression in selector.get("matchExpressions") or ()]
    pairs = wanted.items()
    return lambda labels: pairs <= labels.items() and all(term(labels) for term in terms)


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _value(document: Obj, field: str) -> str:
    if field == "source":
        return _as_text(dig(document, "source", "component"))
    if field == "status.successful":
        return _as_text(dig(document, "status", "succeeded") or 0)
    if field in ("spec.unschedulable", "spec.hostNetwork"):
        return _as_text(bool(dig(document, *field.split("."))))
    return _as_text(dig(document, *field.split(".")))


def _field_terms(text: str) -> Sequence[tuple[str, bool, str]]:
    terms = []
    for term in filter(None, (part.strip() for part in text.split(","))):
        found = re.match(r"([^!=]+)(==|=|!=)(.*)$", term)
        if not found:
            raise bad_request(f"invalid selector: '{term}'; can't understand '{term}'")
        terms.append((found[1], found[2] != "!=", found[3]))
    return terms


def by_fields(text: str, plural: str) -> Callable[[Obj], bool]:
    """Read a field selector: `status.phase=Running,metadata.name!=web`. Refuse fields that the kind does not offer."""
    terms = _field_terms(text)
    known = ("metadata.name", "metadata.namespace", *FIELDS.get(plural, ()))
    for field, _, _ in terms:
        if field not in known:
            raise _unknown_field(field)
    return lambda document: all((_value(document, field) == value) is wanted for field, wanted, value in terms)


def exact_name(text: str) -> str | None:
    """Give the one name that a field selector asks for, if it does: such a list is a look-up."""
    return next((value for field, wanted, value in _field_terms(text) if field == "metadata.name" and wanted), None)


def _unknown_field(field: str) -> Problem:
    return bad_request(f"field label not supported: {field}")
