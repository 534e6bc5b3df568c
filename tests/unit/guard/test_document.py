"""docs/guard.md is what the tables say now."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from opsmodal.cli.policy_file import read_test
from opsmodal.guard.host import PROGRAMS
from opsmodal.guard.judge import judge
from opsmodal.guard.kubectl.verbs import VERBS
from opsmodal.guard.rules import RULES
from opsmodal.registry.reading import read_document
from tests.unit.guard.document import DOCUMENT, printed

WRITTEN = DOCUMENT.read_text(encoding="utf-8")


def test_the_document_is_current() -> None:
    assert printed() == WRITTEN, "run: python -m tests.unit.guard.document"


@pytest.mark.parametrize("name", sorted([*RULES, *PROGRAMS, *VERBS]))
def test_every_rule_program_and_verb_has_its_row(name: str) -> None:
    assert f"\n| `{name}` |" in WRITTEN


def test_the_registry_of_the_document_is_one() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", WRITTEN, re.DOTALL)
    runbooks, policy, lines = (f"apiVersion: opsmodal/v1\n{block}".encode() for block in blocks)
    cluster = b"  - {name: prod, kind: kubernetes, inCluster: true}\n"
    reading = read_document(runbooks.replace(b"runtimes:\n", b"runtimes:\n" + cluster) + policy.partition(b"\n")[2])
    assert reading.problems == []
    assert [len(reading.entries[section]) for section in ("runtimes", "services")] == [2, 1]
    assert lines.partition(b"\n")[2].startswith(b"world:")


def test_the_lines_of_the_document_come_out_as_it_says(tmp_path: Path) -> None:
    lines = tmp_path / "lines.yaml"
    lines.write_text(re.findall(r"```yaml\n(.*?)```", WRITTEN, re.DOTALL)[-1])
    world, cases = read_test(lines)
    assert [judge(one.case.command, one.case.asked(world)).allowed for one in cases] == [
        one.case.expect != "deny" for one in cases
    ]
