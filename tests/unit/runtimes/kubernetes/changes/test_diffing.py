"""Differences of workloads: with the numbers that lines have in the whole, and bounded in what they cost."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from time import monotonic

from runtimes.kubernetes.changes.diffing import unified
from tests.unit.runtimes.kubernetes.changes.making import Obj, found

SOON_S = 20.0
"""A hundred times what it takes; comparing all lines took hours."""


def with_value(lines: Sequence[str]) -> Obj:
    """Give a workload whose environment has a value of many lines."""
    document = copy.deepcopy(found().document)
    document["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "A", "value": "\n".join(lines)}]
    return document


def test_what_differs_is_shown_with_the_lines_around_it_at_its_place() -> None:
    before, after = (with_value(["a"] * 50 + middle + ["c"] * 50) for middle in (["b"], ["B", "x"]))
    lines = unified(before, after, found()).splitlines()
    assert lines[:3] == ["--- deployment/web as it is", "+++ deployment/web as it will be", "@@ -66,7 +66,8 @@"]
    assert [line.replace(" ", "") for line in lines[3:]] == ["a", "a", "a", "-b", "+B", "+x", "c", "c", "c"]
    assert unified(before, before, found()) == ""


def test_lines_of_a_megabyte_that_all_differ_are_counted_and_not_compared() -> None:
    before, after = ([f"{sign}{number % 110}" for number in range(200_000)] for sign in "vw")
    began = monotonic()
    said = unified(with_value([*before, "v1"]), with_value([*after, "v1"]), found())
    assert monotonic() - began < SOON_S
    assert said == "# deployment/web: from line 19 on 200,000 lines become 200,000\n"
