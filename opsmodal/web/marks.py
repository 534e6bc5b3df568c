"""How far a page has got in each log of a follow, said so that another process can go on exactly there.

Each frame carries a mark for every log in it. A page that comes back when its job is gone, because the server was
restarted or another one answers, hands its marks in as its first message. They are the page's own claim: a false one
makes it miss or repeat lines that it may read anyway.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from simple_websocket import Server

from opsmodal.errors import BadRequest
from opsmodal.job import Shown
from runtimes.base import LogQuery
from runtimes.lines import RESUME_OVERLAP_S, Position
from runtimes.structs import make_ready

MARKS_MAX = 500
"""Logs whose place is remembered: more than are followed at once, since pods come and go."""
MESSAGE_WAIT_S = 10.0
HINT = "Follow anew."

Key = tuple[str, str]
"""(instance, container)."""


class Left(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a page was when it lost its job: when the follow began, and the mark of each `instance/container`."""

    began_at: datetime
    marks: dict[str, str] = {}

    def going_on(self, query: LogQuery) -> LogQuery:
        """Ask for what comes after: of a log that gave nothing yet, all since the follow began."""
        since = self.began_at - timedelta(seconds=RESUME_OVERLAP_S)
        marks = {_key(name): mark for name, mark in self.marks.items()}
        return LogQuery(instance=query.instance, container=query.container, tail=None, since=since, marks=marks)


def receive_left(socket: Server) -> Left:
    """Take the first message of a page that comes back. Raise BadRequest."""
    message = socket.receive(timeout=MESSAGE_WAIT_S)
    try:
        left = _LEFT.decode(message or "")
        Places(left.marks)
        if left.began_at.tzinfo is None or len(left.marks) > MARKS_MAX:
            raise ValueError("no zone, or too many marks")
        return msgspec.structs.replace(left, began_at=max(left.began_at.astimezone(UTC), _OLDEST))
    except (ValueError, TypeError, OverflowError) as error:
        raise BadRequest("The first message does not say where the follow was left.", hint=HINT) from error


class Places:
    """How far each log was given. Raise ValueError for a mark that describes no place."""

    def __init__(self, marks: Mapping[str, str]) -> None:
        self._positions = {_key(name): Position.at(mark) for name, mark in marks.items()}

    def after(self, lines: Sequence[Shown]) -> dict[str, str]:
        """Take lines as given; say the place of each log among them."""
        touched: dict[Key, Position] = {}
        for line in lines:
            key = (line.instance, line.container)
            position = touched.get(key) or self._positions.pop(key, None) or Position()
            position.take(line.nanoseconds, line.text)
            touched[key] = position
        self._positions |= touched
        for key in list(self._positions)[: max(0, len(self._positions) - MARKS_MAX)]:
            del self._positions[key]
        return {"/".join(key): position.mark for key, position in touched.items() if position.mark}


def _key(name: str) -> Key:
    instance, _, container = name.rpartition("/")
    return instance, container


_OLDEST = datetime(1970, 1, 2, tzinfo=UTC)
"""No log is older; what is asked of a runtime is a little before."""

make_ready(globals())
_LEFT = msgspec.json.Decoder(Left)
