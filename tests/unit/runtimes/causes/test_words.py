"""Foreign words are capped, stay on one line, cannot act, and carry no credentials."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.causes.words import (
    NAME_MAX_CHARS,
    QUOTE_MAX_CHARS,
    amount,
    counted,
    listed,
    named,
    quoted,
    sentence,
    size,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  two\nlines\tand \x1b[31mred ", "two lines and [31mred"),
        ("user\u202egnp.exe", "user gnp.exe"),
        ("Get https://bob:hunter2@r.example/v2/: EOF", "Get https://…@r.example/v2/: EOF"),
        ("Get https://s3.example/layer?X-Amz-Signature=abc&x=1: EOF", "Get https://s3.example/layer?… EOF"),
        ("header Authorization: Bearer abcdefghij", "header Authorization: Bearer …"),
        ("password=hunter2hunter2 failed", "password= … failed"),
        ("x" * 400, "x" * 299 + "…"),
        ("\ud800 lone", "lone"),
    ],
)
def test_foreign_text_is_made_fit(text: str, shown: str) -> None:
    assert quoted(text) == shown


@given(st.text(alphabet=st.characters(), max_size=1000))
def test_nothing_that_acts_and_nothing_long_comes_out(text: str) -> None:
    assert len(quoted(text)) <= QUOTE_MAX_CHARS
    assert len(named(text)) <= NAME_MAX_CHARS
    assert not [c for c in quoted(text) if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    quoted(text).encode()


def test_numbers_and_lists_read_as_people_write_them() -> None:
    assert [counted(1, "node"), counted(2, "node")] == ["1 node", "2 nodes"]
    assert [listed([]), listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
    assert listed(list("abcdef")) == "a, b, c and 3 more"
    assert listed(["a", "a"]) == "a"
    assert [size(0), size(1023), size(128 * 1024**2), size(1536 * 1024**2)] == ["0 B", "1023 B", "128 MiB", "1.5 GiB"]
    assert amount("pods", 110) == "110 pods"
    assert [sentence("it is so."), sentence("")] == ["It is so.", ""]
