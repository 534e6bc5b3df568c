"""Text of programs is shown whole, in a few colours, and cannot act on the page or the person who reads it."""

from __future__ import annotations

import unicodedata
from itertools import pairwise
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.web.ansi import ACTING, PLAIN, SPANS_MAX, Span, spans, styled, visible

ESC = "\x1b"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("plain", [("plain", "")]),
        ("\x1b[31mred\x1b[0m plain", [("red", "fg-red"), (" plain", "")]),
        ("\x1b[mplain", [("plain", "")]),
        ("\x1b[1;32mok\x1b[22m thin", [("ok", "bold fg-green"), (" thin", "fg-green")]),
        ("\x1b[91mx\x1b[39my", [("x", "fg-bright-red"), ("y", "")]),
        ("\x1b[44;103mx\x1b[49my", [("x", "bg-bright-yellow"), ("y", "")]),
        ("\x1b[30;47mx", [("x", "fg-black bg-white")]),
        ("\x1b[2;3;4;7;9mx", [("x", "dim italic underline inverse strike")]),
        ("\x1b[4;3;1mx\x1b[23;24mx", [("x", "bold italic underline"), ("x", "bold")]),
        ("\x1b[4:3mcurly\x1b[4:0mnone", [("curly", "underline"), ("none", "")]),
        ("\x1b[7mx\x1b[27mx\x1b[9mx\x1b[29mx", [("x", "inverse"), ("x", ""), ("x", "strike"), ("x", "")]),
        ("\x1b[38;5;1mx", [("x", "fg-red")]),
        ("\x1b[38;5;12mx", [("x", "fg-bright-blue")]),
        ("\x1b[38;5;196mx", [("x", "fg-bright-red")]),
        ("\x1b[48;5;16mx", [("x", "bg-black")]),
        ("\x1b[38;5;244mx", [("x", "fg-bright-black")]),
        ("\x1b[38;5;255mx", [("x", "fg-white")]),
        ("\x1b[38;2;250;5;5mx", [("x", "fg-bright-red")]),
        ("\x1b[38;2;0;200;0;1mx", [("x", "bold fg-green")]),
        ("\x1b[38:2::0:0:230mx", [("x", "fg-blue")]),
        ("\x1b[48:5:2mx", [("x", "bg-green")]),
        ("\x1b[58;5;31mx", [("x", "")]),
        ("\x1b[38;5;999mx", [("x", "")]),
        ("\x1b[38mx\x1b[38;5mx\x1b[38;7;31mx", [("xx", ""), ("x", "fg-red")]),
        ("\x1b[38;2;1mx\x1b[38;2;;;mx", [("x", ""), ("x", "fg-black")]),
        ("\x1b[5;6;8;10;53;200mx", [("x", "")]),
        ("\x1b[31m\x1b[32mx", [("x", "fg-green")]),
        ("\x1b[31ma\x1b[31mb", [("ab", "fg-red")]),
    ],
)
def test_a_subset_of_colours_and_attributes_becomes_classes(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(span.text, " ".join(span.classes)) for span in spans(text)] == expected


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b[H", "␛[2J␛[H"),
        ("\x1b[?25l", "␛[?25l"),
        ("\x1b[31", "␛[31"),
        ("\x1b[>4m", "␛[>4m"),
        (f"{ESC}[{'1' * 101}m", f"␛[{'1' * 101}m"),
        ("\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\", "␛]8;;https://evil.example␛\\click␛]8;;␛\\"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("\x1bPq#0;2\x1b\\", "␛Pq#0;2␛\\"),
        ("\x9b31mred\x9c", "<9B>31mred<9C>"),
        ("done\rfake", "done␍fake"),
        ("one\ntwo", "one␊two"),
        ("a\x08b\x7f\x00", "a␈b␡␀"),
        ("tab\tstays", "tab\tstays"),
        ("user\u202egnp.exe", "user<U+202E>gnp.exe"),
        ("\u2066a\u2069\u200f\u2028", "<U+2066>a<U+2069><U+200F><U+2028>"),
        ("half \ud83d of a pair", "half � of a pair"),
        ("👩‍💻 ünï", "👩‍💻 ünï"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
)
def test_everything_else_that_would_act_is_shown(text: str, shown: str) -> None:
    assert spans(text) == [Span(shown)]


def test_a_style_is_carried_to_the_next_line_only_when_asked() -> None:
    _, style = styled("\x1b[1;31mfirst", PLAIN)
    assert styled("second", style)[0] == [Span("second", ("bold", "fg-red"))]
    assert spans("second") == [Span("second")]


def test_a_line_of_nothing_but_colour_changes_stays_a_bounded_number_of_pieces() -> None:
    result = spans("\x1b[31ma\x1b[32mb" * 5000)
    assert len(result) == SPANS_MAX
    assert "".join(span.text for span in result) == "ab" * 5000
    assert result[-1].classes == ()


@pytest.mark.parametrize(
    "unit", [ESC, f"{ESC}[", f"{ESC}[1", f"{ESC}[31m", f"{ESC}[31ma", f"{ESC}[38;5;9mé", "\x9b", ";m"]
)
def test_a_hostile_megabyte_takes_linear_time(unit: str) -> None:
    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        started = process_time()
        spans(text)
        return process_time() - started

    assert seconds(1_000_000) < 3.0, "linear is some 0.1 to 0.8 s; quadratic would be minutes"


parts = st.one_of(
    st.text(max_size=20),
    st.sampled_from([ESC, f"{ESC}[", "m", ";", ":", "38", "5", "2", "0", "31", f"{ESC}]8;;", "\x9b", "\u202e", "\r"]),
    st.integers(0, 120).map(lambda code: f"{ESC}[{code}m"),
    st.lists(st.integers(0, 300), max_size=8).map(lambda codes: f"{ESC}[{';'.join(map(str, codes))}m"),
)
lines = st.lists(parts, max_size=30).map("".join)


@given(lines)
def test_no_control_character_comes_out_and_it_can_be_encoded(text: str) -> None:
    shown = "".join(span.text for span in spans(text))
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") and c != "\t"]
    assert not [c for c in shown if unicodedata.bidirectional(c) in ("LRE", "RLE", "LRO", "RLO", "PDF")]
    assert not [c for c in shown if unicodedata.bidirectional(c) in ("LRI", "RLI", "FSI", "PDI")]
    shown.encode()


@given(st.text(alphabet=st.characters(exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp"))))
def test_nothing_printable_is_lost(text: str) -> None:
    assert "".join(span.text for span in spans(text)) == text
    coloured = "\x1b[31m".join(text)
    assert "".join(span.text for span in spans(coloured)) == text


def test_nothing_that_acts_is_taken_for_printable() -> None:
    """Printable lines are shown as they are without another look."""
    assert not [hex(code) for code in range(0x110000) if ACTING.match(chr(code)) and chr(code).isprintable()]


@given(lines)
def test_pieces_are_never_empty_and_neighbours_differ(text: str) -> None:
    result = spans(text)
    assert all(span.text for span in result)
    assert all(a.classes != b.classes for a, b in pairwise(result))


@pytest.mark.parametrize("hidden", ["\u200b", "\u00ad", "\u2060", "\ufeff", "\u180e", "\U000e0041", "\u202e", "\u2066"])
def test_two_names_that_differ_in_what_nobody_sees_do_not_look_the_same(hidden: str) -> None:
    assert visible(f"pay{hidden}ments") == f"pay<U+{ord(hidden):04X}>ments"


@pytest.mark.parametrize(
    "word",
    [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "\u0440\u0430\u0443",
    ],
)
def test_words_of_every_language_are_left_as_they_are(word: str) -> None:
    assert visible(word) == word
