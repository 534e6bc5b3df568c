"""The contract of what comes bit by bit until it ends or somebody closes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, TypeVar

T_co = TypeVar("T_co", covariant=True)


class Stream(Protocol[T_co]):
    """An iterator that can be closed from another thread; every generator with a `finally` is nearly one."""

    def __iter__(self) -> Iterator[T_co]: ...

    def close(self) -> None: ...
