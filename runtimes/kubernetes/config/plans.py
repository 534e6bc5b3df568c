"""What a change to a ConfigMap or Secret would do, in words, as a diff and as a line to type. Pure.

Of a Secret only names of keys and numbers of bytes are told, whoever asks: a plan is shown, copied and kept in places
where a value must never come. The line says BASE64 or FILE where a value belongs. Whether a value that was sent is the
one that is stored is not told either, or a preview would confirm a guess that no audit row knows of.
"""

from __future__ import annotations

import difflib
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence

from runtimes.base import EVERY
from runtimes.config import ConfigChange, Use
from runtimes.kubernetes.config.objects import KINDS, Stored, is_text, patched, values_of
from runtimes.planning import Difference, Plan

ROW_MAX_CHARS = 200
"""A longer value, or one of several lines, is told of as a diff."""
DIFF_MAX_LINES = 2_000
"""Compared line by line at most, after what both begin and end with: difflib takes 0.1 s for so many at worst."""
DIFF_MAX_CHARS = 64 * 1024
CONTEXT_LINES = 3
COMMAND_MAX_CHARS = 2_000
NOTHING = ""


def plan_of(
    change: ConfigChange, stored: Stored | None, *, namespace: str, uses: Sequence[Use], warnings: Sequence[str] = ()
) -> Plan:
    """Say what a change would do to what is `stored`, None where it creates it."""
    before = values_of(change.holder, stored) if stored else {}
    keys = [
        key
        for key in sorted({*before, *change.values})
        if key in change.given or before.get(key) != change.values.get(key)
    ]
    patch = patched(change, stored) if stored else {}
    gone = frozenset(key for key in keys if key not in change.values)
    summary = f"{'Save' if stored else 'Create'} {KINDS[change.holder]} {change.name}"
    return Plan(
        target=f"{change.holder.removesuffix('s')}/{change.name}",
        summary=summary,
        command=_command(change, patch, keys, namespace),
        differences=tuple(_differences(change, before, keys, stored)),
        diff="" if change.holder == "secrets" else _diff(before, change.values, keys),
        warnings=(*warnings, *_told(uses, frozenset(keys) - gone, is_new=stored is None)),
        hits=tuple(_hits(uses, gone)),
        revision=stored.metadata.resource_version if stored else "",
        unchanged=stored is not None and patch.keys() == {"metadata"},
    )


def deletion(holder: str, name: str, *, namespace: str) -> str:
    """Give the line that deletes one by hand."""
    return shlex.join(["kubectl", "-n", namespace, "delete", holder.removesuffix("s"), name])


def diff_of(key: str, before: bytes | None, after: bytes | None) -> str:
    """Give a unified diff of one value; a sentence where it is no text or too long to be compared."""
    old, new = _lines(before), _lines(after)
    if old is None or new is None:
        return f"# {key}: {_amount(before)} → {_amount(after)}, not text\n"
    start = common(old, new)
    end = common(old[start:][::-1], new[start:][::-1])
    first = max(0, start - CONTEXT_LINES)
    old, new = (lines[first : len(lines) - max(0, end - CONTEXT_LINES)] for lines in (old, new))
    if len(old) + len(new) > DIFF_MAX_LINES:
        return f"# {key}: from line {start + 1} on {len(old):,} lines become {len(new):,}\n"
    text = "\n".join(moved(difflib.unified_diff(old, new, key, key, n=CONTEXT_LINES, lineterm=""), first)) + "\n"
    return text if len(text) <= DIFF_MAX_CHARS else f"{text[:DIFF_MAX_CHARS]}\n# … {len(text):,} characters in all\n"


def _differences(
    change: ConfigChange, before: Mapping[str, bytes], keys: Sequence[str], stored: Stored | None
) -> Iterator[Difference]:
    for key in keys:
        old, new = before.get(key), change.values.get(key)
        if change.holder == "secrets":
            yield Difference(what=f"key {key}", before=_size(old), after=_size(new, _words(change, key, old)))
        else:
            yield Difference(what=f"key {key}", before=_shown(old), after=_shown(new))
    is_immutable = bool(stored and stored.immutable)
    if change.immutable is not None and change.immutable != is_immutable:
        words = ("can be changed", "immutable for good")
        yield Difference(what="values", before=words[is_immutable] if stored else "", after=words[change.immutable])


def _diff(before: Mapping[str, bytes], after: Mapping[str, bytes], keys: Sequence[str]) -> str:
    parts = (diff_of(key, before.get(key), after.get(key)) for key in keys)
    shown = [part for part, key in zip(parts, keys, strict=True) if not _is_row(before.get(key), after.get(key))]
    text = "".join(shown)
    return text if len(text) <= DIFF_MAX_CHARS else f"{text[:DIFF_MAX_CHARS]}\n# … cut off here\n"


def _told(uses: Sequence[Use], changed: frozenset[str], *, is_new: bool) -> Iterator[str]:
    """Say who goes on with the old value until it is started again."""
    if is_new:
        return
    touched = [use for use in uses if not use.live and (use.key in changed or (use.key == EVERY and changed))]
    for workload in sorted({use.workload for use in touched}):
        if workload.partition(".")[0] in ("cronjob", "job", "serviceaccount"):
            continue
        how = next(use.how for use in touched if use.workload == workload)
        yield f"{workload.replace('.', ' ', 1)} reads it as {how}: its pods see the new value only after a restart."


def _hits(uses: Sequence[Use], gone: frozenset[str]) -> Iterator[str]:
    for use in uses:
        if use.key in gone:
            yield f"{use.workload.replace('.', ' ', 1)} uses {use.key}, which goes: {use.how}"


def _command(change: ConfigChange, patch: Mapping[str, object], keys: Sequence[str], namespace: str) -> str:
    noun, begin = change.holder.removesuffix("s"), ["kubectl", "-n", namespace]
    if not change.revision:
        kind = ["secret", "generic"] if noun == "secret" else [noun]
        typed = [f"--type={change.type}"] if noun == "secret" and change.type not in ("", "Opaque") else []
        return shlex.join([*begin, "create", *kind, change.name, *typed, *(f"--from-file={key}=FILE" for key in keys)])
    body = {part: _typed(entries, noun == "secret") for part, entries in patch.items() if part != "metadata"}
    typed_patch = json.dumps(body, ensure_ascii=False)
    long = len(typed_patch) > COMMAND_MAX_CHARS or not typed_patch.isprintable()
    given = ["--patch-file=FILE"] if long else ["-p", typed_patch]
    return shlex.join([*begin, "patch", noun, change.name, "--type=merge", *given])


def _typed(entries: object, is_secret: bool) -> object:
    """Write a part of a patch as it is typed: a word in place of a Secret's value."""
    if not is_secret or not isinstance(entries, dict):
        return entries
    return {key: None if value is None else "BASE64" for key, value in entries.items()}


def _is_row(old: bytes | None, new: bytes | None) -> bool:
    """Tell whether both sides fit into a row."""
    return all(value is None or (_fits(value)) for value in (old, new))


def _fits(value: bytes) -> bool:
    return len(value) <= ROW_MAX_CHARS and is_text(value) and value.decode().isprintable()


def _shown(value: bytes | None) -> str:
    if value is None:
        return NOTHING
    return value.decode() or "(empty)" if _fits(value) else _amount(value)


def _words(change: ConfigChange, key: str, old: bytes | None) -> str:
    if old is None:
        return ""
    return "the value that was sent" if key in change.given else "another value"


def _size(value: bytes | None, words: str = "") -> str:
    if value is None:
        return NOTHING
    return f"{words}, {_amount(value)}" if words else _amount(value)


def _amount(value: bytes | None) -> str:
    if value is None:
        return "nothing"
    lines = value.count(b"\n") + bool(value and not value.endswith(b"\n"))
    words = f"{len(value):,} byte{'' if len(value) == 1 else 's'}"
    return f"{words}, {lines:,} lines" if lines > 1 and is_text(value) else words


def _lines(value: bytes | None) -> list[str] | None:
    if value is None:
        return []
    return value.decode().split("\n") if is_text(value) else None


def common(old: Sequence[str], new: Sequence[str]) -> int:
    """Count the lines that both begin with."""
    return next(
        (at for at, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), min(len(old), len(new))
    )


def moved(lines: Iterator[str], by: int) -> Iterator[str]:
    """Give the hunks the numbers of the lines that they have in the whole text."""
    for line in lines:
        if not line.startswith("@@ "):
            yield line
            continue
        _, old, new, _ = line.split(" ", 3)
        yield f"@@ {_shifted(old, by)} {_shifted(new, by)} @@"


def _shifted(place: str, by: int) -> str:
    start, comma, count = place[1:].partition(",")
    return f"{place[0]}{int(start) + by}{comma}{count}"
