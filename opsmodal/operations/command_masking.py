"""Takes the values of secrets out of what a command printed, and leaves their names.

It is for lines that the guard marked: `kubectl get secret` and kin. What is printed as YAML or JSON is read as such,
and of each Secret in it the values of `data` and `stringData` are masked, and those of annotations that hold a
document: the last applied text is one. A format that could print a value anywhere is withheld as a whole: nothing can
tell a value there. Of what it says on standard error, documents are cut off.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import yaml

from connectors.base import Exit, Output
from opsmodal.audit.redaction import MASK
from opsmodal.commands.kept import TooSecret, mask
from runtimes.base import Stream

VALUES = ("data", "stringData")
SAFE = frozenset({"", "wide", "name"})
"""Formats that print no values: a table counts them."""
SAFE_VERBS = frozenset({"annotate", "create", "delete", "get", "label", "patch"})
"""Verbs whose tables and sentences hold no values."""
VERB_AT = 3
"""Where the verb stands in an argv of the guard: behind `kubectl -n NAMESPACE`."""
DOCUMENT = re.compile(r"(?:\{|map\[)[^\n]*")
"""A document, up to the end of its line: kubectl quotes an old annotation when it refuses to overwrite it, and the
object when a template fails."""
WITHHELD = "Values of secrets are not shown in this format. Use -o yaml or -o json, which are shown with them masked."
WHEN_ENDED = "Values of secrets are masked: what it writes is shown when it has ended."
TOO_LONG = "The output holds secrets and is too long to mask them, so that nothing of it is shown."
YAML_MAX_CHARS = 500_000 if yaml.__with_libyaml__ else 100_000
"""What is read and written in about a second, in which nobody else is served: lists of short words are the slowest.
Measured on one core: 0.5 s for 250,000 characters with libyaml, 2.4 s without it."""
YAML_TOO_LONG = "This is too long to mask it as YAML. Use -o json, which is shown with the values of secrets masked."
DEEPEST = 200
"""Levels of a value. libyaml's composer has no bound: at some 10,000 levels it takes the process down with it."""
SEVERAL = "several"
VALUED = frozenset("nsvlLfk")
"""Letters that take what follows them in their word, as kubectl get knows them: no o is a flag behind one."""
UNREADABLE = "The output holds secrets and could not be read as {name}, so that nothing of it is shown."


def mask_output(argv: Sequence[str], stdout: str) -> tuple[str, str]:
    """Give what may be shown of the output of a marked line, and a sentence about it, "" where nothing was withheld."""
    name = output_format(argv)
    if prints_no_values(argv):
        return _plain(stdout)
    if not stdout.strip():
        return "", ""
    if name not in ("json", "yaml"):
        return "", WITHHELD
    if name == "yaml" and len(stdout) > YAML_MAX_CHARS:
        return "", YAML_TOO_LONG
    try:
        return (_json(stdout) if name == "json" else _yaml(stdout)), ""
    except (ValueError, RecursionError, yaml.YAMLError):
        return "", UNREADABLE.format(name=name.upper())


class MaskedStream:
    """The stream of a marked line that is followed: a table line by line, any other format when it has all come."""

    def __init__(self, stream: Stream[Output | Exit], argv: Sequence[str], *, max_bytes: int) -> None:
        self._stream = stream
        self._argv = tuple(argv)
        self._max_bytes = max_bytes

    @property
    def note(self) -> str:
        """Say when something is shown at all, where that is not at once."""
        return "" if prints_no_values(self._argv) else WHEN_ENDED

    def __iter__(self) -> Iterator[Output | Exit]:
        said = _whole_lines(self._stream)
        if prints_no_values(self._argv):
            yield from said
            return
        held, count = list[bytes](), 0
        for item in said:
            if isinstance(item, Output) and item.source == "stdout":
                count += len(item.data)
                held += [item.data] if count <= self._max_bytes else []
                continue
            if isinstance(item, Exit):
                yield from self._masked(b"".join(held), whole=count <= self._max_bytes)
            yield item

    def close(self) -> None:
        """End the command."""
        self._stream.close()

    def _masked(self, data: bytes, *, whole: bool) -> Iterator[Output]:
        if not whole:
            yield Output("stderr", f"{TOO_LONG}\n".encode())
            return
        shown, withheld = mask_output(self._argv, data.decode(errors="backslashreplace"))
        yield Output("stdout", shown.encode())
        if withheld:
            yield Output("stderr", f"{withheld}\n".encode())


def prints_no_values(argv: Sequence[str]) -> bool:
    """Tell whether the format of a marked line leaves the values of secrets out by itself."""
    verb = "".join(argv[VERB_AT : VERB_AT + 1])
    lists = any(word.partition("=")[0] == "--list" for word in argv)
    return verb in SAFE_VERBS and output_format(argv) in SAFE and not lists


def mask_errors(text: str) -> str:
    """Cut off the documents in what a marked line says on standard error."""
    return DOCUMENT.sub(MASK, text)


def _whole_lines(stream: Stream[Output | Exit]) -> Iterator[Output | Exit]:
    """Mask standard error line by line: a document may come in pieces."""
    left = b""
    for item in stream:
        if isinstance(item, Output) and item.source == "stderr":
            lines, newline, left = (left + item.data).rpartition(b"\n")
            if newline:
                yield Output("stderr", _masked_errors(lines + newline))
            continue
        if isinstance(item, Exit) and left:
            yield Output("stderr", _masked_errors(left))
        yield item


def _masked_errors(data: bytes) -> bytes:
    return mask_errors(data.decode(errors="backslashreplace")).encode()


def output_format(argv: Sequence[str]) -> str:
    """Give the format that a kubectl line asks for, "" for its table; SEVERAL where it names more than one.

    A word may be the value of a flag before it and look like a format: the last one is not simply believed.
    """
    words = argv[: argv.index("--")] if "--" in argv else argv
    found = {*_formats([*words, ""])}
    return SEVERAL if len(found) > 1 else "".join(found).lower()


def _formats(words: Sequence[str]) -> Iterator[str]:
    for word, following in pairwise(words):
        name, equals, value = word.partition("=")
        if name in ("--output", "--template"):
            yield (value if equals else following) if name == "--output" else SEVERAL
        elif word[:1] == "-" and word[1:2] != "-":
            letters, found, rest = word[1:].partition("o")
            if found and not VALUED.intersection(letters.partition("=")[0]):
                yield rest.removeprefix("=") or following


def _plain(text: str) -> tuple[str, str]:
    """Mask what looks like a secret by itself, with a rest after each block."""
    try:
        return mask(text), ""
    except TooSecret:
        return "", TOO_LONG


def _json(text: str) -> str:
    """Mask one document after the other: a watch prints many."""
    decoder, place, masked = json.JSONDecoder(), 0, []
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        value, place = decoder.raw_decode(text, place)
        masked.append(json.dumps(_masked(value), indent=4, ensure_ascii=False))
    return "\n".join(masked) + "\n"


def _yaml(text: str) -> str:
    documents = [_masked(each) for each in yaml.load_all(text, Loader=_Plain)]
    return yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**31 - 1)


_Loader: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
_Dumper: Any = yaml.CSafeDumper if yaml.__with_libyaml__ else yaml.SafeDumper


class _Plain(_Loader):  # type: ignore[misc]  # one of two of the same kind
    """Reads times as the text that they are, and nothing that is nested beyond DEEPEST."""

    yaml_implicit_resolvers = {  # noqa: RUF012  (as PyYAML has it)
        sign: [(tag, shape) for tag, shape in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for sign, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    _depth = 0

    def descend_resolver(self, _node: object, _index: object) -> None:
        """Go a level down, as both composers say before they do. Raise YAMLError."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise yaml.YAMLError

    def ascend_resolver(self) -> None:
        """Come a level up."""
        self._depth -= 1


def _masked(value: Any) -> Any:
    """Mask the Secrets in a value, however deep they lie: a list holds them, and so does the event of a watch."""
    if isinstance(value, list):
        return [_masked(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get("kind") == "Secret":
        return _secret(value)
    return {key: _masked(each) for key, each in value.items()}


def _secret(value: dict[str, Any]) -> dict[str, Any]:
    masked = dict(value)
    for field in VALUES:
        if field in masked:
            masked[field] = dict.fromkeys(masked[field], MASK) if isinstance(masked[field], dict) else MASK
    metadata = masked.get("metadata")
    if isinstance(metadata, dict) and isinstance(metadata.get("annotations"), dict):
        noted = {key: MASK if "{" in str(each) else each for key, each in metadata["annotations"].items()}
        masked["metadata"] = {**metadata, "annotations": noted}
    return masked
