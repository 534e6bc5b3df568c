"""Where the parts of the program that are not Python lie: in an installed package, and in a plain checkout."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def template_root() -> Path:
    """Give the folder of the templates: packed into the package, or beside it in a checkout."""
    packed = PACKAGE / "templates"
    return packed if packed.is_dir() else PACKAGE.parent / "templates"


def static_root() -> Path:
    """Give the folder of style sheets, scripts and images."""
    return PACKAGE / "static"
