"""What the guard understood of an exec is what the real programs ask an engine for, word by word.

The engine's API runs such a line, not the program: here the program gets the line as typed, to see that it means the
same by it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from opsmodal.guard.engine.tables import Program
from opsmodal.guard.judge import judge
from opsmodal.guard.line import split
from opsmodal.guard.verdict import Where
from runtimes.engine.client import Client
from tests.guard_real import tracing
from tests.guard_real.engine_socket import EXECS, recording
from tests.unit.guard.policies import Case, cases
from tests.unit.guard.test_engine_tables import installed

LIMIT_S = 6.0
SEED = 20_261_121
SIDE_BY_SIDE = 4
SMOKE = 14
MIXED_IN = (
    *(
        "-u",
        "root",
        "-u0",
        "--user=1:2",
        "-w",
        "/srv",
        "-w/tmp",
        "--workdir",
        "-e",
        "A=b",
        "-eC=d",
        "--env",
        "E=",
        "-i",
        "-t",
    ),
    *(
        "-i=false",
        "-ti=false",
        "--tty=false",
        "-d",
        "-d=0",
        "--privileged=f",
        "--",
        "web",
        "/db",
        "4f0",
        "ls",
        "-it",
        "-iu",
    ),
    *("-tw/x", "-eA=b", "--detach=F", "''", "'a b'", "sh", "-c", "--env=X=y", "--user", "-uw", "=", "-e=A=b", "-w=/x"),
)


def execs(kind: str) -> list[Case]:
    if not installed("podman" if kind == "podman" else "docker"):
        pytest.skip(f"no {kind} on this machine")
    return [case for case in cases(kind) if case.line.split()[1:2] == ["exec"] and not case.asked.container]


def mixed(found: Sequence[Case], count: int) -> list[Case]:
    """Make lines of words that belong to an exec, in any order."""
    chance, asked, made = random.Random(SEED), found[0].asked, []
    for number in range(count):
        words = [asked.kind, "exec", *chance.choices(MIXED_IN, k=chance.randint(1, 6)), "web", "env"]
        made.append(Case(f"mixed-{number}", " ".join(words), asked, allow=True))
    return made


def differences(found: Sequence[Case], folder: Path) -> tuple[list[str], int]:
    """Give what the programs understood otherwise than the guard, and how many lines that was tried on."""

    def some(number: int) -> list[str]:
        mine = allowed[number::SIDE_BY_SIDE]
        place = folder / str(number)
        place.mkdir()
        return [wrong for case in mine for wrong in _different(case, place)]

    allowed = [
        case for case in found if (verdict := judge(case.line, case.asked)).allowed and verdict.where is Where.CONTAINER
    ]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        return [wrong for each in pool.map(some, range(SIDE_BY_SIDE)) for wrong in each], len(allowed)


def _different(case: Case, folder: Path) -> list[str]:
    verdict, kind = judge(case.line, case.asked), _kind(case)
    client = object.__new__(Client)
    client._kind = kind
    address, own = f"unix://{folder / 's'}", case.asked.world.own
    found = []
    for path in installed(kind):
        words = client._argv(tuple(word.text for word in split(case.line)), address)
        variables = {**client._environment(folder, address), "HOME": str(folder), "PATH": str(folder), "TERM": "dumb"}
        with recording(folder / "s", own, case.asked.world.other) as kept:
            _, said = tracing.ran([path, *words[1:]], folder=folder, environment=variables, limit_s=LIMIT_S)
            asked = [(match, each) for each in kept.taken() if (match := EXECS.fullmatch(each.path))]
        if len(asked) != 1:
            found.append(f"{case.line}: asked {len(asked)} times: {said}")
            continue
        match, request = asked[0]
        body: dict[str, Any] = json.loads(request.body)
        wanted = {
            "Cmd": list(verdict.argv),
            "User": verdict.user,
            "WorkingDir": verdict.workdir,
            "Env": _last(verdict.environment),
        }
        given = {name: body.get(name) or type(value)() for name, value in wanted.items()}
        given["Env"] = {"TERM": "dumb", **_last(body.get("Env") or ())}
        wanted["Env"] = {"TERM": "dumb", **wanted["Env"]}
        taken = [name for name in ("AttachStdin", "Tty", "Detach", "Privileged") if body.get(name)]
        if given != wanted or taken:
            found.append(f"{case.line}: {given} {taken}, the guard: {wanted}")
        named = match["name"]
        if verdict.container not in (named, own.get(named.lstrip("/"))) and not verdict.container.startswith(named):
            found.append(f"{case.line}: in {named}, the guard: {verdict.container}")
    return found


def _last(environment: Iterable[str]) -> dict[str, str]:
    """Give the variables: podman's client sends each once, and both engines take the last of a name."""
    return {name: value for name, _, value in (each.partition("=") for each in environment)}


def _kind(case: Case) -> Program:
    return "podman" if case.asked.kind == "podman" else "docker"


@pytest.mark.parametrize("kind", ["docker", "podman"])
@pytest.mark.parametrize(
    "count", [SMOKE, pytest.param(1_000, marks=[pytest.mark.exhaustive, pytest.mark.timeout(900)])]
)
def test_the_programs_understand_an_exec_as_the_guard_does(
    kind: str, count: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    found = execs(kind)
    lines = [*random.Random(SEED).sample(found, min(count, len(found))), *mixed(found, count * 2)]
    wrong, tried = differences(lines, tmp_path_factory.mktemp("x"))
    assert tried > SMOKE // 2
    assert "\n".join(wrong) == ""
