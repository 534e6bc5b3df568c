"""One SSH transport, as paramiko has it, with what many users at once and a bad line ask of it in addition.

paramiko tells the reason of a refused channel to whoever asks first, waits for ever for the answer to a global request,
and forgets a channel that is opened after its deadline while the server keeps it. Here each refusal reaches the one who
asked, the far side is asked for a sign of life, and a channel that comes too late is closed.

Not here: who may open channels, how many, and what happens when the transport is lost (`line`).
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import paramiko
from paramiko.common import cMSG_CHANNEL_OPEN, cMSG_GLOBAL_REQUEST
from paramiko.message import Message

from connectors.ssh.hearing import Hearing
from connectors.ssh.orderly import Orderly

WIRE_LOG = "connectors.ssh.wire"
WINDOW_BYTES = 2 * 1024 * 1024
"""What the far side may send on one channel before it is read: at 200 ms there and back 10 MB/s."""
PACKET_BYTES = 32 * 1024
CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr")
"""GCM first: 200 MB cost 0.35 s of processor with it, 0.81 s with CTR and HMAC, paramiko's own first choice."""
MACS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512")
"""With CTR only. Servers that have neither these nor GCM are older than 2012 (OpenSSH 5.9)."""
ACKNOWLEDGED_S = 3.0
"""A closed channel that the far side does not acknowledge keeps its place so long."""
POLL_S = 0.1
SEEN_MAX = 10_000
"""Channels of one transport that are remembered, the older half forgotten then unless they are open."""


class Refused(paramiko.ChannelException):  # type: ignore[misc]  # paramiko has no types
    """A channel that the server did not open: its `kind`, the `code` of RFC 4254 section 5.1, the server's words."""

    def __init__(self, kind: str, code: int, words: str) -> None:
        super().__init__(code, words)
        self.kind = kind
        self.words = words


class Carrier(paramiko.Transport):  # type: ignore[misc]  # paramiko has no types
    """A transport over `sock`, a socket or the channel of another transport."""

    def __init__(self, sock: Any, *, name: str) -> None:
        super().__init__(
            sock,
            default_window_size=WINDOW_BYTES,
            default_max_packet_size=PACKET_BYTES,
            packetizer_class=Hearing,
        )
        self.name = f"ssh-{name}"
        self.asked_host_keys: tuple[str, ...] = tuple(super().preferred_keys)
        self.host_blob = b""
        """The key that the server proved to have, with its certificate where it has one."""
        self._refusals: dict[int, tuple[int, str]] = {}
        self._late: dict[int, paramiko.Channel] = {}
        self._ends: dict[int, Callable[[], None]] = {}
        self._closing: dict[int, float] = {}
        quiet = logging.getLogger(WIRE_LOG)
        if quiet.level == logging.NOTSET:
            quiet.setLevel(logging.CRITICAL)  # it writes a trace for each refused login; `line` says what happened
        self.set_log_channel(WIRE_LOG)

    @property
    def preferred_ciphers(self) -> tuple[str, ...]:
        """Give the ciphers in the order in which they are asked for."""
        return CIPHERS

    @property
    def preferred_macs(self) -> tuple[str, ...]:
        """Give the checksums in the order in which they are asked for."""
        return MACS

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        """Give the host key algorithms in the order in which the server is asked for them."""
        return self.asked_host_keys

    def silent_s(self) -> float:
        """Say for how many seconds nothing was heard from the far side."""
        return float(time.monotonic() - self.packetizer.heard)

    def keep_alive(self) -> None:
        """Begin to ask for signs of life."""
        self.packetizer.pulse = self._ask_for_life

    def open(self, kind: str, *, extra: bytes = b"", timeout_s: float) -> paramiko.Channel:
        """Open a channel of any kind; `extra` are the fields that follow in the message (RFC 4254 section 5.1).

        Raise Refused with the server's words, SSHException when the transport is lost or the answer takes too long.
        """
        channel, answered = self._announce(kind, extra)
        number = channel.get_id()
        deadline = time.monotonic() + timeout_s
        while not answered.wait(POLL_S):
            if not self.is_active():
                raise paramiko.SSHException("The transport was lost.")
            if time.monotonic() > deadline:
                with self.lock:
                    self._late[number] = channel
                raise paramiko.SSHException("Timeout opening channel.")
        if (refusal := self._refusals.pop(number, None)) is not None:
            raise Refused(kind, *refusal)
        if not self.is_active():
            raise paramiko.SSHException("The transport was lost.")
        return channel

    def open_channel(  # paramiko's own signature
        self,
        kind: str,
        dest_addr: tuple[str, int] | None = None,
        src_addr: tuple[str, int] | None = None,
        window_size: int | None = None,  # noqa: ARG002  (one size for all)
        max_packet_size: int | None = None,  # noqa: ARG002  (as above)
        timeout: float | None = None,
    ) -> paramiko.Channel:
        """Open a session, or a connection to `dest_addr`, as paramiko's own method does."""
        fields = Message()
        for address in (dest_addr, src_addr):
            if address is not None:
                fields.add_string(address[0])
                fields.add_int(address[1])
        return self.open(kind, extra=fields.asbytes(), timeout_s=self.channel_timeout if timeout is None else timeout)

    def at_end(self, channel: paramiko.Channel, call: Callable[[], None]) -> None:
        """Call once, when both sides have closed a channel or the transport is ended."""
        with self.lock:
            known = self._channels.get(channel.get_id()) is channel
            if known:
                self._ends[channel.get_id()] = call
        if not known:
            call()
            return
        # A channel that nobody closes is closed by paramiko when it is collected, and nobody would hear of it.
        weakref.finalize(channel, self._ended, channel.get_id()).atexit = False

    def sweep(self) -> None:
        """Take for ended what we closed long ago: sshd closes a session only when its program is over."""
        now = time.monotonic()
        with self.lock:
            channels = [(number, self._channels.get(number)) for number in self._ends]
        for number, channel in channels:
            if channel is None or not channel.closed:
                continue
            if now - self._closing.setdefault(number, now) > ACKNOWLEDGED_S:
                self._ended(number)

    def end(self) -> None:
        """Close the transport, and the timer of a handshake that never came to its end."""
        self.packetizer.complete_handshake()
        self.close()
        self.sock.close()
        for number in list(self._ends):
            self._ended(number)

    def _announce(self, kind: str, extra: bytes) -> tuple[paramiko.Channel, threading.Event]:
        with self.lock:
            number = self._next_channel()
            channel = Orderly(number)
            answered = threading.Event()
            self._channels.put(number, channel)
            self.channel_events[number] = answered
            self._remember(number)
            channel._set_transport(self)
            channel._set_window(WINDOW_BYTES, PACKET_BYTES)
        asking = Message()
        asking.add_byte(cMSG_CHANNEL_OPEN)
        asking.add_string(kind)
        for amount in (number, WINDOW_BYTES, PACKET_BYTES):
            asking.add_int(amount)
        asking.add_bytes(extra)
        self._send_user_message(asking)
        return channel, answered

    def _remember(self, number: int) -> None:
        """Note a channel, so that late words about it are passed over. Needs the lock.

        paramiko remembers all there ever were: 10 connections a second would be 80 MB after a day.
        """
        if len(self.channels_seen) >= SEEN_MAX:
            still_open = {channel.get_id() for channel in self._channels.values()}
            for old in list(self.channels_seen)[: SEEN_MAX // 2]:
                if old not in still_open:
                    del self.channels_seen[old]
        self.channels_seen[number] = True

    def _verify_key(self, host_key: bytes, signature: bytes) -> None:
        super()._verify_key(host_key, signature)
        self.host_blob = host_key

    def _parse_channel_open_success(self, message: Message) -> None:
        number = message.get_int()
        message.rewind()
        super()._parse_channel_open_success(message)
        with self.lock:
            late = self._late.pop(number, None)
        if late is not None:
            late.close()

    def _parse_channel_open_failure(self, message: Message) -> None:
        number, code, words = message.get_int(), message.get_int(), message.get_text()
        message.rewind()
        with self.lock:
            if self._late.pop(number, None) is None:
                self._refusals[number] = (code, words)
        super()._parse_channel_open_failure(message)

    def _unlink_channel(self, number: int) -> None:
        super()._unlink_channel(number)
        self._ended(number)

    def _ended(self, number: int) -> None:
        self._closing.pop(number, None)
        ended = self._ends.pop(number, None)
        if ended is not None:
            ended()

    def _ask_for_life(self) -> None:
        if not self.clear_to_send.is_set():
            return  # keys are being exchanged: the reader must read, and would wait here for itself
        asking = Message()
        asking.add_byte(cMSG_GLOBAL_REQUEST)
        asking.add_string("keepalive@openssh.com")
        asking.add_boolean(True)
        self._send_user_message(asking)
