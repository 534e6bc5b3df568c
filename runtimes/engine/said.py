"""What a program in a container says, as a stream, where that is more than its keeper's session gives."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator

from connectors.base import Ended, Exit, Output
from connectors.running import Running


class Said:
    """What a program says, with the end explained where it came without a word."""

    def __init__(self, running: Running, explained: Callable[[Exit], Exit]) -> None:
        self._running = running
        self._explained = explained

    def __iter__(self) -> Iterator[Output | Exit]:
        return self

    def __next__(self) -> Output | Exit:
        said = next(self._running)
        return self._explained(said) if isinstance(said, Exit) and said.reason is Ended.LOST else said

    def close(self) -> None:
        """End the program and what it started. May be called twice, from any thread."""
        self._running.close()


def words(end: Exit, said: bytes = b"") -> Generator[Output | Exit, None, None]:
    """Give an end that is known beforehand, after what was said on stderr."""
    if said:
        yield Output("stderr", said)
    yield end


def unknown(name: str) -> Generator[Output | Exit, None, None]:
    """Give the end of a program in the container `name` that may have begun, and of which nothing is known."""
    sentence = f"The line to {name} was lost: what the program has done is not known."
    return words(Exit(code=None, reason=Ended.LOST, sentence=sentence))
