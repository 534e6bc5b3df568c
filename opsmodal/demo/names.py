"""Names and identifiers that the simulated cluster makes up: as a real one would, but the same for the same seed."""

from __future__ import annotations

import hashlib
import random
import threading
import uuid

SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""Letters of generated names: no vowels, no look-alikes (k8s.io/apimachinery/pkg/util/rand)."""


class Names:
    """Make suffixes and uids from a seed. Safe to use from several threads."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - names of an invented world, not secrets
        self._lock = threading.Lock()

    def suffix(self, length: int = 5) -> str:
        """Give `length` letters as generateName appends them."""
        with self._lock:
            return "".join(self._random.choices(SUFFIX_LETTERS, k=length))

    def uid(self) -> str:
        """Give a version 4 UUID."""
        with self._lock:
            return str(uuid.UUID(int=self._random.getrandbits(128), version=4))


def safe_hash(content: bytes) -> str:
    """Give a short hash as pod-template-hash is one: a number of 32 bits in decimal, each digit written as a letter.

    Source: k8s.io/apimachinery/pkg/util/rand SafeEncodeString, over the digits of the number.
    """
    number = int.from_bytes(hashlib.sha256(content).digest()[:4])
    return "".join(SUFFIX_LETTERS[ord(digit) % len(SUFFIX_LETTERS)] for digit in str(number))


def letters_of(text: str, length: int = 5) -> str:
    """Give the same `length` letters of generated names for the same text."""
    digest = hashlib.sha256(text.encode()).digest()
    return "".join(SUFFIX_LETTERS[byte % len(SUFFIX_LETTERS)] for byte in digest[:length])


def share(*parts: object) -> float:
    """Give a number in [0, 1) that depends on nothing but `parts`: the dice of invented programs."""
    digest = hashlib.blake2b(":".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
