"""Who a provider's claims make somebody here. Pure.

A name is only proposed: whose it is, and whether it is free, is decided where people are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from opsmodal.oidc.errors import ASK, NotVouched
from opsmodal.people.users import NAME_SHAPE
from opsmodal.registry.schema import OidcSpec

GROUPS_READ_MAX = 10_000
EMAIL = "email"
BLANK = " "
"""Stands between an issuer, which holds none, and the name of a group there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What the provider's groups give for one session: groups of this installation, and flags."""

    groups: frozenset[str] = frozenset()
    admin: bool = False
    auditor: bool = False


def name_of(claims: Mapping[str, Any], spec: OidcSpec) -> str:
    """Give the name that somebody has at the provider. Raise NotVouched when it cannot be one here."""
    if spec.user_claim == EMAIL:
        _demand_verified(claims)
    name = claims.get(spec.user_claim)
    if not isinstance(name, str) or not NAME_SHAPE.fullmatch(name):
        said = f"“{name[:80]}”" if isinstance(name, str) and name.isprintable() and name else "nothing"
        sentence = f"The provider gives {said} as your {spec.user_claim}, which cannot be the name of a user."
        raise NotVouched(sentence, rule="name", hint=f"An administrator can name another claim (userClaim). {ASK}")
    return name


def demand_domain(claims: Mapping[str, Any], spec: OidcSpec) -> None:
    """Raise NotVouched unless somebody's verified mail address is of a domain that is let in."""
    if not spec.allowed_domains:
        return
    _demand_verified(claims)
    domain = str(claims.get(EMAIL, "")).rpartition("@")[2].lower()
    if domain not in {allowed.lower() for allowed in spec.allowed_domains}:
        raise NotVouched("Your mail address is of a domain that is not let in here.", rule="domain", hint=ASK)


def groups_in(claims: Mapping[str, Any], spec: OidcSpec) -> tuple[str, ...]:
    """Name the groups of somebody that mean something here, as a session keeps them: with their issuer."""
    told = claims.get(spec.groups_claim)
    listed = [told] if isinstance(told, str) else told if isinstance(told, list) else []
    known = {*spec.groups, *spec.admin_groups, *spec.auditor_groups}
    named = {each for each in listed[:GROUPS_READ_MAX] if isinstance(each, str) and each in known}
    return tuple(f"{spec.issuer}{BLANK}{each}" for each in sorted(named))


def brought(kept: Iterable[str], spec: OidcSpec | None) -> Brought:
    """Give what a session's groups mean by the registry as it is now; those of another issuer mean nothing.

    A group without an issuer is one of this installation. No name of one holds a blank.
    """
    kept = tuple(kept)
    own = frozenset(each for each in kept if BLANK not in each)
    if spec is None:
        return Brought(groups=own)
    prefix = f"{spec.issuer}{BLANK}"
    named = {each.removeprefix(prefix) for each in kept if each.startswith(prefix)}
    return Brought(
        groups=own | {spec.groups[each] for each in named if each in spec.groups},
        admin=not named.isdisjoint(spec.admin_groups),
        auditor=not named.isdisjoint(spec.auditor_groups),
    )


def _demand_verified(claims: Mapping[str, Any]) -> None:
    """An address that nobody has verified is whatever its owner typed there."""
    if not isinstance(claims.get(EMAIL), str) or claims.get("email_verified") not in (True, "true"):
        sentence = "The provider does not say that your mail address is verified."
        raise NotVouched(sentence, rule="email", hint="Verify it there, or ask an administrator.")
