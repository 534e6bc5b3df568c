"""One simulated cluster for every case of the suite, and the stage on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from opsmodal.demo.cluster import Cluster, start
from tests.conformance.stage import Stage

SPEED = 10.0
"""Back-off and probes pass ten times as fast."""


@pytest.fixture(scope="session")
def played() -> Iterator[Cluster]:
    """Give the simulated cluster that everything is played on."""
    started = start(example=False, speed=SPEED)
    yield started
    started.stop()


@pytest.fixture(scope="session")
def stage(played: Cluster, kubectl: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Give the stage on the simulated cluster."""
    made = Stage(kubectl, played.kubeconfig(), tmp_path_factory.mktemp("stage"))
    yield made
    made.close()
