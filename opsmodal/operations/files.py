"""Fetches a file out of a container: the line that does it is judged as if it had been typed, then streamed through.

`tar` runs in the container, as the container's user: it sees what an exec sees, and nothing outside. The archive goes
to the person as it comes. Nothing is unpacked here, nothing is kept, and no name in it is ever made a path of ours.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Generator, Iterator
from contextlib import closing

from connectors.base import Exit, Output
from opsmodal import actions
from opsmodal.archive import Passing
from opsmodal.errors import BadRequest, NotThere
from opsmodal.fleet import Fleet
from opsmodal.guard.world import Mode
from opsmodal.operations.command_answers import CommandRequest
from opsmodal.operations.command_judging import JudgedLine, Judging
from opsmodal.operations.command_running import Running
from opsmodal.operations.command_slots import OneShots
from opsmodal.operations.door import Door, Pass
from opsmodal.operations.finding import looked_up
from opsmodal.operations.guards import Judged
from opsmodal.permissions import Actor
from opsmodal.registry.registry import Registry
from runtimes.base import Instance
from runtimes.errors import Conflict, Missing, RuntimeProblem, Unavailable, Unsupported

FETCH_S = 600
"""100 MB over a slow line; as long as a streaming command may take."""
AT_ONCE = 3
"""Files that one person fetches at a time, in this process."""
PATH_MAX_CHARS = 4096
"""PATH_MAX of Linux."""
SAID_MAX_BYTES = 4096
DIFFERS = 1
"""What tar exits with when a file changed while it was read, as logs do; also when one of several could not be."""
NO_PROGRAM = (126, 127)


class FileOperations:
    """Fetch files."""

    def __init__(self, door: Door, fleet: Fleet, known: Registry) -> None:
        self._door = door
        self._fleet = fleet
        self._judging = Judging(door, fleet, known)
        self._running = Running(fleet)
        self._slots = OneShots(AT_ONCE)

    def fetch(self, actor: Actor, name: str, instance: str, *, container: str, path: str) -> Fetched:
        """Give a file or folder of a container as a tar archive, to be closed; problems surface before the first byte.

        Raise BadRequest for what is no absolute path, Missing for another service's pod or no such file, Invalid for
        devices, pipes and what is larger than 100 MB, and what the guard of typed lines refuses with.
        """
        leave = self._door.enter(actor, actions.FILE_FETCH, name, target=f"{instance[:253]}:{path[:PATH_MAX_CHARS]}")
        path, scope = checked_path(path), leave.service.scope()
        with looked_up(self._door, leave, f"{instance}:{path}"):
            found = self._fleet.read(
                leave.service.runtime, lambda runtime: runtime.instances.get(scope, instance).instance, over=leave.over
            )
        if found.kind != "pod":
            raise Unsupported("Files are fetched out of pods only.", hint="On engines: cat FILE, on the Commands tab.")
        words = ("kubectl", "exec", found.name, "-c", _container(found, container), "--", "tar", "chf", "-", path)
        judged = self._judging.judge(leave, CommandRequest(command=shlex.join(words), mode=Mode.STREAMING))
        return Fetched(self._pieces(leave, judged, path), filename=f"{posixpath.basename(path) or found.name}.tar")

    def _pieces(self, leave: Pass, judged: JudgedLine, path: str) -> Generator[bytes, None, None]:
        """Stream within the door: a fetch has no outcome until its last byte went out."""
        told = Judged(verdict=judged.word, rule=judged.verdict.rule)
        guards, slot = (self._judging.refusing(judged),), self._slots.slot(leave.actor.name)
        with self._door.act(leave, target=judged.target, guards=guards, slot=slot, judged=told) as outcome:
            run, archive = self._running.start(leave, judged.verdict, limit_s=FETCH_S), Passing(path)
            outcome.detail = f"Over {run.connection}, as {run.started.identity}."
            outcome.bytes_count = 0
            with closing(run.started.stream) as stream:
                for piece in _archived(iter(stream), archive):
                    outcome.bytes_count += len(piece)
                    yield piece


class Fetched:
    """The pieces of an archive whose first one is there already. `close` ends the exec, also when nobody has read."""

    def __init__(self, pieces: Generator[bytes, None, None], *, filename: str) -> None:
        self.filename = filename
        self._pieces = pieces
        self._first = next(pieces, b"")

    def __iter__(self) -> Iterator[bytes]:
        with closing(self):
            yield self._first
            yield from self._pieces

    def close(self) -> None:
        """End it; may be called twice."""
        self._pieces.close()


def checked_path(path: str) -> str:
    """Give an absolute path without its detours. Raise BadRequest for anything else."""
    if not path.startswith("/") or len(path) > PATH_MAX_CHARS or not path.isprintable():
        raise BadRequest("A file is named by its whole path in the container.", hint="Like /var/log/app.log.")
    if ".." in path.split("/"):
        raise BadRequest("The path leads up again.", hint="Name the file itself, without “..”.")
    return posixpath.normpath("/" + path.lstrip("/"))


def _container(found: Instance, wanted: str) -> str:
    """Choose the container that is named, or the first one. Raise NotThere."""
    names = [each.name for each in found.containers]
    chosen = wanted or next((each.name for each in found.containers if each.kind == "container"), "")
    if chosen not in names:
        raise NotThere(f'Pod {found.name} has no container "{wanted[:63]}".', hint=f"It has: {', '.join(names)}.")
    return chosen


def _archived(stream: Iterator[Output | Exit], archive: Passing) -> Iterator[bytes]:
    """Give what of the archive may go on; raise what the container said instead of one."""
    said = bytearray()
    for item in stream:
        if isinstance(item, Exit):
            if item.code != 0 and not (item.code == DIFFERS and archive.is_whole):
                raise _failed(item, bytes(said), archive)
        elif item.source == "stderr":
            said += item.data[: SAID_MAX_BYTES - len(said)]
        elif piece := archive.look(item.data):
            yield piece
    if not archive.is_whole:
        raise Unavailable(f"{archive.path} did not come whole.", hint="Fetch it again.")


def _failed(last: Exit, said: bytes, archive: Passing) -> RuntimeProblem:
    words = said.decode(errors="replace").strip()
    if last.code is None:
        return Unavailable(f"Fetching {archive.path} was cut off. {last.sentence}".rstrip(), hint="Fetch it again.")
    if "No such file" in words:
        return Missing(f"There is no {archive.path} in the container.", hint="Look with: kubectl exec POD -- ls")
    if "ermission denied" in words:
        return Conflict(f"The container's user may not read {archive.path}.", detail=words)
    if last.code in NO_PROGRAM or "not found" in words:
        hint = "Read the file instead: kubectl exec POD -- cat FILE"
        return Unsupported("The container has no tar to pack the file with.", hint=hint, detail=words)
    return Conflict(f"{archive.path} could not be packed (exit code {last.code}).", hint=words[:300], detail=words)
