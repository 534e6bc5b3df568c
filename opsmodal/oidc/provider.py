"""What a provider says of itself: its discovery document (OpenID Connect Discovery 1.0, section 4) and its keys.

A document that names another issuer than the registered one is not used: somebody else could have answered.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any, TypeVar, cast

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey, import_key

from opsmodal.oidc.errors import ASK, ProviderAway
from opsmodal.oidc.line import Line, Reply
from runtimes.structs import make_ready

log = logging.getLogger(__name__)

WELL_KNOWN = "/.well-known/openid-configuration"
KEYS_MAX = 50
RSA_MIN_BITS = 2048
"""Shorter ones are forbidden by RFC 7518, section 3.3."""
BITS_PER_CHAR = 6
"""Of base64."""
S256 = "S256"

T = TypeVar("T")


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a discovery document that is used. Defaults are those of the specifications."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    id_token_signing_alg_values_supported: tuple[str, ...] = ("RS256",)
    code_challenge_methods_supported: tuple[str, ...] | None = None
    authorization_response_iss_parameter_supported: bool = False


class KeySet(msgspec.Struct, frozen=True, kw_only=True):
    """A set of keys (RFC 7517); one of a kind that we do not know must not hide the others."""

    keys: tuple[dict[str, object], ...]


def read_provider(line: Line, issuer: str) -> Provider:
    """Read the discovery document of an issuer. Raise ProviderAway."""
    provider = decoded(line.get(issuer.rstrip("/") + WELL_KNOWN), Provider)
    if provider.issuer != issuer:
        sentence = f"The provider calls itself {provider.issuer[:100]!r} and is registered as {issuer!r}."
        raise ProviderAway(sentence, hint="An administrator must write the issuer as the provider does.")
    offered = provider.code_challenge_methods_supported
    if offered is not None and S256 not in offered:
        raise ProviderAway("The provider does not offer PKCE with S256.", hint=ASK)
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not line.allows(getattr(provider, name)):
            raise ProviderAway(f"The provider's {name} is no address that can be used.", hint=ASK)
    return provider


def read_keys(line: Line, provider: Provider) -> tuple[Key, ...]:
    """Read the keys that the provider signs with, leaving out what cannot verify. Raise ProviderAway."""
    told = decoded(line.get(provider.jwks_uri), KeySet).keys[:KEYS_MAX]
    keys = tuple(key for each in told if (key := _verifying(each)) is not None)
    if not keys:
        raise ProviderAway("The provider has no key that a signature can be checked with.", hint=ASK)
    return keys


def decoded(reply: Reply, kind: type[T]) -> T:
    """Decode an answer of a provider. Raise ProviderAway."""
    if reply.status != HTTPStatus.OK:
        raise ProviderAway(f"The provider answers with HTTP {reply.status}.")
    try:
        return msgspec.json.decode(reply.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProviderAway("The provider's answer cannot be understood.") from error


def _verifying(told: dict[str, object]) -> Key | None:
    """Make a public key for signatures; None for anything else: a shared secret (`oct`) must never verify a token."""
    if told.get("kty") not in ("RSA", "EC", "OKP") or told.get("use", "sig") != "sig":
        return None
    if told.get("kty") == "RSA" and len(str(told.get("n", ""))) * BITS_PER_CHAR < RSA_MIN_BITS:
        return None
    try:
        key = import_key(cast("dict[str, Any]", told))
    except (JoseError, ValueError, TypeError, KeyError) as error:
        log.info("key of the provider not usable", extra={"why": type(error).__name__})
        return None
    if isinstance(key, RSAKey) and key.public_key.key_size < RSA_MIN_BITS:
        return None
    return key if isinstance(key, RSAKey | ECKey | OKPKey) else None


make_ready(globals())
