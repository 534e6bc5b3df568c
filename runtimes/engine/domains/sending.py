"""Sends a drafted change, step by step, each for the very configuration that the one before has made."""

from __future__ import annotations

from runtimes.caddy import problems
from runtimes.caddy.admin import Admin
from runtimes.engine.domains.drafting import Drafted
from runtimes.errors import Conflict, Stale


def send(admin: Admin, drafted: Drafted) -> None:
    """Do it. Raise Stale when somebody else was faster, Conflict when Caddy refuses; both say what was done by then."""
    draft, known = drafted.draft, drafted.around.known
    etag, count = known.etag, len(draft.steps)
    for number, (step, then) in enumerate(zip(draft.steps, draft.expected(known.root), strict=True), start=1):
        try:
            admin.change(step, etag)
        except (Stale, Conflict) as problem:
            if number == 1:
                raise
            raise type(problem)(problem.sentence, hint=_rest(number - 1, count)) from problem
        if number < count:
            now = admin.read()
            if now.root != then:
                raise problems.changed(_rest(number, count))
            etag = now.etag


def _rest(done: int, count: int) -> str:
    return f"Step {done} of {count} is done: look at the list."
