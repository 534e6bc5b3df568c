"""Tokens held against what has to be true of them: every algorithm that counts, rotation, and any bytes at all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from opsmodal.oidc.errors import NotVouched
from opsmodal.oidc.token import KEY_TYPES, LEEWAY_S, Expected, verified

NOW = 1_800_000_000
CLAIMS: dict[str, Any] = {
    "iss": "https://login.example.org",
    "sub": "42",
    "aud": "opsmodal",
    "exp": NOW + 300,
    "iat": NOW,
    "nonce": "n",
}
EXPECTED = Expected(issuer=CLAIMS["iss"], client_id="opsmodal", nonce="n", algorithms=tuple(KEY_TYPES))
RSA = RSAKey.generate_key(2048, {"kid": "a"})
CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


def key_for(algorithm: str) -> Key:
    if algorithm in CURVES:
        return ECKey.generate_key(CURVES[algorithm], {"kid": "a"})
    return OKPKey.generate_key("Ed25519", {"kid": "a"}) if KEY_TYPES[algorithm] == "OKP" else RSA


def signed(algorithm: str = "RS256", *, key: Key = RSA, kid: str = "a", **claims: Any) -> str:
    header = {"alg": algorithm, "kid": kid} if kid else {"alg": algorithm}
    return jwt.encode(header, {**CLAIMS, **claims}, key, algorithms=[algorithm])


def public(key: Key) -> Key:
    kind: Any = type(key)
    return kind.import_key(key.as_dict(private=False))


def read(token: str, *keys: Key, now: int = NOW, expected: Expected = EXPECTED) -> dict[str, Any]:
    return verified(token, expected, keys=keys, anew=lambda: keys, now=now)


@pytest.mark.parametrize("algorithm", KEY_TYPES)
def test_every_algorithm_that_counts_is_read(algorithm: str) -> None:
    key = key_for(algorithm)
    assert read(signed(algorithm, key=key), public(key))["sub"] == "42"


@pytest.mark.parametrize("algorithm", KEY_TYPES)
def test_an_algorithm_counts_only_where_the_provider_announces_it(algorithm: str) -> None:
    key = key_for(algorithm)
    others = Expected(
        issuer=EXPECTED.issuer,
        client_id="opsmodal",
        nonce="n",
        algorithms=[each for each in KEY_TYPES if each != algorithm],
    )
    with pytest.raises(NotVouched) as refused:
        read(signed(algorithm, key=key), public(key), expected=others)
    assert refused.value.rule == "oidc-algorithm"


def test_without_a_key_id_every_fitting_key_is_tried() -> None:
    other = RSAKey.generate_key(2048, {"kid": "b"})
    assert read(signed(kid=""), public(other), public(RSA))["sub"] == "42"


def test_an_unknown_key_is_looked_for_once_more() -> None:
    reads = []

    def anew() -> list[Key]:
        reads.append(1)
        return [public(RSA)]

    other = RSAKey.generate_key(2048, {"kid": "b"})
    assert verified(signed(), EXPECTED, keys=[public(other)], anew=anew, now=NOW)["sub"] == "42"
    assert verified(signed(), EXPECTED, keys=[public(RSA)], anew=anew, now=NOW)["sub"] == "42"
    assert len(reads) == 1


def test_a_key_counts_for_its_own_algorithm_only() -> None:
    bound = RSAKey.import_key({**RSA.as_dict(private=False), "alg": "RS512"})
    with pytest.raises(NotVouched) as refused:
        read(signed(), bound)
    assert refused.value.rule == "oidc-key"


@pytest.mark.parametrize(
    ("claims", "moment", "rule"),
    [
        ({}, NOW + 300 + LEEWAY_S - 1, ""),
        ({}, NOW + 300 + LEEWAY_S, "oidc-expired"),
        ({}, NOW - LEEWAY_S, ""),
        ({}, NOW - LEEWAY_S - 1, "oidc-issued-at"),
        ({"nbf": NOW + LEEWAY_S}, NOW, ""),
        ({"nbf": NOW + LEEWAY_S + 1}, NOW, "oidc-not-yet-valid"),
        ({"exp": float("inf")}, NOW, "oidc-exp"),
        ({"exp": True}, NOW, "oidc-exp"),
        ({"exp": 10**400}, NOW, ""),
    ],
)
def test_clocks_may_differ_by_a_minute(claims: dict[str, Any], moment: int, rule: str) -> None:
    token = signed(**claims)
    if not rule:
        assert read(token, public(RSA), now=moment)["sub"] == "42"
        return
    with pytest.raises(NotVouched) as refused:
        read(token, public(RSA), now=moment)
    assert refused.value.rule == rule


@given(st.text(max_size=300) | st.from_regex(r"[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}"))
def test_any_text_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(NotVouched) as refused:
        read(text, public(RSA))
    assert refused.value.sentence.endswith(".")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*CLAIMS, "azp", "nbf", "at_hash", "amr", "auth_time", "jti"]), JSON))
def test_any_claims_are_right_or_refused_in_a_sentence(claims: dict[str, Any]) -> None:
    try:
        read(signed(**claims), public(RSA))
    except NotVouched:
        return
    whole = {**CLAIMS, **claims}
    assert whole["iss"] == CLAIMS["iss"]
    assert whole["nonce"] == "n"
    assert whole["aud"] == "opsmodal" or "opsmodal" in whole["aud"]
    assert isinstance(whole["sub"], str)
    assert whole["exp"] > NOW - LEEWAY_S
