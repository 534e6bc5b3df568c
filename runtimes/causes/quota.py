"""Why the API server refuses a pod: quotas, limit ranges, security levels, webhooks and policies.

A refused pod does not exist, so this is told by the events of what wanted to make it.
"""

from __future__ import annotations

from collections.abc import Iterator

from runtimes.base import Event
from runtimes.causes.facts import Facts
from runtimes.causes.finding import Finding, Rule, Weight, first, latest
from runtimes.causes.words import quoted

WHAT = "cannot be created"

RULES = (
    Rule(
        kind="quota-exceeded",
        words=r"exceeded quota: (?P<quota>[^,]{1,253}), requested: (?P<asked>.{1,300}?), used: (?P<used>.{1,300}?), "
        r"limited: (?P<limit>[^\n]{1,300}?)(?:\.?$|\n)",
        because="the quota {quota} of its namespace is used up: it asks for {asked}, {used} is used of {limit}",
        hint="Remove what is not needed, ask for less, or have the quota raised.",
    ),
    Rule(
        kind="quota-needs-limits",
        words=r"failed quota: (?P<quota>[^:]{1,253}): must specify (?P<missing>.{1,300})",
        because="the quota {quota} of its namespace wants every container to set {missing}",
        hint="Set these requests and limits, or add a LimitRange with defaults to the namespace.",
    ),
    Rule(
        kind="limit-range",
        words=r"(?P<rule>(?:maximum|minimum) \S{1,253} usage per \S{1,40} is [^,\]]{1,100}, but .{1,100}?)(?:[.,\]]|$)"
        r"|(?P<ratio>\S{1,253} max limit to request ratio .{1,200}?)(?:[.,\]]|$)",
        because="the LimitRange of its namespace does not allow it: {rule}{ratio}",
        hint="Change the container's requests and limits, or the LimitRange.",
    ),
    Rule(
        kind="pod-security",
        words=r"violates PodSecurity \"(?P<level>[^\"]{1,100})\": (?P<why>.{1,600})",
        because="the security level {level} of its namespace forbids it: {why}",
        hint="Set what the level asks for in securityContext, or have the namespace's level changed.",
    ),
    Rule(
        kind="pod-security",
        words=r"unable to (?:admit pod|validate against any (?:pod security policy|security context constraint))",
        because="no security policy of the cluster admits it",
        hint="Change its securityContext, or have its service account allowed to use a policy that fits.",
    ),
    Rule(
        kind="webhook-unreachable",
        words=r"failed calling webhook \"(?P<webhook>[^\"]{1,253})\"",
        because="the admission webhook {webhook} does not answer, and nothing may be created without it",
        hint="Bring the webhook's service back; as a last resort remove its webhook configuration.",
    ),
    Rule(
        kind="webhook-denied",
        words=r"admission webhook \"(?P<webhook>[^\"]{1,253})\" denied the request:?(?P<why>.{0,300})",
        because="the admission webhook {webhook} refuses it: {why}",
        hint="Change what it complains of, or ask those who run the policy.",
    ),
    Rule(
        kind="policy-denied",
        words=r"ValidatingAdmissionPolicy '(?P<policy>[^']{1,253})'.{0,300}denied request:?(?P<why>.{0,300})",
        because="the admission policy {policy} refuses it: {why}",
        hint="Change what it complains of, or ask those who run the policy.",
    ),
    Rule(
        kind="service-account-missing",
        words=r"serviceaccount \"(?P<account>[^\"]{1,253})\" not found",
        because="its service account {account} does not exist",
        hint="Create the service account, or correct serviceAccountName.",
    ),
    Rule(
        kind="priority-class",
        words=r"no PriorityClass with name (?P<name>\S{1,253}) was found",
        because="the priority class {name} does not exist",
        hint="Create the priority class, or correct priorityClassName.",
    ),
    Rule(
        kind="runtime-class",
        words=r"runtimeclass(?:\.node\.k8s\.io|es\S{0,40})? \"(?P<name>[^\"]{1,253})\" not found",
        because="the RuntimeClass {name} does not exist",
        hint="Create the RuntimeClass, or correct runtimeClassName.",
    ),
    Rule(
        kind="namespace-terminating",
        words=r"because it is being terminated|namespace \S{1,253} is being terminated",
        because="its namespace is being deleted",
        hint="Wait until the namespace is gone and create it anew, or use another.",
    ),
    Rule(
        kind="not-allowed",
        words=r"is forbidden:? (?P<why>.{1,300})",
        because="the API server forbids it: {why}",
        hint="Change what is forbidden, or have it allowed.",
    ),
    Rule(
        kind="definition-invalid",
        words=r"is invalid:? (?P<why>.{1,300})",
        because="its definition is not valid: {why}",
        hint="Correct the workload's template.",
    ),
)

_REASONS = ("FailedCreate", "ReplicaFailure", "FailedCreatePod", "FailedRescale")


def findings(facts: Facts) -> Iterator[Finding]:
    """Find why pods are refused. Of a pod that exists this is context, while siblings of it are missing."""
    exists = bool(facts.containers)
    if exists and (not facts.siblings_missing or facts.conditions.get("Ready", ("",))[0] == "True"):
        return
    for event in latest((*facts.owner_events, *facts.events), *_REASONS):
        found = first(RULES, event.message, what=WHAT) or _unknown(event)
        if not exists:
            yield found
            return
        yield Finding(
            kind=found.kind,
            what=found.what,
            because=found.because,
            detail=f"More instances cannot be created: {found.because}.",
            hint=found.hint,
            weight=Weight.CONTEXT,
            said=found.said,
        )
        return


def _unknown(event: Event) -> Finding:
    because = f"the API server refuses it: {quoted(event.message)}" if event.message.strip() else "it is refused"
    return Finding(kind="not-created", what=WHAT, because=because, hint="See the owner's events for more.")
