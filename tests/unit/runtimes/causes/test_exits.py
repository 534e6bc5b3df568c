"""Exit codes in words, by the conventions of shells, engines and the kubelet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.causes.exits import exit_meaning


@pytest.mark.parametrize(
    ("code", "fragment"),
    [
        (0, "without an error"),
        (1, "general error"),
        (2, "wrong usage"),
        (78, "configuration error"),
        (125, "the engine itself"),
        (126, "cannot be run"),
        (127, "not found in the image"),
        (128, "could not be started"),
        (129, "SIGHUP"),
        (130, "SIGINT (interrupted)"),
        (134, "SIGABRT"),
        (136, "SIGFPE"),
        (137, "SIGKILL (killed: out of memory"),
        (139, "SIGSEGV (segmentation fault"),
        (143, "SIGTERM (asked to stop"),
        (159, "SIGSYS (forbidden system call"),
        (178, "ended by signal 50"),
        (-9, "SIGKILL"),
        (255, "out of range"),
        (3, "the program defines itself"),
        (200, "the program defines itself"),
        (-1000, "the program defines itself"),
    ],
)
def test_an_exit_code_has_a_meaning(code: int, fragment: str) -> None:
    assert fragment in exit_meaning(code)


@given(st.integers())
def test_every_number_has_one(code: int) -> None:
    assert exit_meaning(code).strip()
