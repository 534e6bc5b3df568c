"""Why access has ended, in words for the person, for the audit log and for programs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from opsmodal.explaining import Basis, Lost, why_lost, why_lost_here
from opsmodal.people.standing import Over, Stands
from opsmodal.permissions import Action, Permission

BY_LINK = ""
"""The way on that a page is given says it already (`web.cutting.way_on`)."""
NEW_TOKEN = "Use another API token."  # noqa: S105  (a sentence)
CLAUSES: Mapping[Over, tuple[str, str]] = {
    Over.SESSION_ENDED: ("the session was ended", BY_LINK),
    Over.SESSION_UNUSED: ("the session was not used for too long", BY_LINK),
    Over.SESSION_OVER: ("the session has reached its longest life", BY_LINK),
    Over.TOKEN_REVOKED: ("the API token was revoked", NEW_TOKEN),
    Over.TOKEN_EXPIRED: ("the API token expired", NEW_TOKEN),
    Over.USER_DISABLED: ("the user was disabled", "Ask an administrator of this installation."),
    Over.USER_REMOVED: ("the user was removed", "Ask an administrator of this installation."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What something open needs besides the permission of its action: others, and perhaps exec on the whole runtime."""

    permissions: frozenset[Permission] = frozenset()
    exec_on_runtime: bool = False


NOTHING_MORE = Needs()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The end of somebody's access. `word` is for programs, `detail` for the audit log, the rest for the person."""

    word: str
    detail: str
    sentence: str
    hint: str


def ended_sign_in(over: Over, service: str) -> Ended:
    """Say that a sign-in is none any more."""
    clause, hint = CLAUSES[over]
    return _ended(over.value, clause, hint, service)


def lost_right(
    before: Basis, after: Basis, action: Action, *, whom: Callable[[], str], needs: Needs = NOTHING_MORE
) -> Ended | None:
    """Say which right an action on a service has lost between two moments; None while it has all that it needs.

    `whom` gives whom to ask for it; it is asked only when something was lost.
    """
    # Whoever may not see a service does nothing there.
    needed = (action.permission or Permission.VIEW, *sorted(needs.permissions), Permission.VIEW)
    missing = [each for each in needed if each not in after.explanation.permissions]
    if not missing and after.runtime is not None:
        if not needs.exec_on_runtime or has_runtime(after, Permission.EXEC):
            return None
        clause = f"the permission {Permission.EXEC} on the runtime {after.runtime} was taken away"
        return _ended(Lost.OTHER.value, clause, whom(), before.service)
    lost, clause = why_lost(before, after, needed[0] if not missing else missing[0])
    hint = NEW_TOKEN if lost is Lost.TOKEN_NARROWED else whom()
    return _ended(lost.value, clause, "" if lost is Lost.SERVICE_REMOVED else hint, before.service)


def has_runtime(basis: Basis, permission: Permission) -> bool:
    """Tell whether a permission that somebody has on a service is one on the whole of its runtime."""
    if basis.actor.services is not None:
        return False
    grants = (source.granted.grant if source.granted else None for source in basis.explanation.of(permission))
    return any(grant is None or grant.everything or basis.runtime in grant.runtimes for grant in grants)


def lost_right_here(before: Basis, after: Basis, *, whom: Callable[[], str]) -> Ended | None:
    """Say the same of what belongs to no service: whoever had a right on the installation and has it no longer."""
    told = why_lost_here(before.actor, after.actor)
    if told is None:
        return None
    lost, clause = told
    return _ended(lost.value, clause, NEW_TOKEN if lost is Lost.TOKEN_NARROWED else whom(), "")


def is_changed(before: Stands, after: Stands) -> bool:
    """Tell whether something stands otherwise that rights depend on: a look at a page is no such thing."""
    return _rights(before) != _rights(after)


def _rights(stands: Stands) -> tuple[object, ...]:
    return (stands.over, stands.admin, stands.auditor, stands.groups, stands.services, stands.permissions)


def _ended(word: str, clause: str, hint: str, service: str) -> Ended:
    what = f"Your access to {service}" if service else "Your access"
    detail = f"{clause[0].upper()}{clause[1:]}."
    return Ended(word=word, detail=detail, sentence=f"{what} has ended: {clause}.", hint=hint)
