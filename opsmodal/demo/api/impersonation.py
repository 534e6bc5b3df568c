"""Acting as somebody else, as `kubectl --as` does: allowed by the verb `impersonate` on what is named.

Source: k8s.io/apiserver pkg/endpoints/filters/impersonation.go. Nothing is taken over from who asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from opsmodal.demo.api.access import Access, Question, refusal
from opsmodal.demo.api.users import ANONYMOUS, AUTHENTICATED, User, service_account
from opsmodal.demo.problems import internal

HEADER = "HTTP_IMPERSONATE_"
ACCOUNT = "system:serviceaccount:"


def acting(access: Access, asking: User, environ: Mapping[str, Any]) -> User:
    """Give who a request acts as. Raise a Forbidden Problem when `asking` may not."""
    name = environ.get(f"{HEADER}USER", "")
    groups = tuple(filter(None, (group.strip() for group in environ.get(f"{HEADER}GROUP", "").split(","))))
    uid = environ.get(f"{HEADER}UID", "")
    if not name:
        if groups or uid:
            raise internal(f"requested {list(groups) or uid} without impersonating a user")
        return asking
    for asked in _questions(name, groups, uid):
        if not access.allows(asking, asked):
            raise refusal(asking, asked)
    return _user(name, groups, uid)


def _questions(name: str, groups: tuple[str, ...], uid: str) -> Iterator[Question]:
    if name.startswith(ACCOUNT):
        namespace, _, account = name.removeprefix(ACCOUNT).partition(":")
        yield Question(verb="impersonate", group="", resource="serviceaccounts", namespace=namespace, name=account)
    else:
        yield Question(verb="impersonate", group="", resource="users", name=name)
    for group in groups:
        yield Question(verb="impersonate", group="", resource="groups", name=group)
    if uid:
        yield Question(verb="impersonate", group="authentication.k8s.io", resource="uids", name=uid)


def _user(name: str, groups: tuple[str, ...], uid: str) -> User:
    if name == ANONYMOUS.name:
        return ANONYMOUS
    if name.startswith(ACCOUNT) and not groups:
        namespace, _, account = name.removeprefix(ACCOUNT).partition(":")
        groups = service_account(namespace, account).groups
    return User(name, groups if AUTHENTICATED in groups else (*groups, AUTHENTICATED), uid)
