"""A body that breaks while it is read is its sender's mistake: gunicorn's errors, in words that the application knows.

Chunks out of shape are noticed only when the application reads them, as errors that it cannot know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import RawIOBase
from typing import Any

from gunicorn.http import errors
from werkzeug.exceptions import ClientDisconnected

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

INPUT = "wsgi.input"


class Readable:
    """A WSGI application whose bodies raise errors that it answers with 400."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        environ[INPUT] = _Body(environ[INPUT])
        return self._application(environ, start_response)


class _Body(RawIOBase):
    def __init__(self, body: Any) -> None:
        self._body = body

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._taken(lambda: self._body.read() if size < 0 else self._body.read(size))

    def readinto(self, buffer: Any) -> int:
        part = self.read(len(buffer))
        buffer[: len(part)] = part
        return len(part)

    def _taken(self, take: Callable[[], bytes]) -> bytes:
        try:
            return take()
        except (errors.ParseException, errors.NoMoreData) as broken:
            raise ClientDisconnected from broken
