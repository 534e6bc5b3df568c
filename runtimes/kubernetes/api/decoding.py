"""Keeps the decoders of the kinds that are read: each is made once, and by one thread."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from functools import lru_cache
from typing import Any, cast

import msgspec

_making = threading.Lock()
"""Held while a decoder is made: msgspec crashes when two threads do it at once for the same type (runtimes.structs)."""


@lru_cache(maxsize=64)
def decoder(kind: Hashable) -> msgspec.json.Decoder[Any]:
    """Give what decodes JSON into a kind: a struct, or a list of them."""
    with _making:
        return msgspec.json.Decoder(cast(Any, kind))
