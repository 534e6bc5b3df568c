"""Who may ask: bearer tokens of the simulated cluster and whose they are. What they may do is for access.py."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass

AUTHENTICATED = "system:authenticated"


@dataclass(frozen=True, slots=True)
class User:
    """An identity as the API server sees it."""

    name: str
    groups: tuple[str, ...] = (AUTHENTICATED,)
    uid: str = ""


ADMIN = User("kubernetes-admin", ("kubeadm:cluster-admins", "system:masters", AUTHENTICATED))
ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))


def service_account(namespace: str, name: str) -> User:
    """Give the identity of a service account."""
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED)
    return User(f"system:serviceaccount:{namespace}:{name}", groups)


class Tokens:
    """Give tokens out and know them again. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users: dict[str, User] = {}
        self._tokens: dict[User, str] = {}

    def of(self, user: User) -> str:
        """Give the token of `user`, the same each time."""
        with self._lock:
            if user not in self._tokens:
                token = secrets.token_urlsafe(24)
                self._tokens[user] = token
                self._users[token] = user
            return self._tokens[user]

    def expire(self, user: User) -> None:
        """Make the token of `user` worthless; the next `of` gives another one."""
        with self._lock:
            self._users.pop(self._tokens.pop(user, ""), None)

    def user(self, token: str) -> User | None:
        """Give whose token this is, None when it is nobody's."""
        with self._lock:
            return self._users.get(token)
