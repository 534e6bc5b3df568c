"""What a running command says to whoever runs it: output, waiting, and the wish for input.

Commands are generators of steps and return their exit status, so that the same command runs in real time behind a
socket and in simulated time in a container.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

STDOUT, STDERR = 1, 2


@dataclass(frozen=True, slots=True)
class Say:
    """Output on a stream."""

    data: bytes
    stream: int = STDOUT


@dataclass(frozen=True, slots=True)
class Wait:
    """Time that passes."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Ask:
    """The wish for input: whoever runs the command sends bytes, or None at the end of input."""


Step = Say | Wait | Ask
Running = Generator[Step, bytes | None, int]
"""A command that runs; it returns its exit status."""


def say(text: str, stream: int = STDOUT) -> Say:
    """Make output out of text."""
    return Say(text.encode(), stream)
