"""What went wrong outside, in words for a page. Foreign text is capped and never more than a reason."""

from __future__ import annotations

import ssl

from opsmodal.networks import Address

MISSING_HINT = "Add a record for it where the domain is managed; a new one may take some minutes to be seen."
REFUSED_HINT = "An administrator allows private networks with egressAllow on the runtime; the rest is never asked."
WAY_HINT = "It is asked from the machine that opsmodal runs on: look whether the way from there is open."
WORDS_MAX_CHARS = 100

DISTRUST = {
    9: "it is not valid yet",
    10: "it has expired",
    18: "it signed itself",
    19: "its issuer is not known here",
    20: "its issuer is not known here",
    21: "its issuer is not known here",
    62: "it is for another name",
    64: "it is for another address",
}
"""OpenSSL's X509_V_ERR_* (x509_vfy.h) in words."""


class EgressProblem(Exception):
    """Say why nothing came back; `kind` is of no-name, no-answer, dns, refused, silent, closed, unreached, no-tls,
    no-http."""

    def __init__(self, sentence: str, *, kind: str, hint: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.kind = kind
        self.hint = hint


def unreached(address: Address, port: int, error: OSError) -> EgressProblem:
    """Say why no line came to stand, or why it broke."""
    if isinstance(error, TimeoutError):
        return EgressProblem(f"{address} does not answer on port {port} in time.", kind="silent", hint=WAY_HINT)
    if isinstance(error, ConnectionRefusedError):
        return EgressProblem(f"Nothing listens at {address} on port {port}.", kind="closed", hint=WAY_HINT)
    words = (error.strerror or "the line broke").lower()[:WORDS_MAX_CHARS]
    return EgressProblem(f"{address} is not reached on port {port}: {words}.", kind="unreached", hint=WAY_HINT)


def no_tls(address: Address, port: int, error: ssl.SSLError) -> EgressProblem:
    """Say that there is no TLS, or none for this name."""
    words = (error.reason or "it broke off").replace("_", " ").lower()[:WORDS_MAX_CHARS]
    return EgressProblem(f"{address} has no TLS to offer on port {port}: {words}.", kind="no-tls")


def distrust(error: ssl.SSLCertVerificationError) -> str:
    """Say why nobody would trust a certificate: "it has expired"."""
    return DISTRUST.get(error.verify_code, (error.verify_message or "it cannot be verified").lower()[:WORDS_MAX_CHARS])
