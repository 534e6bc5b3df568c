"""Commands on engines: bytes and ends as they are, and nothing left in the container, looked at from outside.

What every runtime has alike: `test_commands_alike`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from connectors.base import Ended, Exit, Output
from connectors.direct import Direct
from runtimes.commands import Command, Commands, Started
from runtimes.errors import Conflict, Invalid, Missing, Unavailable, Unsupported
from tests.contract.world_engine import EngineWorld, opened
from tests.contract.worlds import World, settle
from tests.engines.images import bare_archive

pytestmark = pytest.mark.parametrize("engine", ["docker", "podman"], indirect=True)

LIMIT_S = 60.0
GONE_S = 20.0
"""The keeper's grace, twice, on a machine under load."""
BARE = "opsmodal-test/bare:1"
NASTY = [
    "",
    " ",
    "a b",
    "it's",
    '"',
    "$(id)",
    "`id`",
    "x\ny\n",
    "\\",
    "*",
    "~",
    "-n",
    "--",
    "-it",
    "é",
    "\u2028",
    "\t",
    "!x",
]
APART = "setsid sleep {word} >/dev/null 2>&1 & until [ \"$(cut -d' ' -f6 /proc/$!/stat)\" = $! ]; do :; done"
"""A daemon in a session of its own: the sixth field is the session."""
SERVER = """
import sys
from connectors.direct import Direct
from runtimes.base import Scope
from runtimes.commands import Command
from runtimes.docker.open import open_docker
from runtimes.podman.open import open_podman
kind, socket, project, container, where, *argv = sys.argv[1:]
opener = open_docker if kind == "docker" else open_podman
runtime = opener("killed", socket=socket, connection=Direct(runs_here=True))
command = Command(argv=tuple(argv), limit_s=60, where=where, container=container)
for said in runtime.commands.run(Scope(service="own", project=project), command).stream:
    print(said, flush=True)
"""


@dataclass(frozen=True)
class Ran:
    out: bytes
    err: bytes
    end: Exit


@pytest.fixture
def engine_world(world: World) -> EngineWorld:
    return cast(EngineWorld, world)


def commands(world: World) -> Commands:
    assert world.runtime.commands is not None
    return world.runtime.commands


def begun(world: World, name: str, *argv: str, limit_s: float = LIMIT_S, **more: object) -> Started:
    own = commands(world).containers(world.scope).own
    command = Command(argv=argv, limit_s=limit_s, where="container", container=own[name], **more)  # type: ignore[arg-type]
    return commands(world).run(world.scope, command)


def over(started: Started) -> Ran:
    """Read to the end; the Exit has to be the last thing, and the only one."""
    said = list(started.stream)
    ends = [each for each in said if isinstance(each, Exit)]
    assert said[-1:] == ends
    outputs = [each for each in said if isinstance(each, Output)]
    assert all(each.data for each in outputs)
    out, err = (b"".join(each.data for each in outputs if each.source == source) for source in ("stdout", "stderr"))
    return Ran(out, err, ends[0])


def ran(world: World, name: str, *argv: str, limit_s: float = LIMIT_S, **more: object) -> Ran:
    return over(begun(world, name, *argv, limit_s=limit_s, **more))


def inside(world: EngineWorld, name: str) -> list[str]:
    """Look from outside what runs in a container beside its first process: the command lines; dead ones are "dead"."""
    return beside(int(world.inspect(name)["State"]["Pid"]))


def beside(first: int) -> list[str]:
    """The same by the first process of a container, when its engine can be asked no more."""
    space = Path(f"/proc/{first}/ns/pid").readlink()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != first:
            with contextlib.suppress(OSError):
                if (entry / "ns/pid").readlink() == space:
                    found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    return [line for line in found if line] + ["dead" for child in children if is_dead(child)]


def is_dead(pid: str) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return False


def alive(world: EngineWorld, name: str) -> list[str]:
    return [line for line in inside(world, name) if line != "dead"]


def nothing_left(world: EngineWorld, name: str) -> None:
    settle(lambda: not alive(world, name), "nothing of the command is left in the container", within_s=GONE_S)


def word() -> str:
    """Give a number of seconds to sleep that no other process sleeps."""
    return f"7{time.monotonic_ns() % 10**8:08d}"


@pytest.mark.smoke
def test_outputs_come_apart_and_the_exit_code_as_it_is(engine_world: EngineWorld) -> None:
    name = engine_world.healthy()
    found = ran(engine_world, name, "sh", "-c", "printf out; printf err >&2; exit 3")
    assert (found.out, found.err) == (b"out", b"err")
    assert found.end == Exit(code=3)
    settle(lambda: inside(engine_world, name) == [], "the keeper has gone", within_s=GONE_S)


@pytest.mark.often("docker")
@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 255", 255), ("kill -KILL $$", 137), ("kill -TERM $$", 143)]
)
def test_every_exit_code_arrives(engine_world: EngineWorld, script: str, code: int) -> None:
    found = ran(engine_world, engine_world.healthy(), "sh", "-c", script)
    assert (found.end.code, found.end.reason) == (code, Ended.EXITED)


@pytest.mark.parametrize(
    ("program", "code", "said"), [("nonsuch", 127, "not found"), ("/etc/passwd", 126, "ermission denied")]
)
def test_what_cannot_be_run_says_so_on_stderr(engine_world: EngineWorld, program: str, code: int, said: str) -> None:
    found = ran(engine_world, engine_world.healthy(), program, "x")
    assert found.end.code == code
    assert said in found.err.decode()
    assert found.out == b""


def test_every_byte_arrives_on_both_outputs(engine_world: EngineWorld) -> None:
    every = "".join(f"\\{byte:03o}" for byte in range(256))
    found = ran(engine_world, engine_world.healthy(), "sh", "-c", f"printf '{every}'; printf '{every}' >&2")
    assert found.out == found.err == bytes(range(256))


def test_arguments_arrive_as_they_are(engine_world: EngineWorld) -> None:
    found = ran(engine_world, engine_world.healthy(), "printf", "%s\\0", *NASTY)
    assert found.out.decode().removesuffix("\0").split("\0") == NASTY


def test_there_is_no_input_and_no_terminal(engine_world: EngineWorld) -> None:
    found = ran(engine_world, engine_world.healthy(), "sh", "-c", "cat; tty; readlink /proc/self/fd/0", limit_s=20)
    assert found.out == b"not a tty\n/dev/null\n"


def test_user_folder_and_environment_are_honoured(engine_world: EngineWorld) -> None:
    name = engine_world.healthy()
    given = {"user": "65534", "workdir": "/www", "environment": ("WORD=a b=c",)}
    found = ran(engine_world, name, "sh", "-c", 'id -u; pwd; echo "$WORD"', **given)
    assert found.out == b"65534\n/www\na b=c\n"


@pytest.mark.often("docker")
def test_a_path_of_its_own_does_not_take_the_keeper_away(engine_world: EngineWorld) -> None:
    name = engine_world.healthy()
    found = ran(engine_world, name, "/bin/sleep", "99", limit_s=2, environment=("PATH=/nowhere",))
    assert found.end.reason is Ended.TIMEOUT
    nothing_left(engine_world, name)


@pytest.mark.smoke
def test_five_megabytes_arrive_whole(engine_world: EngineWorld) -> None:
    made = "yes 0123456789abcde | head -c 5000000; yes fedcba98765432 | head -c 1000000 >&2"
    found = ran(engine_world, engine_world.healthy(), "sh", "-c", made)
    whole = (b"0123456789abcde\n" * 312_500)[:5_000_000]
    assert hashlib.sha256(found.out).hexdigest() == hashlib.sha256(whole).hexdigest()
    assert len(found.err) == 1_000_000


ENDINGS = {
    "it exits": APART + "; sleep {word} & exit 0",
    "its time is over": APART + "; sleep {word}",
    "it does not care about its end": "trap '' TERM; while :; do sleep 0.2; : {word}; done",
}


@pytest.mark.often("docker")
@pytest.mark.parametrize("how", ENDINGS)
def test_nothing_is_left_when(engine_world: EngineWorld, how: str) -> None:
    name = engine_world.healthy()
    limit_s = LIMIT_S if how == "it exits" else 2
    found = ran(engine_world, name, "sh", "-c", ENDINGS[how].format(word=word()), limit_s=limit_s)
    assert found.end.reason is (Ended.EXITED if how == "it exits" else Ended.TIMEOUT)
    nothing_left(engine_world, name)


@pytest.mark.often("docker")
def test_ordinary_commands_leave_no_dead_processes_either(engine_world: EngineWorld) -> None:
    """The first process of the container takes in no orphans: each would stay until the container is stopped."""
    name = engine_world.healthy()
    for _ in range(5):
        assert ran(engine_world, name, "true").end.code == 0
    stopped = begun(engine_world, name, "sleep", word())
    stopped.stream.close()
    nothing_left(engine_world, name)
    assert ran(engine_world, name, "sleep", word(), limit_s=1).end.reason is Ended.TIMEOUT
    nothing_left(engine_world, name)
    assert inside(engine_world, name) == []


@pytest.mark.smoke
def test_stopped_from_another_thread_it_ends_with_all_that_it_started(engine_world: EngineWorld) -> None:
    name, marked = engine_world.healthy(), word()
    started = begun(engine_world, name, "sh", "-c", f"{APART.format(word=marked)}; echo up; sleep {marked}")
    items = iter(started.stream)
    assert next(items) == Output("stdout", b"up\n")
    closing = threading.Timer(0.3, started.stream.close)
    closing.start()
    assert list(items) == []
    closing.join()
    nothing_left(engine_world, name)


@pytest.mark.often("docker")
@pytest.mark.parametrize("where", ["container", "host", "cli"])
def test_a_killed_server_leaves_nothing(engine_world: EngineWorld, where: str) -> None:
    name, marked = engine_world.healthy(), word()
    argv = ["sh", "-c", f"{APART.format(word=marked)}; sleep {marked}"]
    if where == "host":
        argv = ["sh", "-c", f"sleep {marked}"]
    elif where == "cli":
        argv = [engine_world.kind, "logs", "-f", "--since", marked[:5], name]
        marked = f"--since {marked[:5]}"
    own = engine_world.inspect(name)["Id"]
    given = [engine_world.kind, str(engine_world.engine.socket), engine_world.scope.project, own, where]
    server = subprocess.Popen([sys.executable, "-c", SERVER, *given, *argv], stdout=subprocess.DEVNULL)
    try:
        settle(lambda: bool(naming(marked, but=server.pid)), "the command runs")
    finally:
        server.kill()
        server.wait(GONE_S)
    settle(lambda: not naming(marked, but=server.pid), "nothing of it is left", within_s=GONE_S)
    nothing_left(engine_world, name)


def naming(text: str, *, but: int) -> list[int]:
    """Find the processes with a text in their command line, inside containers too."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) not in (but, os.getpid()):
            with contextlib.suppress(OSError):
                if text in (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"):
                    found.append(int(entry.name))
    return found


@pytest.mark.smoke
def test_a_cut_line_is_told_and_ends_the_command(engine_world: EngineWorld) -> None:
    name, marked = engine_world.healthy(), word()
    started = begun(engine_world, name, "sh", "-c", f"{APART.format(word=marked)}; echo up; sleep {marked}")
    items = iter(started.stream)
    assert next(items) == Output("stdout", b"up\n")
    engine_world.line.cut()
    try:
        (end,) = items
        assert isinstance(end, Exit)
        assert (end.code, end.reason) == (None, Ended.LOST)
        assert "lost" in end.sentence
        nothing_left(engine_world, name)
    finally:
        engine_world.line.mend()


def test_a_line_that_is_cut_for_a_moment_is_no_exit(engine_world: EngineWorld) -> None:
    name = engine_world.healthy()
    started = begun(engine_world, name, "sh", "-c", "trap 'exit 0' TERM; echo up; while :; do sleep 0.1; done")
    items = iter(started.stream)
    assert next(items) == Output("stdout", b"up\n")
    engine_world.line.cut()
    engine_world.line.mend()
    (end,) = items
    assert isinstance(end, Exit)
    assert (end.code, end.reason) == (None, Ended.LOST)


@pytest.mark.often("podman")
def test_a_crashed_engine_is_told_and_ends_the_command(engine_world: EngineWorld) -> None:
    name, marked = engine_world.healthy(), word()
    first = int(engine_world.inspect(name)["State"]["Pid"])
    started = begun(engine_world, name, "sh", "-c", f"{APART.format(word=marked)}; echo up; sleep {marked}", limit_s=15)
    items = iter(started.stream)
    assert next(items) == Output("stdout", b"up\n")
    engine_world.crash()
    try:
        (end,) = items
        assert isinstance(end, Exit)
        assert (end.code, end.reason) == (None, Ended.LOST)
        settle(lambda: not [line for line in beside(first) if line != "dead"], "it is over", within_s=60)
    finally:
        engine_world.revive()


def test_two_at_once_do_not_meet(engine_world: EngineWorld) -> None:
    name = engine_world.healthy()
    found: dict[str, Ran] = {}

    def run(sign: str) -> None:
        script = f"for i in 1 2 3 4 5; do echo {sign}; sleep 0.1; done"
        found[sign] = ran(engine_world, name, "sh", "-c", script)

    threads = [threading.Thread(target=run, args=(sign,)) for sign in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)
    assert {sign: ran.out for sign, ran in found.items()} == {sign: f"{sign}\n".encode() * 5 for sign in "ab"}


@pytest.mark.smoke
def test_own_and_other_containers_are_told_apart(engine_world: EngineWorld) -> None:
    own, other, ended = engine_world.healthy(), engine_world.healthy(elsewhere=True), engine_world.finished()
    found = commands(engine_world).containers(engine_world.scope)
    assert dict(found.own) == {name: engine_world.inspect(name)["Id"] for name in (own, ended)}
    assert found.other[other] == engine_world.inspect(other)["Id"]
    assert not set(found.own) & set(found.other)
    for wanted in (found.other[other], other):
        with pytest.raises(Missing):
            commands(engine_world).run(
                engine_world.scope, Command(argv=("true",), limit_s=5, where="container", container=wanted)
            )


def test_a_container_in_which_nothing_runs_is_told_apart(engine_world: EngineWorld) -> None:
    ended, held, gone = engine_world.finished(), engine_world.healthy(), engine_world.healthy()
    with pytest.raises(Conflict, match=f"{ended} is not running.*exited with 0"):
        begun(engine_world, ended, "true")
    engine_world.engine.cli("pause", held)
    try:
        with pytest.raises(Conflict, match=f"{held} is paused"):
            begun(engine_world, held, "true")
    finally:
        engine_world.engine.cli("unpause", held)
    id_of_gone = engine_world.inspect(gone)["Id"]
    engine_world.remove(gone)
    with pytest.raises(Missing, match="no container"):
        commands(engine_world).run(
            engine_world.scope, Command(argv=("true",), limit_s=5, where="container", container=id_of_gone)
        )


@pytest.mark.parametrize("how", ["stop", "rm"])
def test_a_container_that_ends_meanwhile_is_told(engine_world: EngineWorld, how: str) -> None:
    name = engine_world.healthy()
    started = begun(engine_world, name, "sh", "-c", "echo up; sleep 100")
    items = iter(started.stream)
    assert next(items) == Output("stdout", b"up\n")
    if how == "stop":
        engine_world.engine.cli("stop", name)
    else:
        engine_world.remove(name)
    (end,) = items
    assert isinstance(end, Exit)
    assert (end.code, end.reason) == (137, Ended.EXITED), "the way to the engine was not lost"
    assert f"The container {name} {'stopped' if how == 'stop' else 'was removed'}" in end.sentence


def test_what_can_be_no_command_line_is_refused(engine_world: EngineWorld) -> None:
    name = engine_world.healthy()
    for argv in (["-x"], ["echo", "a\0b"], ["echo", "x" * 300_000]):
        with pytest.raises(Invalid):
            begun(engine_world, name, *argv)


def test_a_closed_runtime_ends_its_commands(engine_world: EngineWorld) -> None:
    name = engine_world.healthy()
    started = begun(engine_world, name, "sleep", word())
    engine_world.runtime.close()
    assert list(started.stream) == []
    nothing_left(engine_world, name)
    with pytest.raises(Unavailable):
        commands(engine_world).containers(engine_world.scope)


@pytest.fixture
def bare(engine_world: EngineWorld) -> Iterator[str]:
    """Give a container whose image has one program and no shell."""
    engine_world.engine.cli("import", "-", BARE, stdin=bare_archive())
    label = f"com.docker.compose.project={engine_world.scope.project}"
    marks = ("--name", f"bare-{word()}", "--label", label, "--stop-timeout", "1")
    engine_world.engine.cli("run", "-d", *marks, BARE, "/busybox", "sleep", "3600")
    yield marks[1]
    engine_world.engine.cli("rm", "-f", marks[1])
    engine_world.engine.cli("rmi", "-f", BARE)


def test_an_image_without_a_shell_runs_the_program_and_says_what_that_means(
    engine_world: EngineWorld, bare: str
) -> None:
    for _ in range(2):
        started = begun(engine_world, bare, "/busybox", "sh", "-c", "printf out; printf err >&2; exit 3")
        assert "no shell" in started.notes[0]
        assert "until it ends by itself" in started.notes[0]
        found = over(started)
        assert (found.out, found.err, found.end.code) == (b"out", b"err", 3)
    execs = [line for line in engine_world.asked if line.startswith("POST") and line.endswith("/exec")]
    assert len(execs) == 3, "it was looked for a shell once"
    missing = ran(engine_world, bare, "/nonsuch")
    assert missing.end.code in (126, 127)
    assert "/nonsuch" in missing.err.decode()
    assert missing.out == b""


def test_without_a_shell_it_is_ended_from_the_host(engine_world: EngineWorld, bare: str) -> None:
    with hosting(engine_world) as here:
        own = here.containers(engine_world.scope).own[bare]
        argv = ("/busybox", "sh", "-c", f"/busybox sleep {word()} & /busybox sleep 100")
        started = here.run(engine_world.scope, Command(argv=argv, limit_s=LIMIT_S, where="container", container=own))
        assert "ended from the host" in started.notes[0]
        settle(lambda: len(alive(engine_world, bare)) >= 2, "it runs")
        started.stream.close()
        nothing_left(engine_world, bare)


@contextlib.contextmanager
def hosting(world: EngineWorld) -> Iterator[Commands]:
    """Open the runtime where this machine is registered as its host."""
    connection = Direct(runs_here=True)
    runtime = opened(world.kind, world.engine, connection)
    try:
        assert runtime.commands is not None
        yield runtime.commands
    finally:
        runtime.close()
        connection.close()


def test_programs_run_on_a_host_that_is_registered(engine_world: EngineWorld) -> None:
    command = Command(argv=("sh", "-c", "printf out; printf err >&2; exit 3"), limit_s=LIMIT_S, where="host")
    with hosting(engine_world) as here:
        assert here.hosts
        found = over(here.run(engine_world.scope, command))
    assert (found.out, found.err, found.end.code) == (b"out", b"err", 3)


@pytest.mark.smoke
def test_programs_run_on_the_host_only_where_the_way_leads_to_one(engine_world: EngineWorld) -> None:
    command = Command(argv=("printf", "%s", "a b;c"), limit_s=LIMIT_S, where="host")
    if not commands(engine_world).hosts:
        with pytest.raises(Unsupported):
            commands(engine_world).run(engine_world.scope, command)
        return
    assert engine_world.connection.kind == "ssh"
    assert over(commands(engine_world).run(engine_world.scope, command)) == Ran(b"a b;c", b"", Exit(code=0))
    marked = word()
    started = commands(engine_world).run(
        engine_world.scope, Command(argv=("sleep", marked), limit_s=LIMIT_S, where="host")
    )
    settle(lambda: bool(naming(marked, but=0)), "it runs")
    started.stream.close()
    settle(lambda: not naming(marked, but=0), "it is over", within_s=GONE_S)


@pytest.mark.smoke
def test_the_engines_own_program_reaches_it_over_the_way(engine_world: EngineWorld) -> None:
    name = engine_world.healthy()
    assert commands(engine_world).missing() == ""
    found = client(engine_world, "inspect", "--format", "{{.Name}}", name)
    assert (found.out.decode().strip().removeprefix("/"), found.end.code) == (name, 0)
    found = client(engine_world, "inspect", "nonsuch")
    assert found.end.code
    assert "no such object" in found.err.decode().lower()


def test_the_engines_own_program_ends_when_it_is_stopped(engine_world: EngineWorld) -> None:
    name = engine_world.ticking()
    argv = (engine_world.kind, "logs", "-f", name)
    started = commands(engine_world).run(engine_world.scope, Command(argv=argv, limit_s=LIMIT_S))
    items = iter(started.stream)
    assert isinstance(next(items), Output)
    started.stream.close()
    settle(lambda: not naming(f"-f {name}", but=0), "it is over", within_s=GONE_S)


def client(world: EngineWorld, *words: str) -> Ran:
    """Run the engine's own program."""
    return over(commands(world).run(world.scope, Command(argv=(world.kind, *words), limit_s=LIMIT_S)))
