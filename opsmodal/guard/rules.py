"""Every rule of the guard by its id, joined out of the modules that judge by them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from opsmodal.guard import host_rules
from opsmodal.guard.engine import rules as engine_rules
from opsmodal.guard.judge import JUDGE_RULES
from opsmodal.guard.kubectl import rules as kubectl_rules
from opsmodal.guard.line import LINE_RULES
from opsmodal.guard.narrowing import SITE_RULES
from opsmodal.guard.rule import Rule


def _joined(*groups: Iterable[Rule]) -> Mapping[str, Rule]:
    """Join the rules; an id that stands twice is a mistake of the program, and none is served with it."""
    rules = [rule for group in groups for rule in group]
    by_id = {rule.id: rule for rule in rules}
    if len(by_id) != len(rules):
        raise ValueError("Two rules of the guard have one id.")
    return by_id


RULES: Mapping[str, Rule] = _joined(
    LINE_RULES, JUDGE_RULES, SITE_RULES, kubectl_rules.RULES, engine_rules.RULES, host_rules.RULES
)
