"""Holds an ID token against everything that has to be true of it (OpenID Connect Core 1.0, section 3.1.3.7).

The signature comes before any claim is read. Only asymmetric algorithms count: a client secret, or a public key taken
for one, must never sign a token (RFC 8725, sections 2.1 and 3.1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError
from joserfc.jwk import Key

from opsmodal.oidc.errors import ASK, NotVouched

KEY_TYPES = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
    "Ed25519": "OKP",
}
"""The algorithms that may sign a token, and the kind of key each takes. EdDSA, which leaves the curve open, is
deprecated (RFC 9864)."""
TOKEN_MAX_CHARS = 100_000
SUBJECT_MAX_CHARS = 255
"""Core 1.0, section 2."""
LEEWAY_S = 60
"""By how much clocks may differ."""
RULES = {"iss": "issuer", "aud": "audience", "sub": "subject", "iat": "issued-at", "nbf": "not-yet-valid"}
SAID = {
    "issuer": "comes from another issuer",
    "audience": "is for somebody else",
    "azp": "is for another client",
    "nonce": "belongs to another sign-in",
    "expired": "has expired",
    "issued-at": "is from the future",
    "not-yet-valid": "is not valid yet",
    "subject": "names nobody",
    "at_hash": "does not belong to what came with it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a token must say. `algorithms` are those that the provider has announced."""

    issuer: str
    client_id: str
    nonce: str
    algorithms: Sequence[str]
    access_token: str = ""


def verified(
    token: str, expected: Expected, *, keys: Sequence[Key], anew: Callable[[], Sequence[Key]], now: int
) -> dict[str, Any]:
    """Give the claims of a token that is proven. `anew` reads the keys again. Raise NotVouched or ProviderAway."""
    algorithm, kid = _header(token, expected.algorithms)
    fitting = _fitting(keys, algorithm, kid) or _fitting(anew(), algorithm, kid)
    if not fitting:
        raise NotVouched("The provider's answer is signed with a key that it does not publish.", rule="key", hint=ASK)
    claims = _signed(token, fitting, algorithm)
    _demand_claims(claims, expected, {"alg": algorithm}, now)
    return claims


def _header(token: str, announced: Sequence[str]) -> tuple[str, str]:
    """Give algorithm and key id. Nothing of a token that announces another algorithm is looked at."""
    if len(token) > TOKEN_MAX_CHARS:
        raise NotVouched("The provider's answer is too large.", rule="token-size", hint=ASK)
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError) as error:
        raise NotVouched("The provider's answer cannot be read.", rule="token", hint=ASK) from error
    algorithm, kid = header.get("alg"), header.get("kid", "")
    if algorithm not in KEY_TYPES or algorithm not in announced:
        raise NotVouched("The provider's answer is not signed as it has to be.", rule="algorithm", hint=ASK)
    if not isinstance(kid, str):
        raise NotVouched("The provider's answer cannot be read.", rule="token", hint=ASK)
    return algorithm, kid


def _fitting(keys: Sequence[Key], algorithm: str, kid: str) -> list[Key]:
    return [
        key
        for key in keys
        if key.key_type == KEY_TYPES[algorithm]
        and (not kid or key.get("kid") == kid)
        and key.get("alg", algorithm) == algorithm
    ]


def _signed(token: str, keys: Sequence[Key], algorithm: str) -> dict[str, Any]:
    for key in keys:
        try:
            return jwt.decode(token, key, algorithms=[algorithm]).claims
        except (JoseError, ValueError, TypeError):
            continue
    raise NotVouched("The signature of the provider's answer is wrong.", rule="signature", hint=ASK)


def _demand_claims(claims: dict[str, Any], expected: Expected, header: dict[str, str], now: int) -> None:
    options = {
        "iss": {"essential": True, "value": expected.issuer},
        "aud": {"essential": True, "value": expected.client_id},
        "sub": {"essential": True},
    }
    params = {"nonce": expected.nonce, "client_id": expected.client_id, "access_token": expected.access_token}
    try:
        CodeIDToken(claims, header, options, params).validate(now=now, leeway=LEEWAY_S)
    except ExpiredTokenError as error:
        raise _wrong("expired") from error
    except ClaimError as error:
        raise _wrong(RULES.get(error.claim, error.claim)) from error
    except (JoseError, ValueError, TypeError) as error:
        raise _wrong("claims") from error
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_MAX_CHARS or not subject.isprintable():
        raise _wrong("subject")


def _wrong(rule: str) -> NotVouched:
    said = SAID.get(rule, "says something about itself that is not right")
    hint = "Begin the sign-in again; if it stays so, the clocks of the two servers may differ, or ask an administrator."
    return NotVouched(f"The provider's answer {said}.", rule=rule, hint=hint)
