"""Writes the registry as YAML that `apply` takes again: files by name and fingerprint, never their content."""

from __future__ import annotations

from typing import Any

import yaml

from opsmodal.registry.reading import plain
from opsmodal.registry.schema import Document
from opsmodal.registry.tree import resolved

LINE_WIDTH = 120


def export(document: Document) -> str:
    """Write a document; empty lists are left out."""
    return written(plain(document))


def written(value: dict[str, Any]) -> str:
    """Write plain values so that our own reader gives the same values back."""
    return str(yaml.dump(value, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=LINE_WIDTH))


class _Writer(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  (PyYAML's signature)
        return True


def _text(writer: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Quote what our own reader would take for a number or a word of YAML: its schema is not PyYAML's."""
    style = None if isinstance(resolved(text), str) else "'"
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Writer.add_representer(str, _text)
