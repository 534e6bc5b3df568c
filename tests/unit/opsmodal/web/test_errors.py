"""Every error of the layers below has its status and its word."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.errors import ConnectionProblem
from opsmodal.errors import Refusal
from opsmodal.web.errors import STATUSES
from runtimes.errors import RuntimeProblem


def below(kind: type[Exception]) -> Iterator[type[Exception]]:
    for each in kind.__subclasses__():
        if each.__module__.endswith(".errors"):
            yield each
            yield from below(each)


@pytest.mark.parametrize("kind", [*below(ConnectionProblem), *below(RuntimeProblem), *below(Refusal)])
def test_every_problem_has_a_row_in_the_table(kind: type[Exception]) -> None:
    assert any(each in STATUSES for each in kind.__mro__), kind.__name__
