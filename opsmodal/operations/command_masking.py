"""Takes the values of secrets out of what a command printed, and leaves their names. Pure.

It is for lines that the guard marked: `kubectl get secret` and kin. What is printed as YAML or JSON is read as such,
and of each Secret in it the values of `data` and `stringData` are masked and the annotation that holds its last applied
text is taken out. A format that could print a value anywhere is withheld as a whole: nothing can tell a value there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import yaml

from opsmodal.audit.redaction import MASK, redacted

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
VALUES = ("data", "stringData")
SAFE = frozenset({"", "wide", "name"})
"""Formats that print no values: a table counts them."""
SAFE_VERBS = frozenset({"describe"})
"""Prints how long each value is, and leaves the last applied text out."""
WITHHELD = "Values of secrets are not shown in this format. Use -o yaml or -o json, which are shown with them masked."
SEVERAL = "several"
VALUED = frozenset("nsvlLfk")
"""Letters that take what follows them in their word, as kubectl get knows them: no o is a flag behind one."""
UNREADABLE = "The output holds secrets and could not be read as {name}, so that nothing of it is shown."


def mask_output(argv: Sequence[str], stdout: str) -> tuple[str, str]:
    """Give what may be shown of the output of a marked line, and a sentence about it, "" where nothing was withheld."""
    name = output_format(argv)
    if name in SAFE or SAFE_VERBS.intersection(argv[:4]):
        return redacted(stdout), ""
    if not stdout.strip():
        return "", ""
    if name not in ("json", "yaml"):
        return "", WITHHELD
    try:
        return (_json(stdout) if name == "json" else _yaml(stdout)), ""
    except (ValueError, RecursionError, yaml.YAMLError):
        return "", UNREADABLE.format(name=name.upper())


def output_format(argv: Sequence[str]) -> str:
    """Give the format that a kubectl line asks for, "" for its table; SEVERAL where it names more than one.

    A word may be the value of a flag before it and look like a format: the last one is not simply believed.
    """
    words = argv[: argv.index("--")] if "--" in argv else argv
    found = {*_formats([*words, ""])}
    return SEVERAL if len(found) > 1 else "".join(found)


def _formats(words: Sequence[str]) -> Iterator[str]:
    for word, following in pairwise(words):
        name, equals, value = word.partition("=")
        if name in ("--output", "--template"):
            yield (value if equals else following) if name == "--output" else SEVERAL
        elif word[:1] == "-" and word[1:2] != "-":
            letters, found, rest = word[1:].partition("o")
            if found and not VALUED.intersection(letters.partition("=")[0]):
                yield rest.removeprefix("=") or following


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
    return yaml.dump_all(documents, Dumper=yaml.SafeDumper, sort_keys=False, allow_unicode=True, width=2**31)


class _Plain(yaml.SafeLoader):
    """Reads times as the text that they are."""


_Plain.yaml_implicit_resolvers = {
    sign: [(tag, shape) for tag, shape in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for sign, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


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
        kept = {key: each for key, each in metadata["annotations"].items() if key != LAST_APPLIED}
        masked["metadata"] = {**metadata, "annotations": kept}
    return masked
