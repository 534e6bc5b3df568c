"""Typed manifests: what is read, and what is refused with its line before anything is built of it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from runtimes.errors import Invalid
from runtimes.typed import TEXT_MAX_CHARS, read

BOMB = "a: &a [x, x]\n" + "\n".join(
    f"{new}: &{new} [*{old}, *{old}]" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)

REFUSED: tuple[tuple[str, str], ...] = (
    ("", "no object"),
    ("- a", "no object"),
    ("text", "no object"),
    ("a: 1\nb: [", "Line 3: this is not YAML"),
    ("a: 1\nb: 2\na: 3", 'Line 3: the key "a" stands twice'),
    ("a: {b: {c: 1, c: 2}}", 'the key "c" stands twice'),
    ("a: [{b: 1, b: 2}]", 'the key "b" stands twice'),
    ("a: 1\n---\nb: 2", "Line 2: a second document"),
    (BOMB, "Line 2: an alias"),
    ("a: &x {b: 1}\nc:\n  <<: *x", "Line 3: an alias"),
    ("1: a", "a key is no text"),
    ("on: a", "a key is no text"),
    ("? [a]\n: b", "a key is no text"),
    ("a: !!python/object/apply:os.system [reboot]", "a tag of another type"),
    ("a: !secret b", "a tag of another type"),
    ("a: !!binary aGk=", "a tag of another type"),
    ("a: \x00", "does not allow"),
    ("a: " + "[" * 200_000, "nested deeper"),
    ("a: " + "{b: " * 100 + "1" + "}" * 100, "nested deeper"),
    ("a" * (TEXT_MAX_CHARS + 1), "larger than"),
    ("a: [" + "1," * 60_000 + "]", "more than 50,000 parts"),
    ("a: !!int x", "does not allow"),
    ("a: 1e999", "too large"),
    ("a: [-1e400]", "too large"),
)
READ: tuple[tuple[str, object], ...] = (
    ("8080:80", "8080:80"),
    ("12:30", "12:30"),
    ("1:2:3.5", "1:2:3.5"),
    ("2026-11-21", "2026-11-21"),
    ("2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z"),
    ("0644", 420),
    ("0o644", 420),
    ("0x1f", 31),
    ("1_000", 1000),
    ("1e3", 1000.0),
    (".5", 0.5),
    ("-7", -7),
    ("0", 0),
    ("yes", True),
    ("off", False),
    ("~", None),
    ('"yes"', "yes"),
    ("=", "="),
    ("<<", "<<"),
    ("100m", "100m"),
    ("1.2.3", "1.2.3"),
)


@pytest.mark.parametrize(("text", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_what_could_be_taken_in_two_ways_is_refused(text: str, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(text)
    assert words in caught.value.sentence


@pytest.mark.parametrize(("text", "value"), READ, ids=[text for text, _ in READ])
def test_values_are_read_as_the_api_reads_them(text: str, value: object) -> None:
    found = read(f"a: {text}")["a"]
    assert (found, type(found)) == (value, type(value))


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_what_is_quoted_as_json_is_read_the_same(document: dict[str, Any]) -> None:
    text = yaml.safe_dump(document, default_style='"', allow_unicode=True) if document else "{}"
    assert read(text) == document
