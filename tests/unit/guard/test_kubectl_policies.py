"""The lines of kubectl that must run and that must not, in the form of policy tests."""

from __future__ import annotations

import shlex

import pytest

from opsmodal.cli.policy_file import Case, read_test
from opsmodal.guard.judge import judge
from opsmodal.guard.verdict import Decision
from tests.unit.guard.policies import FOLDER

WORLD, PLACED = read_test(FOLDER / "kubernetes.yaml")
CASES = tuple(placed.case for placed in PLACED)
EXPECTED = {"allow": Decision.ALLOW, "confirm": Decision.CONFIRM, "deny": Decision.REFUSE}
ALLOWED = tuple(case for case in CASES if case.expect != "deny")
REFUSED = tuple(case for case in CASES if case.expect == "deny")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_line_runs_or_is_refused(case: Case) -> None:
    verdict = judge(case.command, case.asked(WORLD))
    assert verdict.decision is EXPECTED[case.expect], f"{case.command}: {verdict.rule}: {verdict.reason}"


def test_there_are_lines_enough() -> None:
    assert len(REFUSED) > 350
    assert len(ALLOWED) > 250
    assert len({case.id for case in CASES}) == len(CASES) == len({(case.command, case.mode) for case in CASES})


def test_what_runs_is_rebuilt_and_judged_again_gives_the_same() -> None:
    for case in ALLOWED:
        asked = case.asked(WORLD)
        verdict = judge(case.command, asked)
        assert verdict.argv[:3] == ("kubectl", "-n", "shop"), case.command
        again = judge(verdict.argv, asked)
        assert (again.argv, again.decision, again.needs) == (verdict.argv, verdict.decision, verdict.needs), (
            case.command
        )


def test_a_refusal_says_why_and_suggests_only_what_passes() -> None:
    for case in REFUSED:
        asked = case.asked(WORLD)
        verdict = judge(case.command, asked)
        assert verdict.reason.endswith((".", "?")), case.command
        assert verdict.hint.endswith((".", "}.")), case.command
        assert not verdict.argv
        if verdict.suggestion:
            assert judge(verdict.suggestion, asked).allowed, case.command
            assert shlex.split(verdict.suggestion)[0] == "kubectl"
