"""What a command wrote looks like on a page: every line of it, bounded, and nothing in it acts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.web.console import CHARS_MAX, LINES_MAX, amount, lasting, pointed, screen, took


def text_of(line: tuple[object, ...]) -> str:
    return "".join(span.text for span in line)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (None, []),
        ("", []),
        ("one\n", ["one"]),
        ("one", ["one"]),
        ("one\r\ntwo\r\n", ["one", "two"]),
        ("\n\none\n", ["", "", "one"]),
        ("10%\r20%\n", ["10%␍20%"]),
        ("\x1b]0;title\x07x\n", ["␛]0;title␇x"]),
    ],
)
def test_output_is_cut_into_its_lines(text: str | None, lines: list[str]) -> None:
    shown = screen(text)
    assert [text_of(line) for line in shown.head] == lines
    assert (shown.left_out, shown.tail, shown.lines) == (0, (), len(lines))


def test_a_colour_goes_on_over_the_end_of_a_line() -> None:
    red, still, plain = screen("\x1b[31mred\nstill\x1b[0m\nplain\n").head
    assert [span.classes for line in (red, still, plain) for span in line] == [("fg-red",), ("fg-red",), ()]


def test_of_a_long_output_the_beginning_and_the_end_are_shown() -> None:
    count = LINES_MAX + 1000
    shown = screen("".join(f"line {number}\n" for number in range(count)))
    assert len(shown.head) + len(shown.tail) == LINES_MAX
    assert (shown.left_out, shown.lines) == (1000, count)
    assert (text_of(shown.head[0]), text_of(shown.tail[-1])) == ("line 0", f"line {count - 1}")


@given(st.text(alphabet="ab\n\r\x1b[31m", max_size=200))
def test_nothing_of_a_short_output_is_left_out(text: str) -> None:
    shown = screen(text)
    assert shown.left_out == 0
    assert shown.lines == (len(text.removesuffix("\n").split("\n")) if text else 0)


def test_a_page_holds_no_endless_line() -> None:
    shown = screen("x" * (CHARS_MAX * 2) + "\n" + "y" * CHARS_MAX)
    assert sum(len(text_of(line)) for line in (*shown.head, *shown.tail)) <= 2 * CHARS_MAX


@pytest.mark.parametrize(
    ("line", "suggestion", "reason", "wrong"),
    [
        ("kubectl get pods -A", "kubectl get pods", "“-A” reads every namespace.", ["-A"]),
        ("kubectl get pods -A", "kubectl get pods", "Every namespace.", ["-A"]),
        ("kubectl get pods -A", "", "-A reads every namespace.", ["-A"]),
        ("kubectl get pods -Aw", "", "-A reads every namespace.", []),
        ("kubectl exec db -- grep -A 3 x", "", "Nothing is named.", []),
        ("kubectl get pods; ls", "", "“;” outside quotes is for a shell.", [";"]),
        ("kubectl exec -it web -- sh", "kubectl exec web -- sh", "There is no terminal.", ["-it"]),
        ("kubectl get web web-1", "", "“web” is not a kind.", ["web", "web"]),
        ("kubectl get webs", "", "“web” is not a kind.", []),
        ("kubectl edit pod", "", "It is refused.", []),
        ("k get pods", "kubectl get pods", "A line begins with kubectl.", ["k"]),
        ("", "", "The line is empty.", []),
    ],
)
def test_what_a_refusal_is_about_is_pointed_at(line: str, suggestion: str, reason: str, wrong: list[str]) -> None:
    pieces = pointed(line, suggestion, reason)
    assert "".join(piece for piece, _ in pieces) == line
    assert [piece for piece, is_wrong in pieces if is_wrong] == wrong


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_pointing_never_changes_a_line(line: str, suggestion: str, reason: str) -> None:
    assert "".join(piece for piece, _ in pointed(line, suggestion, f"“{reason}” is wrong.")) == line


@pytest.mark.parametrize(
    ("duration_ms", "words"), [(None, "–"), (0, "0 ms"), (999, "999 ms"), (4210, "4.2 s"), (125_000, "2 m 5 s")]
)
def test_how_long_something_took_is_said_in_units(duration_ms: float | None, words: str) -> None:
    assert took(duration_ms) == words


@pytest.mark.parametrize(("seconds", "words"), [(30, "30 s"), (60, "60 s"), (90, "90 s"), (600, "10 minutes")])
def test_a_limit_is_said_in_words(seconds: float, words: str) -> None:
    assert lasting(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [(None, "–"), (0, "0 B"), (999, "999 B"), (1234, "1.23 kB"), (5_000_000, "5 MB"), (1_000_000, "1 MB")],
)
def test_an_amount_of_output_is_said_as_its_limits_are(count: float | None, words: str) -> None:
    assert amount(count) == words
