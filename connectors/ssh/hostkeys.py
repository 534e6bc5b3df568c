"""Which host keys are known, and whether the one that a server shows is among them: strict always, pure.

There is no "accept it this once". An unknown key is told with its fingerprint, so that somebody may trust it after a
look at the host itself; any other key than the known ones is an alarm. A server that suddenly has only keys of another
algorithm counts as changed, not as unknown: else an attacker would only have to leave out the algorithm we know.

The file is that of sshd(8), section SSH_KNOWN_HOSTS FILE FORMAT: hashed names, [host]:port, * and ? and !, @revoked,
@cert-authority. Lines that nobody can read are passed over, as ssh does.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from connectors.errors import HostKeyChanged, HostKeyUnknown

SSH_PORT = 22
HASHED = "|1|"
"""HMAC-SHA1 of the name with a salt, the only scheme that ssh ever wrote."""
RSA = "ssh-rsa"
SIGNATURES = {RSA: ("rsa-sha2-512", "rsa-sha2-256")}
"""An RSA key is asked for by the signatures made with it (RFC 8332); SHA-1 is not among them."""
MARKERS = ("@revoked", "@cert-authority")
FIELDS = 3
CERTIFIED = "-cert-v01@openssh.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One line: whose key it is, of which algorithm, and whether it is trusted, revoked, or signs other keys."""

    patterns: tuple[str, ...]
    algorithm: str
    blob: bytes
    marker: Literal["", "@revoked", "@cert-authority"] = ""


def known_keys(text: str) -> list[Known]:
    """Read a known_hosts file."""
    return [found for line in text.split("\n") if (found := _line(line.strip())) is not None]


def _line(line: str) -> Known | None:
    fields = line.split()
    marker = fields.pop(0) if fields and fields[0].startswith("@") else ""
    if len(fields) < FIELDS or fields[0].startswith("#") or (marker and marker not in MARKERS):
        return None
    names, algorithm, written = fields[:FIELDS]
    try:
        blob = base64.b64decode(written, validate=True)
    except ValueError:
        return None
    if not blob.startswith(len(algorithm).to_bytes(4, "big") + algorithm.encode()):
        return None
    return Known(
        patterns=tuple(names.split(",")),
        algorithm=algorithm,
        blob=blob,
        marker=marker,  # type: ignore[arg-type]  # it is one of MARKERS or empty
    )


def name_of(host: str, port: int) -> str:
    """Give the name under which known_hosts has a host: `[host]:port` where the port is not 22."""
    return host.lower() if port == SSH_PORT else f"[{host.lower()}]:{port}"


def names_match(patterns: Iterable[str], name: str) -> bool:
    """Tell whether a list of patterns means `name`: one of them matches, and none with a ! before it does."""
    found = False
    for pattern in patterns:
        if pattern.startswith("!"):
            if _matches(pattern[1:], name):
                return False
        elif _matches(pattern, name):
            found = True
    return found


def _matches(pattern: str, name: str) -> bool:
    if pattern.startswith(HASHED):
        return _hash_matches(pattern, name)
    # fnmatch would read [host]:port as a set of letters.
    words = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern.lower())
    return re.fullmatch(words, name, re.DOTALL) is not None


def _hash_matches(pattern: str, name: str) -> bool:
    salt, _, digest = pattern.removeprefix(HASHED).partition("|")
    try:
        expected = base64.b64decode(digest, validate=True)
        made = hmac.new(base64.b64decode(salt, validate=True), name.encode(), "sha1").digest()
    except ValueError:
        return False
    return hmac.compare_digest(made, expected)


def keys_for(known: Iterable[Known], host: str, port: int) -> list[Known]:
    """Give the lines that speak of a host.

    As ssh does, those for the bare name count for another port only when none names that port: see check_host_key in
    OpenSSH's sshconnect.c.
    """
    lines = list(known)
    exact = _named(lines, name_of(host, port))
    if any(not line.marker for line in exact):
        return exact
    return list(dict.fromkeys((*exact, *_named(lines, name_of(host, SSH_PORT)))))


def _named(lines: Iterable[Known], name: str) -> list[Known]:
    return [line for line in lines if names_match(line.patterns, name)]


def algorithms(lines: Iterable[Known], supported: Iterable[str]) -> tuple[str, ...]:
    """Order what the server is asked for, out of `supported`: what we know a key of first.

    Certificates come before all where an authority is known, and are not asked for elsewhere: nobody could judge them.
    """
    mine, may = list(lines), list(supported)
    certified = [name for name in may if name.endswith(CERTIFIED)]
    wanted = certified if any(line.marker == "@cert-authority" for line in mine) else []
    known = [name for name in _asked(mine) if name in may]
    return tuple(dict.fromkeys((*wanted, *known, *(name for name in may if name not in certified))))


def _asked(lines: Iterable[Known]) -> Iterator[str]:
    for line in lines:
        if not line.marker:
            yield from SIGNATURES.get(line.algorithm, (line.algorithm,))


def fingerprint(blob: bytes) -> str:
    """Give the fingerprint of a public key as ssh-keygen shows it: `SHA256:…`."""
    return "SHA256:" + base64.b64encode(sha256(blob).digest()).decode().rstrip("=")


def line_for(host: str, port: int, algorithm: str, blob: bytes) -> str:
    """Write the line that known_hosts would need to have."""
    return f"{name_of(host, port)} {algorithm} {base64.b64encode(blob).decode()}"


def judge(lines: Iterable[Known], *, host: str, port: int, algorithm: str, blob: bytes) -> None:
    """Return when the key is known for this host. Raise HostKeyUnknown or HostKeyChanged, each with the fingerprint."""
    mine = keys_for(lines, host, port)
    shown = f"{name_of(host, port)} shows the {_spoken(algorithm)} key {fingerprint(blob)}"
    if any(line.blob == blob for line in mine if line.marker == "@revoked"):
        raise HostKeyChanged(f"{shown}, which is marked as revoked.", hint=ALARM)
    trusted = [line for line in mine if not line.marker]
    if any(line.blob == blob for line in trusted):
        return
    if trusted:
        known = ", ".join(f"{_spoken(line.algorithm)} {fingerprint(line.blob)}" for line in trusted)
        raise HostKeyChanged(f"{shown}, but is known by another one: {known}.", hint=ALARM)
    raise HostKeyUnknown(
        f"{shown}, and nobody has said yet that this is the right one.",
        hint="Compare it with what ssh-keygen -lf /etc/ssh/ssh_host_…_key.pub says on the host itself, then trust it.",
        host=host,
        port=port,
        line=line_for(host, port, algorithm, blob),
        fingerprint=fingerprint(blob),
    )


ALARM = (
    "Nothing was sent to it. Somebody may be in between, or the host was installed anew: ask who runs it, "
    "and only then replace the known key."
)


def _spoken(algorithm: str) -> str:
    return {RSA: "RSA", "ssh-ed25519": "ED25519"}.get(algorithm, "ECDSA" if "ecdsa" in algorithm else algorithm)
