"""Where the audit log can be forwarded to: addresses, checked and named before anything is opened, and what all share.

An address holds no credential: a token for webhooks is a setting of its own. What is shown of a webhook is its host and
a digest, as the path of many is a secret. It opens nothing itself.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

SYSLOG_PORT = 514
"""RFC 5426, and what most listen on for TCP, which has no port of its own."""
SYSLOG_TLS_PORT = 6514
"""RFC 5425."""
TAKE_MAX_S = 10.0
"""How long a target may take for one batch: less than a lease lasts, so that two workers hardly ever send at once."""
DIGEST_CHARS = 8
NAME_MAX_CHARS = 200
NETWORKS = {"syslog+udp": SYSLOG_PORT, "syslog+tcp": SYSLOG_PORT, "syslog+tls": SYSLOG_TLS_PORT}
FORMS = "file:/path, syslog+udp://host, syslog+tcp://host, syslog+tls://host, syslog:/dev/log or https://host/path"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line to forward: a row of the log, or the head of row `id`. `text` is JSON in ASCII, without a line end."""

    id: int
    at: datetime
    text: bytes
    is_head: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A checked address. `kind` is its scheme, `name` what may be shown of it; `path` is a file or socket."""

    kind: str
    name: str
    url: str = ""
    host: str = ""
    port: int = 0
    path: str = ""


class WrongAddress(ValueError):
    """An address that nothing can be forwarded to; the text continues “must”."""


class NotTaken(Exception):
    """The target has not taken a batch, as far as is known. `sentence` says why and what to do."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class Target(Protocol):
    """Takes lines in order. `confirms` says whether `take` returning means that they have arrived."""

    name: str
    confirms: bool

    def take(self, lines: Sequence[Line]) -> None:
        """Take lines: all of them, or raise NotTaken and some of them, from the first on."""

    def look_after(self) -> None:
        """See while nothing is to be sent that nothing was lost, or send it again. Raise NotTaken."""

    def close(self) -> None:
        """Close what is open; the next batch opens it again."""


def checked(text: str) -> Address:
    """Read an address. Raise WrongAddress; its text never repeats the address, which may hold a credential."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise WrongAddress(f"hold addresses such as {FORMS}") from None
    if parts.username is not None or parts.password is not None:
        raise WrongAddress("hold no user and no password: a webhook's token is OPSMODAL_AUDIT_FORWARD_TOKEN")
    if parts.fragment or not parts.scheme:
        raise WrongAddress(f"hold addresses such as {FORMS}")
    if parts.scheme in ("file", "syslog"):
        return _local(parts)
    if parts.scheme in NETWORKS:
        return _network(parts, port or NETWORKS[parts.scheme])
    if parts.scheme in ("https", "http"):
        return _webhook(text, parts)
    raise WrongAddress(f"hold addresses such as {FORMS}")


def mistakes(addresses: Sequence[str], *, ca_file: str) -> Iterator[str]:
    """Say what is wrong with the settings of forwarding, in sentences."""
    names = []
    for number, text in enumerate(addresses, 1):
        try:
            names.append(checked(text).name)
        except WrongAddress as wrong:
            yield f"OPSMODAL_AUDIT_FORWARD must {wrong} (its entry {number})."
    if len(set(names)) < len(names):
        yield "OPSMODAL_AUDIT_FORWARD must name each target once."
    if ca_file and not Path(ca_file).is_file():
        yield f"OPSMODAL_AUDIT_FORWARD_CA_FILE must be a file of certificates; there is none at {ca_file[:200]}."


def _local(parts: SplitResult) -> Address:
    if parts.netloc or parts.query or not parts.path.startswith("/") or len(parts.path) > NAME_MAX_CHARS:
        raise WrongAddress(f"hold the whole path of a file, like {parts.scheme}:/path")
    return Address(kind=parts.scheme, name=f"{parts.scheme}:{parts.path}", path=parts.path)


def _network(parts: SplitResult, port: int) -> Address:
    if not parts.hostname or len(parts.hostname) > NAME_MAX_CHARS or parts.path.strip("/") or parts.query:
        raise WrongAddress(f"hold a host and a port, like {parts.scheme}://host:{port}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Address(kind=parts.scheme, name=f"{parts.scheme}://{host}:{port}", host=parts.hostname, port=port)


def _webhook(text: str, parts: SplitResult) -> Address:
    if not parts.hostname or len(parts.netloc) > NAME_MAX_CHARS:
        raise WrongAddress("hold the host of a webhook, like https://host/path")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise WrongAddress("use https:// for a webhook on another machine")
    hidden = parts.path.strip("/") or parts.query
    digest = hashlib.sha256(text.encode()).hexdigest()[:DIGEST_CHARS]
    name = f"{parts.scheme}://{parts.netloc.lower()}" + (f"/… ({digest})" if hidden else "")
    return Address(kind="webhook", name=name, url=text)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
