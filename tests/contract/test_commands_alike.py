"""The Commands facet is the same on every runtime: outputs apart, the program's own exit code, limits that hold, and
nothing left inside a container or on the server, however a command ends. What only engines have: `test_commands`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.base import Ended, Exit, Output
from runtimes.commands import Command, Commands, Started
from runtimes.errors import RuntimeProblem
from tests.contract.worlds import World, settle
from tests.unit.connectors.processes import naming

LIMIT_S = 30.0
GONE_S = 20.0


def commands(world: World) -> Commands:
    assert world.runtime.commands is not None
    return world.runtime.commands


def cli(world: World, *words: str, limit_s: float = LIMIT_S, identity: str = "") -> Started:
    """Run a line of the runtime's own program, as a guard would have rebuilt it."""
    program = commands(world).program
    own = ("-n", world.scope.namespace) if world.kind == "kubernetes" else ()
    command = Command(argv=(program, *own, *words), limit_s=limit_s, identity=identity)
    return commands(world).run(world.scope, command)


def inside(world: World, instance: str, *words: str, limit_s: float = LIMIT_S) -> Started:
    """Run words in a container."""
    if world.kind != "kubernetes":
        container = commands(world).containers(world.scope).own[instance]
        command = Command(argv=words, limit_s=limit_s, where="container", container=container)
        return commands(world).run(world.scope, command)
    before = ("kubectl", "-n", world.scope.namespace, "exec", instance, "--")
    command = Command(argv=(*before, *words), limit_s=limit_s, pod=instance, inner=len(before))
    return commands(world).run(world.scope, command)


def told(started: Started) -> tuple[str, str, Exit]:
    """Read all: stdout, stderr and the end."""
    out, err, last = b"", b"", None
    for each in started.stream:
        if isinstance(each, Exit):
            last = each
        elif each.source == "stdout":
            out += each.data
        else:
            err += each.data
    assert last is not None, "no Exit came"
    return out.decode(), err.decode(), last


def seen(world: World, instance: str) -> str:
    """Give the processes of a container, as it sees them itself."""
    return told(inside(world, instance, "ps"))[0]


def word() -> str:
    """Give a number of seconds that nothing else sleeps."""
    return f"9{time.monotonic_ns() % 10**7:07d}"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Keep temporary files of a case to itself, and see that its runtime has left none."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    yield tmp_path
    assert not list(tmp_path.glob("opsmodal-*")), "files of a run were left"


@pytest.mark.smoke
def test_the_program_lists_what_there_is(world: World, temporary: Path) -> None:
    name = world.healthy()
    assert commands(world).missing() == ""
    started = cli(world, *(("get", "pods") if world.kind == "kubernetes" else ("ps",)))
    assert name in "".join(told(started)[0])
    assert started.identity
    assert not list(temporary.glob("opsmodal-ends-*/*/given/*")), "a file of a run outlived it"


@pytest.mark.smoke
def test_outputs_come_apart_and_the_exit_code_is_the_inner_programs_own(world: World) -> None:
    name = world.healthy()
    out, err, last = told(inside(world, name, "sh", "-c", "echo to out; echo to err >&2; exit 7"))
    assert out == "to out\n"
    assert "to err\n" in err
    assert last.code == 7


@pytest.mark.often("docker", "simulated")
@pytest.mark.parametrize("code", [1, 124, 125, 126, 127])
def test_codes_that_others_use_too_are_passed_on(world: World, code: int) -> None:
    name = world.healthy()
    assert told(inside(world, name, "sh", "-c", f"exit {code}"))[2].code == code


def test_a_program_that_is_not_there_is_told(world: World) -> None:
    name = world.healthy()
    _, err, last = told(inside(world, name, "no-such-program", "-x"))
    assert last.code not in (0, None)
    assert "no-such-program" in err
    assert "not found" in err


def test_words_of_the_inner_program_arrive_as_they_are(world: World) -> None:
    name = world.healthy()
    assert told(inside(world, name, "echo", "$HOME `id`", "*", "a'b", "--", "-it"))[0] == "$HOME `id` * a'b -- -it\n"


def test_the_time_limit_ends_what_runs_inside(world: World) -> None:
    name, mark = world.healthy(), word()
    _, _, last = told(inside(world, name, "sleep", mark, limit_s=2))
    assert last.code is None
    assert last.reason is Ended.TIMEOUT
    settle(lambda: mark not in seen(world, name), "the end of what ran inside", within_s=GONE_S)


@pytest.mark.smoke
def test_stopping_ends_what_runs_inside(world: World) -> None:
    name, mark = world.healthy(), word()
    started = inside(world, name, "sleep", mark)
    settle(lambda: mark in seen(world, name), "it runs")
    started.stream.close()
    settle(lambda: mark not in seen(world, name), "the end of what ran inside", within_s=GONE_S)
    assert list(started.stream) == []
    assert not naming(mark), "a program of the server was left"


def test_stopping_from_another_thread_frees_a_reader_that_waits(world: World) -> None:
    started = inside(world, world.healthy(), "sleep", word())
    reader = threading.Thread(target=lambda: list(started.stream), name="test-reader")
    reader.start()
    started.stream.close()
    reader.join(GONE_S)
    assert not reader.is_alive()


def test_the_time_limit_ends_a_program_of_the_server(world: World) -> None:
    name = world.ticking()
    out, _, last = told(cli(world, "logs", "-f", name, limit_s=2))
    assert "tick" in out
    assert last.reason is Ended.TIMEOUT
    assert not naming(name, "logs"), "the program of the server was left"


def test_what_does_not_exist_is_the_programs_own_sentence(world: World) -> None:
    words = ("get", "pod", "no-such") if world.kind == "kubernetes" else ("inspect", "no-such")
    _, err, last = told(cli(world, *words))
    assert last.code not in (0, None)
    assert "no-such" in err


def test_a_cut_line_is_told(world: World) -> None:
    name = world.healthy()
    words = ("get", "pods") if world.kind == "kubernetes" else ("ps",)
    said = ""
    world.line.cut()
    try:
        _, said, last = told(cli(world, *words))
        assert last.code != 0
    except RuntimeProblem as problem:
        said = problem.sentence
    finally:
        world.line.mend()
    assert said
    assert world.exists(name)


def test_all_output_arrives(world: World) -> None:
    name, lines = world.healthy(), 40_000
    started = inside(world, name, "seq", "1", str(lines))
    count = sum(each.data.count(b"\n") for each in started.stream if isinstance(each, Output))
    assert count == lines
