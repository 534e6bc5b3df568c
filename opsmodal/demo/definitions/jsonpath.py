"""The small part of JSONPath that definitions use: fields, places in lists, `*`, and a comparison within brackets.

Source: https://kubernetes.io/docs/reference/kubectl/jsonpath/. What cannot be read finds nothing.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

STEP = re.compile(
    r"""\.(?P<field>(?:\\.|[^.\[\\])+)"""
    r"""|\[(?P<place>-?\d+)\]|\[(?P<all>\*)\]|\[['"](?P<quoted>[^'"]+)['"]\]"""
    r"""|\[\?\(\s*@\.(?P<key>[\w.]+)\s*(?P<op>==|!=)\s*['"]?(?P<value>[^'")]*)['"]?\s*\)\]"""
)
Step = tuple[str, str, str]


@cache
def steps_of(path: str) -> tuple[Step, ...]:
    """Cut a path into steps; give none when it cannot be read."""
    steps, place = [], 0
    while place < len(path):
        found = STEP.match(path, place)
        if found is None:
            return ()
        steps.append(_step(found))
        place = found.end()
    return tuple(steps)


def _step(found: re.Match[str]) -> Step:
    if found["place"] is not None:
        return ("place", found["place"], "")
    if found["all"]:
        return ("all", "", "")
    if found["key"]:
        return (found["op"], found["key"], found["value"])
    name = found["quoted"] or found["field"].replace("\\", "")
    return ("all", "", "") if name == "*" else ("field", name, "")


def _taken(value: Any, step: Step) -> list[Any]:
    kind, name, wanted = step
    if kind == "field":
        return [value[name]] if isinstance(value, dict) and name in value else []
    if isinstance(value, dict):
        return list(value.values()) if kind == "all" else []
    if not isinstance(value, list):
        return []
    if kind == "place":
        return value[int(name) :][:1]
    if kind == "all":
        return value
    return [item for item in value if isinstance(item, dict) and (str(item.get(name, "")) == wanted) is (kind == "==")]


def found_at(document: Any, path: str) -> list[Any]:
    """Give every value at a path such as `.status.conditions[?(@.type=="Ready")].status`."""
    values, steps = [document], steps_of(path)
    if not steps:
        return []
    for step in steps:
        values = [below for value in values for below in _taken(value, step)]
    return values


def put_at(document: Any, path: str, value: Any) -> None:
    """Set the value at a path of plain fields, making what is missing on the way."""
    *before, (_, last, _) = steps_of(path)
    for _, name, _ in before:
        document = document.setdefault(name, {})
    document[last] = value
