"""Writes a workload as YAML that a person reads, edits and could give to kubectl. Pure.

What the server and other programs keep in it for themselves is left out, as it is in a plan's diff: whoever puts a
changed text in place leaves that as it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import yaml

from runtimes.kubernetes.changes import diffing

GIVEN = frozenset({"uid", "creationTimestamp"})
"""Fields of `metadata` that name this very object: nothing that a person writes."""
FIRST = ("apiVersion", "kind", "metadata", "spec")
WIDTH = 120
DOUBTFUL = re.compile(r"[-+.]?\d[\d_.]*(?:[eE][-+]?\d+)?|0[xXoObB][\da-fA-F_]+|[yYnN]|\d+(?::\d+)+")
"""Texts that this writer would leave plain and that other readers of YAML take for a number or for yes and no."""
JOINERS = "\u200c\u200d"
"""Words of Persian or Hindi and most emoji are spelled with them."""


_Dumper: Any = yaml.CSafeDumper if yaml.__with_libyaml__ else yaml.SafeDumper


class _Writer(_Dumper):  # type: ignore[misc]  # one of two of the same kind
    """Writes several lines as such, quotes what could be taken for something else, and what stands twice twice."""

    def ignore_aliases(self, _: object) -> bool:
        return True


def _text(writer: Any, value: str) -> Any:
    style = "|" if "\n" in value else '"' if DOUBTFUL.fullmatch(value) else None
    return writer.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Writer.add_representer(str, _text)


def manifest(document: Mapping[str, Any]) -> str:
    """Give an object as YAML, without its state and without what the server keeps for itself."""
    known = diffing.shown(dict(document))
    known["metadata"] = {key: value for key, value in known["metadata"].items() if key not in GIVEN}
    ordered = {key: known[key] for key in (*FIRST, *known) if key in known}
    text = _written(ordered, is_plain=True)
    return text if not any(_misleads(sign) for sign in set(text)) else _written(ordered, is_plain=False)


def _written(ordered: Mapping[str, Any], *, is_plain: bool) -> str:
    text: str = yaml.dump(ordered, Dumper=_Writer, sort_keys=False, allow_unicode=is_plain, width=WIDTH)
    return text


def _misleads(sign: str) -> bool:
    """Tell of a character whether it hides or turns what is read (CVE-2021-42574): YAML has escapes for those."""
    return unicodedata.category(sign) in ("Cf", "Zl", "Zp") and sign not in JOINERS
