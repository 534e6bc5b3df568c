"""What the store answers when it cannot be used.

    StoreProblem
    ├── Unusable     the address is wrong, or nobody answers there
    ├── TooNew       a newer opsmodal has written this store
    ├── Busy         another program holds the store for too long
    └── WrongKey     the key does not open what was sealed

`sentence` is what happened, `hint` what to do next. Neither ever holds a password or a key.
"""

from __future__ import annotations


class StoreProblem(Exception):
    """Say why the store cannot be used."""

    def __init__(self, sentence: str, *, hint: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint


class Unusable(StoreProblem):
    """The address is wrong, or nobody answers there."""


class TooNew(StoreProblem):
    """A newer opsmodal has written this store."""


class Busy(StoreProblem):
    """Another program holds the store for too long."""


class WrongKey(StoreProblem):
    """The key does not open what was sealed."""
