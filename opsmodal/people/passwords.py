"""Passwords: argon2id with the library's own parameters (RFC 9106, low memory), a few at a time.

It never says whether a name exists: a wrong name costs as much time as a wrong password. A flood of sign-ins gets a
bounded part of the machine: so many hashes at once, so many that wait, and the rest is told to come back.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from opsmodal.errors import Problem, Rejected, TooMany
from opsmodal.people.hashing import aside

PASSWORD_MIN_CHARS = 8
"""The least that NIST SP 800-63B allows."""
PASSWORD_MAX_BYTES = 1024
"""Hashing reads all of it: nobody may make the server read a megabyte."""
HASHES_AT_ONCE = 2
"""Of one process. Each takes 64 MB and some 50 ms of a core or two while it runs."""
WAITING_MAX = 40
"""So many wait for some seconds; who comes later is sent away at once, before anything is computed."""
WAIT_S = 10.0
COME_BACK_S = 5.0

_hashing = threading.BoundedSemaphore(HASHES_AT_ONCE)
_places = threading.BoundedSemaphore(HASHES_AT_ONCE + WAITING_MAX)


def hash_password(password: str) -> str:
    """Give what is kept of a password. Raise Rejected when it is too short or too long, TooMany when many ask."""
    if len(password) < PASSWORD_MIN_CHARS:
        raise _rejected(f"The password needs at least {PASSWORD_MIN_CHARS} characters.")
    if len(password.encode("utf-8", "surrogatepass")) > PASSWORD_MAX_BYTES:
        raise _rejected(f"The password is longer than {PASSWORD_MAX_BYTES} bytes.")
    with _turn():
        return aside(lambda: _hasher().hash(password.encode("utf-8", "surrogatepass")))


def matches(password: str, kept: str | None) -> bool:
    """Tell whether this is the password; without one, take the same time and say no. Raise TooMany when many ask."""
    given = password.encode("utf-8", "surrogatepass")
    if len(given) > PASSWORD_MAX_BYTES:
        return False
    with _turn():
        return aside(lambda: _is_of(given, kept or _nobodys())) and kept is not None


def is_outdated(kept: str) -> bool:
    """Tell whether a hash was made with weaker parameters than today's."""
    return _hasher().check_needs_rehash(kept)


def _is_of(given: bytes, kept: str) -> bool:
    try:
        return _hasher().verify(kept, given)
    except (VerifyMismatchError, InvalidHashError):
        return False


@contextmanager
def _turn() -> Iterator[None]:
    """Wait for one's turn. Raise TooMany when too many wait already."""
    if not _places.acquire(blocking=False):
        raise _crowded()
    try:
        if not _hashing.acquire(timeout=WAIT_S):
            raise _crowded()
        try:
            yield
        finally:
            _hashing.release()
    finally:
        _places.release()


def _crowded() -> TooMany:
    return TooMany("Many people sign in at this moment.", hint="Try again in a moment.", retry_after_s=COME_BACK_S)


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobodys() -> str:
    return _hasher().hash("the password of nobody")


def _rejected(sentence: str) -> Rejected:
    return Rejected(sentence, [Problem(field="password", sentence=sentence)], hint="Choose another password.")
