"""A channel that says nothing any more once it has said that it is closed.

paramiko builds a message under the channel's lock and sends it after letting go of that. When another thread, or the
far side, closes the channel in between, the message follows the close. By then the server may have given the channel's
number to the next one, which takes a stranger's bytes or end for its own; or to none, for which sshd ends the whole
transport. Seen with 50 streams that were closed at once on a busy machine: the next connection ended before it began.

So a close waits for whoever is about to send: the last of them sends it. Nobody is waited for: a close wakes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import paramiko
from paramiko.message import Message


class Orderly(paramiko.Channel):  # type: ignore[misc]  # paramiko has no types
    """A channel whose close is its last message."""

    def __init__(self, number: int) -> None:
        self._about_to_send = 0
        self._at_last: list[Message] = []
        super().__init__(number)

    def recv(self, nbytes: int) -> bytes:
        """Read as paramiko does; what was read may be acknowledged."""
        with self._sending():
            data: bytes = super().recv(nbytes)
            return data

    def recv_stderr(self, nbytes: int) -> bytes:
        """Read as paramiko does; what was read may be acknowledged."""
        with self._sending():
            data: bytes = super().recv_stderr(nbytes)
            return data

    def shutdown(self, how: int) -> None:
        """End what is sent, or read, as paramiko does."""
        with self._sending():
            super().shutdown(how)

    def _send(self, data: bytes, message: Message) -> int:
        with self._sending():
            return int(super()._send(data, message))

    def _close_internal(self) -> tuple[Any, Any]:
        """Give the messages that close the channel, or keep them for whoever is about to send. Needs the lock."""
        messages: tuple[Any, Any] = super()._close_internal()
        if not self._about_to_send:
            return messages
        self._at_last += [message for message in messages if message is not None]
        return None, None

    @contextmanager
    def _sending(self) -> Iterator[None]:
        with self.lock:
            self._about_to_send += 1
        try:
            yield
        finally:
            with self.lock:
                self._about_to_send -= 1
                last = [] if self._about_to_send else self._at_last
                if last:
                    self._at_last = []
            for message in last:
                self.transport._send_user_message(message)
