"""Host keys that an authority vouches for: the @cert-authority lines of known_hosts, pure.

A certificate counts only if all of it holds: made for hosts, by an authority that stands in the file for this very
name, signed, within its time, and with the name among its principals. Where an authority is known, a server that shows
no certificate is not "unknown": leaving it out must not turn an alarm into a question.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificate,
    SSHCertificateType,
    load_ssh_public_identity,
)

from connectors.errors import HostKeyChanged
from connectors.ssh.hostkeys import ALARM, Known, fingerprint, keys_for, name_of


def vouches(lines: Iterable[Known], host: str, port: int, blob: bytes, *, now: datetime) -> bool:
    """Tell whether a host certificate is to be believed; False where known_hosts names no authority for the host.

    Raise HostKeyChanged with the reason where it names one and the certificate does not hold.
    """
    authorities = [line.blob for line in keys_for(lines, host, port) if line.marker == "@cert-authority"]
    if not authorities:
        return False
    revoked = [line.blob for line in keys_for(lines, host, port) if line.marker == "@revoked"]
    if fault := _fault(_read(blob), host, authorities, revoked, now):
        raise HostKeyChanged(f"The certificate of {name_of(host, port)} is not believed: {fault}.", hint=ALARM)
    return True


def has_authority(lines: Iterable[Known], host: str, port: int) -> bool:
    """Tell whether known_hosts names an authority for a host."""
    return any(line.marker == "@cert-authority" for line in keys_for(lines, host, port))


def without_certificate(host: str, port: int, key: bytes) -> HostKeyChanged:
    """Say that a host showed a bare key where an authority should vouch for it."""
    return HostKeyChanged(
        f"{name_of(host, port)} shows the bare key {fingerprint(key)}, though an authority should vouch for it.",
        hint=ALARM,
    )


def _read(blob: bytes) -> SSHCertificate | None:
    length = int.from_bytes(blob[:4], "big")
    try:
        found = load_ssh_public_identity(blob[4 : 4 + length] + b" " + base64.b64encode(blob))
    except (ValueError, UnsupportedAlgorithm):
        return None
    return found if isinstance(found, SSHCertificate) else None


def _fault(
    shown: SSHCertificate | None, host: str, authorities: list[bytes], revoked: list[bytes], now: datetime
) -> str:
    if shown is None:
        return "it cannot be read"
    signer = _blob(shown.signature_key())
    if signer not in authorities or signer in revoked or _blob(shown.public_key()) in revoked:
        return f"it was made by {fingerprint(signer)}, which known_hosts does not name for this host"
    if not _is_signed(shown):
        return "its signature is wrong"
    if not shown.valid_after <= now.timestamp() < shown.valid_before:
        return _time(shown)
    return "" if _is_for(shown, host) else "it is made for other names or another use"


def _is_signed(shown: SSHCertificate) -> bool:
    try:
        shown.verify_cert_signature()
    except InvalidSignature:
        return False
    return True


def _is_for(shown: SSHCertificate, host: str) -> bool:
    """Tell whether it is a host's of this name, and sets no condition. An empty list of names is good for none."""
    names = [name.decode(errors="replace").lower() for name in shown.valid_principals]
    return shown.type is SSHCertificateType.HOST and host.lower() in names and not shown.critical_options


def _time(shown: SSHCertificate) -> str:
    far = int(datetime.max.replace(tzinfo=UTC).timestamp()) - 1
    begin, end = (datetime.fromtimestamp(min(at, far), UTC) for at in (shown.valid_after, shown.valid_before))
    return f"it holds from {begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"


def _blob(key: object) -> bytes:
    written: bytes = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)  # type: ignore[attr-defined]  # every key has it
    return base64.b64decode(written.split()[1])
