"""How a command ended, in the words that pages, records and programs share. Pure."""

from __future__ import annotations

from typing import Literal

import msgspec

from connectors.base import Ended, Exit
from runtimes.structs import make_ready

Reason = Literal["exited", "timeout", "output-limit", "stopped", "lost"]
EXITED: Reason = "exited"
TIMEOUT: Reason = "timeout"
OUTPUT_LIMIT: Reason = "output-limit"
STOPPED: Reason = "stopped"
LOST: Reason = "lost"

_REASONS: dict[Ended, Reason] = {Ended.EXITED: EXITED, Ended.TIMEOUT: TIMEOUT, Ended.LOST: LOST}
_MEGABYTE = 1_000_000
_MINUTE_S = 60


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a command, as the last frame of its output says it too. `bytes` is what it wrote as far as taken."""

    exit_code: int | None
    reason: Reason
    sentence: str
    duration_ms: int
    bytes: int

    @property
    def state(self) -> str:
        """The same in a word of jobs: done, failed, stopped or lost."""
        if self.reason == EXITED:
            return "done" if self.exit_code == 0 else "failed"
        return LOST if self.reason == LOST else "stopped"


def said(end: Exit, *, limit_s: float) -> tuple[Reason, str]:
    """Give the reason and the sentence of an end that a runtime tells of."""
    reason = _REASONS[end.reason]
    return reason, end.sentence or _sentence(reason, end.code, limit_s)


def timed_out(limit_s: float) -> str:
    """Say that a command was ended because it took too long."""
    return f"The command was ended after {_span(limit_s)}: it may not take longer."


def too_much(limit_bytes: int) -> str:
    """Say that a command was ended because it wrote too much."""
    return f"The command was ended after {_size(limit_bytes)} of output: it may not write more."


def stopped_by(person: str) -> str:
    """Say who stopped a command."""
    return f"{person} stopped the command." if person else "The command was stopped."


UNTOLD = "The command ended without saying how: what it has done is not known."
NOT_GONE = "The command was to be ended, and nobody confirms that it is gone: look where it runs."
WITH_THE_SERVER = "The command was stopped: the server that ran it ended."
WORKER_DIED = "The server that ran the command died: what it has done is not known."


def _sentence(reason: Reason, code: int | None, limit_s: float) -> str:
    if reason == TIMEOUT:
        return timed_out(limit_s)
    if reason == LOST:
        return "The way to the command was lost: what it has done is not known."
    if code is None:
        return "The command has ended."
    return "The command has ended." if code == 0 else f"The command ended with exit code {code}."


def _span(seconds: float) -> str:
    if seconds >= _MINUTE_S and seconds % _MINUTE_S == 0:
        minutes = int(seconds // _MINUTE_S)
        return f"{minutes} minute{'s' if minutes > 1 else ''}"
    return f"{seconds:g} second{'' if seconds == 1 else 's'}"


def _size(count: int) -> str:
    return f"{count / _MEGABYTE:g} MB" if count >= _MEGABYTE else f"{count:,} bytes"


make_ready(globals())
