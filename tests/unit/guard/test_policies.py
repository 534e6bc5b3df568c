"""Every file of lines comes out as it says, by the way that `opsmodal guard test` takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsmodal.cli.policy_file import Placed, read_test
from opsmodal.guard.judge import judge
from opsmodal.guard.rules import RULES
from opsmodal.guard.world import Known

FOLDER = Path(__file__).parent / "policies"
HOST, HOST_CASES = read_test(FOLDER / "host.yaml")


def mismatches(world: Known, cases: list[Placed]) -> list[str]:
    found = []
    for placed in cases:
        verdict = judge(placed.case.command, placed.case.asked(world))
        if verdict.allowed is (placed.case.expect == "deny"):
            found.append(f"{placed.line}: {placed.case.command!r}: {verdict.rule}: {verdict.reason}")
    return found


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.yaml")))
def test_every_line_of_a_file_comes_out_as_it_says(name: str) -> None:
    world, cases = read_test(FOLDER / name)
    assert cases
    found = mismatches(world, list(cases))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("placed", HOST_CASES, ids=lambda placed: placed.case.id)
def test_every_verdict_has_a_rule_and_every_refusal_a_sentence_and_a_hint(placed: Placed) -> None:
    asked = placed.case.asked(HOST)
    verdict = judge(placed.case.command, asked)
    assert verdict.rule in RULES
    assert verdict.reason.endswith(".")
    assert verdict.allowed or verdict.hint
    if verdict.suggestion:
        assert judge(verdict.suggestion, asked).allowed


def test_there_are_lines_of_both_kinds() -> None:
    allowed = [placed for placed in HOST_CASES if placed.case.expect == "allow"]
    assert len(allowed) > 150
    assert len(HOST_CASES) - len(allowed) > 150
    assert len({placed.case.id for placed in HOST_CASES}) == len(HOST_CASES)
