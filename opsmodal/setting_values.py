"""Turns the text of a variable, the value of a file or of an option into a setting, or into a sentence. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import Field
from typing import Any

from opsmodal.errors import Problem

WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
UNITS = {"_s": " of seconds", "_bytes": " of bytes"}
SECRETS = frozenset({"key", "database_url", "metrics_token", "audit_forward", "audit_forward_token"})
"""Settings whose wrong value is not repeated: it may hold a password."""
SHOWN_MAX_CHARS = 60


class _Wrong(Exception):
    """The value is no such thing: the argument says what is wanted."""


def parsed(field: Field[Any], value: object, *, source: str, line: int, problems: list[Problem]) -> Any:
    """Give the value in the field's type; add a sentence that names the source, and give None, when it is none."""
    try:
        return _PARSERS[str(field.type)](field, value)
    except _Wrong as wrong:
        shown = "" if field.name in SECRETS else f", not {str(value)[:SHOWN_MAX_CHARS]!r}"
        problems.append(Problem(field=field.name, sentence=f"{source} must be {wrong}{shown}.", line=line))
        return None


def _number(field: Field[Any], value: object) -> int:
    low, high = field.metadata["low"], field.metadata["high"]
    unit = next((words for end, words in UNITS.items() if field.name.endswith(end)), "")
    wanted = f"a whole number{unit} from {low} to {high}"
    text = str(value).strip()
    if isinstance(value, bool) or not text.isascii() or not text.isdigit() or len(text) > 15:
        raise _Wrong(wanted)
    if not low <= int(text) <= high:
        raise _Wrong(wanted)
    return int(text)


def _flag(_field: Field[Any], value: object) -> bool:
    word = str(value).strip().lower()
    if word not in WORDS:
        raise _Wrong("true or false")
    return WORDS[word]


def _text(_field: Field[Any], value: object) -> str:
    if not isinstance(value, str) or not value.strip().isprintable():
        raise _Wrong("a text on one line")
    return value.strip()


def _texts(_field: Field[Any], value: object) -> tuple[str, ...]:
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) and item.isprintable() for item in items):
        raise _Wrong("a list of texts, separated by commas in a variable")
    return tuple(item.strip() for item in items if item.strip())


def _path(_field: Field[Any], value: object) -> object:
    return value


_PARSERS: Mapping[str, Callable[[Field[Any], object], object]] = {
    "int": _number,
    "bool": _flag,
    "str": _text,
    "tuple[str, ...]": _texts,
    "Path": _path,
}
