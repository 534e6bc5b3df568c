"""Reads answers into the kinds that are asked for. A decoder is made once for each, and by one thread."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from functools import lru_cache
from typing import Any, TypeVar, cast

import msgspec

from runtimes.errors import Malformed
from runtimes.kubernetes.api import answers, spoiled
from runtimes.kubernetes.api.answers import Asked
from runtimes.kubernetes.objects.common import Page

T = TypeVar("T")

_making = threading.Lock()
"""Held while a decoder is made: msgspec crashes when two threads do it at once for the same type (runtimes.structs)."""


def decoded(body: bytearray, kind: type[T], asked: Asked) -> T:
    """Read a body as a struct, or a list of them. Raise Malformed for another shape, Unavailable for what is none."""
    try:
        found: T = _decoder(cast(Hashable, kind)).decode(body)
    except msgspec.ValidationError as error:
        raise spoiled.malformed(error, body, what=asked.what) or answers.undecodable(body, asked) from error
    except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, or nested to exhaust whoever reads it
        raise answers.undecodable(body, asked) from error
    return found


def salvaged(body: bytearray, kind: type[T], asked: Asked, problem: Malformed) -> tuple[Page[T], list[str]]:
    """Read the objects of a page one by one, with what is wrong with each other one. Raise `problem` for no page."""
    try:
        return spoiled.salvaged(body, _decoder(cast(Hashable, kind)), what=asked.what)
    except (ValueError, RecursionError):
        raise problem from None


@lru_cache(maxsize=64)
def _decoder(kind: Hashable) -> msgspec.json.Decoder[Any]:
    with _making:
        return msgspec.json.Decoder(cast(Any, kind))
