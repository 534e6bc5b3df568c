"""Every command line of the table on the simulated cluster. tests/real plays the same table on a real one."""

from __future__ import annotations

import pytest

from tests.conformance.cases import case, rows
from tests.conformance.playing import play
from tests.conformance.stage import Stage

pytestmark = pytest.mark.xdist_group("conformance")


@pytest.mark.parametrize(("topic", "name"), rows())
def test_a_line_is_answered_as_a_real_cluster_does(stage: Stage, topic: str, name: str) -> None:
    play(stage.of(topic), case(topic, name))
