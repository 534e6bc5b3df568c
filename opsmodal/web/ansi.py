"""Text of programs → pieces that are safe to show: a subset of colours is honoured, every other control is visible.

A log line can try to rewrite the screen, hide text, forge a link or turn reading direction around (kubectl
CVE-2021-25743, CVE-2021-42574). So only SGR (`ESC [ … m`) acts, and of that only what changes looks and hides nothing;
each other control character is replaced by a visible one and the rest of its sequence stays as plain text.
Sequences: ECMA-48 section 8.3.117, and xterm's control sequences for 256 and 24-bit colours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

SPANS_MAX = 2000
"""Pieces of one line; colours after that are dropped. A line of nothing but colour changes must not become a page of
ten thousand elements."""

COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")

_SGR = re.compile(r"\x1b\[([0-9;:]{0,100})m")
"""The bound keeps numbers small; a longer sequence is shown as text."""

_RGB = (
    *((0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229)),
    *((127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255), (0, 255, 255)),
    (255, 255, 255),
)
"""xterm's 16 colours."""

_CUBE = (0, 95, 135, 175, 215, 255)
"""Levels of xterm's 6 x 6 x 6 colour cube, colours 16 to 231."""

_TURNING = (0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))
_HIDDEN = (
    *(0x00AD, 0x180E, 0x200B, *range(0x2060, 0x2065), *range(0x206A, 0x2070), 0xFEFF),
    *(*range(0xFFF9, 0xFFFC), 0xE0001, *range(0xE0020, 0xE0080)),
)
"""Of no width: two names that differ in one look the same. The joiners U+200C and U+200D are left, for words of Persian
or Hindi and most emoji are spelled with them."""

_VISIBLE = (
    {code: chr(0x2400 + code) for code in range(0x20) if code != 0x09}
    | {0x7F: "\u2421"}
    | {code: f"<{code:02X}>" for code in range(0x80, 0xA0)}
    | {code: f"<U+{code:04X}>" for code in (*_TURNING, *_HIDDEN)}
    | dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
)
"""What stands for a character that is not shown as it is: C0 but tab, DEL, C1, everything that turns the reading
direction, breaks a line or hides, and lone surrogates, which no page can be encoded with."""

ACTING = re.compile("[" + re.escape("".join(map(chr, sorted(_VISIBLE.keys() - {0x0A, 0x0D})))) + "]")
"""One of these, but for line breaks, which documents in forms are made of."""

_ATTRIBUTES = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike", 21: "underline"}
_BACKGROUND = {*range(40, 50), *range(100, 108)}
_CLEARED = {22: ("bold", "dim"), 23: ("italic",), 24: ("underline",), 27: ("inverse",), 29: ("strike",)}


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line: visible text and the classes it is shown with (`bold`, `fg-red`, `bg-bright-blue`)."""

    text: str
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How text looks at some place of a stream; give it to the next line to carry it on."""

    attributes: tuple[str, ...] = ()
    foreground: str = ""
    background: str = ""

    @property
    def classes(self) -> tuple[str, ...]:
        """The CSS classes, always in the same order."""
        colours = (f"fg-{self.foreground}" * bool(self.foreground), f"bg-{self.background}" * bool(self.background))
        return (*self.attributes, *(colour for colour in colours if colour))


PLAIN = Style()


def spans(text: str) -> list[Span]:
    """Cut one line into pieces to show, starting plain."""
    if text.isprintable():  # no control, format, surrogate or separator in it: nothing acts, as in nearly all lines
        return [Span(text)] if text else []
    return styled(text, PLAIN)[0]


def styled(text: str, style: Style) -> tuple[list[Span], Style]:
    """Cut one line into pieces to show, starting with `style`; give the style it ends with as well."""
    pieces: list[tuple[tuple[str, ...], list[str]]] = []
    at = 0
    for found in _SGR.finditer(text):
        _add(pieces, text[at : found.start()], style)
        style = _changed(style, found[1])
        at = found.end()
    _add(pieces, text[at:], style)
    return [Span("".join(parts), classes) for classes, parts in pieces], style


def visible(text: str) -> str:
    """Replace every character that would act instead of being seen."""
    return text.translate(_VISIBLE)


def _add(pieces: list[tuple[tuple[str, ...], list[str]]], text: str, style: Style) -> None:
    if not text:
        return
    classes = style.classes if len(pieces) < SPANS_MAX - 1 else ()
    if not pieces or (pieces[-1][0] != classes and len(pieces) < SPANS_MAX):
        pieces.append((classes, []))
    pieces[-1][1].append(visible(text))


def _changed(style: Style, sequence: str) -> Style:
    """Apply the parameters of one SGR sequence. What is unknown, and what would hide text (8), changes nothing."""
    parameters = iter(sequence.split(";"))
    for parameter in parameters:
        code, *details = [int(number or 0) for number in parameter.split(":")]
        if code == 0:
            style = PLAIN
        elif code in {38, 48, 58}:
            colour = _colour(details) if details else _colour(_following(parameters))
            style = _coloured(style, code, colour)
        elif 30 <= code <= 49 or 90 <= code <= 107:
            style = _coloured(style, code, _basic(code))
        elif code == 4 and details == [0]:
            style = _without(style, ("underline",))
        elif code in _ATTRIBUTES:
            style = _with(style, _ATTRIBUTES[code])
        elif code in _CLEARED:
            style = _without(style, _CLEARED[code])
    return style


def _with(style: Style, attribute: str) -> Style:
    order = dict.fromkeys(_ATTRIBUTES.values())
    return replace(style, attributes=tuple(name for name in order if name in (*style.attributes, attribute)))


def _without(style: Style, attributes: Iterable[str]) -> Style:
    return replace(style, attributes=tuple(name for name in style.attributes if name not in attributes))


def _coloured(style: Style, code: int, colour: str | None) -> Style:
    if colour is None or code == 58:  # 58 is the colour of the underline: read, so that its numbers are not taken on
        return style
    return replace(style, background=colour) if code in _BACKGROUND else replace(style, foreground=colour)


def _basic(code: int) -> str | None:
    """Name the colour of 30-37, 40-47, 90-97 and 100-107; "" for the default of 39 and 49."""
    if code in {39, 49}:
        return ""
    return _name(code % 10 + (8 if code >= 90 else 0)) if code % 10 < 8 else None


def _following(parameters: Iterator[str]) -> list[int]:
    """Take the parameters after 38 or 48 that belong to it: `5;N` or `2;R;G;B`."""
    kind = next(parameters, "")
    count = {"5": 1, "2": 3}.get(kind, 0)
    rest = [next(parameters, "-") for _ in range(count)]
    complete = count and "-" not in rest
    return [int(kind), *(int(number) if number.isdigit() else 0 for number in rest)] if complete else []


def _colour(numbers: list[int]) -> str | None:
    """Name the nearest of the 16 colours for `5, N`, `2, R, G, B` or `2, space, R, G, B`; None for anything else."""
    if len(numbers) == 2 and numbers[0] == 5 and numbers[1] < 256:
        return _name(numbers[1]) if numbers[1] < 16 else _nearest(_of_256(numbers[1]))
    if len(numbers) >= 4 and numbers[0] == 2:
        red, green, blue = numbers[2:5] if len(numbers) >= 5 else numbers[1:4]
        return _nearest((min(red, 255), min(green, 255), min(blue, 255)))
    return None


def _of_256(number: int) -> tuple[int, int, int]:
    if number >= 232:
        grey = 8 + 10 * (number - 232)
        return grey, grey, grey
    number -= 16
    return _CUBE[number // 36], _CUBE[number // 6 % 6], _CUBE[number % 6]


@lru_cache(maxsize=1024)
def _nearest(rgb: tuple[int, int, int]) -> str:
    def distance(index: int) -> int:
        return sum((a - b) ** 2 for a, b in zip(_RGB[index], rgb, strict=True))

    return _name(min(range(16), key=distance))


def _name(index: int) -> str:
    return COLOURS[index] if index < 8 else f"bright-{COLOURS[index - 8]}"
