"""The tables of docker and podman say what the installed programs say of themselves."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import msgspec
import pytest

from opsmodal.guard.engine.flags import HANDLED, WHY
from opsmodal.guard.engine.rules import RULES
from opsmodal.guard.engine.tables import Document, FlagRow, Program, VerbRow, grammar
from opsmodal.guard.pflag import Takes
from opsmodal.paths import PACKAGE

ANSWER_S = 20.0
PROGRAMS: tuple[Program, ...] = ("docker", "podman")
FLAG = re.compile(r"^ +(?:-(?P<short>\w), )?--(?P<name>[a-z-]+)(?: (?P<type>\S+))?(?: {2,}|$)", re.MULTILINE)
COMMAND = re.compile(r"^  (?P<name>[a-z-]+)\*? {2,}\S", re.MULTILINE)
NOT_IN_EVERY_HELP = {
    ("podman", "events", "stream"): "hidden in a remote client's help, and taken",
    ("docker", "version", "kubeconfig"): "gone since 23.0",
    ("docker", "restart", "signal"): "from 23.0",
    ("docker", "stop", "signal"): "from 23.0",
}


def document(program: Program) -> Document:
    return msgspec.json.decode((PACKAGE / "guard" / "tables" / f"{program}.json").read_bytes(), type=Document)


def installed(program: Program) -> list[str]:
    """Give every copy of a program on the PATH: two versions of docker's are two parsers."""
    found = (shutil.which(program, path=folder) for folder in os.environ["PATH"].split(os.pathsep))
    return sorted({str(Path(path).resolve()) for path in found if path})


COPIES = [(program, path) for program in PROGRAMS for path in installed(program)]
VERBS = [
    pytest.param(program, row, id=f"{program} {row.name}") for program in PROGRAMS for row in document(program).verbs
]


@cache
def answer(path: str, *words: str) -> str:
    """Run a program where it reaches no engine, and give all that it says."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.devnull, "DOCKER_HOST": "unix:///nonexistent"}
    ran = subprocess.run(
        [path, *words],
        check=False,
        capture_output=True,
        text=True,
        timeout=ANSWER_S,
        env=environment,
        stdin=subprocess.DEVNULL,
    )
    return ran.stdout + ran.stderr


def helped(path: str, verb: str) -> Mapping[str, tuple[str, str]]:
    """Give the flags that a verb's help names: letter and type, "" for a boolean."""
    text = answer(path, *verb.split(), "--help").partition("Options:")[2].partition("Global Options:")[0]
    return {match["name"]: (match["short"] or "", match["type"] or "") for match in FLAG.finditer(text)}


def differences(rows: tuple[FlagRow, ...], flags: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    known = {name: row for row in rows for name in (row.name, *row.also)}
    for name, (short, kind) in flags.items():
        if name == "help":
            continue
        row = known.get(name)
        if row is None:
            yield f"--{name} is not in the table"
        elif (row.short, row.takes is Takes.BOOL, row.csv) != (
            short,
            not kind,
            kind == "strings" and row.use == "filter",
        ):
            yield f"--{name} -{short} {kind} is otherwise in the table"


def test_the_programs_are_here() -> None:
    for program in PROGRAMS:
        if not installed(program):
            pytest.skip(f"no {program} on this machine: its table is held against nothing")


@pytest.mark.parametrize(("program", "row"), VERBS)
def test_every_flag_of_a_verb_is_in_the_table_as_the_program_has_it(program: Program, row: VerbRow) -> None:
    seen: set[str] = set()
    for path in installed(program):
        flags = helped(path, row.name)
        seen |= set(flags)
        assert not list(differences(row.flags, flags)), path
    if seen:
        invented = {flag.name for flag in row.flags} - seen
        assert not {name for name in invented if (program, row.name, name) not in NOT_IN_EVERY_HELP}


@pytest.mark.parametrize(("program", "path"), COPIES)
def test_every_flag_in_front_of_a_verb_is_in_the_table(program: Program, path: str) -> None:
    text = answer(path, "--help")
    flags = {match["name"]: (match["short"] or "", match["type"] or "") for match in FLAG.finditer(text)}
    assert len(flags) > 8
    assert not list(differences(document(program).globals, flags))


@pytest.mark.parametrize(("program", "path"), COPIES)
def test_every_command_is_either_judged_or_refused_with_a_rule(program: Program, path: str) -> None:
    known = grammar(program)
    for group in ("", *sorted(known.groups)):
        commands = {match["name"] for match in COMMAND.finditer(answer(path, *group.split(), "--help"))}
        assert len(commands) > (20 if group in ("", "container") else 0)
        ours = {words[-1] for words in known.verbs} | set(known.refused) | known.groups
        assert not commands - ours


@pytest.mark.parametrize(("program", "row"), VERBS)
def test_flags_end_at_the_first_name_where_the_program_ends_them(program: Program, row: VerbRow) -> None:
    remote = ("--remote", "--url", "unix:///nonexistent") if program == "podman" else ()
    for path in installed(program):
        said = answer(path, *remote, *row.name.split(), "a-name", "--no-such-flag")
        assert ("unknown flag: --no-such-flag" in said) is row.interspersed, said


@pytest.mark.exhaustive
@pytest.mark.parametrize(("program", "row"), VERBS)
def test_every_spelling_of_a_verb_is_the_same_verb(program: Program, row: VerbRow) -> None:
    for path in installed(program):
        flags = helped(path, row.name)
        for spelling in row.spellings[1:]:
            # docker 20.10's `container inspect` has no --type: what it shows are containers.
            assert dict(helped(path, spelling)).items() <= flags.items(), spelling


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_becomes_of_a_flag_is_known(program: Program) -> None:
    rules = {rule.id for rule in RULES}
    for row in document(program).verbs:
        assert all(flag.use in HANDLED | rules for flag in row.flags)
        assert all(flag.use in HANDLED | set(WHY) for flag in row.flags)
        assert {end.partition("=")[0] for end in row.ends} <= {flag.name for flag in row.flags}
    assert set(document(program).refused) <= rules
