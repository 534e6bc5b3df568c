"""What an identity may not do in a namespace, and what a person misses by that. Asked by `doctor`, never by pages.

One SelfSubjectRulesReview answers it (https://kubernetes.io/docs/reference/access-authn-authz/authorization/). It is
told as far as the cluster tells it: an authorizer that keeps its rules to itself proves nothing lacking.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from runtimes.base import Lack
from runtimes.kubernetes.api.client import Client
from runtimes.kubernetes.figures import metrics

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
ANY = "*"


class Rule(msgspec.Struct, frozen=True, rename="camel"):
    verbs: list[str] | None = None
    api_groups: list[str] | None = None
    resources: list[str] | None = None
    resource_names: list[str] | None = None


class Rules(msgspec.Struct, frozen=True, rename="camel"):
    resource_rules: list[Rule] | None = None
    incomplete: bool = False


class Review(msgspec.Struct, frozen=True):
    status: Rules = Rules()


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A right, and what a page lacks without it."""

    verb: str
    resource: str
    lost: str
    group: str = ""


NEEDS = (
    Need(verb="list", resource="pods", lost="nothing of the service is shown"),
    Need(verb="delete", resource="pods", lost="no pod can be deleted or restarted"),
    Need(verb="get", resource="pods/log", lost="no logs"),
    Need(verb="list", resource="events", lost="no events and warnings, and fewer causes"),
    *(
        Need(verb="list", resource=resource, group="apps", lost="these workloads are not shown")
        for resource in ("deployments", "statefulsets", "daemonsets", "replicasets")
    ),
    *(
        Need(verb="list", resource=resource, group="batch", lost="these workloads are not shown")
        for resource in ("jobs", "cronjobs")
    ),
    Need(verb="list", resource="services", lost="no domains of Services"),
    Need(verb="list", resource="ingresses", group="networking.k8s.io", lost="no domains"),
    Need(verb="list", resource="pods", group=metrics.GROUP, lost="no usage of cores and memory"),
)


def lacks(client: Client, namespace: str) -> tuple[Lack, ...]:
    """Say what does not work in a namespace, each with what to do. Raise RuntimeProblem when it cannot be asked."""
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": namespace}}
    status = client.create(REVIEWS, Review, body, what=f"the review of our rights in {namespace}").status
    found = [] if status.incomplete else list(missing(status.resource_rules or ()))
    told = []
    if found:
        hint = f"Bind a Role with these rights in {namespace} to it; the ClusterRole edit has all of them."
        told.append(Lack(sentence=f"This identity may not {'; '.join(found)}.", hint=hint))
    figures = metrics.read(client, namespace)
    if figures.problem and figures.problem != metrics.NOT_ALLOWED:
        told.append(Lack(sentence=figures.problem, hint="Install or mend metrics-server to see what pods use."))
    return tuple(told)


def missing(rules: Iterable[Rule]) -> Iterator[str]:
    """Name the rights that rules do not give: "delete pods (no pod can be deleted or restarted)". Pure."""
    known = list(rules)
    by_loss: dict[str, list[Need]] = {}
    for need in NEEDS:
        if not any(_gives(rule, need) for rule in known):
            by_loss.setdefault(need.lost, []).append(need)
    for lost, needs in by_loss.items():
        resources = ", ".join(f"{need.resource}.{need.group}" if need.group else need.resource for need in needs)
        yield f"{needs[0].verb} {resources} ({lost})"


def _gives(rule: Rule, need: Need) -> bool:
    """Whether a rule holds for every object: one for named objects lets nobody list or delete the others."""
    sub = f"*/{need.resource.partition('/')[2]}" if "/" in need.resource else need.resource
    return (
        not rule.resource_names
        and not {ANY, need.verb}.isdisjoint(rule.verbs or ())
        and not {ANY, need.group}.isdisjoint(rule.api_groups or ())
        and not {ANY, need.resource, sub}.isdisjoint(rule.resources or ())
    )
