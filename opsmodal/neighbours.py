"""Workers of one host ask each other: for what a follow or a command writes that runs in another one, and for figures.

A page that comes back may land on another worker than the one where its job runs. That worker reads for it, a question
at a time. It refuses to answer other users of the machine, to keep a question longer than READ_MAX_S, and to be asked
more at once than ASKED_MAX.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Literal

import msgspec

from opsmodal.commands.ending import Ending
from opsmodal.commands.job import STOP_WAIT_S, Closed
from opsmodal.errors import NotThere
from opsmodal.jobs import Worker
from opsmodal.place import Place, is_same_user
from opsmodal.spool import READ_MAX_BYTES, Gone
from runtimes.structs import make_ready

log = logging.getLogger(__name__)

READ_MAX_S = 20.0
MESSAGE_MAX_BYTES = 2 * READ_MAX_BYTES
ASKED_MAX = 256
LOOK_S = 1.0
JOIN_S = 5.0
LENGTH_BYTES = 4


class Lost(Exception):
    """The worker that holds a job does not answer any more, or does not hold it."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What one worker asks another. `worker` is whom it takes the other one for."""

    what: Literal["read", "figures", "command", "stop"]
    worker: str = ""
    job: str = ""
    person: str = ""
    """Whose job it is; who stops a command, which the asker's door has let them."""
    service: str = ""
    offset: int = 0
    limit: int = 0
    wait_s: float = 0.0


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What it is told. `is_here` is False for a job that it does not hold; `gone` is the first line still there.

    `ending` is how a command ended whose pieces were asked for, or that was to stop.
    """

    is_here: bool = True
    records: list[tuple[int, msgspec.Raw]] = []
    gone: int | None = None
    began_at: datetime | None = None
    reason: str = ""
    sentence: str = ""
    ending: Ending | None = None
    figures: msgspec.Raw = msgspec.Raw(b"null")


Answering = Callable[[Question], Answer]


class Neighbours:
    """This worker among those of its host: answers them, and asks them."""

    def __init__(self, place: Place, worker: Worker, answer: Answering) -> None:
        self._place = place
        self._worker = worker
        self._answer = answer
        self._free = threading.BoundedSemaphore(ASKED_MAX)
        self._closing = threading.Event()
        self._listener = place.listen()
        self._listener.settimeout(LOOK_S)
        self._thread = threading.Thread(target=self._serve, name="neighbours", daemon=True)
        self._thread.start()

    def job(self, holder: Worker, *, job: str, person: str, service: str) -> AwayJob | None:
        """Attach to a job in another worker; None when that one does not answer or does not hold it."""
        if holder.place is None:
            return None
        question = Question(what="read", worker=holder.id, job=job, person=person, service=service)
        try:
            return AwayJob(self, holder.place, question)
        except Lost:
            return None

    def command(self, holder: Worker, *, job: str, service: str) -> AwayCommand | None:
        """Attach to a command in another worker; None when that one does not answer or does not hold it."""
        if holder.place is None:
            return None
        question = Question(what="command", worker=holder.id, job=job, service=service)
        try:
            return AwayCommand(self, holder.place, question)
        except Lost:
            return None

    def figures(self) -> Iterator[tuple[int, msgspec.Raw]]:
        """Give what every other worker measures, with its place; one that does not answer is left out."""
        for number in self._place.others():
            try:
                yield number, self.ask(number, Question(what="figures"), wait_s=LOOK_S).figures
            except Lost:
                log.info("neighbour gives no figures", extra={"place": number})

    def ask(self, number: int, question: Question, *, wait_s: float) -> Answer:
        """Ask the worker in a place. Raise Lost."""
        try:
            with closing(self._place.dial(number, timeout_s=wait_s + JOIN_S)) as peer:
                _send(peer, msgspec.json.encode(question))
                return _ANSWER.decode(_receive(peer))
        except (OSError, ValueError) as error:
            raise Lost from error

    def close(self) -> None:
        """Stop to answer, and leave the place. May be called twice."""
        self._closing.set()
        self._thread.join(JOIN_S)
        self._listener.close()
        self._place.close()

    def _serve(self) -> None:
        while not self._closing.is_set():
            try:
                peer, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                log.exception("neighbours cannot ask any more")
                return
            if not is_same_user(peer) or not self._free.acquire(blocking=False):
                peer.close()
                continue
            threading.Thread(target=self._tell, args=(peer,), name="neighbour", daemon=True).start()

    def _tell(self, peer: socket.socket) -> None:
        try:
            with closing(peer), self._one_less():
                peer.settimeout(READ_MAX_S)
                question = _QUESTION.decode(_receive(peer))
                is_meant = question.what == "figures" or question.worker == self._worker.id
                told = self._answer(question) if is_meant else Answer(is_here=False)
                _send(peer, msgspec.json.encode(told))
        except (OSError, ValueError) as error:
            log.info("neighbour not answered", extra={"why": type(error).__name__})
        except Exception:  # the top of a thread
            log.exception("neighbour not answered")

    @contextmanager
    def _one_less(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._free.release()


class Away:
    """Something that runs in another worker of this host. Raise Lost when it is not there."""

    def __init__(self, neighbours: Neighbours, place: int, question: Question) -> None:
        self.id = question.job
        self._ask = neighbours.ask
        self._place = place
        self._question = question
        told = self._read(0, limit=0, wait_s=0.0)
        if told.began_at is None:
            raise Lost
        self.began_at = told.began_at
        self._note(told)

    def _note(self, told: Answer) -> None:
        """Remember what was told of its end."""

    def _read(self, offset: int, *, limit: int, wait_s: float) -> Answer:
        return self._put(msgspec.structs.replace(self._question, offset=offset, limit=limit, wait_s=wait_s))

    def _put(self, question: Question) -> Answer:
        told = self._ask(self._place, question, wait_s=question.wait_s)
        if not told.is_here:
            raise Lost
        return told


class AwayJob(Away):
    """A follow that runs in another worker of this host."""

    reason = sentence = ""

    @property
    def ended(self) -> bool:
        """Whether no line will follow those that can be read."""
        return bool(self.reason)

    def read(self, offset: int, *, limit: int, wait_s: float) -> Sequence[tuple[int, bytes]]:
        """Give lines from `offset` on, as Job.read does. Raise spool.Gone, and Lost when that worker is gone."""
        told = self._read(offset, limit=limit, wait_s=wait_s)
        self._note(told)
        if told.gone is not None:
            raise Gone(told.gone)
        return [(at, bytes(record)) for at, record in told.records]

    def _note(self, told: Answer) -> None:
        self.reason, self.sentence = told.reason, told.sentence


class AwayCommand(Away):
    """A command that runs in another worker of this host, or has ended there."""

    ending: Ending | None = None

    def read(self, offset: int, *, limit: int, wait_s: float) -> Sequence[tuple[int, bytes]]:
        """Give pieces from `offset` on, as CommandJob.read does. Raise spool.Gone, and Closed when it is gone there."""
        try:
            told = self._read(offset, limit=limit, wait_s=wait_s)
        except Lost as lost:
            raise Closed from lost
        if told.gone is not None:
            raise Gone(told.gone)
        if not told.records:  # what it has written comes before its end
            self._note(told)
        return [(at, _BYTES.decode(record)) for at, record in told.records]

    def end_by(self, person: str) -> Ending | None:
        """Stop it in somebody's name, as CommandJob.end_by does. Raise NotThere when its worker does not answer."""
        question = msgspec.structs.replace(self._question, what="stop", person=person, wait_s=STOP_WAIT_S)
        try:
            return self._put(question).ending
        except Lost as lost:
            hint = "Look again in a minute: by then it has ended, or is told of as lost."
            raise NotThere("The process that runs the command does not answer.", hint=hint) from lost

    def _note(self, told: Answer) -> None:
        self.ending = told.ending


def _send(peer: socket.socket, message: bytes) -> None:
    peer.sendall(len(message).to_bytes(LENGTH_BYTES, "big") + message)


def _receive(peer: socket.socket) -> bytes:
    length = int.from_bytes(_exactly(peer, LENGTH_BYTES), "big")
    if length > MESSAGE_MAX_BYTES:
        raise ValueError("a message that is too long")
    return _exactly(peer, length)


def _exactly(peer: socket.socket, count: int) -> bytes:
    held = bytearray()
    while len(held) < count:
        part = peer.recv(min(65536, count - len(held)))
        if not part:
            raise OSError("the neighbour has closed the connection")
        held += part
    return bytes(held)


make_ready(globals())
_QUESTION: msgspec.json.Decoder[Question] = msgspec.json.Decoder(Question)
_BYTES: msgspec.json.Decoder[bytes] = msgspec.json.Decoder(bytes)
_ANSWER: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)
