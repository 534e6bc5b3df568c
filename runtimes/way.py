"""Says why a way does not carry, in place of what a client library makes of its end.

A tunnel that cannot dial its far side closes the connection that was made to its near end: whoever asked reads
"connection reset", and only the connection knows that a key was refused or that nobody listens there. What this module
refuses to do: try anything, or blame the way for an answer that did come.
"""

from __future__ import annotations

from collections.abc import Callable

from connectors.base import Phase, Standing
from runtimes.errors import RuntimeProblem, Unavailable

Standings = Callable[[], Standing]


def told(problem: RuntimeProblem, standing: Standings | None) -> RuntimeProblem:
    """Give the way's own reason for a request without an answer where it has one; the first goes into `detail`."""
    if standing is None or not isinstance(problem, Unavailable):
        return problem
    way = standing()
    if way.problem is not None:
        return Unavailable(way.problem.sentence, hint=way.problem.hint, detail=problem.sentence)
    if way.phase is Phase.DOWN and way.sentence:
        return Unavailable(way.sentence, hint=way.hint, detail=problem.sentence)
    return problem
