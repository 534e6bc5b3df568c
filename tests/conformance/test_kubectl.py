"""Every command line of the table on the simulated cluster. tests/real plays the same table on a real one."""

from __future__ import annotations

import pytest

from tests.conformance.cases import names
from tests.conformance.cases import topic as cases_of
from tests.conformance.playing import play
from tests.conformance.stage import Stage


@pytest.mark.often("changes", "get", "logs", "exec")
@pytest.mark.parametrize("topic", names())
def test_every_line_is_answered_as_a_real_cluster_does(stage: Stage, topic: str) -> None:
    play(stage.of(topic), cases_of(topic).cases)
