"""Takes a line of an OpenVPN profile apart into words, and writes words as a line that can be read in one way only.

Reads as openvpn 2.6 does (options.c, parse_line): words end at white space, `"` and `'` hold words together, `#` and
`;` begin a comment where a word could begin. Backslashes, which openvpn takes for an escape, are refused: nothing that
is allowed needs one, and each would be a second spelling.
"""

from __future__ import annotations

from collections.abc import Sequence

from connectors.vpn.profile import BadProfile

WORDS_MAX = 16
LINE_MAX_BYTES = 250
"""openvpn reads 256 bytes at a time; what is longer it would read as two lines."""
SPACES = " \t"
COMMENT = "#;"
QUOTES = "\"'"
DASHES = "--"


def words_of(line: str, number: int) -> list[str]:
    """Split a line; empty for a comment. Raise BadProfile for what is left open, is too much, or holds a backslash."""
    words: list[str] = []
    position = 0
    while (position := _skipped(line, position)) < len(line) and line[position] not in COMMENT:
        word, position = _word(line, position, number)
        words.append(word)
    if len(words) > WORDS_MAX:
        raise BadProfile(f"Line {number} of the profile has more than {WORDS_MAX} words.", line=number)
    if words and words[0].startswith(DASHES) and len(words[0]) > len(DASHES):
        words[0] = words[0].removeprefix(DASHES)
    return words


def written(words: Sequence[str], number: int) -> str:
    """Write words as one line that openvpn reads as just these. Raise BadProfile where there is none."""
    line = " ".join(_quoted(word, number) for word in words)
    if len(line.encode()) > LINE_MAX_BYTES:
        raise BadProfile(
            f"Line {number} of the profile, {words[0]}, is longer than {LINE_MAX_BYTES} bytes.",
            hint="openvpn itself reads no longer lines.",
            line=number,
        )
    return line


def _skipped(line: str, position: int) -> int:
    while position < len(line) and line[position] in SPACES:
        position += 1
    return position


def _word(line: str, begin: int, number: int) -> tuple[str, int]:
    """Give the word that begins here, and where it is over."""
    if line[begin] in QUOTES:
        end = line.find(line[begin], begin + 1)
        if end < 0:
            raise BadProfile(
                f"A quotation in line {number} of the profile is not closed.", hint="Close it.", line=number
            )
        return _plain(line[begin + 1 : end], number), end + 1
    end = begin
    while end < len(line) and line[end] not in SPACES:
        end += 1
    return _plain(line[begin:end], number), end


def _plain(word: str, number: int) -> str:
    if "\\" in word:
        raise BadProfile(
            f"Line {number} of the profile holds a backslash, which openvpn takes for an escape.",
            hint="Write the word without it; files are put into the profile itself, as <ca>…</ca>.",
            line=number,
        )
    return word


def _quoted(word: str, number: int) -> str:
    if any(sign in QUOTES for sign in word) or not word.isprintable():
        raise BadProfile(f"Line {number} of the profile holds a quotation mark inside a word.", line=number)
    plain = word and word.isascii() and not any(sign in f"{SPACES}{COMMENT}" for sign in word)
    return word if plain else f'"{word}"'
