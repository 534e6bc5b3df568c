from __future__ import annotations

import csv
import io
import json
import os
import pty
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.opsmodal.cli.programs import PROGRAM, Done, environment, run

Call = Callable[..., Done]


@pytest.fixture
def call(tmp_path: Path) -> Call:
    def called(*args: str, given: bytes = b"") -> Done:
        return run(*args, "--data-dir", tmp_path, given=given)

    called("user", "add", "alice", "--password-stdin", given=b"correct horse\n")
    return called


def test_a_whole_log_is_said_to_be_whole(call: Call) -> None:
    verified = call("audit", "verify")
    assert (verified.code, verified.err) == (0, "")
    assert verified.out.startswith("2 rows are whole; the last is 2, its hash ")


def test_a_terminal_is_told_how_far_it_is(call: Call, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    argv = [*PROGRAM, "audit", "verify", "--data-dir", str(tmp_path)]
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=theirs, timeout=60, check=True, env=environment())
    os.close(theirs)
    told = os.read(ours, 10_000).decode()
    os.close(ours)
    assert "Row 1 of 2 (50 %)" in told
    assert told.endswith("\r\x1b[K")
    assert done.stdout.startswith(b"2 rows are whole")


def test_a_changed_row_is_named_and_fails(call: Call, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "opsmodal.db") as connection:
        connection.execute("DROP TRIGGER audit_no_update")
        connection.execute("UPDATE audit SET actor = 'cli:nobody' WHERE id = 2")
    connection.close()
    verified = call("audit", "verify")
    assert (verified.code, verified.out) == (1, "")
    assert "Row 2 does not follow" in verified.err
    assert "First broken row: 2." in verified.err


def test_a_copy_of_the_heads_that_was_kept_elsewhere_is_compared(call: Call, tmp_path: Path) -> None:
    forged = {"id": 2, "hash": "0" * 64, "at": "2026-11-21T00:00:00Z", "signature": "AAAA"}
    copy = tmp_path / "copy.jsonl"
    copy.write_text(json.dumps(forged) + "\n")
    verified = call("audit", "verify", "--heads", str(copy))
    assert verified.code == 1
    assert "not signed with this installation's key" in verified.err


def test_the_log_is_printed_as_json_lines_and_as_csv(call: Call) -> None:
    lines = call("audit", "export", "--since", "1h")
    rows = [json.loads(line) for line in lines.out.splitlines()]
    assert [row["action"] for row in rows] == ["user.add", "user.add", "audit.export", "audit.export"]
    assert lines.err == "4 rows.\n"
    table = call("audit", "export", "--format", "csv")
    assert [row["entry"] for row in csv.DictReader(io.StringIO(table.out))][:2] == ["intent", "outcome"]


def test_there_is_nothing_to_verify_where_no_installation_is(tmp_path: Path) -> None:
    verified = run("audit", "verify", "--data-dir", tmp_path / "none")
    assert verified.code == 1
    assert "There is no" in verified.err or "no store" in verified.err
