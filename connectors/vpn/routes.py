"""Asks the kernel which way packets to an address would leave, and how an interface stands. Changes nothing.

Over netlink (rtnetlink(7)), as `ip route get` does: the answer knows policy rules and every table, needs no right and
no program (images of Python have no iproute2), and never waits for anything but the kernel.
"""

from __future__ import annotations

import errno
import fcntl
import ipaddress
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from connectors.errors import NotAvailable, Unreachable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

NLMSG_ERROR, NLM_F_REQUEST = 2, 1
RTM_NEWROUTE, RTM_GETROUTE = 24, 26
RTA_DST, RTA_OIF = 1, 4
HEADER = struct.Struct("=IHHII")
ROUTE = struct.Struct("=8BI")
ATTRIBUTE = struct.Struct("=HH")
ALIGNED = 4
"""linux/netlink.h and linux/rtnetlink.h."""
SIOCGIFFLAGS = 0x8913
IFREQ = struct.Struct("16sH22x")
"""netdevice(7)."""
IFF_UP, IFF_POINTOPOINT, IFF_RUNNING = 0x1, 0x10, 0x40
ANSWER_MAX_BYTES = 8192
KERNEL_S = 2.0
"""The kernel answers at once; this is against a wait for ever should it not."""
NO_WAY = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EACCES, errno.EINVAL, errno.ESRCH})
"""What the kernel says of no route, and of routes that are there to refuse: unreachable, prohibit, blackhole."""


@dataclass(frozen=True, slots=True)
class Link:
    """An interface: whether it is on and has a carrier, and whether it is one end of a line, as tunnels are."""

    name: str
    up: bool
    is_tunnel: bool


def link(name: str) -> Link | None:
    """Look at an interface; None where there is none of that name."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as any_socket:
        try:
            answer = fcntl.ioctl(any_socket, SIOCGIFFLAGS, IFREQ.pack(name.encode()[:15], 0))
        except OSError as error:
            if error.errno in {errno.ENODEV, errno.ENXIO}:
                return None
            raise
    flags: int = IFREQ.unpack(answer)[1]
    return Link(name, up=bool(flags & IFF_UP and flags & IFF_RUNNING), is_tunnel=bool(flags & IFF_POINTOPOINT))


def interface_to(address: Address) -> str:
    """Name the interface by which a packet of ours to `address` would leave just now.

    Raise Unreachable where no route leads there, NotAvailable where the kernel does not say.
    """
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as kernel:
            kernel.settimeout(KERNEL_S)
            kernel.bind((0, 0))
            kernel.sendall(_question(address))
            index = _out_by(kernel.recv(ANSWER_MAX_BYTES))
        return socket.if_indextoname(index)
    except OSError as error:
        if error.errno in NO_WAY:
            raise Unreachable(
                f"No route leads to {address}.", hint="Is the tunnel up? Its routes are missing."
            ) from None
        reason = error.strerror or str(error)
        raise NotAvailable(f"This machine does not say which way leads to {address}: {reason.lower()}.") from None


def _question(address: Address) -> bytes:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    packed = address.packed
    body = ROUTE.pack(family, len(packed) * 8, 0, 0, 0, 0, 0, 0, 0)
    body += ATTRIBUTE.pack(ATTRIBUTE.size + len(packed), RTA_DST) + packed
    return HEADER.pack(HEADER.size + len(body), RTM_GETROUTE, NLM_F_REQUEST, 1, 0) + body


def _out_by(answer: bytes) -> int:
    """Read the index of the interface out of an answer. Raise OSError with what the kernel refused."""
    length, kind, *_ = HEADER.unpack_from(answer)
    body = answer[HEADER.size : length]
    if kind == NLMSG_ERROR:
        number = -struct.unpack_from("=i", body)[0]
        raise OSError(number, os.strerror(number))
    if kind == RTM_NEWROUTE:
        for found, value in _attributes(body[ROUTE.size :]):
            if found == RTA_OIF:
                return int(struct.unpack("=I", value)[0])
    raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + ATTRIBUTE.size <= len(data):
        length, kind = ATTRIBUTE.unpack_from(data, at)
        if length < ATTRIBUTE.size:
            return
        yield kind, data[at + ATTRIBUTE.size : at + length]
        at += (length + ALIGNED - 1) // ALIGNED * ALIGNED
