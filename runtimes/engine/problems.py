"""What went wrong at an engine, in the words of `runtimes.errors`. Pure, but for looks at a socket's file and the way.

Every failure has a hint that can be followed: which unit to start, which group to join. What this module refuses to
do: show an engine's answer in full, or the trace of a client library.
"""

from __future__ import annotations

import errno
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from runtimes import errors
from runtimes.engine.answers import Refusal
from runtimes.way import Standings, told

T = TypeVar("T")
Kind = Literal["docker", "podman"]

TITLES: dict[Kind, str] = {"docker": "Docker", "podman": "Podman"}
UNITS: dict[Kind, str] = {"docker": "docker.service", "podman": "podman.socket"}

_ROOTLESS = re.compile(r"^/run/user/\d+/")
"""Where systemd keeps a user's sockets: such an engine is started by the user's own systemd."""

_BY_STATUS: dict[int, type[errors.RuntimeProblem]] = {
    400: errors.Invalid,
    401: errors.Denied,
    403: errors.Denied,
    404: errors.Missing,
    406: errors.Invalid,
    409: errors.Conflict,
    501: errors.Unsupported,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an engine is expected: `socket` is a path, or "" for a TCP `address`; `standing` says how the way is."""

    kind: Kind
    address: str
    socket: str = ""
    standing: Standings | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return self.socket or self.address

    @property
    def title(self) -> str:
        return TITLES[self.kind]

    @property
    def start_hint(self) -> str:
        if not self.socket:
            return f"Check that {self.title} listens on this address and that no firewall is between."
        user = " --user" if _ROOTLESS.match(self.socket) else ""
        return f"Start it with: systemctl{user} start {UNITS[self.kind]}"


def refused(status: int, body: bytes, *, place: Place, acting: bool = False) -> errors.RuntimeProblem:
    """Turn an HTTP answer of 400 or more into a problem.

    Engines answer 500 when a container cannot be started (a port is taken, a mount is gone): to somebody who is
    `acting` that is a Conflict, which another try does not mend.
    """
    words = message(body)
    if "HTTP request to an HTTPS server" in words:
        return errors.Unavailable(
            f"{place} wants TLS, and the connection is not encrypted.",
            hint="Register the runtime with the engine's CA certificate, a client certificate and its key.",
        )
    kind = errors.Conflict if acting and status == 500 else _BY_STATUS.get(status, errors.Unavailable)
    said = words.rstrip(".") or f"HTTP status {status}"
    return kind(f"{place.title} answered: {said}"[: errors.DETAIL_MAX_CHARS - 1] + ".", detail=words)


def message(body: bytes) -> str:
    """Read the sentence out of an engine's refusal; "" where it is none (a proxy's page is not shown)."""
    try:
        words = " ".join(msgspec.json.decode(body, type=Refusal).message.split())[: errors.DETAIL_MAX_CHARS]
        # It may end on a terminal (doctor), where an escape sequence would act.
        return "".join(character if character.isprintable() else "\ufffd" for character in words)
    except RecursionError:
        return ""
    except ValueError:
        text = body[: errors.DETAIL_MAX_CHARS].decode("utf-8", errors="replace").strip()
        return "" if "<" in text or not text.isprintable() else text


def not_an_engine(place: Place) -> errors.Unavailable:
    return errors.Unavailable(
        f"What answers at {place} is not a container engine.",
        hint=f"Check the address: it must be the API socket of {place.title}.",
    )


def failed(error: BaseException, *, place: Place, timeout_s: float) -> errors.RuntimeProblem:
    """Turn what a client library raised into a problem, by what the way says or the operating system underneath."""
    return told(_seen(error, place, timeout_s), place.standing)


def once_more(ask: Callable[[], T]) -> T:
    """Ask, and ask again when the connection ended before an answer began: a kept one may have died meanwhile.

    Only for reads. Raise what the second attempt raises.
    """
    try:
        return ask()
    except OSError as error:
        if not {type(each).__name__ for each in _chain(error)} & DROPPED:
            raise
    return ask()


DROPPED = frozenset({"RemoteDisconnected", "ConnectionResetError", "BrokenPipeError", "ConnectionAbortedError"})
"""What http.client and the operating system say when the other end has gone before it said anything."""


def _seen(error: BaseException, place: Place, timeout_s: float) -> errors.RuntimeProblem:
    chain = list(_chain(error))
    names = {type(each).__name__ for each in chain}
    if "SSLError" in names or "SSLCertVerificationError" in names:
        return _not_trusted(place, chain)
    if any(isinstance(each, TimeoutError) for each in chain) or names & {"ReadTimeout", "ConnectTimeout"}:
        return errors.Unavailable(
            f"{place.title} at {place} did not answer within {timeout_s:g} s.",
            hint="The engine or its host may be overloaded. Try again in a moment.",
        )
    system = next((each for each in chain if isinstance(each, OSError) and each.errno), None)
    return _unreachable(system, place, names)


def _unreachable(system: OSError | None, place: Place, names: set[str]) -> errors.RuntimeProblem:
    number = system.errno if system else None
    if number in (errno.EACCES, errno.EPERM):
        return errors.Denied(f"{place} may not be opened by the user that runs opsmodal.", hint=_permission_hint(place))
    if number in (errno.ENOENT, errno.ENOTDIR) and place.socket:
        return errors.Unavailable(f"{place} does not exist.", hint=place.start_hint)
    if number == errno.ECONNREFUSED and place.socket and not _is_socket(place.socket):
        return errors.Unavailable(f"{place} is not a socket.", hint=f"Name the API socket of {place.title}.")
    if number == errno.ECONNREFUSED:
        return errors.Unavailable(f"Nobody listens at {place}.", hint=place.start_hint)
    if names & {"BadStatusLine", "InvalidHeader", "LineTooLong", "HTTPException", "UnknownProtocol"}:
        return not_an_engine(place)
    words = (system.strerror or "").lower() if system else "the connection was closed before the answer was complete"
    return errors.Unavailable(f"{place.title} at {place} cannot be reached: {words}.", hint=place.start_hint)


def _not_trusted(place: Place, chain: list[BaseException]) -> errors.Unavailable:
    text = " ".join(str(each) for each in chain)
    if "WRONG_VERSION_NUMBER" in text:
        return errors.Unavailable(f"{place} does not talk TLS.", hint="Register the runtime without certificates.")
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return errors.Unavailable(
            f"The certificate of {place} was not signed by the registered CA, or is for another name.",
            hint="Register the CA that signed the engine's certificate, and the name that stands in it.",
        )
    return errors.Unavailable(
        f"{place} refused the TLS connection.",
        hint="Check that the client certificate and key belong together and that the engine's CA signed them.",
    )


def _permission_hint(place: Place) -> str:
    if place.kind == "docker":
        return "Add that user to the group docker (which equals root on the host) and start opsmodal again."
    return "Use the user's own rootless socket (/run/user/<uid>/podman/podman.sock), or run opsmodal as its owner."


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(Path(path).stat().st_mode)
    except OSError:
        return True


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Walk an exception and everything it wraps: client libraries hide the cause in arguments and attributes."""
    todo, met = [error], set[int]()
    while todo:
        each = todo.pop(0)
        if id(each) in met:
            continue
        met.add(id(each))
        yield each
        wrapped = [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
        todo.extend(inner for inner in wrapped if isinstance(inner, BaseException))
