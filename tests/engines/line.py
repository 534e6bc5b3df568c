"""A bad line: a wire between this machine and a network namespace that delays, loses, throttles and is cut.

`tc netem` is not in every kernel. This wire is two TUN devices and a process between them that carries IP packets, so
that what is lost is lost to the kernel's own TCP (or to a tunnel's UDP): its retransmissions, its congestion window and
its time limits are real, and nothing here plays them. It knows no connection and looks into no packet.
"""

from __future__ import annotations

import contextlib
import fcntl
import heapq
import ipaddress
import json
import os
import random
import secrets
import selectors
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.engines.netns import Namespace, ran
from tests.engines.process import STOP_S, CannotStart

TUN = Path("/dev/net/tun")
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
"""linux/if_tun.h: a device of bare IP packets."""
PACKET_BYTES = 65_536
QUEUE_BYTES = 512 * 1024
"""What a throttled wire holds; more is dropped at its end, as a router's queue does."""
RANGE = ipaddress.ip_network("10.200.0.0/13")
"""Beside the range of the tests' bridges."""
TRIES = 100
HOUSE = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """How the wire is, each way: `loss` is the share of packets that vanish, `bytes_s` 0 is without a limit."""

    delay_s: float = 0.0
    loss: float = 0.0
    bytes_s: int = 0
    cut: bool = False


FAIR = Weather()
BAD = Weather(delay_s=0.1, loss=0.02)
"""200 ms there and back, and 2 % of the packets lost each way."""


class Wire:
    """A running wire. `host` is what stands at its far end."""

    def __init__(self, host: Namespace, process: subprocess.Popen[bytes]) -> None:
        self.host = host
        self._process = process

    def set(self, weather: Weather) -> None:
        """Let the weather change; return when it has."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(weather)).encode() + b"\n")
        self._process.stdin.flush()
        if not self._process.stdout.readline():
            raise RuntimeError("the wire has ended")

    @contextlib.contextmanager
    def being(self, weather: Weather) -> Iterator[None]:
        """Let the weather be so for a while."""
        self.set(weather)
        try:
            yield
        finally:
            self.set(FAIR)

    def close(self) -> None:
        """End it; both devices go with the process that holds them."""
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_S)
        self.host.close()


def start() -> Wire:
    """Lay a wire to a host of its own; raise CannotStart with the reason."""
    if os.geteuid() != 0 or not os.access(TUN, os.R_OK | os.W_OK):
        raise CannotStart("a wire between namespaces needs root and /dev/net/tun")
    name = f"om-w{secrets.token_hex(4)}"
    machine, address = _addresses()
    try:
        ran("ip", "netns", "add", name)
    except subprocess.CalledProcessError as problem:
        raise CannotStart(f"no network namespace: {problem.stderr.strip()}") from None
    host = Namespace(name, machine, address)
    try:
        return _laid(host)
    except (OSError, subprocess.SubprocessError, RuntimeError) as problem:
        host.close()
        raise CannotStart(f"cannot lay a wire: {problem}") from problem


def _addresses() -> tuple[str, str]:
    """Choose the two ends' addresses: at random, because other runs of the tests choose at the same time."""
    found = subprocess.run(["ip", "-json", "-4", "route", "show", "table", "all"], check=True, capture_output=True)
    routes = [route["dst"] for route in json.loads(found.stdout) if route["dst"][0].isdigit()]
    taken = [network for network in map(ipaddress.ip_network, routes) if network.prefixlen]
    for _ in range(TRIES):
        near = RANGE[random.randrange(0, RANGE.num_addresses, 4) + 1]
        if not any(near in network for network in taken):
            return str(near), str(near + 1)
    raise CannotStart("every address that the tests could use for a wire is in use")


def _laid(host: Namespace) -> Wire:
    device = _device(host.name)
    try:
        argv = ["ip", "netns", "exec", host.name, sys.executable, "-m", "tests.engines.line", str(device), host.name]
        process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[device], cwd=HOUSE, start_new_session=True
        )
    finally:
        os.close(device)
    wire = Wire(host, process)
    try:
        wire.set(FAIR)
        ran("ip", "address", "add", host.machine, "peer", host.address, "dev", host.name)
        ran("ip", "link", "set", host.name, "up")
        host.run("ip", "link", "set", "lo", "up")
        host.run("ip", "address", "add", host.address, "peer", host.machine, "dev", host.name)
        host.run("ip", "link", "set", host.name, "up")
    except BaseException:
        process.kill()
        process.wait(STOP_S)
        raise
    return wire


def _device(name: str) -> int:
    """Make a TUN device in the namespace that we are in; it lives as long as its descriptor."""
    descriptor = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
    try:
        fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


class Side:
    """One direction: packets wait here until they are due."""

    def __init__(self, source: int, sink: int) -> None:
        self.source, self._sink = source, sink
        self._waiting: list[tuple[float, int, bytes]] = []
        self._count = self._held = 0
        self._free_at = 0.0

    def take(self, weather: Weather, chance: random.Random) -> None:
        """Read what has come; lose it, or say when it is due."""
        with contextlib.suppress(BlockingIOError):
            while True:
                packet = os.read(self.source, PACKET_BYTES)
                if weather.cut or chance.random() < weather.loss or self._held + len(packet) > QUEUE_BYTES:
                    continue
                now = time.monotonic()
                if weather.bytes_s:
                    self._free_at = max(self._free_at, now) + len(packet) / weather.bytes_s
                due = max(now, self._free_at) + weather.delay_s
                self._count += 1
                self._held += len(packet)
                heapq.heappush(self._waiting, (due, self._count, packet))

    def give(self, weather: Weather) -> float | None:
        """Hand over what is due; say in how many seconds the next is, None when none waits."""
        while self._waiting:
            left_s = self._waiting[0][0] - time.monotonic()
            if left_s > 0:
                return left_s
            _, _, packet = heapq.heappop(self._waiting)
            self._held -= len(packet)
            if not weather.cut:
                with contextlib.suppress(OSError):  # the other device is not up yet, or its queue is full
                    os.write(self._sink, packet)
        return None


def carry(near: int, far: int) -> None:
    """Carry packets until the standard input ends, whose lines say how the weather is."""
    sides, weather, chance = (Side(near, far), Side(far, near)), FAIR, random.Random()
    told = b""
    with selectors.DefaultSelector() as selector:
        for side in sides:
            selector.register(side.source, selectors.EVENT_READ, side)
        selector.register(0, selectors.EVENT_READ)
        while True:
            due = [left_s for side in sides if (left_s := side.give(weather)) is not None]
            for key, _ in selector.select(min(due, default=None)):
                if key.data is not None:
                    key.data.take(weather, chance)
                    continue
                heard = os.read(0, PACKET_BYTES)
                if not heard:
                    return
                *lines, told = (told + heard).split(b"\n")
                for line in lines:
                    weather = Weather(**json.loads(line))
                    os.write(1, b"\n")


if __name__ == "__main__":
    carry(int(sys.argv[1]), _device(sys.argv[2]))
