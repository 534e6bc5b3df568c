"""Label selectors judged here: one pod by name, or a workload by the labels of its template, is in a service or not.

Lists are filtered by the API server; this is for what is read by name. Pure. Source of the grammar:
https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from runtimes.errors import Invalid

Labels = Mapping[str, str]
_KEY = r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?"
_VALUE = r"[A-Za-z0-9._-]*"
_SET = re.compile(rf"({_KEY})\s+(in|notin)\s*\(\s*({_VALUE}(?:\s*,\s*{_VALUE})*)\s*\)")
_EQUAL = re.compile(rf"({_KEY})\s*(==|=|!=)\s*({_VALUE})")
_THERE = re.compile(rf"(!?)\s*({_KEY})")


@lru_cache(maxsize=256)
def matcher(selector: str) -> Callable[[Labels], bool]:
    """Give a function that says whether labels satisfy `selector` ("" means all). Raise Invalid for bad grammar."""
    tests = [_requirement(part.strip()) for part in _parts(selector)] if selector.strip() else []
    return lambda labels: all(test(labels) for test in tests)


def _parts(selector: str) -> list[str]:
    """Split at the commas that are not inside parentheses."""
    return re.split(r",(?![^(]*\))", selector)


def _requirement(part: str) -> Callable[[Labels], bool]:
    if found := _SET.fullmatch(part):
        key, operator, values = found[1], found[2], {value.strip() for value in found[3].split(",")}
        if operator == "in":
            return lambda labels: key in labels and labels[key] in values
        return lambda labels: labels.get(key) not in values
    if found := _EQUAL.fullmatch(part):
        key, operator, value = found.groups()
        if operator == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if found := _THERE.fullmatch(part):
        absent, key = bool(found[1]), found[2]
        return lambda labels: (key in labels) is not absent
    raise Invalid(f'"{part[:100]}" is no label selector.', hint="It reads like app.kubernetes.io/part-of=shop.")
