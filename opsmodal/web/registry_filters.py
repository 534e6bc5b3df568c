"""What the registry's pages alone need: an entry's connections as YAML, runtimes as choices."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml
from flask import Flask

from opsmodal.operations.registered import RuntimeRow


def as_yaml(value: Any) -> str:
    """Write a value as YAML; a text, which a form sent back, stays as it is."""
    if not value:
        return ""
    return value if isinstance(value, str) else yaml.safe_dump(list(value), sort_keys=False, default_flow_style=None)


def named_kinds(runtimes: Iterable[RuntimeRow]) -> list[tuple[str, str]]:
    """Give (name, label) of each runtime."""
    return [(row.name, f"{row.name} ({row.kind.capitalize()})") for row in runtimes]


def install(app: Flask) -> None:
    """Give the templates these filters."""
    app.jinja_env.filters["as_yaml"] = as_yaml
    app.jinja_env.filters["named_kinds"] = named_kinds
