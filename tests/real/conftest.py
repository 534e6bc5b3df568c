"""People for the tests that operate a real cluster through the whole application."""

from __future__ import annotations

from tests.web.conftest import seed

__all__ = ["seed"]
