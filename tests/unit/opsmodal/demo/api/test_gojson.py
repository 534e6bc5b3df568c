"""What is wrong with JSON, in the words of Go's decoder; each was compared with a real API server."""

from __future__ import annotations

import pytest

from opsmodal.demo.api.gojson import complaint


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"a": 1}', ""),
        (b"{nonsense", "invalid character 'n' looking for beginning of object key string"),
        (b"nonsense", "invalid character 'o' in literal null (expecting 'u')"),
        (b"x", "invalid character 'x' looking for beginning of value"),
        (b'{"a" 1}', "invalid character '1' after object key"),
        (b'{"a": 1 "b": 2}', "invalid character '\"' after object key:value pair"),
        (b"[1 2]", "invalid character '2' after array element"),
        (b"{} {}", "invalid character '{' after top-level value"),
        (b'{"a": ', "unexpected end of JSON input"),
        (b'{"a": "b', "unexpected end of JSON input"),
        (b'{"a": tru}', "invalid character '}' in literal true (expecting 'e')"),
        (b'{"a": 1,}', "invalid character '}' looking for beginning of object key string"),
        (b'{"a": "b\\q"}', "invalid character 'q' in string escape code"),
        (b"", "unexpected end of JSON input"),
    ],
)
def test_a_complaint_is_that_of_go(body: bytes, words: str) -> None:
    assert complaint(body) == words
