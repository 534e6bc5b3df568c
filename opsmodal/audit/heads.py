"""Signed heads: the number and hash of the last row, kept beside the rows and noted outside of the store.

The rows alone cannot show that their end was cut off. The head in the store does, as long as nobody who may write
there has the installation's key too; the heads noted in a file (which may lie on another machine) also show a store
that was put back to an older state as a whole.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from opsmodal.errors import Refusal
from opsmodal.store.vault import Vault
from runtimes.structs import make_ready

PURPOSE = "audit heads"
_FILE_MODE = 0o600


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The last row at a moment. `signature` is Ed25519 (RFC 8032) over the other three, in base64."""

    id: int
    hash: str
    at: datetime
    signature: str = ""


class ForgedHead(Refusal):
    """A head whose signature is not this installation's."""


class Signer:
    """Sign heads with the installation's key, and tell its signatures from others."""

    def __init__(self, vault: Vault) -> None:
        self._keys: Sequence[Ed25519PrivateKey] = vault.signing_keys(PURPOSE)

    def signed(self, *, number: int, row_hash: str, at: datetime) -> Head:
        """Make a head."""
        head = Head(id=number, hash=row_hash, at=at)
        return msgspec.structs.replace(head, signature=base64.b64encode(self._keys[0].sign(_text(head))).decode())

    def demand_ours(self, heads: Iterable[Head]) -> dict[int, str]:
        """Give the hashes of heads by number. Raise ForgedHead for the first that was not signed with our key."""
        known = {}
        for head in heads:
            if not any(_signed_by(key, head) for key in self._keys):
                raise ForgedHead(
                    f"The head of row {head.id} is not signed with this installation's key.",
                    hint="Somebody changed it, or the key was changed: give the old key too, after the new one.",
                )
            known[head.id] = head.hash
        return known


def noted(path: Path) -> list[Head]:
    """Read the heads of a file, oldest first; none when there is no file. Raise ForgedHead for a damaged line.

    The file may be a copy of what was forwarded, as a webhook or a syslog daemon has written it: rows and the lines of
    other programs are passed over there, and whatever stands before the JSON.
    """
    lines = path.read_bytes().splitlines() if path.exists() else []
    if any(_MARK in line for line in lines):
        lines = [line[line.index(_MARK) :] if _MARK in line else b"" for line in lines]
    else:
        lines = [line or b"{}" for line in lines]
    heads = []
    for number, line in enumerate(lines, 1):
        try:
            heads += [_HEAD.decode(line)] if line else []
        except msgspec.DecodeError as error:
            hint = "Compare it with a copy of the file."
            raise ForgedHead(f"Line {number} of {path} is no head.", hint=hint) from error
    return heads


def note(path: Path, head: Head) -> None:
    """Append a head to a file and wait until it is on disk. Raise OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, _FILE_MODE)
    try:
        os.write(descriptor, msgspec.json.encode(head) + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _text(head: Head) -> bytes:
    return f"{head.id} {head.hash} {head.at.isoformat()}".encode()


def _signed_by(key: Ed25519PrivateKey, head: Head) -> bool:
    try:
        key.public_key().verify(base64.b64decode(head.signature), _text(head))
    except (InvalidSignature, ValueError):
        return False
    return True


_MARK = b'{"entry":"head",'
"""How a forwarded head begins; within a text of a row the quotes would have backslashes."""
_HEAD = msgspec.json.Decoder(Head)
make_ready(globals())
