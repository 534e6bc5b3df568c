"""Masks the values of secrets in a typed line before it is shown or kept: what only its words tell. Pure.

The text itself is masked by `opsmodal.audit.redaction`, which knows shapes; this knows flags however they are quoted or
spelled (`--from-lit'eral'`, `--from_literal`), and that the patch of a secret is one. A line that holds nothing of it
comes back as it was typed. Masking twice changes nothing.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from opsmodal.guard.line import Unsplittable, split

MASK = "•••"
_ASSIGNING = frozenset({"from-literal", "env", "build-arg", "e"})
"""Flags whose value is NAME=VALUE."""
_BEFORE = "itd"
"""Booleans of exec: a line with them is refused, and recorded all the same."""
_SECRET = frozenset({"token", "password", "docker-password"})
_PATCHING = frozenset({"patch", "p"})
_FLAG = re.compile(r"(?P<dashes>--?)(?P<name>[A-Za-z][A-Za-z0-9_-]*)(?P<equals>=?)(?P<value>.*)", re.DOTALL)
_OF_SECRETS = re.compile(r"(?:[a-z.,/-]*,)?secrets?(?:[./,].*)?", re.IGNORECASE | re.DOTALL)
_SET_ENV = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*=")

_TEXT = r"""(?:"[^"]*"?|'[^']*'?|\S)+"""
_ASSIGNED = re.compile(rf"={_TEXT}")
"""In a line that cannot be split nobody knows which words are values: whatever is assigned is taken for one."""
_AFTER_FLAG = re.compile(rf"(?P<flag>--(?:token|password|docker-password)\s+){_TEXT}")


def masked(line: str) -> str:
    """Give a line with the values of secrets masked, quoted anew where something was; else as it is."""
    try:
        texts = [word.text for word in split(line)]
    except Unsplittable:
        return _ASSIGNED.sub(f"={MASK}", _AFTER_FLAG.sub(rf"\g<flag>{MASK}", line))
    changed = list(_masked(texts))
    return (
        line if changed == texts else " ".join(word if MASK in word else shlex.quote(word) for word in _shown(changed))
    )


def _masked(texts: Sequence[str]) -> Iterator[str]:
    """Mask word by word. What follows `--` is looked at too: `sh -c` there may hold the same."""
    patches = "patch" in texts and any(map(_OF_SECRETS.fullmatch, texts))
    sets = {"set", "env"} <= set(texts)
    waiting = ""
    for text in texts:
        if waiting:
            yield _value(waiting, text)
            waiting = ""
            continue
        match = _FLAG.fullmatch(text)
        name = _name(match, patches=patches) if match else ""
        if match is None or not name:
            yield _assignment(text) if sets and match is None and _SET_ENV.match(text) else text
        elif (match["dashes"] == "--" and not match["equals"]) or (
            match["dashes"] == "-" and len(text) == _place(match)
        ):
            yield text
            waiting = name
        else:
            head, value = _cut(match)
            yield head + _value(name, value)


def _name(match: re.Match[str], *, patches: bool) -> str:
    """Give the flag that a word is, as pflag reads it: `_` is `-`; "" for one that holds no secret."""
    name = match["name"].replace("_", "-") if match["dashes"] == "--" else _letters(match)[-1]
    wanted = _ASSIGNING | _SECRET | (_PATCHING if patches else frozenset())
    return name if name in wanted else ""


def _cut(match: re.Match[str]) -> tuple[str, str]:
    """Part a word into its flag and the value in it."""
    text, place = match[0], match.start("value") if match["dashes"] == "--" else _place(match)
    return text[:place], text[place:]


def _letters(match: re.Match[str]) -> str:
    """Give a short flag with the letters of `exec` that may stand before it in one word: `-ite A=b`."""
    name: str = match["name"]
    return name[: len(name) - len(name.lstrip(_BEFORE)) + 1]


def _place(match: re.Match[str]) -> int:
    """Give where the value of a short flag begins in its word."""
    return len("-") + len(_letters(match))


def _value(name: str, value: str) -> str:
    return _assignment(value) if name in _ASSIGNING else MASK


def _assignment(text: str) -> str:
    """Mask what NAME=VALUE assigns; a name without a value stays."""
    name, equals, _ = text.partition("=")
    return f"{name}={MASK}" if equals else text


def _shown(texts: Sequence[str]) -> Iterator[str]:
    """Quote a masked word only where its name needs it."""
    for text in texts:
        head = text.removesuffix(MASK)
        yield text if head == text or shlex.quote(head or "x") == (head or "x") else f"{shlex.quote(head)}{MASK}"
