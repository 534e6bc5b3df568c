"""The table of tests/conformance on a real cluster: what the simulated one is held to was learnt from such a one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.calls import CALLS, Call
from tests.conformance.cases import names
from tests.conformance.cases import topic as cases_of
from tests.conformance.playing import play
from tests.conformance.rooms import connected, room_of
from tests.conformance.stage import Stage


@pytest.fixture(scope="session")
def real_stage(kubectl: Path, real_kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Give the stage on the cluster that OPSMODAL_TEST_KUBECONFIG names."""
    made = Stage(kubectl, real_kubeconfig.read_text(), tmp_path_factory.mktemp("stage"))
    yield made
    made.close()


@pytest.mark.parametrize("topic", names())
def test_every_line_is_answered_as_the_table_says(real_stage: Stage, topic: str) -> None:
    play(real_stage.of(topic), [case for case in cases_of(topic).cases if case.real])


@pytest.fixture(scope="session")
def real_api(real_kubeconfig: Path) -> Iterator[Any]:
    with connected(real_kubeconfig.read_text()) as client:
        yield client


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_a_call_is_answered_as_the_table_says(real_api: Any, call: Call) -> None:
    with room_of(real_api) as room:
        call(room)
