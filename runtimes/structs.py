"""Makes the structs of a module ready to be decoded into, once and by one thread.

msgspec (0.22.0) crashes the whole process when two threads are the first to decode into the same struct: what it
needs to know of a type is built at first use without a lock. A module that defines structs calls `make_ready` as its
last line, where the import lock lets only one thread through.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


def make_ready(namespace: Mapping[str, object]) -> None:
    """Build what msgspec needs for every struct of a module; give its `globals()`."""
    for each in tuple(namespace.values()):
        if isinstance(each, type) and issubclass(each, msgspec.Struct) and each is not msgspec.Struct:
            msgspec.json.Decoder(each)
