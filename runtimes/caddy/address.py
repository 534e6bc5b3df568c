"""Where an admin API is: read out of what was registered, and written as a line of curl. Pure.

Whoever reaches the admin API owns the proxy, so an address is named in full, and none that could mean several machines.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote, urlsplit

from runtimes.errors import Invalid

HINT = "Write http://127.0.0.1:2019, or unix:///path of its admin socket."
SOCKET = re.compile(r"/[^\x00-\x1f\x7f]{1,1000}")
HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminAddress:
    """An admin API: the path of a Unix `socket`, or `scheme`, `host` and `port`."""

    text: str
    socket: str = ""
    scheme: str = "http"
    host: str = ""
    port: int = 0

    @property
    def netloc(self) -> str:
        """Give what stands in the header Host: Caddy refuses what it does not listen as; "" over a Unix socket."""
        return "" if self.socket else f"{self.host}:{self.port}"

    @property
    def base(self) -> str:
        """Give what paths are added to in a line of curl."""
        return "http://localhost" if self.socket else f"{self.scheme}://{self.netloc}"

    @property
    def is_open(self) -> bool:
        """Whether others of the network may reach it, too: it asks for no credential."""
        if self.socket or self.host == "localhost":
            return False
        try:
            return not ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return True

    def is_at(self, host: str, port: int) -> bool:
        """Tell whether it is at a port of an address, "" and 0.0.0.0 being every one of the host's."""
        if self.socket or port != self.port:
            return False
        try:
            other = ip_address(host.strip("[]") or "0.0.0.0")  # noqa: S104 - compared, not listened on
            own = ip_address("127.0.0.1" if self.host == "localhost" else self.host.strip("[]"))
        except ValueError:
            return host == self.host
        return other.is_unspecified or other == own or (other.is_loopback and own.is_loopback)

    def line(self, method: str, path: str, body: Any = None, etag: str = "") -> str:
        """Write a request as a line that a person can type on the host."""
        words = ["curl", "-sS", "--fail-with-body", "-X", method]
        words += ["--unix-socket", self.socket, "-H", "Host;"] if self.socket else []
        words += ["-H", f"If-Match: {etag}"] if etag else []
        if body is not None:
            words += ["-H", "Content-Type: application/json", "-d", json.dumps(body, separators=(",", ":"))]
        return shlex.join([*words, f"{self.base}{path}"])


def address(text: str) -> AdminAddress:
    """Read an address. Raise Invalid for what is none, or that names no single machine."""
    if text.startswith(("unix:///", "/")):
        path = text.removeprefix("unix://")
        if SOCKET.fullmatch(path):
            return AdminAddress(text=f"unix://{path}", socket=path)
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _refused(text) from None
    shown = f"[{host}]" if ":" in host else host
    extra = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in ("http", "https") or port is None or not HOST.fullmatch(shown) or extra:
        raise _refused(text)
    if why := _no_one(host):
        raise Invalid(f"{shown}:{port} is no address of an admin API: {why}.", hint=HINT)
    return AdminAddress(text=f"{parts.scheme}://{shown}:{port}", scheme=parts.scheme, host=shown, port=port)


def segment(name: str) -> str:
    """Make one part of a path of the API out of a name."""
    return quote(name, safe="-._~")


def path_of(parts: Sequence[str | int]) -> str:
    """Give the path of a place in the configuration."""
    return "/".join(("/config", *(segment(str(each)) for each in parts)))


def _no_one(host: str) -> str:
    try:
        plain = ip_address(host)
    except ValueError:
        return ""
    if plain.is_unspecified:
        return "it stands for every address of a machine"
    if plain.is_link_local or plain.is_multicast:
        return "it is a link's own, or many machines'"
    return ""


def _refused(text: str) -> Invalid:
    return Invalid(f'"{text.rpartition("@")[2][:200]}" is no address of an admin API.', hint=HINT)
