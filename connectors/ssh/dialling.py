"""Open one SSH transport: connect, shake hands, judge the host key, and only then sign in.

The order is the point: a server that is not who it was is shown no key, no password and no user name. Every step has
its own deadline, because each can hang by itself: a bastion that accepts and says nothing, a host that drops packets.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import paramiko

from connectors.errors import ConnectionProblem, Forbidden, HostKeyUnknown, LoginRefused, Unreachable
from connectors.options import Hop
from connectors.ssh import hostkeys
from connectors.ssh.carrier import POLL_S, Carrier, Refused
from connectors.ssh.hostcerts import has_authority, vouches, without_certificate
from connectors.ssh.identities import offers
from connectors.ssh.login import log_in, quoted, where

CONNECT_S = 4.0
"""TCP asks again after 1 and after 3 s; a link that came back is to be noticed within 5 s, so nobody waits longer."""
BANNER_S = 8.0
HANDSHAKE_S = 10.0
PROHIBITED, CONNECT_FAILED = 1, 2
"""Why a channel is refused: RFC 4254 section 5.1."""


def dial(hop: Hop, connect: Callable[[], Any], *, made: Callable[[Carrier], None]) -> Carrier:
    """Give a transport that is signed in at `hop`, over what `connect` gives; `made` may end it while it is opened.

    Raise a ConnectionProblem that says at which step it failed.
    """
    refuse_control_characters(hop)
    with offers(hop.identity) as mine:  # a key that cannot be read is said before anybody is bothered
        known = hostkeys.known_keys(hop.known_hosts)
        carrier = Carrier(connect(), name=where(hop))
        try:
            made(carrier)
            _shake_hands(carrier, hop, known)
            _judge(carrier, hop, known)
            log_in(carrier, hop, mine)
            carrier.keep_alive()
        except BaseException:
            carrier.end()
            raise
    return carrier


def refuse_control_characters(hop: Hop) -> None:
    """Raise LoginRefused for a user or host name that no server has: it would only confuse logs and terminals."""
    for name in (hop.user, hop.host):
        if not name or any(not letter.isprintable() for letter in name):
            raise LoginRefused(
                f"{quoted(name)} cannot be the name of a user or host.",
                hint="Names are not empty and hold no line breaks or other control characters.",
            )


def connect(hop: Hop) -> socket.socket:
    """Connect to a hop from this machine. Raise Unreachable with the reason."""
    try:
        near = socket.create_connection((hop.host, hop.port), timeout=CONNECT_S)
    except OSError as error:
        raise _not_connected(hop, error) from error
    near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return near


def connect_through(hop: Hop, carrier: Carrier, timeout_s: float) -> paramiko.Channel:
    """Let the host at the end of a transport connect to the next hop. Raise Forbidden or Unreachable when it cannot."""
    try:
        return carrier.open_channel("direct-tcpip", (hop.host, hop.port), ("127.0.0.1", 0), timeout=timeout_s)
    except Refused as refused:
        raise _not_carried(hop, refused) from refused


def _not_connected(hop: Hop, error: OSError) -> Unreachable:
    if isinstance(error, TimeoutError):
        return Unreachable(
            f"{where(hop)} did not answer within {CONNECT_S:g} s.", hint="A firewall may drop the packets."
        )
    if isinstance(error, socket.gaierror):
        return Unreachable(f"No address is known for the name {quoted(hop.host)}.")
    if isinstance(error, ConnectionRefusedError):
        return Unreachable(f"{where(hop)}: connection refused.", hint="Is sshd running there, on this port?")
    return Unreachable(f"{where(hop)} cannot be reached: {words(error)}.")


def _not_carried(hop: Hop, refused: Refused) -> ConnectionProblem:
    if refused.code == PROHIBITED:
        return Forbidden(
            f"The jump host does not allow a connection to {where(hop)}.",
            hint="Its sshd_config (AllowTcpForwarding, PermitOpen) or the key's options there forbid it.",
        )
    return Unreachable(f"The jump host does not reach {where(hop)}: {words(refused.words)}.")


def _shake_hands(carrier: Carrier, hop: Hop, known: list[hostkeys.Known]) -> None:
    carrier.banner_timeout = BANNER_S
    carrier.handshake_timeout = HANDSHAKE_S
    mine = hostkeys.keys_for(known, hop.host, hop.port)
    carrier.asked_host_keys = hostkeys.algorithms(mine, carrier.asked_host_keys)
    shaken = threading.Event()
    carrier.start_client(shaken)
    until = time.monotonic() + BANNER_S + HANDSHAKE_S
    while not shaken.wait(POLL_S) and carrier.is_active() and time.monotonic() < until:
        pass  # paramiko does not set the event of a transport that is closed meanwhile
    if shaken.is_set() and carrier.is_active():
        return
    raise _no_handshake(hop, carrier.get_exception())


def _no_handshake(hop: Hop, error: BaseException | None) -> Unreachable:
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        return Unreachable(f"{where(hop)} speaks no cipher, key exchange or host key that is accepted here.")
    if isinstance(error, paramiko.SSHException) and "banner" in str(error):
        return _no_banner(hop, error.__context__)
    if isinstance(error, paramiko.SSHException) and "protocol version" in str(error):
        return _no_banner(hop, error)
    if error is None or isinstance(error, EOFError):
        return Unreachable(f"{where(hop)} did not finish the handshake.", hint="The host or a firewall cut it off.")
    return Unreachable(f"The handshake with {where(hop)} failed: {words(error)}.")


def _no_banner(hop: Hop, cause: BaseException | None) -> Unreachable:
    if isinstance(cause, TimeoutError):
        return Unreachable(
            f"{where(hop)} accepts connections, but said nothing within {BANNER_S:g} s.",
            hint="Its sshd hangs, or something else listens there.",
        )
    if isinstance(cause, EOFError | OSError):
        return Unreachable(
            f"{where(hop)} ended the connection before it said anything.",
            hint="It may have too many logins under way (MaxStartups), or not let this address in.",
        )
    return Unreachable(f"What listens at {where(hop)} is no SSH server.", hint="Look at the port.")


def _judge(carrier: Carrier, hop: Hop, known: list[hostkeys.Known]) -> None:
    key = carrier.get_remote_server_key()
    if key.public_blob is not None and vouches(known, hop.host, hop.port, carrier.host_blob, now=datetime.now(UTC)):
        return
    try:
        hostkeys.judge(known, host=hop.host, port=hop.port, algorithm=key.get_name(), blob=key.asbytes())
    except HostKeyUnknown:
        if has_authority(known, hop.host, hop.port):
            raise without_certificate(hop.host, hop.port, key.asbytes()) from None
        raise


def words(error: object) -> str:
    """Give what foreign code said, capped and without a full stop."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(text.split())[:200].rstrip(".")
