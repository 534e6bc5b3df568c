from __future__ import annotations

import pytest

from connectors.base import Phase, Standing
from connectors.errors import Unreachable
from runtimes.errors import Denied, RuntimeProblem, Unavailable
from runtimes.way import told

RESET = Unavailable("The connection was reset.", hint="Try again.")
REFUSED = Denied("You may not.")
UNHEARD = Unreachable("Nobody listens at 10.0.0.5:6443.")
DOWN = Standing(phase=Phase.DOWN, sentence="ops@bastion refused the key.", hint="Look at authorized_keys.")


@pytest.mark.parametrize(
    ("problem", "standing", "sentence"),
    [
        (RESET, DOWN, DOWN.sentence),
        (RESET, Standing(phase=Phase.UP, sentence="All is well."), RESET.sentence),
        (RESET, Standing(phase=Phase.UP, sentence="All is well.", problem=UNHEARD), UNHEARD.sentence),
        (RESET, Standing(phase=Phase.IDLE, sentence="Nothing is held open."), RESET.sentence),
        (RESET, Standing(phase=Phase.DOWN), RESET.sentence),
        (RESET, None, RESET.sentence),
        (REFUSED, DOWN, REFUSED.sentence),
    ],
)
def test_only_a_way_that_is_down_speaks_and_only_for_silence(
    problem: RuntimeProblem, standing: Standing | None, sentence: str
) -> None:
    assert told(problem, (lambda: standing) if standing else None).sentence == sentence


def test_what_was_seen_from_here_is_kept_as_a_detail() -> None:
    problem = told(RESET, lambda: DOWN)
    assert (problem.hint, problem.detail) == (DOWN.hint, RESET.sentence)
