"""Every tab, command and setting appears in the documentation, and what the documentation names exists."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from opsmodal.cli import main
from opsmodal.settings import Settings
from opsmodal.tabs import TABS

ROOT = Path(__file__).parents[2]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("command", sorted(main.commands))
def test_every_command_is_told(command: str) -> None:
    assert f"`opsmodal {command}`" in OPERATIONS


@pytest.mark.parametrize("setting", [field.name for field in fields(Settings)])
def test_every_setting_is_told_with_its_variable(setting: str) -> None:
    assert f"| `{setting}` | `OPSMODAL_{setting.upper()}` |" in OPERATIONS


def test_no_setting_is_told_that_is_none() -> None:
    told = set(re.findall(r"^\| `(\w+)` \| `OPSMODAL_", OPERATIONS, re.MULTILINE))
    assert told == {field.name for field in fields(Settings)}


@pytest.mark.parametrize("tab", [tab.name for tab in TABS])
def test_every_tab_is_told(tab: str) -> None:
    assert re.search(rf"^\| {tab} \|", OPERATIONS, re.MULTILINE)


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "docs").glob("*.md")))
def test_links_between_the_documents_lead_somewhere(name: str) -> None:
    text = (ROOT / "docs" / name).read_text()
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / "docs" / target).exists(), target


def test_links_of_the_readme_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
