"""What the parts of `People` share: the store, a clock, and how a secret is made and looked up."""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy.orm import Session as DbSession

from opsmodal.store import Store, StoreProblem

log = logging.getLogger(__name__)

SECRET_BYTES = 32
"""256 random bits: nobody guesses one, so one round of SHA-256 is enough to keep it by."""
ID_BYTES = 6
_ID = re.compile(f"[0-9a-f]{{{2 * ID_BYTES}}}")
TOUCH_EVERY_S = 60
"""How often "last used" is written: not on each request, which would make every read a write."""


def utc_now() -> datetime:
    """Give the moment."""
    return datetime.now(UTC)


def new_secret(prefix: str = "") -> str:
    """Make a secret that can stand in a URL and a header."""
    return prefix + secrets.token_urlsafe(SECRET_BYTES)


def new_id() -> str:
    """Make a short name for something secret, to list and end it by."""
    return secrets.token_hex(ID_BYTES)


def is_id(text: str) -> bool:
    """Tell whether a text can be such a name. What cannot be one is nobody's, and some databases refuse to look."""
    return _ID.fullmatch(text) is not None


def hashed(secret: str) -> str:
    """Give what is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class OverStore:
    """A part of `People`: the store and the clock."""

    def __init__(self, store: Store, *, now: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._now = now

    @contextmanager
    def _noting(self) -> Iterator[DbSession]:
        """Write what is good to know and not worth refusing a read for: a store that is full still shows services."""
        try:
            with self._store.session() as session:
                yield session
        except StoreProblem as problem:
            log.warning("last use not written", extra={"why": problem.sentence})
