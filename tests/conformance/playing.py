"""How a topic is judged: its lines are typed in their order, and each answer is that of the table.

A topic is one test, since its lines build on each other; every line that is answered otherwise is shown.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from tests.conformance.cases import Case
from tests.conformance.stage import Heard, Set

POLL_S = 0.25


def play(on: Set, cases: Sequence[Case]) -> None:
    """Type the lines of a topic; fail with all that are answered otherwise than the table says."""
    wrong = list(filter(None, [judged(on, case) for case in cases]))
    assert not wrong, f"{len(wrong)} of {len(cases)} lines are answered otherwise\n\n" + "\n".join(wrong)


def judged(on: Set, case: Case) -> str:
    """Type a line until it answers as the table says, at most `within_s`; say what it answers instead, or nothing."""
    deadline = time.monotonic() + case.within_s
    while (wrong := difference(case, heard := on.heard(case))) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    if not wrong:
        return ""
    return f"{case.id}: kubectl {case.line}\n{wrong}\n--- answered, exit {heard.code} ---\n{heard.out}{heard.err}"


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
