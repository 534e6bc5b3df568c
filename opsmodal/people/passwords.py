"""Passwords: argon2id with the library's own parameters (RFC 9106, low memory), a few at a time.

It never says whether a name exists: a wrong name costs as much time as a wrong password.
"""

from __future__ import annotations

import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from opsmodal.errors import Problem, Rejected

PASSWORD_MIN_CHARS = 8
"""The least that NIST SP 800-63B allows."""
PASSWORD_MAX_BYTES = 1024
"""Hashing reads all of it: nobody may make the server read a megabyte."""
HASHES_AT_ONCE = 4
"""Each takes 64 MB while it runs."""

_slots = threading.BoundedSemaphore(HASHES_AT_ONCE)


def hash_password(password: str) -> str:
    """Give what is kept of a password. Raise Rejected when it is too short or too long."""
    if len(password) < PASSWORD_MIN_CHARS:
        raise _rejected(f"The password needs at least {PASSWORD_MIN_CHARS} characters.")
    if len(password.encode("utf-8", "surrogatepass")) > PASSWORD_MAX_BYTES:
        raise _rejected(f"The password is longer than {PASSWORD_MAX_BYTES} bytes.")
    with _slots:
        return _hasher().hash(password.encode("utf-8", "surrogatepass"))


def matches(password: str, kept: str | None) -> bool:
    """Tell whether this is the password; without one, take the same time and say no."""
    given = password.encode("utf-8", "surrogatepass")
    if len(given) > PASSWORD_MAX_BYTES:
        return False
    with _slots:
        try:
            _hasher().verify(kept or _nobodys(), given)
        except (VerifyMismatchError, InvalidHashError):
            return False
    return kept is not None


def is_outdated(kept: str) -> bool:
    """Tell whether a hash was made with weaker parameters than today's."""
    return _hasher().check_needs_rehash(kept)


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobodys() -> str:
    return _hasher().hash("the password of nobody")


def _rejected(sentence: str) -> Rejected:
    return Rejected(sentence, [Problem(field="password", sentence=sentence)], hint="Choose another password.")
