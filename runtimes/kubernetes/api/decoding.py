"""Reads answers into the kinds that are asked for. A decoder is made once for each, and by one thread."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from functools import lru_cache
from typing import Any, TypeVar, cast

import msgspec

from runtimes.kubernetes.api import answers
from runtimes.kubernetes.api.answers import Asked

T = TypeVar("T")

_making = threading.Lock()
"""Held while a decoder is made: msgspec crashes when two threads do it at once for the same type (runtimes.structs)."""


def decoded(body: bytearray, kind: type[T], asked: Asked) -> T:
    """Read a body as a struct, or a list of them. Raise Unavailable for what is none."""
    try:
        found: T = _decoder(cast(Hashable, kind)).decode(body)
    except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, or nested to exhaust whoever reads it
        raise answers.undecodable(body, asked) from error
    return found


@lru_cache(maxsize=64)
def _decoder(kind: Hashable) -> msgspec.json.Decoder[Any]:
    with _making:
        return msgspec.json.Decoder(cast(Any, kind))
