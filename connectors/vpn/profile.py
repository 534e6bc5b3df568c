"""What both kinds of VPN profiles have in common: how they are refused, and which characters may stand in them.

A profile is a program for the one who brings it up: both formats can name commands to run. So nothing of a profile is
ever passed on; it is taken apart here, and what is not known to be harmless is refused by its name.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

TEXT_MAX_CHARS = 1_000_000
LINES_MAX = 10_000
"""A profile with the certificates of three authorities and a revocation list has some hundreds."""
SHOWN_MAX_CHARS = 40
"""A longer word that is not understood may be a key in the wrong place (44 characters of base64): it is not said."""
LINE_END = "\n"
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
"""All that some reader takes for the end of a line, of a word or of the text; tabs and line feeds are left out."""
HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_-]{1,63})*\.?\Z")
"""A name of RFC 1123, with the underscores that some have; never one that begins like an option."""
PORT_MAX = 65_535

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class BadProfile(ValueError):
    """Say why a profile is refused: `sentence` names the directive, never its value; `line` begins at 1, 0 is none."""

    def __init__(self, sentence: str, *, hint: str = "", line: int = 0) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint
        self.line = line


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    """Give the number of each line and the line without its end. Raise BadProfile for what is no plain text."""
    if len(text) > TEXT_MAX_CHARS:
        raise BadProfile("The profile is larger than a megabyte.", hint="Give the profile file of one connection only.")
    lines = text.removeprefix("\ufeff").split(LINE_END)
    if len(lines) > LINES_MAX:
        raise BadProfile(f"The profile has more than {LINES_MAX} lines.", hint="Give the profile of one connection.")
    for number, line in enumerate(lines, start=1):
        plain = line.removesuffix("\r")
        if CONTROL.search(plain):
            raise BadProfile(
                f"Line {number} of the profile holds a control character.",
                hint="Save the profile as a plain text file (UTF-8) and give it again.",
                line=number,
            )
        yield number, plain


def shown(word: str) -> str:
    """Give a word of the profile as a sentence may have it: itself, or how long it is."""
    return word if len(word) <= SHOWN_MAX_CHARS else f"a word of {len(word)} characters"


def is_host(text: str) -> bool:
    """Tell whether this is an address or a name that can be asked for."""
    return is_address(text) or HOST.match(text) is not None


def is_address(text: str) -> bool:
    """Tell whether this is an IP address, without a zone."""
    try:
        return getattr(ipaddress.ip_address(text), "scope_id", None) is None
    except ValueError:
        return False


def port_of(text: str) -> int | None:
    """Read a port; None when it is none."""
    number = whole(text)
    return number if number is not None and 0 < number <= PORT_MAX else None


def whole(text: str) -> int | None:
    """Read a number of at most ten digits; int() alone would take signs, underscores and the digits of all scripts."""
    return int(text) if re.fullmatch(r"[0-9]{1,10}", text) else None
