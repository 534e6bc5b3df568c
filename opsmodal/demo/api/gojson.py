"""Say what is wrong with JSON in the words of Go's decoder, which the API server passes on as they are.

Source: https://cs.opensource.google/go/go/+/refs/heads/master:src/encoding/json/scanner.go. Pure.
"""

from __future__ import annotations

import json

WORDS = {
    "Expecting value": "looking for beginning of value",
    "Expecting property name enclosed in double quotes": "looking for beginning of object key string",
    "Expecting ':' delimiter": "after object key",
    "Illegal trailing comma before end of object": "looking for beginning of object key string",
    "Illegal trailing comma before end of array": "looking for beginning of value",
    "Extra data": "after top-level value",
    "Invalid control character at": "in string literal",
}
LITERALS = {"t": "true", "f": "false", "n": "null"}


def complaint(body: bytes) -> str:
    """Give what Go would say of `body`, "" when it is JSON."""
    text = body.decode(errors="replace")
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
            return "unexpected end of JSON input"
        return _words(text, error)
    return ""


def _words(text: str, error: json.JSONDecodeError) -> str:
    letter, rest = text[error.pos], text[error.pos + 1 :]
    where = WORDS.get(error.msg, "looking for beginning of value")
    if error.msg == "Expecting ',' delimiter":
        where = "after object key:value pair" if _is_in_object(text[: error.pos]) else "after array element"
    elif error.msg.startswith("Invalid \\escape"):
        letter, where = rest[:1], "in string escape code"
    elif error.msg.startswith("Illegal trailing comma"):  # Python 3.13 and newer point at the comma
        letter = rest.lstrip()[:1]
    elif error.msg == "Expecting value" and letter in LITERALS:
        return _misspelt(letter + rest, LITERALS[letter])
    return f"invalid character '{letter}' {where}"


def _misspelt(text: str, literal: str) -> str:
    for found, wanted in zip(text, literal, strict=False):
        if found != wanted:
            return f"invalid character '{found}' in literal {literal} (expecting '{wanted}')"
    return "unexpected end of JSON input"


def _is_in_object(text: str) -> bool:
    """Tell whether the end of `text` lies in an object rather than in an array. Strings may mislead it: words only."""
    depth = 0
    for letter in reversed(text):
        if letter in "}]":
            depth += 1
        elif letter in "{[":
            if depth == 0:
                return letter == "{"
            depth -= 1
    return False
