"""The rules by which typed lines are let through or refused, as a page that every refusal leads to.

It is made of the same data that the guard judges by and that docs/guard.md is written from. Nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Sequence

from werkzeug.wrappers import Response

from opsmodal import actions
from opsmodal.guard.rule import Rule
from opsmodal.guard.rules import RULES
from opsmodal.web.respond import respond
from opsmodal.web.routes import Routes

routes = Routes("guard")


@routes.get("/guard", actions.GUARD_RULES, Sequence[Rule])
def rules() -> Response:
    """Read the rules of typed lines: what passes, what is refused, and what to do instead."""
    return respond(tuple(RULES.values()), "commands/rules.html")
