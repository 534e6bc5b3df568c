"""The table of other programs' holes in docs/security.md: every row is there, and every test that it names exists."""

from __future__ import annotations

import ast
import re
import string
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SECURITY = (ROOT / "docs" / "security.md").read_text()
ROWS = dict(re.findall(r"^\| ([A-Z]) \| (.+) \|$", SECURITY, re.MULTILINE))
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", SECURITY)))
LATER = ("with its feature", "with their feature", "with the Commands tab", "with connections", "with deployment")


@cache
def _tests_of(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_every_lesson_has_its_row() -> None:
    assert list(ROWS) == list(string.ascii_uppercase[:20])


@pytest.mark.parametrize("letter", ROWS)
def test_a_row_names_a_test_or_says_with_what_it_comes(letter: str) -> None:
    assert "::test_" in ROWS[letter] or any(words in ROWS[letter] for words in LATER)


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_test_that_is_named_exists(path: str, name: str) -> None:
    assert name in _tests_of(path), f"{path} has no {name}"


def test_the_readme_leads_to_it() -> None:
    assert "(docs/security.md)" in (ROOT / "README.md").read_text()
