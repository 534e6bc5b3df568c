"""Reads the arguments of `ip`, which is no getopt: options in front of an object, words behind it, both abbreviated.

Only show and list of addr, link, route and neigh are let through. Abbreviations are those that people type and that
mean nothing else: `ip link s` is refused, as iproute2 reads it as `set`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from opsmodal.guard.getopt import Misfit, names
from opsmodal.guard.words import Word

OPTIONS = names(
    "-4 -6 -0 -s -stat -stats -statistics -d -details -h -human -human-readable -iec -o -oneline -br -brief -j -json "
    "-p -pretty -c -color -N -Numeric -r -resolve"
)
_COLOUR = r"-c(?:olor)?=(?:always|auto|never)"
OBJECTS = {
    **dict.fromkeys(("a", "ad", "add", "addr", "addre", "addres", "address"), "addr"),
    **dict.fromkeys(("l", "li", "lin", "link"), "link"),
    **dict.fromkeys(("r", "ro", "rou", "rout", "route"), "route"),
    **dict.fromkeys(("n", "ne", "nei", "neig", "neigh", "neighbor", "neighbour"), "neigh"),
}
SHOWS = frozenset({"show", "sho", "sh", "list", "lis", "ls", "lst"})
SHORTEST = frozenset({"s", "l", "li"})
_SELECTOR = r"[A-Za-z0-9_.:@/*%-]{1,128}"
_CHANGES = names("add change replace append set del delete flush save restore exec monitor")
"""Words that no show takes: somebody who types one means something else."""
ABOUT = "addr, link, route and neigh: show and list"
HINT = "Write it as ip addr show, ip link show, ip route show or ip neigh show."


def check(words: Sequence[Word]) -> None:
    """Raise Misfit when the words behind `ip` are nothing that it may be asked for."""
    texts = [word.text for word in words]
    while texts and texts[0].startswith("-"):
        _demand_option(texts.pop(0), texts)
    if not texts:
        raise Misfit("ip is asked about addr, link, route or neigh.")
    shown = OBJECTS.get(texts[0])
    if shown is None:
        raise Misfit(f"“{texts[0][:80]}” is nothing that ip may be asked about here.")
    if len(texts) > 1 and not (texts[1] in SHOWS or (shown != "link" and texts[1] in SHORTEST)):
        raise Misfit(f"“{texts[1][:80]}” is nothing that ip may do with {shown}: it only shows here.")
    for text in texts[2:]:
        if text.startswith("-") or text in _CHANGES or not re.fullmatch(_SELECTOR, text, re.ASCII):
            raise Misfit(f"“{text[:80]}” is nothing that ip may be asked for here.")


def _demand_option(text: str, rest: list[str]) -> None:
    if text in ("-f", "-family"):
        if not rest or rest.pop(0) not in ("inet", "inet6", "link", "bridge", "mpls"):
            raise Misfit(f"{text} needs inet, inet6 or link.")
    elif text not in OPTIONS and not re.fullmatch(_COLOUR, text):
        raise Misfit(f"“{text[:80]}” is no flag that is allowed for ip here.")
