"""Every file of policy tests holds, as `opsmodal guard test` reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from opsmodal.cli.guard import guard

FILES = sorted((Path(__file__).parent / "policies").glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_of_lines_holds(path: Path) -> None:
    told = CliRunner().invoke(guard, ["test", str(path)])
    assert told.exit_code == 0, told.output
    assert told.output.rstrip().endswith(" passed, 0 failed")


def test_a_line_that_is_judged_otherwise_is_told(tmp_path: Path) -> None:
    written = FILES[-1].read_text().replace("expect: deny", "expect: allow", 1)
    path = tmp_path / "wrong.yaml"
    path.write_text(written)
    told = CliRunner().invoke(guard, ["test", str(path)])
    assert told.exit_code == 1
    assert told.output.rstrip().endswith(" 1 failed")
