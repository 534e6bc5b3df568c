"""Tells apart why a cluster refuses what reached it whole: missing rights, a quota, a webhook, a policy. Pure.

All but the first look alike at a glance (403 Forbidden), and asking for rights would help against none of them. What a
webhook or a policy says is given in its own words, and nothing of it is believed: it may hold what a refusal for
missing rights looks like, so the words in front decide.
Sources of the words: k8s.io/apiserver (pkg/endpoints/handlers/responsewriters/errors.go, pkg/admission/plugin/webhook/
errors, pkg/admission/plugin/policy/validating), k8s.io/kubernetes plugin/pkg/admission (resourcequota, limitranger,
serviceaccount, namespace/lifecycle), k8s.io/pod-security-admission.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from runtimes.errors import Conflict, Denied, Disallowed, RuntimeProblem, Unavailable
from runtimes.kubernetes.roles import Right, granting

WORDS_MAX_CHARS = 300
"""How much of foreign words a sentence takes; `detail` has more of them."""
WORDS_READ_CHARS = 8192
"""How much is looked at: a pattern that is tried again at every place must not take long on a megabyte."""
NAMED_ONLY = frozenset({"impersonate"})
"""Verbs that are given on named objects only: on all of them they give every identity of the namespace."""
NAMED_ONLY_RESOURCES = frozenset({"serviceaccounts/token"})

_NO_RIGHT = re.compile(
    r'(?:\S+ )?(?:"(?P<name>[^"]*)" )?is forbidden: User "(?P<user>[^"]*)" cannot (?P<verb>\w+) '
    r'resource "(?P<resource>[^"]*)"'
    r'(?: in API group "(?P<group>[^"]*)")?(?: in the namespace "(?P<namespace>[^"]*)")?'
)
"""How the API server's authorizer words a refusal (responsewriters/errors.go)."""
_FORBIDDEN = re.compile(r'(?P<what>\S+(?: "[^"]*")?) is forbidden: (?P<why>.*)', re.S)
_AWAY = re.compile(r'(?:Internal error occurred: )?failed calling webhook "(?P<name>[^"]*)": (?P<why>.*)', re.S)
_ENDING = re.compile(r"unable to create new content in namespace (?P<name>\S+) because it is being terminated")
_NOT_A_RIGHT = "This is a rule of the cluster, not a missing right: do what it says, or ask who"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """A rule by which a cluster refuses: its words, and ours around what they hold."""

    word: str
    words: re.Pattern[str]
    says: str
    hint: str

    def refusal(self, words: str, detail: str) -> Disallowed | None:
        """Give the error where these are its words."""
        found = self.words.match(words)
        if found is None:
            return None
        held = {name: _cut(part or NO_REASON) for name, part in found.groupdict().items()}
        return Disallowed(
            _ended(self.says.format(**held)), hint=self.hint.format(**held), detail=detail, rule=self.word
        )


NO_REASON = "it gives no reason"
_WEBHOOK = _Rule(
    word="admission-webhook",
    words=re.compile(
        r'admission webhook "(?P<name>[^"]*)" denied the request(?: without explanation|: (?P<why>.*))', re.S
    ),
    says="The admission webhook {name} of the cluster refuses this: {why}",
    hint=f"{_NOT_A_RIGHT} runs the webhook.",
)
_RULES = (
    _Rule(
        word="quota",
        words=re.compile(
            r"exceeded quota: (?P<name>[^,]*), requested: (?P<asked>.*?), used: (?P<used>.*?), limited: (?P<hard>.*)",
            re.S,
        ),
        says="The quota {name} is used up: {asked} is asked for, {used} of {hard} is taken",
        hint="Free some or ask for less; who runs the cluster can raise it: kubectl describe quota {name}",
    ),
    _Rule(
        word="quota",
        words=re.compile(r"failed quota: (?P<name>[^:]*): must specify (?P<missing>.*)", re.S),
        says="The quota {name} wants every container to say its {missing}",
        hint="Set these requests and limits, or ask for a LimitRange that fills them in.",
    ),
    _Rule(
        word="pod-security",
        words=re.compile(r'violates PodSecurity "(?P<level>[^"]*)": (?P<why>.*)', re.S),
        says="Pod Security “{level}” of the namespace forbids this pod: {why}",
        hint="Tighten the pod accordingly. Who runs the cluster sets the level, as a label of the namespace.",
    ),
    _Rule(
        word="admission-policy",
        words=re.compile(r"ValidatingAdmissionPolicy '(?P<name>[^']*)' .*?denied request: (?P<why>.*)", re.S),
        says="The admission policy {name} of the cluster refuses this: {why}",
        hint=f"{_NOT_A_RIGHT} wrote the policy.",
    ),
    _Rule(
        word="service-account",
        words=re.compile(r'error looking up service account \S+: serviceaccount "(?P<name>[^"]*)" not found'),
        says="There is no service account {name} for the pod to run as",
        hint="Create it, or name another one.",
    ),
    _Rule(
        word="limit-range",
        words=re.compile(r"(?P<why>\[?(?:maximum|minimum) .* usage per .*|.* max limit to request ratio per .*)", re.S),
        says="A LimitRange of the namespace does not allow this: {why}",
        hint="Stay within its bounds: kubectl describe limitranges shows them.",
    ),
    _Rule(
        word="admission",
        words=re.compile(r"(?P<why>.*)", re.S),
        says="The cluster does not allow this: {why}",
        hint="This is a rule of the cluster; who runs it can say which, and what it lets pass.",
    ),
)
"""Rules of admission, by what stands behind “is forbidden:”; the first that fits, and the last fits anything."""


def by_a_rule(words: str) -> RuntimeProblem | None:
    """Give the error for what a rule of the cluster itself refused; None where it was none."""
    words = words[:WORDS_READ_CHARS]
    if by_webhook := _WEBHOOK.refusal(words, words):
        return by_webhook
    if found := _AWAY.match(words):
        sentence = f"The admission webhook {_cut(found['name'])} of the cluster did not answer, so nothing was changed."
        hint = "Ask who runs the cluster to look at its service and pods: until it answers, nothing passes."
        return Unavailable(sentence, hint=hint, detail=words)
    forbidden = _FORBIDDEN.match(words)
    if forbidden is None or _NO_RIGHT.match(words):
        return None
    if found := _ENDING.match(forbidden["why"]):
        sentence = f"Namespace {_cut(found['name'])} is being deleted: nothing new is made in it."
        return Conflict(sentence, hint="Wait until it is gone, then create it again.", detail=words)
    return next(filter(None, (rule.refusal(forbidden["why"], words) for rule in _RULES)))


def without_right(words: str, *, server: str) -> Denied | None:
    """Give the error for an identity that lacks a right, with the Role that would give it; None for anything else."""
    found = _NO_RIGHT.match(words[:WORDS_READ_CHARS])
    if found is None:
        return None
    name, user, verb, resource, group, namespace = (part[:200] if part else "" for part in found.groups())
    where = f" in namespace {namespace}" if namespace else " in the whole cluster"
    only = verb in NAMED_ONLY or resource in NAMED_ONLY_RESOURCES
    right = Right(verbs=(verb,), resources=(resource,), group=group, names=(name,) if only and name else ())
    grant = granting([right], user=user, namespace=namespace, name=f"opsmodal-{verb}-{resource}")
    kind = "Role" if namespace else "ClusterRole"
    sentence = f'The API server at {server} does not allow "{user}" to {verb} {resource}{where} (403).'
    hint = f"An administrator of the cluster grants it with this {kind} and its binding: kubectl apply -f FILE"
    return Denied(sentence, hint=hint, detail=words, grant=grant)


def _cut(words: str) -> str:
    """Bound foreign words, on one line."""
    line = " ".join(words.split())
    return line if len(line) <= WORDS_MAX_CHARS else f"{line[: WORDS_MAX_CHARS - 1]}…"


def _ended(words: str) -> str:
    return words if words.endswith((".", "!", "?", "…")) else f"{words}."
