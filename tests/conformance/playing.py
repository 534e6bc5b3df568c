"""How a case is judged: the line is typed, and its answer is that of the table or the test fails with both."""

from __future__ import annotations

import time

from tests.conformance.cases import Case
from tests.conformance.stage import Heard, Set

POLL_S = 0.25


def play(on: Set, case: Case) -> None:
    """Type a line until it answers as the table says, at most `within_s`; fail with what it says instead."""
    deadline = time.monotonic() + case.within_s
    while (wrong := difference(case, heard := on.heard(case))) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    assert not wrong, f"kubectl {case.line}\n{wrong}\n--- answered, exit {heard.code} ---\n{heard.out}{heard.err}"


def difference(case: Case, heard: Heard) -> str:
    """Say in what an answer differs from the expected one; "" when it does not."""
    if heard.code != case.code:
        return f"exit code {heard.code} instead of {case.code}"
    for name, expected, found in (("stdout", case.out, heard.out), ("stderr", case.err, heard.err)):
        if not matches(expected, found, case.match):
            return f"{name} is not ({case.match})\n{expected}"
    return ""


def matches(expected: str, found: str, how: str) -> bool:
    """Tell whether an answer is the expected one."""
    wanted, had = expected.splitlines(), found.splitlines()
    if how == "whole":
        return wanted == had
    if how == "sorted":
        return sorted(wanted) == sorted(had)
    rest = iter(had)
    return all(any(line == given for given in rest) for line in wanted)
