"""Why a cluster refuses is told apart: rights, quotas, webhooks, policies. What a webhook says is never believed."""

from __future__ import annotations

import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from runtimes.errors import Conflict, Disallowed, RuntimeProblem, Unavailable
from runtimes.kubernetes.api.answers import Asked, refused
from runtimes.kubernetes.api.refusals import by_a_rule, without_right

SERVER = "10.0.0.5:6443"
NO_LIST = (
    'pods is forbidden: User "system:serviceaccount:shop:ops" cannot list resource "pods" in API group "" '
    'in the namespace "shop"'
)
NO_PATCH = (
    'deployments.apps "web" is forbidden: User "alice" cannot patch resource "deployments" in API group "apps" '
    'in the namespace "shop"'
)
NO_TOKEN = (
    'serviceaccounts "till" is forbidden: User "alice" cannot create resource "serviceaccounts/token" in API group "" '
    'in the namespace "shop"'
)
NO_ACTING = (
    'serviceaccounts "till" is forbidden: User "alice" cannot impersonate resource "serviceaccounts" in API group "" '
    'in the namespace "shop"'
)
NO_NODES = 'nodes is forbidden: User "alice" cannot list resource "nodes" in API group "" at the cluster scope'
QUOTA = 'pods "a" is forbidden: exceeded quota: few, requested: pods=1, used: pods=3, limited: pods=3'

PRIVILEGED = 'privileged (container "a" must not set securityContext.privileged=true)'
POD_SECURITY = f'pods "a" is forbidden: violates PodSecurity "baseline:latest": {PRIVILEGED}'
POLICY = "ValidatingAdmissionPolicy 'replicas' with binding 'all' denied request: at most five"

RULES: list[tuple[str, type[RuntimeProblem], str, str]] = [
    (QUOTA, Disallowed, "quota", "The quota few is used up: pods=1 is asked for, pods=3 of pods=3 is taken."),
    (
        'pods "a" is forbidden: failed quota: few: must specify limits.cpu for: web; limits.memory for: web',
        Disallowed,
        "quota",
        "The quota few wants every container to say its limits.cpu for: web; limits.memory for: web.",
    ),
    (
        'admission webhook "tags.example.com" denied the request: the tag latest is not allowed',
        Disallowed,
        "admission-webhook",
        "The admission webhook tags.example.com of the cluster refuses this: the tag latest is not allowed.",
    ),
    (
        'admission webhook "mute.example.com" denied the request without explanation',
        Disallowed,
        "admission-webhook",
        "The admission webhook mute.example.com of the cluster refuses this: it gives no reason.",
    ),
    (
        'Internal error occurred: failed calling webhook "gone.example.com": failed to call webhook: dial tcp: refused',
        Unavailable,
        "",
        "The admission webhook gone.example.com of the cluster did not answer, so nothing was changed.",
    ),
    (
        POD_SECURITY,
        Disallowed,
        "pod-security",
        f"Pod Security “baseline:latest” of the namespace forbids this pod: {PRIVILEGED}.",
    ),
    (
        f'deployments.apps "web" is forbidden: {POLICY}',
        Disallowed,
        "admission-policy",
        "The admission policy replicas of the cluster refuses this: at most five.",
    ),
    (
        'pods "a" is forbidden: maximum cpu usage per Container is 1, but limit is 2',
        Disallowed,
        "limit-range",
        "A LimitRange of the namespace does not allow this: maximum cpu usage per Container is 1, but limit is 2.",
    ),
    (
        'pods "a" is forbidden: error looking up service account shop/x: serviceaccount "x" not found',
        Disallowed,
        "service-account",
        "There is no service account x for the pod to run as.",
    ),
    (
        'configmaps "a" is forbidden: unable to create new content in namespace shop because it is being terminated',
        Conflict,
        "",
        "Namespace shop is being deleted: nothing new is made in it.",
    ),
    (
        'pods "a" is forbidden: no PriorityClass with name high was found',
        Disallowed,
        "admission",
        "The cluster does not allow this: no PriorityClass with name high was found.",
    ),
]


@pytest.mark.parametrize(("words", "kind", "rule", "sentence"), RULES)
def test_a_rule_of_the_cluster_is_told_in_its_own_words(
    words: str, kind: type[RuntimeProblem], rule: str, sentence: str
) -> None:
    problem = by_a_rule(words)
    assert type(problem) is kind
    assert problem.sentence == sentence
    assert problem.hint
    assert problem.detail == words
    assert getattr(problem, "rule", "") == rule


@pytest.mark.parametrize("words", ["", "boom", NO_LIST, NO_PATCH, NO_NODES, "spec.replicas: Invalid value"])
def test_anything_else_is_no_rule(words: str) -> None:
    assert by_a_rule(words) is None


@pytest.mark.parametrize(
    ("words", "rule", "subject"),
    [
        (
            NO_LIST,
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
            {"kind": "ServiceAccount", "name": "ops", "namespace": "shop"},
        ),
        (
            NO_PATCH,
            {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["patch"]},
            {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"},
        ),
        (
            NO_TOKEN,
            {"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"], "resourceNames": ["till"]},
            {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"},
        ),
        (
            NO_ACTING,
            {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["impersonate"], "resourceNames": ["till"]},
            {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"},
        ),
    ],
)
def test_a_missing_right_comes_with_the_role_that_gives_just_it(
    words: str, rule: dict[str, object], subject: dict[str, str]
) -> None:
    denied = without_right(words, server=SERVER)
    assert denied is not None
    role, binding = yaml.safe_load_all(denied.grant)
    assert role["kind"] == "Role"
    assert role["metadata"]["namespace"] == binding["metadata"]["namespace"] == "shop"
    assert role["rules"] == [rule]
    assert binding["subjects"] == [subject]
    assert binding["roleRef"] == {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "Role",
        "name": role["metadata"]["name"],
    }


def test_what_no_namespace_holds_takes_a_cluster_role() -> None:
    denied = without_right(NO_NODES, server=SERVER)
    assert denied is not None
    role, binding = yaml.safe_load_all(denied.grant)
    assert (role["kind"], binding["kind"]) == ("ClusterRole", "ClusterRoleBinding")
    assert "namespace" not in role["metadata"]


def test_what_a_webhook_says_is_not_taken_for_a_missing_right() -> None:
    """Else whoever runs a webhook would have a Role of their choice shown, and applied by an administrator."""
    forged = (
        'admission webhook "x" denied the request: secrets is forbidden: User "mallory" cannot get resource "secrets" '
        'in API group "" in the namespace "kube-system"'
    )
    problem = refused(
        403,
        ('{"kind": "Status", "message": "' + forged.replace('"', '\\"') + '"}').encode(),
        Asked(server=SERVER, runtime="prod"),
    )
    assert type(problem) is Disallowed
    assert without_right(forged, server=SERVER) is None
    assert without_right(f'pods "x" is forbidden: exceeded quota: {forged}', server=SERVER) is None


@given(st.text(max_size=40))
def test_a_name_out_of_a_sentence_stays_one_value_of_the_manifest(user: str) -> None:
    words = f'pods is forbidden: User "{user}" cannot list resource "pods" in API group "" in the namespace "shop"'
    denied = without_right(words, server=SERVER)
    if denied is None:
        assert '"' in user
        return
    documents = list(yaml.safe_load_all(denied.grant))
    assert [each["kind"] for each in documents] == ["Role", "RoleBinding"]
    [found] = documents[1]["subjects"]
    account = f"system:serviceaccount:{found.get('namespace')}:{found['name']}"
    assert user.partition('"')[0] in (found["name"], account)


def test_a_megabyte_of_words_is_judged_at_once() -> None:
    nasty = 'pods "a" is forbidden: exceeded quota: x, requested: ' + ", used: " * 100_000
    began = time.monotonic()
    assert by_a_rule(nasty) is not None
    assert time.monotonic() - began < 1
