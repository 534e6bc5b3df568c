"""What a certificate in a Secret says of itself, and whether the key beside it is its own. Pure; it trusts nothing.

Whether anybody would trust it is not decided here: chains, names and revocation are a browser's to judge.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from runtimes.config import CertificateFacts

CERTIFICATE, KEY = "tls.crt", "tls.key"
PRIVATE = b"PRIVATE KEY-----"
"""How the first line of every private key in PEM ends (RFC 7468)."""
NAMES_MAX = 100
WORDS_MAX_CHARS = 300
SOON = timedelta(days=21)
"""A certificate of 90 days is renewed when a third is left; one that has less than three weeks was not."""


def facts_of(values: Mapping[str, bytes]) -> CertificateFacts | None:
    """Read the first certificate of a `tls.crt`; None where there is none that can be read."""
    first = _first(values.get(CERTIFICATE, b""))
    if first is None:
        return None
    return CertificateFacts(
        subject=first.subject.rfc4514_string()[:WORDS_MAX_CHARS],
        issuer=first.issuer.rfc4514_string()[:WORDS_MAX_CHARS],
        names=_names(first),
        not_before=first.not_valid_before_utc,
        not_after=first.not_valid_after_utc,
        matches_key=_matches(first, values.get(KEY, b"")),
    )


def doubts(values: Mapping[str, bytes], now: datetime | None = None) -> tuple[str, ...]:
    """Say in sentences what is wrong with a certificate and its key; nothing where there is no `tls.crt`."""
    if CERTIFICATE not in values:
        return ()
    facts, now = facts_of(values), now or datetime.now(UTC)
    if facts is None:
        return (f"{CERTIFICATE} holds no certificate that can be read: it has to be in PEM.",)
    said = []
    if facts.matches_key is False:
        said.append(f"{KEY} is not the key of the certificate in {CERTIFICATE}: no server can use the two together.")
    if facts.matches_key is None and KEY in values:
        said.append(f"{KEY} holds no private key that can be read: it has to be in PEM, and not encrypted.")
    if facts.not_after <= now:
        said.append(f"The certificate expired on {facts.not_after:%Y-%m-%d %H:%M} UTC.")
    elif facts.not_after - now < SOON:
        said.append(f"The certificate expires in {(facts.not_after - now).days} days, on {facts.not_after:%Y-%m-%d}.")
    if facts.not_before > now:
        said.append(f"The certificate is not valid before {facts.not_before:%Y-%m-%d %H:%M} UTC.")
    return tuple(said)


def fault(values: Mapping[str, bytes]) -> tuple[str, str] | None:
    """Say which key of a pair cannot be what it is for, and why in a sentence; None for one that a server can use.

    A private key of a kind that is not known here passes: another program may know it.
    """
    facts, key = facts_of(values), values.get(KEY, b"")
    if facts is None:
        return CERTIFICATE, f"{CERTIFICATE} holds no certificate that can be read: it has to be in PEM."
    if PRIVATE not in key:
        return KEY, f"{KEY} holds no private key: it has to be in PEM."
    if facts.matches_key is False:
        return KEY, f"{KEY} is not the key of the certificate in {CERTIFICATE}."
    return None


def _first(pem: bytes) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificates(pem)[0]
    except (ValueError, IndexError, UnsupportedAlgorithm):
        return None


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return ()
    names = [*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress))]
    return tuple(name[:WORDS_MAX_CHARS] for name in names[:NAMES_MAX])


def _matches(certificate: x509.Certificate, pem: bytes) -> bool | None:
    """Tell whether a key is the certificate's own; None where that cannot be told."""
    try:
        key = load_pem_private_key(pem, password=None)
        shape = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return key.public_key().public_bytes(*shape) == certificate.public_key().public_bytes(*shape)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
