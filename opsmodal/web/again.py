"""What a form that was refused says when it comes back: which refusals another try can mend, and in which words.

A right that the runtime's identity lacks counts among them: somebody gives it with the role that is shown, and what was
typed is still there to be sent again.
"""

from __future__ import annotations

from connectors.errors import ConnectionProblem
from opsmodal.errors import BadRequest, NotRecorded, Problem, Refusal, Rejected
from runtimes.errors import Disallowed, RuntimeProblem

MENDED = (Rejected, BadRequest, NotRecorded, RuntimeProblem, ConnectionProblem)
"""What another try with the same form can mend."""
AWAY = (RuntimeProblem, ConnectionProblem)
"""What a read for the page of a form may end with: it is shown without what could not be read."""
Mended = Refusal | RuntimeProblem | ConnectionProblem


def grant_of(error: Exception | None) -> str:
    """Give the role, as YAML, that would have let it pass; "" where no role would."""
    return str(getattr(error, "grant", ""))


def hint_of(error: Mended) -> str:
    """Say what to do next, and what the runtime itself said where the sentence does not have it already."""
    is_told = isinstance(error, Disallowed) or bool(grant_of(error))
    detail = "" if is_told else getattr(error, "detail", "")
    return " ".join(each for each in (error.hint, detail) if each)


def problem_of(error: Mended, field: str = "") -> Problem:
    """Give it as what is wrong with a form: with one of its fields, or "" with none."""
    return Problem(field=field, sentence=error.sentence, hint=hint_of(error))
