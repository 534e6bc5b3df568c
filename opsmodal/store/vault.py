"""Seals credentials before they reach the database, and opens them again.

Fernet (AES-128-CBC with HMAC-SHA256, https://github.com/fernet/spec) with the identity of the record inside the sealed
text: a sealed value that somebody copies to another record does not open there. It never keeps or prints a key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from opsmodal.store.errors import WrongKey

KEY_BYTES = 32
FINGERPRINT_CHARS = 32
"""128 bits: enough that nobody finds a second text for a fingerprint."""
KEY_HINT = "Give the key this store was made with: OPSMODAL_KEY, or the file secret.key of its data folder."
SHAPE_HINT = "Make one with: openssl rand -base64 32 | tr '+/' '-_'"


def new_key() -> str:
    """Make a key."""
    return Fernet.generate_key().decode("ascii")


class Vault:
    """Seal and open texts. Several keys may be given, separated by commas: the first seals, all of them open."""

    def __init__(self, keys: str) -> None:
        each = [key.strip() for key in keys.split(",") if key.strip()]
        if not each:
            raise WrongKey("There is no key to seal credentials with.", hint=SHAPE_HINT)
        self._keys = [_raw(key) for key in each]
        self._first = self._keys[0]
        self._fernet = MultiFernet([Fernet(base64.urlsafe_b64encode(_raw(key))) for key in each])
        self.key_count = len(each)

    def seal(self, owner: Sequence[str], text: str) -> bytes:
        """Seal a text for one record; `owner` is what names the record."""
        return self.seal_bytes(owner, text.encode())

    def seal_bytes(self, owner: Sequence[str], data: bytes) -> bytes:
        """Seal bytes for one record."""
        return self._fernet.encrypt(_header(owner) + data)

    def open(self, owner: Sequence[str], sealed: bytes) -> str:
        """Open what was sealed for this record. Raise WrongKey when the key or the record is another."""
        return self.open_bytes(owner, sealed).decode()

    def open_bytes(self, owner: Sequence[str], sealed: bytes) -> bytes:
        """Open bytes that were sealed for this record, as `open` does."""
        try:
            plain = self._fernet.decrypt(sealed)
        except InvalidToken:
            raise WrongKey("A stored credential does not open with this key.", hint=KEY_HINT) from None
        header = _header(owner)
        if not plain.startswith(header):
            raise WrongKey(
                f"The stored credential of {' '.join(owner)} was sealed for another record.",
                hint="Somebody has changed the database by hand: give the credential again.",
            )
        return plain[len(header) :]

    def fingerprint(self, text: str) -> str:
        """Name a text without telling it: keyed, so that a short password cannot be guessed from an export."""
        return hmac.new(self._first, b"fingerprint\0" + text.encode(), hashlib.sha256).hexdigest()[:FINGERPRINT_CHARS]

    def signing_keys(self, purpose: str) -> tuple[Ed25519PrivateKey, ...]:
        """Derive a signing key for a purpose from each key (HKDF, RFC 5869); the first one signs."""
        return tuple(Ed25519PrivateKey.from_private_bytes(_derived(key, purpose)) for key in self._keys)


def _derived(key: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"opsmodal {purpose}".encode()).derive(key)


def _header(owner: Sequence[str]) -> bytes:
    """Name a record without doubt: a digest of its parts with their lengths, of fixed size."""
    parts = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in owner)
    return hashlib.sha256(parts).digest()


def _raw(key: str) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(key.encode("ascii"))
    except ValueError:
        raw = b""
    if len(raw) != KEY_BYTES:
        raise WrongKey("The key is not 32 bytes in URL-safe base64.", hint=SHAPE_HINT)
    return raw
