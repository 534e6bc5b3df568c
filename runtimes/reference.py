"""Reads image references, and refuses what no container runtime would take. Pure.

Source of the grammar: https://github.com/distribution/reference (reference.go, regexp.go, normalize.go) and, for
digests, https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from runtimes.errors import Invalid

NAME_MAX_CHARS = 255
REFERENCE_MAX_CHARS = 1_000
"""A name, a tag and a digest are shorter together; what is longer is not looked at."""
DIGESTS: Mapping[str, int] = {"sha256": 64, "sha384": 96, "sha512": 128}
"""Algorithms that runtimes know, with the hexadecimal digits of each."""

_COMPONENT = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_DOMAIN = re.compile(rf"(?:{_COMPONENT}(?:\.{_COMPONENT})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_PATH = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*):([0-9a-fA-F]{32,})")
_ONLY_HEX = re.compile(r"[a-f0-9]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An image as it was written: `name` with its registry where one is given; `tag` and `digest` "" where none is."""

    name: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def reference(text: str) -> Reference:
    """Read an image reference. Raise Invalid that says which part of it cannot be."""
    if not text or len(text) > REFERENCE_MAX_CHARS or text != text.strip():
        raise Invalid("An image is a name without spaces around it.", hint="Like registry.example.com/shop/web:1.4.")
    rest, at, digest = text.partition("@")
    if at:
        _check_digest(digest)
    name, tag = _split(rest)
    if tag is not None and not _TAG.fullmatch(tag):
        raise _wrong(f'"{tag[:100]}" is no tag', "It has up to 128 letters, digits, _, . and -, and begins with none.")
    _check_name(name)
    return Reference(name=name, tag=tag or "", digest=digest)


def _split(text: str) -> tuple[str, str | None]:
    """Split at the colon of the tag: the last one, unless a slash follows, which makes it that of a port."""
    name, colon, tag = text.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (text, None)


def _check_name(name: str) -> None:
    first, slash, rest = name.partition("/")
    has_domain = bool(slash) and (
        any(sign in first for sign in ".:[") or first == "localhost" or first != first.lower()
    )
    if has_domain and not _DOMAIN.fullmatch(first):
        raise _wrong(f'"{first[:100]}" is no registry', "It is a host, or host:port.")
    path = rest if has_domain else name
    if path != path.lower():
        raise _wrong(f'"{path[:100]}" has capital letters', "Repositories are written in lower case.")
    if len(name) > NAME_MAX_CHARS:
        raise _wrong("its name is too long", f"At most {NAME_MAX_CHARS} characters.")
    for part in path.split("/"):
        if not _PATH.fullmatch(part):
            hint = "Each part between slashes is letters and digits, joined by single ., one or two _, or any -."
            raise _wrong(f'"{part[:100]}" is no part of a name', hint)
    if _ONLY_HEX.fullmatch(name):
        raise _wrong("64 hexadecimal digits are the id of an image", "Give its name.")


def _check_digest(digest: str) -> None:
    found = _DIGEST.fullmatch(digest)
    if found is None or DIGESTS.get(found[1]) != len(found[2]) or found[2] != found[2].lower():
        known = ", ".join(f"{name} with {digits}" for name, digits in DIGESTS.items())
        raise _wrong(f'"{digest[:100]}" is no digest', f"It is an algorithm, a colon and hexadecimal digits: {known}.")


def _wrong(why: str, hint: str) -> Invalid:
    return Invalid(f"This is no image: {why}.", hint=hint)
