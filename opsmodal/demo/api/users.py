"""Who may ask: bearer tokens of the simulated cluster and whose they are. What they may do is for access.py."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from datetime import datetime

AUTHENTICATED = "system:authenticated"
LENT_MAX = 10_000
"""Tokens of service accounts that are known at the same time."""


@dataclass(frozen=True, slots=True)
class User:
    """An identity as the API server sees it."""

    name: str
    groups: tuple[str, ...] = (AUTHENTICATED,)
    uid: str = ""


ADMIN = User("kubernetes-admin", ("kubeadm:cluster-admins", "system:masters", AUTHENTICATED))
ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))


def service_account(namespace: str, name: str, uid: str = "") -> User:
    """Give the identity of a service account."""
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED)
    return User(f"system:serviceaccount:{namespace}:{name}", groups, uid)


class Tokens:
    """Give tokens out and know them again. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users: dict[str, User] = {}
        self._tokens: dict[User, str] = {}
        self._lent: dict[str, tuple[User, datetime]] = {}

    def of(self, user: User) -> str:
        """Give the token of `user`, the same each time."""
        with self._lock:
            if user not in self._tokens:
                token = secrets.token_urlsafe(24)
                self._tokens[user] = token
                self._users[token] = user
            return self._tokens[user]

    def expire(self, user: User) -> None:
        """Make every token of `user` worthless; the next `of` gives another one."""
        with self._lock:
            self._users.pop(self._tokens.pop(user, ""), None)
            self._lent = {token: lent for token, lent in self._lent.items() if lent[0].name != user.name}

    def lend(self, token: str, user: User, ends: datetime) -> None:
        """Know `token` as that of `user` until `ends`. The oldest are forgotten when there are too many."""
        with self._lock:
            while len(self._lent) >= LENT_MAX:
                del self._lent[next(iter(self._lent))]
            self._lent[token] = (user, ends)

    def user(self, token: str, now: datetime) -> User | None:
        """Give whose token this is, None when it is nobody's, or not any more."""
        with self._lock:
            if token in self._users:
                return self._users[token]
            user, ends = self._lent.get(token, (None, now))
            return user if now < ends else None
