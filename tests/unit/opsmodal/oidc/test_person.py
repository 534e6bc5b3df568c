"""What claims make of somebody: a name or a reason, groups that are named in the registry, and nothing else."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.oidc.errors import NotVouched
from opsmodal.oidc.person import Brought, brought, groups_in, name_of
from opsmodal.registry.schema import OidcSpec

ISSUER = "https://login.example.org"


def spec(**more: Any) -> OidcSpec:
    entry = {"issuer": ISSUER, "clientId": "x", "groups": {"/on call": "oncall", "dev": "developers"}, **more}
    return msgspec.convert({"adminGroups": ["root"], "auditorGroups": ["revision", "dev"], **entry}, OidcSpec)


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (["/on call", "root", "everybody"], ("/on call", "root")),
        ("dev", ("dev",)),
        ("everybody", ()),
        (["dev", "dev", 42, None, ["dev"], {"dev": 1}], ("dev",)),
        ({"dev": True}, ()),
        (None, ()),
        (["DEV", " dev", "oncall"], ()),
    ],
)
def test_groups_count_as_they_are_spelled(told: Any, kept: tuple[str, ...]) -> None:
    assert groups_in({"groups": told}, spec()) == tuple(f"{ISSUER} {each}" for each in kept)


@pytest.mark.parametrize(
    ("kept", "entry", "given_"),
    [
        ([f"{ISSUER} /on call"], spec(), Brought(groups=frozenset({"oncall"}))),
        ([f"{ISSUER} dev"], spec(), Brought(groups=frozenset({"developers"}), auditor=True)),
        ([f"{ISSUER} root"], spec(), Brought(admin=True)),
        ([f"{ISSUER} root"], None, Brought()),
        ([f"{ISSUER} root"], spec(issuer="https://login.example.org/other"), Brought()),
        (["https://other.example root", f"{ISSUER}2 root", f"{ISSUER} oncall"], spec(), Brought()),
        (["root", "oncall"], spec(), Brought(groups=frozenset({"root", "oncall"}))),
        (["oncall", f"{ISSUER} root"], None, Brought(groups=frozenset({"oncall"}))),
        ([f"{ISSUER} root"], spec(adminGroups=[]), Brought()),
    ],
)
def test_what_groups_give_is_what_the_registry_says_now(
    kept: list[str], entry: OidcSpec | None, given_: Brought
) -> None:
    assert brought(kept, entry) == given_


@given(st.dictionaries(st.sampled_from(["preferred_username", "email", "email_verified"]), st.text() | st.booleans()))
def test_a_name_is_one_or_there_is_a_reason(claims: dict[str, Any]) -> None:
    for claim in ("preferred_username", "email"):
        try:
            name = name_of(claims, spec(userClaim=claim))
        except NotVouched:
            continue
        assert name.isascii()
        assert name.isprintable()
        assert claim != "email" or claims["email_verified"] in (True, "true")
