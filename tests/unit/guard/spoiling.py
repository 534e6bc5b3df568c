"""Spoils lines: what people and attackers do to a line, a few times over. Deterministic for a random number's seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

SIGNS = " \t'\"\\$`;&|<>(){}*?#~!=-,/:@%\n\r\0\u00a0\u200b\u2013\u2014\uff0d\uff4b한\u0301"
FRAGMENTS = [
    *("-A", "-n", "other", "--namespace=other", "--", "-it", "-i", "-t", "-f", "-w", "-l", "--all", "-o", "json", "-e"),
    *(
        "-c",
        "pay-db",
        "bbbb",
        "--server=http://evil",
        "--token",
        "--kubeconfig=/x",
        "--raw=/api",
        "--follow",
        "--watch",
    ),
    *(
        "nodes",
        "deployment/web",
        "--replicas=3",
        "-s",
        "-K",
        "-F",
        "/etc/shadow",
        "-H",
        "exec",
        "logs",
        "web",
        "ps",
        "e",
    ),
    *("auxe", "--as=root", "-oyaml", "-v=9", "--stdin", "--tty=false", "--privileged", "-d", "docker", "kubectl", "sh"),
    *("podman", "-1", "0", "''", "--all_namespaces"),
]


def _words(line: str) -> list[str]:
    return line.split(" ")


def drop(line: str, others: Sequence[str], chance: random.Random) -> str:
    words = _words(line)
    words.pop(chance.randrange(len(words)))
    return " ".join(words)


def double(line: str, others: Sequence[str], chance: random.Random) -> str:
    words = _words(line)
    words.insert(chance.randrange(len(words) + 1), chance.choice(words))
    return " ".join(words)


def swap(line: str, others: Sequence[str], chance: random.Random) -> str:
    words = _words(line)
    one, two = chance.randrange(len(words)), chance.randrange(len(words))
    words[one], words[two] = words[two], words[one]
    return " ".join(words)


def add(line: str, others: Sequence[str], chance: random.Random) -> str:
    words = _words(line)
    words.insert(chance.randrange(len(words) + 1), chance.choice(FRAGMENTS))
    return " ".join(words)


def borrow(line: str, others: Sequence[str], chance: random.Random) -> str:
    words = _words(line)
    words.insert(chance.randrange(len(words) + 1), chance.choice(_words(chance.choice(others))))
    return " ".join(words)


def graft(line: str, others: Sequence[str], chance: random.Random) -> str:
    one, two = _words(line), _words(chance.choice(others))
    return " ".join(one[: chance.randrange(len(one) + 1)] + two[chance.randrange(len(two) + 1) :])


def sign(line: str, others: Sequence[str], chance: random.Random) -> str:
    place = chance.randrange(len(line) + 1)
    return line[:place] + chance.choice(SIGNS) + line[place:]


def cut(line: str, others: Sequence[str], chance: random.Random) -> str:
    place = chance.randrange(len(line) + 1)
    return line[:place] + line[place + 1 :]


def join(line: str, others: Sequence[str], chance: random.Random) -> str:
    return line.replace(" ", chance.choice(["", "=", ",", "  ", "\t"]), chance.randint(1, 2))


def quote(line: str, others: Sequence[str], chance: random.Random) -> str:
    words, sign_ = _words(line), chance.choice("'\"")
    place = chance.randrange(len(words))
    middle = len(words[place]) // 2
    words[place] = words[place][:middle] + sign_ + words[place][middle:] + sign_
    return " ".join(words)


def case(line: str, others: Sequence[str], chance: random.Random) -> str:
    place = chance.randrange(len(line) + 1)
    return line[:place] + line[place:].swapcase()


SPOILERS: tuple[Callable[[str, Sequence[str], random.Random], str], ...] = (
    drop, double, swap, add, add, borrow, borrow, graft, sign, cut, join, quote, case,
)  # fmt: skip


def spoiled(line: str, others: Sequence[str], chance: random.Random) -> str:
    """Spoil a line one to four times."""
    for _ in range(chance.randint(1, 4)):
        line = chance.choice(SPOILERS)(line or "x", others, chance)
    return line
