"""The version of this installation, from its own metadata: it is written in one place, pyproject.toml."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def installed_version() -> str:
    """Give the version; "unknown" in a checkout that was never installed."""
    try:
        return version("opsmodal")
    except PackageNotFoundError:
        return "unknown"
