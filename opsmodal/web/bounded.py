"""Bounds a body that comes in chunks, without saying its length first.

werkzeug stops reading such a body at the bound without a word, and the first half of a document would be applied as if
it were the whole.
"""

from __future__ import annotations

from io import RawIOBase
from typing import Any

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

INPUT = "wsgi.input"
TERMINATED = "wsgi.input_terminated"
"""The server's word that the body has an end of its own."""


def bound(asked: Request, max_bytes: int) -> None:
    """Let no more than so many bytes of the body be read: reading on is answered 413."""
    asked.max_form_memory_size = max_bytes  # werkzeug's own bound of 500 kB is for forms without a bound on the body
    if asked.content_length is None and asked.environ.get(TERMINATED):
        asked.environ[INPUT] = _Bounded(asked.environ[INPUT], max_bytes)
    else:
        asked.max_content_length = max_bytes


class _Bounded(RawIOBase):
    def __init__(self, body: Any, max_bytes: int) -> None:
        self._body = body
        self._left = max_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        # One byte more than is left: a body of exactly the bound is within it.
        part = self._body.read(min(len(buffer), self._left + 1))
        if len(part) > self._left:
            raise RequestEntityTooLarge
        self._left -= len(part)
        buffer[: len(part)] = part
        return len(part)
