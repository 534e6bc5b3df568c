"""Says when a credential ended, so that a refused one is explained: "It expired 2 hours ago".

Nothing is verified here and nothing is trusted: the dates only ever go into a sentence.
"""

from __future__ import annotations

import base64
import binascii
import ssl
from datetime import UTC, datetime

import msgspec

from runtimes.structs import make_ready


class _Claims(msgspec.Struct):
    exp: float | None = None


def token_expires_at(token: str) -> datetime | None:
    """Read `exp` of a JWT (RFC 7519, section 4.1.4) without verifying it; None for any other token."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)), type=_Claims)
        return datetime.fromtimestamp(claims.exp, UTC) if claims.exp is not None else None
    except (binascii.Error, ValueError, msgspec.DecodeError, OverflowError, OSError):
        return None


def certificate_expires_at(pem: bytes) -> datetime | None:
    """Read `notAfter` of the first certificate in a PEM text; None when there is none."""
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(pem).not_valid_after_utc
    except (ValueError, ssl.SSLError):
        return None


def lapsed(expires_at: datetime | None, now: datetime) -> str:
    """Say "It expired 2 hours ago." when it did, else nothing."""
    if expires_at is None or expires_at > now:
        return ""
    return f"It expired {spoken((now - expires_at).total_seconds())} ago."


def spoken(seconds: float) -> str:
    """Say a span in its largest whole unit: "2 hours", "1 day"."""
    for unit, length_s in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        count = int(seconds // length_s)
        if count:
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "less than a second"


make_ready(globals())
