"""Says once, in the summary, that no real cluster took part; the cases themselves are in the other files."""

from __future__ import annotations

import pytest

from tests.contract.conftest import NAMED


def test_a_real_cluster_takes_part() -> None:
    if "cluster" not in NAMED:
        pytest.skip("no real cluster: name its kubeconfig in OPSMODAL_TEST_KUBECONFIG and run make test-real")
