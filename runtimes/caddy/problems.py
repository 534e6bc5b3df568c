"""What goes wrong at an admin API, in the words of `runtimes.errors`. Pure.

It is never Unavailable: the engine of the same host answers, and another way to it would not mend the proxy.
"""

from __future__ import annotations

import msgspec

from connectors.base import Standing
from connectors.errors import ConnectionProblem
from runtimes.caddy.address import AdminAddress
from runtimes.causes.words import quoted
from runtimes.errors import Conflict, Lacking, RuntimeProblem, Stale

WHAT = "caddy"
REASON_MAX_CHARS = 300
PRECONDITION = 412


class Refusal(msgspec.Struct, frozen=True):
    """What the API says instead of an answer."""

    error: str = ""


def changed(rest: str = "Nothing was changed.") -> Stale:
    """Say that somebody else changed the configuration first."""
    hint = f"{rest} Read it again, then repeat what you wanted to do."
    return Stale("Caddy's configuration changed since it was looked at.", hint=hint)


def refused(address: AdminAddress, status: int, body: bytes) -> RuntimeProblem:
    """Turn an answer other than 200 into a problem."""
    if status == PRECONDITION:
        return changed()
    try:
        words = msgspec.json.decode(body, type=Refusal).error
    except (ValueError, RecursionError):
        return not_caddy(address)
    if status in (401, 403):
        hint = "Add the address as it is registered to `admin.origins` of Caddy's configuration."
        return Lacking(f"Caddy's admin API at {address.text} refuses us: {_said(words)}.", hint=hint, what=WHAT)
    hint = "Nothing was changed: Caddy keeps the configuration that it had."
    return Conflict(f"Caddy does not take this: {_said(words)}.", hint=hint)


def unread(address: AdminAddress, status: int, body: bytes) -> Lacking:
    """Turn an answer other than 200 to who only reads into a problem: it is not there for us."""
    problem = refused(address, status, body)
    return problem if isinstance(problem, Lacking) else not_caddy(address)


def not_caddy(address: AdminAddress) -> Lacking:
    """Say that something else answers."""
    hint = "Look at proxyAdmin of the runtime: it is the admin address of Caddy 2.6 or newer."
    return Lacking(f"What answers at {address.text} is not the admin API of Caddy.", hint=hint, what=WHAT)


def unreached(
    address: AdminAddress, error: Exception, standing: Standing | None, *, sent: bool = False
) -> RuntimeProblem:
    """Say why no answer came; `sent`: a change may have been taken."""
    hint = "Start Caddy on that host, or look at proxyAdmin of the runtime."
    if sent and isinstance(error, TimeoutError | ConnectionResetError | BrokenPipeError):
        hint = "Look at the list again: whether the change was taken is not known."
    sentence = f"Caddy's admin API at {address.text} does not answer: {_why(error, standing)}."
    return Lacking(sentence, hint=hint, what=WHAT)


def _why(error: Exception, standing: Standing | None) -> str:
    told = error if isinstance(error, ConnectionProblem) else standing.problem if standing else None
    if told is not None:
        return _said(told.sentence)
    if isinstance(error, TimeoutError):
        return "nothing came in time"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there"
    if isinstance(error, FileNotFoundError):
        return "there is no such socket"
    if isinstance(error, PermissionError):
        return "the user that runs opsmodal may not open it"
    return _said((error.strerror if isinstance(error, OSError) else "") or str(error) or "the line broke")


def _said(words: str) -> str:
    return quoted(" ".join(words.split())[:REASON_MAX_CHARS]).rstrip(".") or "it gives no reason"
