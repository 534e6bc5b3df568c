"""The lines of docker and podman that must run and that must not, in the form of policy tests."""

from __future__ import annotations

import pytest

from opsmodal.guard.engine import judge_engine, judge_in_container
from opsmodal.guard.engine.rules import RULES
from opsmodal.guard.judge import judge
from opsmodal.guard.line import Unsplittable, split
from opsmodal.guard.rule import Rule
from opsmodal.guard.verdict import Verdict, Where, refused
from opsmodal.guard.world import Asked
from tests.unit.guard.policies import Case, cases

CASES = (*cases("docker"), *cases("podman"))


def judged(line: str, asked: Asked) -> Verdict:
    try:
        words = split(line)
    except Unsplittable as problem:
        return refused(problem.rule, problem.reason)
    return judge_in_container(words, asked) if asked.container else judge_engine(words, asked)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_line_runs_or_is_refused(case: Case) -> None:
    for verdict in (judged(case.line, case.asked), judge(case.line, case.asked)):
        assert verdict.allowed is case.allow, f"{case.line}: {verdict.rule}: {verdict.reason}"


def test_there_are_lines_enough() -> None:
    for program in ("docker", "podman"):
        of_program = [case for case in CASES if case.asked.kind == program]
        assert len(of_program) > 200
        assert sum(case.allow for case in of_program) > 60
    assert len({case.id for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", [case for case in CASES if case.allow], ids=lambda case: case.id)
def test_what_runs_names_no_other_container_and_begins_with_the_program(case: Case) -> None:
    verdict = judged(case.line, case.asked)
    world = case.asked.world
    if verdict.where is Where.CONTAINER:
        assert verdict.container in world.own.values()
        assert verdict.argv
        return
    assert verdict.argv[0] == case.asked.kind
    own = [word for word in verdict.argv[1:] if word.rpartition("=")[2] in world.own.values()]
    assert own or verdict.verb == "version"
    assert not any(foreign in word for word in verdict.argv for foreign in world.other.values())


@pytest.mark.parametrize("case", [case for case in CASES if not case.allow], ids=lambda case: case.id)
def test_a_refusal_says_why_and_a_suggestion_of_it_is_a_line(case: Case) -> None:
    verdict = judged(case.line, case.asked)
    assert verdict.reason.endswith((".", "?"))
    assert verdict.hint or not _hint_of(verdict.rule)
    assert "pay-" not in verdict.hint
    if verdict.suggestion:
        split(verdict.suggestion)


def test_every_verdict_names_a_rule_that_is_written_down() -> None:
    known = {rule.id for rule in RULES}
    given = {judged(case.line, case.asked).rule for case in CASES}
    assert {rule for rule in given if not rule.startswith("line-")} <= known
    assert known <= given, "rules that no line of the policies meets"


def _hint_of(rule: str) -> str:
    found: dict[str, Rule] = {each.id: each for each in RULES}
    return found[rule].hint if rule in found else ""
