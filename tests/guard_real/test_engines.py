"""The real docker and podman run what the guard allows: they ask for own containers only, and touch nothing else."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from opsmodal.guard.engine.tables import Program
from opsmodal.guard.judge import judge
from opsmodal.guard.verdict import Decision, Verdict, Where
from runtimes.engine.client import Client
from tests.guard_real import tracing
from tests.guard_real.engine_socket import Recording, breach, recording
from tests.unit.guard.policies import Case, cases
from tests.unit.guard.test_engine_tables import installed

LIMIT_S = 6.0
"""Streams never end; what they ask for, they ask at once."""
ENDLESS_S = 2.5
SIDE_BY_SIDE = 4
SEED = 20_261_121
NOBODY = "0" * 64
MISREAD = (
    "unknown flag",
    "unknown shorthand flag",
    "unknown command",
    "flag needs an argument",
    "panic:",
    "See 'docker",
)
GAVE_UP = ("logs does not support multiple containers when run remotely", "parsing format", "template: ", "invalid --")
"""What ends a program before it asks for anything: its own limits, and what it checks of a template or a value."""
ONLY_NEWER = ("--signal=",)
"""Flags of restart and stop that docker 20.10 does not have, and says so."""
FAILED = re.compile(r" = -1 E[A-Z]+ \(")
CHANGED = re.compile(
    r"\b(?:mkdir|mkdirat|rename|renameat2?|unlink|unlinkat|symlink|symlinkat|link|linkat|rmdir|chmod|fchmodat|chown|truncate|mknod)"
    r'\(.*?"(?P<path>[^"]*)"'
)
LISTENS = re.compile(r"\b(?:bind|listen|accept4?)\((?!\d+, \{sa_family=AF_UNIX\}, 2\))")
"""podman looks whether there is a journal with a datagram socket that gets a name of the kernel's own."""
MIXED_IN = (
    *("-a", "-aq", "-l", "-n 2", "-n", "--latest", "--all", "-f", "--follow", "-it", "-i", "-t", "-d", "--privileged"),
    *("pay-db", "pay-web", "b1c2", "e0ff", "b1", "web", "/db", "4f0", "--", "-s", "--size", "-q", "--no-stream"),
    *(
        "-f id=b1c2",
        "--filter id=pay-db",
        "--filter name=pay",
        "-f name=x,id=b1c2",
        "-f label=a",
        "--filter container=db",
    ),
    *(
        "--filter container=pay-db",
        "--filter status=running",
        "--until 0s",
        "--until=1m",
        "--since 5m",
        "--stream=false",
    ),
    *("-H tcp://127.0.0.1:1", "--host=tcp://127.0.0.1:1", "--context x", "--config /etc", "--url tcp://x", "--remote"),
    *("--env-file /etc/passwd", "--cidfile /etc/passwd", "--type image", "--type container", "-t 1", "-t", "-s HUP"),
    *(
        "--format json",
        "--format '{{.ID}}'",
        "-o pid",
        "aux",
        "80",
        "--sort id",
        "--external",
        "--sync",
        "-w 1",
        "--tail 3",
    ),
)


@dataclass(frozen=True)
class Line:
    """A line that the guard allows, and what is to run."""

    case: Case
    verdict: Verdict

    @property
    def endless(self) -> bool:
        """Whether it goes on until somebody ends it."""
        return "--watch" in str(self.verdict.argv) or self.verdict.verb == "stats"


def allowed(found: Sequence[Case]) -> list[Line]:
    lines = (Line(case, judge(case.line, case.asked)) for case in found if not case.asked.container)
    return [line for line in lines if line.verdict.allowed and line.verdict.where is Where.CLI]


def spoiled(found: Sequence[Case], count: int) -> list[Case]:
    """Put words that would do harm elsewhere into lines of the policies, anywhere."""
    chance, made = random.Random(SEED), []
    for number in range(count):
        case = chance.choice(found)
        words = case.line.split(" ")
        for _ in range(chance.choice((1, 1, 2))):
            words.insert(chance.randint(1, len(words)), chance.choice(MIXED_IN))
        made.append(Case(f"spoiled-{number}", " ".join(words), case.asked, allow=False))
    return made


def one_of_each_verb(lines: Sequence[Line]) -> list[Line]:
    """Give one line of each verb of each program that ends by itself, the one with the most words."""
    found: dict[tuple[str, str], Line] = {}
    for line in lines:
        key = (line.case.asked.kind, line.verdict.verb)
        if line.case.asked.mode == "oneshot" and len(line.verdict.argv) > len(
            found[key].verdict.argv if key in found else ()
        ):
            found[key] = line
    return list(found.values())


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a short path: that of a socket ends at 107 bytes."""
    made = tmp_path_factory.mktemp("g")
    yield made
    shutil.rmtree(made, ignore_errors=True)


def ways(line: Line, socket: Path, folder: Path) -> Iterator[tuple[list[str], Path, dict[str, str]]]:
    """Give what runs, with every copy of the program that is here: argv, folder and environment as the runtime has."""
    kind: Program = "podman" if line.case.asked.kind == "podman" else "docker"
    client = object.__new__(Client)
    client._kind = kind
    address = f"unix://{socket}"
    for number, path in enumerate(installed(kind)):
        place = folder / str(number)
        place.mkdir()
        argv = client._argv(line.verdict.argv, address)
        variables = {**client._environment(place, address), "HOME": str(place), "PATH": str(place), "TERM": "dumb"}
        yield [path, *argv[1:]], place, variables


def wrong(line: Line, kept: Recording, folder: Path, *, trace: bool) -> list[str]:
    """Run one line with each copy of its program and say what it asked for, did or showed that it may not."""
    own, verdict = frozenset(kept.own.values()) | {NOBODY}, line.verdict
    found = []
    for argv, place, environment in ways(line, kept.socket, folder):
        kept.taken()
        limit_s = ENDLESS_S if line.endless else LIMIT_S
        if trace:
            code, said, done = traced(argv, place, environment, kept.socket, limit_s)
        else:
            (code, said), done = tracing.ran(argv, folder=place, environment=environment, limit_s=limit_s), []
        seen = kept.taken()
        for each in seen:
            if problem := breach(each, own=own, verb=verdict.verb, changes=verdict.changes):
                done.append(f"{problem}: {each}")
        done += [f"showed {name}" for name in shown_of(kept.other, said) if name not in str(argv)]
        if any(sign in said for sign in MISREAD) and not any(flag in str(argv) for flag in ONLY_NEWER):
            done.append(f"was misread ({code}): {said[:300]}")
        elif not seen and not any(sign in said for sign in GAVE_UP):
            done.append(f"asked for nothing ({code}): {said[:300]}")
        found += [f"{line.case.line} → {' '.join(argv)}: {each}" for each in done]
        shutil.rmtree(place)
    return found


def shown_of(other: Mapping[str, str], said: str) -> Iterator[str]:
    """Give what was printed of somebody else's containers: names, or ids as short as they are ever written."""
    for name, full in other.items():
        if name in said or full[:12] in said:
            yield name


def traced(
    argv: Sequence[str], folder: Path, environment: dict[str, str], socket: Path, limit_s: float
) -> tuple[int, str, list[str]]:
    """Run a program under strace; say what it wrote outside of its folder, started, or dialled beside the socket."""
    trace = folder.parent / f"{folder.name}.trace"
    strace = [str(shutil.which("strace")), "-f", "-qq", "-e", "trace=%file,%network", "-s", "300", "-o", str(trace)]
    code, said = tracing.ran([*strace, *argv], folder=folder, environment=environment, limit_s=limit_s * 2)
    calls = [call for call in trace.read_text(errors="replace").splitlines() if not FAILED.search(call)]
    trace.unlink()
    found = [f"started {call}" for call in calls if "execve(" in call][1:]
    for call in calls:
        if (opened := tracing.OPENED.search(call)) and _written(opened["path"], opened["how"], folder):
            found.append(f"opened {opened['path']} {opened['how']}")
        if (changed := CHANGED.search(call)) and not changed["path"].startswith(str(folder)):
            found.append(f"changed {changed['path']}")
        if "connect(" in call and f'sun_path="{socket}"' not in call:
            found.append(call)
        if LISTENS.search(call):
            found.append(call)
    return code, said, found


def _written(path: str, how: str, folder: Path) -> bool:
    inside = path.startswith(f"{folder}/") or (not path.startswith("/") and ".." not in path)
    return any(flag in how for flag in tracing.WRITES) and not inside and path not in tracing.DEVICES


def run_all(lines: Sequence[Line], folder: Path, *, trace: bool = False) -> list[str]:
    """Run lines a few at a time, each against an engine of its own."""

    def run_some(number: int) -> list[str]:
        found: list[str] = []
        for at, line in list(enumerate(lines))[number::SIDE_BY_SIDE]:
            place = folder / str(at)
            place.mkdir()
            with recording(folder / f"{at}.s", line.case.asked.world.own, line.case.asked.world.other) as kept:
                found += wrong(line, kept, place, trace=trace)
        return found

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        return [each for found in pool.map(run_some, range(SIDE_BY_SIDE)) for each in found]


POLICIES = (*cases("docker"), *cases("podman"))
PROGRAMS = pytest.mark.parametrize("kind", ["docker", "podman"])


def of(kind: str) -> list[Case]:
    if not installed("podman" if kind == "podman" else "docker"):
        pytest.skip(f"no {kind} on this machine")
    return [case for case in POLICIES if case.asked.kind == kind]


@PROGRAMS
def test_each_verb_asks_for_own_containers_only(kind: str, folder: Path) -> None:
    lines = one_of_each_verb(allowed(of(kind)))
    assert len(lines) > 14
    assert "\n".join(run_all(lines, folder)) == ""


@PROGRAMS
def test_nothing_is_touched_outside_the_folder(kind: str, folder: Path) -> None:
    if why := tracing.untraceable():
        pytest.skip(why)
    lines = random.Random(SEED).sample(one_of_each_verb(allowed(of(kind))), 3)
    assert "\n".join(run_all(lines, folder, trace=True)) == ""


@pytest.mark.exhaustive
@pytest.mark.timeout(900)
@PROGRAMS
def test_every_line_of_the_policies_asks_for_own_containers_only(kind: str, folder: Path) -> None:
    assert "\n".join(run_all(allowed(of(kind)), folder, trace=not tracing.untraceable())) == ""


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
@PROGRAMS
def test_spoiled_lines_that_still_pass_ask_for_own_containers_only(kind: str, folder: Path) -> None:
    lines = {line.verdict.argv: line for line in allowed(spoiled(of(kind), 10_000))}
    chosen = random.Random(SEED).sample(sorted(lines.values(), key=lambda line: line.case.id), min(300, len(lines)))
    assert len(chosen) > 100
    assert "\n".join(run_all(chosen, folder)) == ""


@PROGRAMS
@pytest.mark.parametrize(
    "words",
    [
        "ps",
        "logs pay-db",
        "inspect pay-db",
        "events --until 0s",
        "stop pay-db",
        "exec -i web cat",
        "version extra",
        "ps -l",
    ],
)
def test_the_recorder_notices_what_reaches_further(kind: str, words: str, folder: Path) -> None:
    """Lines past the guard: a recorder that sees nothing wrong proves nothing."""
    case = of(kind)[0]
    verdict = Verdict(decision=Decision.ALLOW, rule="", reason="", argv=(kind, *words.split()))
    assert run_all([Line(case, verdict)], folder)
