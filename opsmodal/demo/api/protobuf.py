"""Read the protobuf bodies that typed Kubernetes clients send, as JSON documents.

kubectl writes some kinds in protobuf since 1.32 and does not fall back. Answers stay JSON, which every client takes.
Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding and the protobuf wire format.
Fields and kinds that the table beside this module does not know are left out.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from opsmodal.demo.clock import stamp
from opsmodal.demo.documents import Obj
from opsmodal.demo.problems import Problem, bad_request, unsupported_media_type

CONTENT_TYPE = "application/vnd.kubernetes.protobuf"
MAGIC = b"k8s\x00"
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
INLINE = ("volumeSource", "handler", "localObjectReference", "ephemeralContainerCommon")
"""Fields whose content stands in their parent in JSON."""
ZERO_SAYS_SOMETHING = (
    "automountServiceAccountToken",
    "backoffLimit",
    "enableServiceLinks",
    "gracePeriodSeconds",
    "minReplicas",
    "replicas",
    "revisionHistoryLimit",
    "terminationGracePeriodSeconds",
)
"""Fields in which a written zero differs from an absent one; elsewhere protobuf writes zeros that JSON leaves out."""
EMPTY_SAYS_NOTHING = ("status", "metadata", "strategy", "resources", "creationTimestamp", "spec", "updateStrategy")
DEPTH_MAX = 40


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a message."""

    name: str
    type: str
    repeated: bool
    mapped: bool


@cache
def _table() -> tuple[Mapping[tuple[str, str], str], Mapping[str, Mapping[int, Field]]]:
    kinds: dict[tuple[str, str], str] = {}
    messages: dict[str, Mapping[int, Field]] = {}
    text = (files("opsmodal.demo.api") / "protobuf_fields.txt").read_text()
    for line in text.splitlines():
        words = line.split()
        if line.startswith("#"):
            continue
        if len(words) == 4 and words[2] == "=":
            kinds[(words[0], words[1])] = words[3]
            continue
        messages[words[0]] = dict(map(_field, words[1:]))
    return kinds, messages


def _field(text: str) -> tuple[int, Field]:
    number, name, type_ = text.split(":")
    return int(number), Field(name, type_.lstrip("*%"), type_.startswith("*"), "%" in type_)


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7


def _wire(data: bytes) -> Iterator[tuple[int, Any]]:
    """Give (field number, value): whole numbers, or bytes."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        wire = key & 7
        if wire == VARINT:
            value, place = _varint(data, place)
            yield key >> 3, value
        elif wire == BYTES:
            size, place = _varint(data, place)
            if place + size > len(data):
                raise ValueError("a field is longer than its message")
            yield key >> 3, data[place : place + size]
            place += size
        elif wire in (FIXED32, FIXED64):
            size = 4 if wire == FIXED32 else 8
            yield key >> 3, data[place : place + size]
            place += size
        else:
            raise ValueError("unknown wire type")


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _parts(data: bytes) -> dict[int, Any]:
    return dict(_wire(data))


def _time(value: bytes) -> str | None:
    seconds = _parts(value).get(1)
    return stamp(datetime.fromtimestamp(_signed(seconds), UTC)) if seconds else None


def _either(value: bytes) -> str | int:
    """Read a whole number or a text (IntOrString)."""
    parts = _parts(value)
    return str(parts.get(3, b"").decode()) if parts.get(1) else _signed(parts.get(2, 0))


SCALARS: Mapping[str, Callable[[Any], Any]] = {
    "string": lambda value: value.decode(),
    "bytes": lambda value: base64.b64encode(value).decode(),
    "bool": bool,
    "double": lambda value: struct.unpack("<d", value)[0],
    "time": _time,
    "quantity": lambda value: _parts(value).get(1, b"0").decode(),
    "either": _either,
    "int32": _signed,
    "int64": _signed,
    "uint32": _signed,
    "uint64": _signed,
}
"""Types of fields that are no messages of their own in JSON."""


def _value(type_: str, value: Any, depth: int) -> Any:
    if type_ in SCALARS:
        return SCALARS[type_](value)
    return None if type_ == "skip" else _message(type_, value, depth + 1)


def _says_something(field: Field, value: Any) -> bool:
    if value is None or value == "":
        return False
    if value == {}:
        return field.name not in EMPTY_SAYS_NOTHING
    return field.type == "either" or bool(value) or field.name in ZERO_SAYS_SOMETHING


def _message(name: str, data: bytes, depth: int = 0) -> Obj:
    if depth > DEPTH_MAX:
        raise ValueError("nested too deeply")
    fields = _table()[1][name]
    document: Obj = {}
    for number, raw in _wire(data):
        field = fields.get(number)
        if field is None:
            continue
        if field.mapped:
            pair = _parts(raw)
            value = pair.get(2, b"")
            document.setdefault(field.name, {})[pair.get(1, b"").decode()] = _value(field.type, value, depth)
            continue
        value = _value(field.type, raw, depth)
        if field.repeated:
            document.setdefault(field.name, []).append(value)
        elif field.name in INLINE:
            document |= value
        elif _says_something(field, value):
            document[field.name] = value
    return document


def decoded(body: bytes) -> Obj:
    """Read a body. Raise a 400 Problem when it is broken, a 415 one when its kind is not known here."""
    if not body.startswith(MAGIC):
        raise bad_request("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    try:
        envelope = _parts(body[len(MAGIC) :])
        meta = _parts(envelope.get(1, b""))
        api_version, kind = meta.get(1, b"").decode(), meta.get(2, b"").decode()
        name = _table()[0].get((api_version, kind)) or (kind if kind == "DeleteOptions" else None)
        if name is None:
            raise _unknown()
        return {"apiVersion": api_version, "kind": kind} | _message(name, envelope.get(2, b""))
    except (ValueError, IndexError, AttributeError, TypeError) as error:
        raise bad_request(f"unable to decode protobuf: {error}") from None


def _unknown() -> Problem:
    return unsupported_media_type(("application/json", "application/yaml"))
