"""The table of tests/conformance on a real cluster: what the simulated one is held to was learnt from such a one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.cases import case, rows
from tests.conformance.playing import play
from tests.conformance.stage import Stage


@pytest.fixture(scope="session")
def real_stage(kubectl: Path, real_kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Give the stage on the cluster that OPSMODAL_TEST_KUBECONFIG names."""
    made = Stage(kubectl, real_kubeconfig.read_text(), tmp_path_factory.mktemp("stage"))
    yield made
    made.close()


@pytest.mark.parametrize(("topic", "name"), [row for row in rows() if case(*row).real])
def test_a_line_is_answered_as_the_table_says(real_stage: Stage, topic: str, name: str) -> None:
    play(real_stage.of(topic), case(topic, name))
