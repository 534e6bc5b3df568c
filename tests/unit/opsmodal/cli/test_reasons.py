"""Commands that change something take a reason, and it stands in the audit log."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from opsmodal.cli import main
from tests.unit.opsmodal.cli.programs import run
from tests.web.permitted import COMMANDS


def commands(group: click.Group, prefix: str = "") -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        found |= commands(command, f"{prefix}{name} ") if isinstance(command, click.Group) else {prefix + name: command}
    return found


def test_every_command_that_changes_something_takes_a_reason() -> None:
    known = commands(main)
    for name, command in known.items():
        takes_one = any(option.name == "reason" for option in command.params)
        assert takes_one is bool(COMMANDS[name]), name


def test_a_reason_is_written_down(tmp_path: Path) -> None:
    added = run("user", "add", "eve", "--reason", "  joins the on-call team ", "--data-dir", tmp_path)
    assert added.code == 0, added.err
    rows = [json.loads(row) for row in run("audit", "export", "--data-dir", tmp_path).out.splitlines()]
    intent = next(row for row in rows if row["action"] == "user.add" and row["entry"] == "intent")
    assert intent["reason"] == "joins the on-call team"


@pytest.mark.parametrize("reason", ["x" * 501, "two\nlines", "a\x1b[31mcolour"])
def test_a_reason_that_cannot_be_kept_is_wrong_usage_and_nothing_is_done(tmp_path: Path, reason: str) -> None:
    added = run("user", "add", "eve", "--reason", reason, "--data-dir", tmp_path)
    assert (added.code, "Nothing was done" in added.err or "reason" in added.err) == (2, True)
    assert not (tmp_path / "opsmodal.db").exists()
