"""The Commands tab: a typed line is judged, let through the door as what it does, run, and written down.

One path for every line, whoever types it and by whatever way. Nothing here reads a line: the guard does that, and what
runs is the argv that it gives back. A command is its person's, and theirs who may manage the service.
"""

from __future__ import annotations

from collections.abc import Callable

from opsmodal import actions
from opsmodal.access import Watch
from opsmodal.answers import Done
from opsmodal.commands.job import CommandJob, Readable
from opsmodal.commands.jobs import CommandJobs
from opsmodal.commands.record import Record
from opsmodal.errors import NotThere
from opsmodal.fleet import Fleet
from opsmodal.guard.world import Mode
from opsmodal.neighbours import AwayCommand
from opsmodal.operations.command_answers import (
    CheckAnswer,
    CommandAnswer,
    CommandRequest,
    CommandsAnswer,
    Completions,
    OneShotAnswer,
    StreamingAnswer,
    check_answer,
)
from opsmodal.operations.command_completing import complete
from opsmodal.operations.command_hits import CommandHits
from opsmodal.operations.command_judging import Judging
from opsmodal.operations.command_oneshot import IsGone, OneShot
from opsmodal.operations.command_passing import Passing
from opsmodal.operations.command_past import RUNNING, CommandPast, HistoryQuery
from opsmodal.operations.command_running import Running
from opsmodal.operations.command_streaming import Streaming
from opsmodal.operations.command_vocabulary import Words
from opsmodal.operations.commands_tab import CommandsTab
from opsmodal.operations.door import Door
from opsmodal.operations.guards import Consent
from opsmodal.permissions import Actor
from opsmodal.registry.registry import Registry
from opsmodal.settings import Settings

ELSEWHERE = "It runs in another process of this installation; it ends at its limit."
Find = Callable[[str, str], CommandJob | AwayCommand | None]
"""Find a streaming command by its id, on a service: in this process, or in another one of this host."""


class CommandOperations:
    """Judge and run what people type, and read what became of it."""

    def __init__(
        self,
        door: Door,
        fleet: Fleet,
        known: Registry,
        settings: Settings,
        *,
        jobs: CommandJobs,
        find: Find,
        watch: Watch,
    ) -> None:
        self._door = door
        self._find = find
        self._judging = Judging(door, fleet, known)
        running, records = Running(fleet), jobs.records
        passing = Passing(door, self._judging, CommandHits(door, fleet), records)
        self._oneshot = OneShot(passing, running, records, settings, watch=watch)
        self._streaming = Streaming(passing, running, jobs, settings, watch=watch)
        self._past = CommandPast(records)
        self._tab = CommandsTab(fleet, settings)
        self._words = Words(fleet)

    def read(self, actor: Actor, name: str, query: HistoryQuery) -> CommandsAnswer:
        """Give the tab, with what the actor typed on this service before."""
        leave = self._door.enter(actor, actions.COMMANDS_VIEW, name)
        past = self._past
        return self._tab.read(leave, self._judging.world(leave), past.history(leave, query), past.running(leave))

    def check(self, actor: Actor, name: str, request: CommandRequest) -> CheckAnswer:
        """Say what would become of a line. Nothing is run and nothing written down."""
        leave = self._door.enter(actor, actions.COMMANDS_VIEW, name)
        return check_answer(self._judging.judge(leave, request).verdict)

    def complete(self, actor: Actor, name: str, request: CommandRequest, at: int) -> Completions:
        """Give the words that fit where the cursor is; inside a chosen container nobody knows any."""
        leave = self._door.enter(actor, actions.COMMANDS_VIEW, name)
        if request.instance:
            return Completions()
        known = self._words.of(leave, request.mode, on_runtime=self._door.on_runtime(leave))
        return complete(request.command, at, known)

    def run(
        self, actor: Actor, name: str, request: CommandRequest, *, consent: Consent, is_gone: IsGone
    ) -> OneShotAnswer:
        """Run a line once and give what it wrote. It is ended when whoever asked `is_gone`, or may no longer."""
        return self._oneshot.run(actor, name, request, consent=consent, is_gone=is_gone)

    def start(self, actor: Actor, name: str, request: CommandRequest, *, consent: Consent) -> StreamingAnswer:
        """Start a line as a stream, which ends by itself, at a limit, or when it is stopped."""
        return self._streaming.start(actor, name, request, consent=consent)

    def stop(self, actor: Actor, name: str, command: str) -> Done:
        """Stop a command. One that has ended already is left as it is. Raise NotThere for another person's."""
        leave = self._door.enter(actor, actions.COMMAND_STOP, name, target=command)
        record = self._past.find(leave, command)
        if record.outcome != RUNNING:
            return Done(sentence="It has ended already.", targets=(command,))
        with self._door.act(leave, target=f"{command}: {record.line}"):
            running, ending = self._running(record), None
            if running is not None:
                ending = running.end_by(actor.name)
            elif not self._oneshot.stop(command):
                raise NotThere("The command cannot be stopped from here.", hint=ELSEWHERE)
        return Done(sentence=ending.sentence if ending else "It is being stopped.", targets=(command,))

    def record(self, actor: Actor, name: str, command: str, *, with_output: bool = True) -> CommandAnswer:
        """Give a command with its output as far as it is kept. Raise NotThere for another person's."""
        record = self._found(actor, name, command)
        return self._past.answer(record, self._running(record), with_output=with_output)

    def text(self, actor: Actor, name: str, command: str) -> str:
        """Give the output of a command as one text. Raise NotThere where none is kept."""
        record = self._found(actor, name, command)
        return self._past.text(record, self._running(record))

    def output(self, actor: Actor, name: str, command: str) -> Readable:
        """Give a command whose output can be followed, while it runs and afterwards. Raise NotThere."""
        record = self._found(actor, name, command)
        readable = self._running(record) or self._past.readable(record)
        if readable is None:
            raise NotThere("The output of this command cannot be followed from here.", hint=ELSEWHERE)
        return readable

    def _found(self, actor: Actor, name: str, command: str) -> Record:
        return self._past.find(self._door.enter(actor, actions.COMMANDS_VIEW, name), command)

    def _running(self, record: Record) -> CommandJob | AwayCommand | None:
        return self._find(record.id, record.service) if record.mode is Mode.STREAMING else None
