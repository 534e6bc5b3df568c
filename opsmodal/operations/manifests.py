"""The guard of manifests: what one changes gives a workload no more than a typed patch may (see `guard.kubectl`).

Going back to a revision puts the manifest of then in place of the one of now, and is judged as that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from opsmodal.errors import Problem, Rejected
from opsmodal.guard.kubectl.manifests import RULE, check_manifest, read_manifest
from opsmodal.guard.kubectl.rules import Refused
from opsmodal.guard.kubectl.tokens import Tokens
from opsmodal.operations.guards import Asked, Verdict

FIELD, REVISION = "text", "revision"
"""The fields of a form or body that a manifest comes in, or the number of a revision to go back to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unprivileged:
    """Judge a manifest, `after`, that takes the place of what `before` gives. Calling it reads, and changes nothing.

    `tokens` names the Secrets that hold tokens; `field` is where a form or body says what is wanted.
    """

    before: Callable[[], str]
    after: Callable[[], str]
    tokens: Tokens
    field: str = FIELD

    def __call__(self, asked: Asked) -> Verdict:
        """Refuse a manifest that gives more, or that cannot be read; raise what reading the one before it raises."""
        del asked
        try:
            check_manifest(read_manifest(self.before()), read_manifest(self.after()), tokens=self.tokens)
        except Refused as refused:
            problem = Problem(field=self.field, sentence=refused.reason, hint=refused.hint)
            return Verdict(rule=refused.rule, refusal=Rejected(refused.reason, [problem], hint=refused.hint))
        return Verdict(rule=RULE)
