"""The far ends of tunnels through SSH: a channel that leads to a port or socket, or to a program that talks to one.

Both look like a socket to whoever carries. A channel that was closed without an end was lost; a program that ends with
an error before it said a byte has refused, and its own words are the best reason there is.
"""

from __future__ import annotations

import socket

import paramiko

from connectors.errors import Unreachable
from connectors.running import Behind

STATUS_S = 3.0
"""For a program that has closed its output to end."""
FIRST_WORD = b"HTTP/1."
WORDS_MAX_BYTES = 16 * 1024
WORDS_SHOWN_CHARS = 200


class ChannelEnd:
    """A channel that behaves as a socket does."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel

    def recv(self, size: int, /) -> bytes:
        """Give what came, b"" at the end. Raise ConnectionResetError when there was none."""
        data: bytes = self._channel.recv(size)
        if not data and not self._channel.eof_received:
            raise ConnectionResetError
        return data

    def sendall(self, data: bytes, /) -> None:
        """Send all of it, as fast as the far side takes it. Raise OSError when it takes no more."""
        self._channel.sendall(data)

    def shutdown(self, how: int, /) -> None:
        """Say the end of what is sent, or end both ways."""
        if how == socket.SHUT_WR:
            self._channel.shutdown_write()
        else:
            self._channel.close()

    def close(self) -> None:
        """Close the channel. May be called twice, from any thread."""
        self._channel.close()


class ProgramEnd(ChannelEnd):
    """A program whose input and output are the connection; `label` names it and where it runs, for a sentence.

    What a login shell says before it is dropped up to `mark`. There is no mark where the key runs one fixed program
    whatever is asked for; then an engine's own first word tells that it is the right one.
    """

    def __init__(self, channel: paramiko.Channel, *, mark: bytes, label: str) -> None:
        super().__init__(channel)
        self._behind = Behind(mark)
        self._label = label
        self._said = False

    def recv(self, size: int, /) -> bytes:
        """Give what came. Raise Unreachable when the program ended with an error before it said anything."""
        while data := super().recv(size):
            if not self._said and not self._behind.found and data.startswith(FIRST_WORD):
                self._said = True
            if data := data if self._said else self._behind.take(data):
                self._said = True
                return data
        if not self._said and (self._status() != 0 or self._behind.noise):
            raise self._refusal()
        return b""

    def check(self) -> None:
        """Find out whether it reaches what it talks to: it has nothing to say, and says why when it does not."""
        self.shutdown(socket.SHUT_WR)
        self._channel.settimeout(STATUS_S)
        try:
            while self.recv(WORDS_MAX_BYTES):
                pass
        except TimeoutError:
            return  # it waits for the far side, so it has one

    def _status(self) -> int:
        self._channel.status_event.wait(STATUS_S)
        return int(self._channel.exit_status)

    def _refusal(self) -> Unreachable:
        self._status()
        words = b""
        while self._channel.recv_stderr_ready() and len(words) < WORDS_MAX_BYTES:
            words += self._channel.recv_stderr(WORDS_MAX_BYTES)
        said = (words or self._behind.noise).decode(errors="replace")
        shown = " ".join(said.split())[-WORDS_SHOWN_CHARS:]
        return Unreachable(
            f"{self._label} failed: {shown.rstrip('.') or 'it said nothing'}.",
            hint="Is the engine running, and may this user open its socket? sshd itself may not or cannot open it: see "
            "AllowStreamLocalForwarding.",
        )
