"""What is told of a certificate in a Secret, and of one that is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from runtimes.kubernetes.config.certificates import doubts, facts_of

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEY, OTHER = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())


def pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def certificate(*, begins: timedelta, ends: timedelta) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop <b>")])
    builder = x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=KEY.public_key(), serial_number=7)
    builder = builder.not_valid_before(NOON + begins).not_valid_after(NOON + ends)
    names = x509.SubjectAlternativeName([x509.DNSName("a.example.com"), x509.DNSName("*.example.com")])
    return builder.add_extension(names, critical=False).sign(KEY, hashes.SHA256()).public_bytes(Encoding.PEM)


GOOD = certificate(begins=timedelta(days=-1), ends=timedelta(days=60))


def test_its_facts() -> None:
    facts = facts_of({"tls.crt": GOOD, "tls.key": pem(KEY)})
    assert facts is not None
    assert facts.names == ("a.example.com", "*.example.com")
    assert (facts.subject, facts.not_after, facts.matches_key) == ("CN=shop \\<b\\>", NOON + timedelta(days=60), True)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, []),
        ({"tls.crt": GOOD, "tls.key": pem(KEY)}, []),
        ({"tls.crt": GOOD, "tls.key": pem(OTHER)}, ["not the key of"]),
        ({"tls.crt": GOOD, "tls.key": b"no key"}, ["no private key"]),
        ({"tls.crt": b"no certificate", "tls.key": b""}, ["no certificate"]),
        ({"tls.crt": certificate(begins=timedelta(-9), ends=timedelta(-1))}, ["expired on 2026-11-20"]),
        ({"tls.crt": certificate(begins=timedelta(-9), ends=timedelta(9))}, ["expires in 9 days"]),
        ({"tls.crt": certificate(begins=timedelta(1), ends=timedelta(90))}, ["not valid before 2026-11-22"]),
    ],
)
def test_what_is_wrong_with_it(values: dict[str, bytes], words: list[str]) -> None:
    said = doubts(values, NOON)
    assert len(said) == len(words), said
    for sentence, word in zip(said, words, strict=True):
        assert word in sentence
