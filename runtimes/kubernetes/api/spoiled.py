"""Objects that are not as Kubernetes describes them: a list where a map is due, a number where text is. Pure.

No API server of Kubernetes stores such a one, but what answers may be another program, or stand in between. One object
is named with the field that is wrong, in words that quote no value; of a list the others can still be read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import msgspec

from runtimes.errors import Malformed
from runtimes.kubernetes.objects.common import Page

T = TypeVar("T")

_WHERE = re.compile(r"(?P<why>.*?)(?: - at `\$?(?P<where>.*)`)?", re.S)
_ITEM = re.compile(r"\.items\[(?P<at>\d+)\]")
NAME_MAX_CHARS = 100
WHY_MAX_CHARS = 200
HINT = "Look at it with kubectl get -o yaml; what answers may be no API server of Kubernetes, or be broken."


class Listing(list[T], Generic[T]):
    """What could be read of a list; `left_out` says of each other object what is wrong with it."""

    left_out: tuple[str, ...] = ()


def left_out(found: object) -> tuple[str, ...]:
    """Say what was left out of a list; nothing of any other value."""
    return found.left_out if isinstance(found, Listing) else ()


def known_as(document: object, kind: type[T], *, what: str) -> T:
    """Read a document as one of these. Raise Malformed, which names `what`."""
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise Malformed(f"{what[:1].upper()}{what[1:]} cannot be read: {_said(str(error))}.", hint=HINT) from error


def malformed(error: msgspec.ValidationError, body: bytes | bytearray, *, what: str) -> Malformed | None:
    """Give the error for an answer that is JSON, and not of the shape that was asked for; None for no object at all."""
    found = _WHERE.fullmatch(str(error))
    if found is None or not found["where"]:
        return None
    item = _ITEM.match(found["where"])
    words = _said(str(error).replace(item[0], "", 1) if item else str(error))
    name = _name_in(body, int(item["at"])) if item else ""
    of = f"{name} among the {what}" if name else f"{what[:1].upper()}{what[1:]}"
    return Malformed(f"{of} cannot be read: {words}.", hint=HINT)


def salvaged(body: bytes | bytearray, decoder: msgspec.json.Decoder[T], *, what: str) -> tuple[Page[T], list[str]]:
    """Read the objects of a page one by one; give what can be read, and of each other one what is wrong with it.

    Raise ValidationError where the page itself is not one.
    """
    page = _RAW.decode(body)
    items, words = list[T](), list[str]()
    for raw in page.items or ():
        try:
            items.append(decoder.decode(raw))
        except msgspec.ValidationError as error:
            name = _name_in(b'{"items":[%b]}' % bytes(raw), 0) or "One without a name"
            words.append(f"{name} among the {what} is left out: {_said(str(error))}.")
    return Page(items=items, metadata=page.metadata), words


def _said(error: str) -> str:
    """Put the decoder's words into ours: which field, what it should be and what it is."""
    found = _WHERE.fullmatch(error)
    why, where = (found["why"], (found["where"] or "").lstrip(".")) if found else (error, "")
    return (f"in {where}: " if where else "") + (why[:1].lower() + why[1:])[:WHY_MAX_CHARS]


def _name_in(body: bytes | bytearray, at: int) -> str:
    try:
        return name_of(msgspec.json.decode(body)["items"][at])
    except (ValueError, RecursionError):  # nested to exhaust whoever reads it
        return ""


def name_of(document: Any) -> str:
    """Give the name of an object, "" where it has none that can be shown."""
    metadata = document.get("metadata") if isinstance(document, Mapping) else None
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    return name[:NAME_MAX_CHARS] if isinstance(name, str) and name.isprintable() else ""


_RAW: msgspec.json.Decoder[Page[msgspec.Raw]] = msgspec.json.Decoder(Page[msgspec.Raw])
