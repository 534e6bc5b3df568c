from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.unit.opsmodal.cli.programs import Done, run
from tests.unit.opsmodal.registry.documents import DOCUMENT, PLANTED, written


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "registry.yaml").write_text(DOCUMENT)
    return written(tmp_path)


def call(folder: Path, *args: str | Path, given: bytes = b"") -> Done:
    return run(*args, "--data-dir", folder / "data", given=given)


def test_apply_says_what_it_created_and_then_that_nothing_changed(folder: Path) -> None:
    first = call(folder, "apply", "-f", folder / "registry.yaml")
    assert first.code == 0, first.err
    assert first.out.splitlines()[:2] == ["created VPN profile hq", "created runtime prod"]
    assert first.out.splitlines()[-1] == "10 created, 0 changed, 0 unchanged"
    assert "warning: There is no user alice yet" in first.err
    second = call(folder, "apply", "-f", folder / "registry.yaml")
    assert second.out == "0 created, 0 changed, 10 unchanged\n"


def test_diff_exits_with_one_when_something_would_change(folder: Path) -> None:
    assert call(folder, "apply", "-f", "-", given=b"apiVersion: opsmodal/v1\n").code == 0
    would = call(folder, "diff", "-f", folder / "registry.yaml")
    assert (would.code, "created service shop" in would.out) == (1, True)
    assert call(folder, "export").out == "apiVersion: opsmodal/v1\n", "diff must not write"
    call(folder, "apply", "-f", folder / "registry.yaml")
    assert call(folder, "diff", "-f", folder / "registry.yaml").code == 0
    (folder / "registry.yaml").write_text(DOCUMENT.replace("environment: production", "environment: test"))
    differs = call(folder, "diff", "-f", folder / "registry.yaml")
    assert (differs.code, differs.out) == (1, "changed service shop\n  environment: production → test\n")


def test_diff_exits_with_two_when_it_cannot_compare(folder: Path) -> None:
    call(folder, "apply", "-f", folder / "registry.yaml")
    (folder / "registry.yaml").write_text(DOCUMENT.replace("kind: docker", "kind: dokcer"))
    refused = call(folder, "diff", "-f", folder / "registry.yaml")
    assert refused.code == 2
    assert f"{folder}/registry.yaml:14: runtimes[1].kind: " in refused.err


def test_a_mistake_is_said_with_file_line_path_and_hint_and_without_a_trace(folder: Path) -> None:
    document = DOCUMENT.replace("runtime: edge", "runtime: egde").replace("port: 22", "port: x")
    (folder / "registry.yaml").write_text(document)
    refused = call(folder, "apply", "-f", folder / "registry.yaml")
    assert refused.code == 1
    assert refused.out == ""
    where = folder / "registry.yaml"
    assert refused.err.splitlines() == [
        f"{where}:11: runtimes[0].connections[2].port: “port” must be a whole number from 1 to 65535, not “x”.",
        f"{where}:20: services[1].runtime: There is no runtime named “egde”.",
        "  Did you mean “edge”?",
        "opsmodal: There are 2 mistakes in this; nothing was changed.",
    ]


def test_an_export_is_applied_from_standard_input_without_the_files(folder: Path, tmp_path: Path) -> None:
    call(folder, "apply", "-f", folder / "registry.yaml")
    exported = call(folder, "export")
    assert exported.code == 0
    assert [secret for secret in PLANTED if secret in exported.out] == []
    for name in ("prod.yaml", "hq.conf", "ops.key", "known_hosts"):
        (folder / name).unlink()
    again = call(folder, "apply", "-f", "-", given=exported.out.encode())
    assert (again.code, again.out) == (0, "0 created, 0 changed, 10 unchanged\n")


def test_ten_megabytes_are_refused_within_seconds(folder: Path) -> None:
    (folder / "huge.yaml").write_bytes(b"apiVersion: opsmodal/v1\nservices:\n" + b"- {name: a}\n" * 900_000)
    started = time.monotonic()
    refused = call(folder, "apply", "-f", folder / "huge.yaml")
    assert time.monotonic() - started < 30
    assert (refused.code, "larger than 3 MB" in refused.err) == (1, True)


def test_a_document_that_is_not_there_is_said(folder: Path) -> None:
    refused = call(folder, "apply", "-f", folder / "gone.yaml")
    assert refused.code == 1
    assert "gone.yaml" in refused.err
    assert "Traceback" not in refused.err


def test_an_apply_is_an_audit_row_in_the_name_of_the_systems_user(folder: Path) -> None:
    from opsmodal.store import open_store
    from opsmodal.store.tables import AuditRow

    call(folder, "apply", "-f", folder / "registry.yaml")
    store = open_store(f"sqlite:///{folder}/data/opsmodal.db")
    with store.reading() as session:
        rows = [(row.entry, row.actor.split(":")[0], row.action, row.outcome) for row in session.query(AuditRow)]
    store.close()
    assert rows == [("intent", "cli", "registry.change", ""), ("outcome", "cli", "registry.change", "done")]


@pytest.mark.parametrize("command", ["export", "diff -f -", "doctor", "user list", "token list", "token list alice"])
def test_a_command_that_only_reads_makes_no_store(folder: Path, command: str) -> None:
    absent = folder / "not" / "there"
    done = run(*command.split(), "--data-dir", absent, given=b"apiVersion: opsmodal/v1\n")
    assert (done.code, done.out) == (1, "")
    assert f"opsmodal: There is no store at {absent}/opsmodal.db." in done.err
    assert "--data-dir" in done.err
    assert not absent.parent.exists()
    (folder / "empty").mkdir()
    assert run(*command.split(), "--data-dir", folder / "empty").code == 1
    assert list((folder / "empty").iterdir()) == []
