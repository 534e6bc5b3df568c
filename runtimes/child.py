"""Runs the CLI of a runtime (kubectl, docker, podman) as a child of the server: one program, one private folder.

Kept like every program on a host (`connectors.keeper`): its lifeline is a pipe that the kernel closes when the server
ends, however it ends. Beyond that it gets nothing of ours: no shell reads its words, its environment is made from
nothing, its working and home folder is empty, PATH leads to no other program, standard input is /dev/null. What one
run leaves in its folder goes with it; what a killed server left is swept when the next one begins.
"""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from connectors.base import Exit, Output
from connectors.errors import ConnectionProblem
from connectors.keeper import GRACE_S, LEFT_S, keep
from connectors.local import HOST, MARGIN_S, PipeSession
from connectors.running import Running
from connectors.sockets import Folder
from runtimes.errors import Invalid, RuntimeProblem, Unavailable

FILE_MAX_BYTES = 64 * 1024 * 1024
"""RLIMIT_FSIZE: what a CLI writes are caches; the OpenAPI document of a cluster with many kinds has 10 MB."""
FILES_MAX = 256
"""RLIMIT_NOFILE: kubectl was seen with 12 open, 60 with `logs` of many pods at once."""
MEMORY_MAX_BYTES = 4 * 1024**3
"""RLIMIT_AS: kubectl, docker and podman are Go programs, which reserve 0.8 to 1 GB of addresses before they do anything
(measured: kubectl 1.33, docker 28, podman 4.3)."""
AFTERWARDS_S = 10
"""What has to be done after a command that was ended early may take this long."""
ENDING_S = 2.0
"""Beyond the keeper's own times, for a machine under load."""
BASE_ENVIRONMENT = {"TERM": "dumb", "LANG": "C.UTF-8"}

LIMITS = (
    "umask 077;{{ ulimit -c 0;ulimit -t {cpu_s};ulimit -f {blocks};ulimit -n {files};ulimit -v {kilobytes};}} "
    "2>/dev/null;"
)
"""A limit that the server itself has lower stays as it is. POSIX counts files in blocks of 512 bytes."""
ALONE = "exec {program}"
THEN = """\
trap 'e=1;kill $!' TERM;exec 3>&1 4>&2 >/dev/null 2>&1;\
{program} >&3 2>&4 3>&- 4>&- & exec 3>&- 4>&-;wait $!;s=$?;\
if [ "$e" ];then wait $!;{afterwards};fi;exit $s"""
"""The keeper's TERM reaches the whole group; what comes afterwards is started when that is over.
The shell itself holds no output: dash writes "Terminated", and a server that was killed reads no more."""


class Children:
    """The programs that one runtime runs on this machine. Safe to use from several threads."""

    def __init__(self) -> None:
        try:
            self._folder = Folder(Path(tempfile.gettempdir()))
        except OSError as error:
            raise _unprepared(error) from error
        self._lock = threading.Lock()
        self._running: set[Child] = set()
        self._closed = False

    def run(
        self,
        argv: Sequence[str],
        *,
        program: Path,
        limit_s: float,
        files: Mapping[str, bytes] | None = None,
        environment: Callable[[Path], Mapping[str, str]] | None = None,
        afterwards: Sequence[str] = (),
    ) -> Child:
        """Begin to run `program` under the name and with the arguments of `argv`; after `limit_s` it is ended.

        `files` (name → content) are written into a private folder, whose path `environment` is given for the variables
        that the program gets beside HOME, PATH, TERM and LANG. `afterwards` is an argv of the same program that is run
        when this one is ended early, by whatever. Raise Invalid for what is no command line,
        Unavailable when this machine starts nothing.
        """
        _check(argv, afterwards)
        folder = self._made()
        try:
            given = _prepared(folder, argv[0], program, files or {})
            variables = {**(environment(given) if environment else {}), **_environment(folder)}
            child = Child(_script(folder, variables, argv, afterwards, limit_s), folder, limit_s, bool(afterwards))
        except OSError as error:
            _remove(folder)
            raise _unprepared(error) from error
        except BaseException:
            _remove(folder)
            raise
        self._keep(child)
        child.begin()
        return child

    def folder(self) -> Path:
        """Make a folder that outlives single runs, and goes with them all. Raise Unavailable when it cannot be made."""
        return self._made()

    def close(self) -> None:
        """End every program, wait until they are gone and remove the folder. May be called twice."""
        with self._lock:
            self._closed = True
            left = set(self._running)
        for child in left:
            child.cut()
        for child in left:
            child.close()
        self._folder.close()

    def _made(self) -> Path:
        with self._lock:
            if self._closed:
                raise Unavailable("The runtime is being closed.", hint="Load the page again.")
            path = self._folder.next()
        try:
            path.mkdir(mode=0o700)
        except OSError as error:
            raise _unprepared(error) from error
        return path

    def _keep(self, child: Child) -> None:
        with self._lock:
            closed, self._running = self._closed, {each for each in self._running if not each.over} | {child}
            forgotten = {each for each in self._running if each.overdue}
        for each in forgotten:
            each.close()
        if closed:
            child.close()
            raise Unavailable("The runtime is being closed.", hint="Load the page again.")


class Child:
    """What one program says, and its Exit as the last thing: by then it and its folder are gone.

    Nothing is read ahead of whoever reads. `close` ends it from any thread and waits until all of it is gone.
    """

    def __init__(self, script: str, folder: Path, limit_s: float, followed: bool) -> None:
        grace_s = AFTERWARDS_S if followed else GRACE_S
        self._close_s = grace_s + LEFT_S + ENDING_S
        self._folder = folder
        try:
            kept = keep(["/bin/sh", "-c", script], limit_s=limit_s + MARGIN_S, grace_s=grace_s)
            self._session = PipeSession(kept.argv, kept.input, close_s=self._close_s)
        except ConnectionProblem as problem:
            raise Unavailable(problem.sentence, hint=problem.hint) from problem
        self._running = Running(
            self._session, mark=kept.mark, timeout_s=limit_s, host=HOST, ended=lambda _: self._ended.set()
        )
        self._ended = threading.Event()
        self._closing = threading.Lock()
        self.over = False

    @property
    def overdue(self) -> bool:
        """Tell whether its time is over and nobody has read on."""
        return self._running.overdue

    def begin(self) -> None:
        """Wait until the keeper runs the program. Raise Unavailable when it does not."""
        try:
            self._running.begin()
        except ConnectionProblem as problem:
            self.close()
            raise Unavailable(problem.sentence, hint=problem.hint) from problem

    def __iter__(self) -> Iterator[Output | Exit]:
        return self

    def __next__(self) -> Output | Exit:
        try:
            said = next(self._running)
        except StopIteration:
            self.close()
            raise
        if isinstance(said, Exit):
            self.close()
        return said

    def cut(self) -> None:
        """End it without waiting."""
        self._running.close()

    def close(self) -> None:
        """End it, unless it is over, and wait until nothing of it is left. May be called twice, from any thread."""
        self.cut()
        with self._closing:
            if not self.over:
                self._session.close()  # another thread may be about to: nothing is removed before that
                self._session.join(self._close_s + ENDING_S)
                _remove(self._folder)
                self.over = True


def _check(argv: Sequence[str], afterwards: Sequence[str]) -> None:
    """Refuse what cannot be a command line of one program."""
    name = argv[0] if argv else ""
    if not name or not all(sign.isalnum() or sign in "-_." for sign in name) or name.startswith(("-", ".")):
        raise Invalid(f'"{name[:50]}" is no name of a program.')
    if any("\0" in word for word in (*argv, *afterwards)):
        raise Invalid("An argument holds a NUL, which no program can be given.")


def _prepared(folder: Path, name: str, program: Path, files: Mapping[str, bytes]) -> Path:
    """Make what a run finds: an empty home, a PATH of one program, and the files. Give the folder of the files."""
    given = folder / "given"
    for each in (given, folder / "home", folder / "bin"):
        each.mkdir(mode=0o700)
    (folder / "bin" / name).symlink_to(program)
    for file_name, content in files.items():
        with open(os.open(given / file_name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123  (Path.open takes no mode)
            file.write(content)
    return given


def _environment(folder: Path) -> dict[str, str]:
    return {**BASE_ENVIRONMENT, "HOME": str(folder / "home"), "PATH": str(folder / "bin")}


def _script(
    folder: Path, environment: Mapping[str, str], argv: Sequence[str], afterwards: Sequence[str], limit_s: float
) -> str:
    """Say to /bin/sh what to run: constants of ours, and words that are quoted one by one."""
    clean = ["env", "-i", *(f"{name}={value}" for name, value in environment.items())]
    first, then = shlex.join([*clean, *argv]), shlex.join([*clean, *afterwards])
    limits = LIMITS.format(
        cpu_s=max(1, round(limit_s)),
        blocks=FILE_MAX_BYTES // 512,
        files=FILES_MAX,
        kilobytes=MEMORY_MAX_BYTES // 1024,
    )
    text = THEN.format(program=first, afterwards=then) if afterwards else ALONE.format(program=first)
    return f"cd {shlex.quote(str(folder / 'home'))}||exit 126;{limits}{text}"


def _unprepared(error: OSError) -> RuntimeProblem:
    why = error.strerror or type(error).__name__
    hint = "Look whether the disk of its temporary folder is full or read-only."
    return Unavailable(f"The server cannot prepare a folder for a program: {why}.", hint=hint)


def _remove(folder: Path) -> None:
    with suppress(OSError):
        shutil.rmtree(folder)
