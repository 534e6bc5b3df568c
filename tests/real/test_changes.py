"""Each change beside kubectl on a real cluster: the same cases as on the simulated one, which is held to this one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.test_changes_kubectl import (
    both,
    folder,
    test_a_change_leaves_what_its_line_leaves,
    test_a_manifest_leaves_what_its_line_leaves,
    test_a_reason_is_left_as_its_line_leaves_it,
    test_a_run_at_once_is_the_job_that_its_line_makes,
    test_going_back_numbers_revisions_as_its_line_does,
)

__all__ = [
    "both",
    "folder",
    "test_a_change_leaves_what_its_line_leaves",
    "test_a_manifest_leaves_what_its_line_leaves",
    "test_a_reason_is_left_as_its_line_leaves_it",
    "test_a_run_at_once_is_the_job_that_its_line_makes",
    "test_going_back_numbers_revisions_as_its_line_does",
]


@pytest.fixture(scope="module")
def kubeconfig(real_kubeconfig: Path) -> str:
    return real_kubeconfig.read_text()
