"""What may differ between two right answers: ages, random parts of names, addresses, uids, versions of objects, nodes.

Each is replaced by its word in capitals, in what was expected and in what was answered, and runs of blanks become one,
since columns are as wide as what is in them. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

RANDOM = "bcdfghjklmnpqrstvwxz2456789"
"""The letters of generated names (k8s.io/apimachinery/pkg/util/rand): no vowels, nothing that looks like another."""
HASH = "[4-9bcdf]{6,10}"
"""A hash of a template: a decimal number written in ten of those letters."""
DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"

MASKS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.MULTILINE), word)
    for pattern, word in (
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "UID"),
        (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?Z| ?[+-]\d\d:?\d\d)?( [A-Z]{3,4})?( m=\S+)?", "TIME"),
        (DAY + r", \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}", "TIME"),
        (r"\bhttps://[\w.-]+:\d+", "SERVER"),
        (r"\b[a-z]+://[0-9a-f]{64}\b", "CONTAINER"),
        (r"\S+@sha256:[0-9a-f]{64}|\bsha256:[0-9a-f]{64}", "DIGEST"),
        (r"\b[0-9a-f]{64}\b", "DIGEST"),
        (r"\b\d{1,3}(\.\d{1,3}){3}(/\d+)?\b", "IP"),
        (r"(resourceVersion\"?: ?)\"?\d+\"?", r"\1VERSION"),
        (rf"-{HASH}(-[{RANDOM}]{{5}})?\b", r"-HASH"),
        (rf"(-hash\"?[=:] ?\"?){HASH}\b", r"\1HASH"),
        (rf"-[{RANDOM}]{{5}}\b", "-RANDOM"),
        (r"\(x\d+ over [^)]*\)", "(xN over AGE)"),
        (r"(?<![\w.:=/-])(\d+[smhdy]){1,2}(?![\w/=-])", "AGE"),
        (r"(?<=\S)[ \t]+", " "),
        (r"^ {9,}", " " * 8),
        (r" +$", ""),
    )
)


def masked(text: str, names: Mapping[str, str], more: Iterable[tuple[str, str]] = ()) -> str:
    """Give `text` without what may differ. `names` are this cluster's own: {"opsmodal-get-x1": "$NS"}."""
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, names[name])
    for pattern, word in more:
        text = re.sub(pattern, word, text, flags=re.MULTILINE)
    for mask, word in MASKS:
        text = mask.sub(word, text)
    return text
