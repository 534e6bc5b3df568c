"""Every mistake is told at once, each with its line, its path and a sentence; none changes anything."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.errors import Problem, Rejected
from opsmodal.registry.files import Folder
from opsmodal.registry.registry import Registry
from opsmodal.store import open_store, open_vault
from tests.unit.opsmodal.registry.documents import DOCUMENT, FILES, written
from tests.unit.opsmodal.registry.mistakes import DOCKER, HEAD, MISTAKES, UNREADABLE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("documents"))


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    data = tmp_path_factory.mktemp("data")
    store = open_store(f"sqlite:///{data}/opsmodal.db")
    yield Registry(store, open_vault(store, data_dir=data))
    store.close()


def problems_of(registry: Registry, document: str | bytes, folder: Path) -> tuple[Problem, ...]:
    data = document.encode() if isinstance(document, str) else document
    with pytest.raises(Rejected) as refused:
        registry.apply(data, Folder(folder))
    assert registry.version() == 0, "nothing may be changed by a document with a mistake"
    return refused.value.problems


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_line(registry: Registry, folder: Path, mistake: str) -> None:
    document, line, path, sentence, hint = MISTAKES[mistake]
    (folder / "exec.yaml").write_text(
        FILES["prod.yaml"].replace("{token: PLANTED-TOKEN}", "{exec: {command: aws, apiVersion: v1}}")
    )
    found = problems_of(registry, HEAD + document, folder)
    assert [(one.line, one.field) for one in found] == [(line, path)], found
    assert sentence in found[0].sentence
    assert hint in found[0].hint
    assert "PLANTED" not in found[0].sentence + found[0].hint


@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_is_no_document_is_said(registry: Registry, folder: Path, kind: str) -> None:
    data, line, sentence = UNREADABLE[kind]
    found = problems_of(registry, data, folder)
    assert sentence in found[0].sentence, found
    assert found[0].line in (line, 0)


def test_every_mistake_of_a_document_is_told_at_once_in_the_order_of_lines(registry: Registry, folder: Path) -> None:
    document = DOCUMENT.replace("kind: wireguard", "kind: wiregard").replace("port: 22", "port: 0")
    document = document.replace("project: blog", "projekt: blog").replace("role: operator", "role: root")
    found = problems_of(registry, document + "alerts: []\n", folder)
    assert [(one.line, one.field) for one in found] == [
        (3, "vpnProfiles[0].kind"),
        (11, "runtimes[0].connections[2].port"),
        (20, "services[1].projekt"),
        (24, "grants[0].role"),
        (27, "alerts"),
    ]


def test_what_refers_to_an_entry_with_a_mistake_is_not_blamed_too(registry: Registry, folder: Path) -> None:
    document = f"{HEAD}runtimes:\n- {{name: edge, kind: docker}}\nservices:\n- {{name: a, runtime: edge, project: a}}"
    assert [one.field for one in problems_of(registry, document, folder)] == ["runtimes[0].socket"]


def test_a_document_full_of_mistakes_is_told_in_part(registry: Registry, folder: Path) -> None:
    started = time.process_time()
    for mistakes in ("- {nam: a}\n" * 50_000, "- {" + ", ".join(f"nam{number}: a" for number in range(50_000)) + "}"):
        assert len(problems_of(registry, HEAD + "services:\n" + mistakes, folder)) == 50
    assert time.process_time() - started < 10


def test_ten_megabytes_are_refused_quickly(registry: Registry, folder: Path) -> None:
    started = time.process_time()
    found = problems_of(registry, HEAD.encode() + b"- {a: b}\n" * 1_200_000, folder)
    assert time.process_time() - started < 1
    assert "larger than 3 MB" in found[0].sentence


def test_the_largest_document_is_read_within_seconds(registry: Registry, folder: Path) -> None:
    line = "- {name: s%d, runtime: edge, project: p}\n"
    document = HEAD + f"runtimes:\n- {DOCKER}\nservices:\n" + "".join(line % number for number in range(60_000))
    assert 2_500_000 < len(document) < 3_000_000
    started = time.process_time()
    applied = registry.diff(document.encode(), Folder(folder))
    assert len(applied.changes) == 60_001
    assert time.process_time() - started < 10


def test_a_pipe_does_not_make_apply_wait(registry: Registry, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    found = problems_of(registry, f"{HEAD}vpnProfiles:\n- {{name: a, kind: openvpn, configFile: pipe}}", folder)
    assert "no regular file" in found[0].sentence


def test_a_huge_file_is_refused(registry: Registry, folder: Path) -> None:
    with (folder / "huge").open("wb") as file:
        file.truncate(5_000_000_000)
    found = problems_of(registry, f"{HEAD}vpnProfiles:\n- {{name: a, kind: openvpn, configFile: huge}}", folder)
    assert "larger than 1 MB" in found[0].sentence
    (folder / "huge").unlink()


def test_a_file_that_is_no_text_is_refused(registry: Registry, folder: Path) -> None:
    (folder / "binary").write_bytes(b"\x7fELF\xff\x00")
    found = problems_of(registry, f"{HEAD}vpnProfiles:\n- {{name: a, kind: openvpn, configFile: binary}}", folder)
    assert "not a text" in found[0].sentence


SCRAPS = st.sampled_from(
    [
        *DOCUMENT.splitlines(keepends=True),
        "[",
        "{",
        "- ",
        ": ",
        "&a ",
        "*a ",
        "!!int ",
        '"',
        "\t",
        "---\n",
        "  ",
        "#",
        "\\",
        "\0",
    ]
)


@given(st.lists(SCRAPS, max_size=25).map("".join))
def test_no_document_raises_anything_but_its_problems(registry: Registry, folder: Path, document: str) -> None:
    with contextlib.suppress(Rejected):
        registry.diff(document.encode(), Folder(folder))
