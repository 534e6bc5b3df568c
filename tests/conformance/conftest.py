"""One simulated cluster for every case of the suite, and the stage on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from opsmodal.demo.cluster import start
from tests.conformance.stage import Stage

SPEED = 10.0
"""Back-off and probes pass ten times as fast."""


@pytest.fixture(scope="session")
def stage(kubectl: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Give the stage on a simulated cluster."""
    started = start(example=False, speed=SPEED)
    made = Stage(kubectl, started.kubeconfig(), tmp_path_factory.mktemp("stage"))
    yield made
    made.close()
    started.stop()
