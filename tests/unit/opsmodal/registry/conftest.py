"""A registry that holds the document of the documentation, and the folder it came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsmodal.registry.files import Folder
from opsmodal.registry.registry import Registry
from tests.unit.opsmodal.registry.documents import DOCUMENT, written


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "documents").mkdir()
    return written(tmp_path / "documents")


@pytest.fixture
def applied(registry: Registry, folder: Path) -> Registry:
    """A registry that holds the document of the documentation."""
    registry.apply(DOCUMENT.encode(), Folder(folder))
    return registry
