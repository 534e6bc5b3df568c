"""Shows what becomes of an object as a unified diff of YAML, without what the server keeps for itself. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import yaml

from runtimes.kubernetes.changes.found import KEPT, OWN, Found, Obj
from runtimes.kubernetes.config.plans import CONTEXT_LINES, common, moved

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
HIDDEN = KEPT | {LAST_APPLIED}
"""Annotations that programs keep for themselves, the second as large as the object."""
GIVEN = OWN | {"uid", "creationTimestamp"}
"""What the server gives an object; who writes a manifest leaves it out."""
DIFF_MAX_LINES = 4_000
"""Compared at most, after what both begin and end with: difflib takes 0.1 s for so many (measured) and hours for a
megabyte of short lines, for which a gevent worker serves nobody."""
_Dumper: Any = yaml.CSafeDumper if yaml.__with_libyaml__ else yaml.SafeDumper


class _Readable(_Dumper):  # type: ignore[misc]  # one of two of the same kind
    """Writes text of several lines as such, and what stands twice twice: an alias is nothing to read."""

    def ignore_aliases(self, _: object) -> bool:
        return True


def _text(dumper: Any, text: str) -> Any:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Readable.add_representer(str, _text)


def shown(document: Obj) -> Obj:
    """Give an object without its state and without what the server keeps in its metadata."""
    metadata = {key: value for key, value in (document.get("metadata") or {}).items() if key not in GIVEN}
    marks = {key: value for key, value in (metadata.pop("annotations", None) or {}).items() if key not in HIDDEN}
    metadata |= {"annotations": marks} if marks else {}
    return {key: value for key, value in document.items() if key not in {"status", "metadata"}} | {"metadata": metadata}


def written(document: Mapping[str, Any]) -> str:
    """Write YAML with sorted keys, so that only what differs differs."""
    text: str = yaml.dump(dict(document), Dumper=_Readable, sort_keys=True, allow_unicode=True, width=2**31 - 1)
    return text


def unified(before: Obj, after: Obj, found: Found) -> str:
    """Give a unified diff, "" where nothing that is shown differs."""
    old, new = (written(shown(each)).splitlines() for each in (before, after))
    start = common(old, new)
    end = common(old[start:][::-1], new[start:][::-1])
    counts = tuple(len(side) - start - end for side in (old, new))
    if sum(counts) > DIFF_MAX_LINES:
        return f"# {found.target}: from line {start + 1} on {counts[0]:,} lines become {counts[1]:,}\n"
    first, left = max(0, start - CONTEXT_LINES), max(0, end - CONTEXT_LINES)
    old, new = (side[first : len(side) - left] for side in (old, new))
    names = (f"{found.target} as it is", f"{found.target} as it will be")
    lines = difflib.unified_diff(old, new, *names, n=CONTEXT_LINES, lineterm="")
    return "".join(f"{line}\n" for line in moved(lines, first))
