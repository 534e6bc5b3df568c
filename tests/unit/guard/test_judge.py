"""One way to a verdict: what is held against rights, read-only mode and the site's policy, and what never happens."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.cli.policy_file import read_test
from opsmodal.guard.judge import judge
from opsmodal.guard.line import Unsplittable, split
from opsmodal.guard.rules import RULES
from opsmodal.guard.verdict import Decision, Where
from opsmodal.guard.world import Asked, Known, Mode, Narrowing, Shape
from opsmodal.permissions import NOTHING, Permission

FOLDER = Path(__file__).parent / "policies"
WORLD = Known(own={"web": "a" * 64}, other={"pay-db": "b" * 64}, autoscaled=frozenset({"deployment/web"}))
CLUSTER = Asked(kind="kubernetes", mode=Mode.ONESHOT, world=WORLD, namespace="shop")
ENGINE = Asked(kind="docker", mode=Mode.ONESHOT, world=WORLD)
INSIDE = replace(ENGINE, container="web")
ASKED = (CLUSTER, replace(CLUSTER, mode=Mode.STREAMING), ENGINE, replace(ENGINE, kind="podman"), INSIDE)
CASES = [
    (placed.case.command, placed.case.asked(world), placed.case.expect == "deny")
    for world, cases in (read_test(path) for path in sorted(FOLDER.glob("*.yaml")))
    for placed in cases
]
REFUSED = [(line, asked) for line, asked, denied in CASES if denied]
WORDS = sorted({word for line, _, _ in CASES for word in line.split() if word.isprintable()})


def within(asked: Asked, **changes: Any) -> Asked:
    return replace(asked, world=replace(asked.world, **changes))  # type: ignore[type-var]


@given(
    st.one_of(st.text(max_size=80), st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)), st.sampled_from(ASKED)
)
def test_any_text_has_a_verdict_by_a_known_rule(line: str, asked: Asked) -> None:
    verdict = judge(line, asked)
    assert verdict.rule in RULES
    assert verdict.reason
    assert verdict.allowed is bool(verdict.argv)
    if verdict.suggestion:
        assert judge(verdict.suggestion, asked).allowed


@given(st.lists(st.text(max_size=12), max_size=6), st.sampled_from(ASKED))
def test_any_words_have_a_verdict(words: list[str], asked: Asked) -> None:
    assert judge(words, asked).rule in RULES


@pytest.mark.parametrize("wrong", [None, 5, b"ps", ["ps", None], object()])
def test_what_is_no_line_is_refused_and_nothing_is_raised(wrong: Any) -> None:
    assert judge(wrong, ENGINE).rule == "line-text"


@given(st.sampled_from(REFUSED), st.sampled_from([" ", "\t", "  ", " \t "]))
def test_a_refused_line_stays_refused_with_other_blanks_and_quotes(case: tuple[str, Asked], blank: str) -> None:
    line, asked = case
    try:
        words = split(line)
    except Unsplittable:
        return
    if judge(line, asked).rule != "line-dash":  # a quoted dash is a text
        assert not judge(blank.join(shlex.quote(word.text) for word in words), asked).allowed
        assert not judge(blank.join(f"'{word.text}'" for word in words if "'" not in word.text), asked).allowed or any(
            "'" in word.text for word in words
        )


@given(st.sampled_from(CASES))
def test_words_are_judged_as_their_line_is(case: tuple[str, Asked, bool]) -> None:
    line, asked, _ = case
    try:
        words = [word.text for word in split(line)]
    except Unsplittable:
        return
    of_line, of_words = judge(line, asked), judge(words, asked)
    assert of_line.allowed is of_words.allowed or of_line.rule == "line-dash" or of_words.rule == "line-dash"
    assert not (of_line.allowed and of_words.allowed) or of_line.argv == of_words.argv


@given(st.sampled_from([(line, asked) for line, asked, denied in CASES if not denied]), st.data())
def test_less_right_never_lets_more_through(case: tuple[str, Asked], data: st.DataObject) -> None:
    line, asked = case
    given_, on_runtime = (data.draw(st.frozensets(st.sampled_from(Permission))) for _ in range(2))
    before = judge(line, asked)
    verdict = judge(line, within(asked, permissions=given_, runtime_permissions=on_runtime))
    wanted = before.needs | {Permission.EXEC}
    far = before.where is Where.HOST or before.on_runtime
    assert verdict.allowed is (wanted <= given_ and (not far or Permission.EXEC in on_runtime))


@pytest.mark.parametrize(
    ("line", "asked", "changes", "rule"),
    [
        ("ps aux", ENGINE, {"permissions": NOTHING}, "permission-exec"),
        ("docker logs web", ENGINE, {"permissions": frozenset({Permission.EXEC})}, "permission-logs"),
        (
            "docker restart web",
            ENGINE,
            {"permissions": frozenset(Permission) - {Permission.MANAGE}},
            "permission-manage",
        ),
        ("ps aux", ENGINE, {"runtime_permissions": NOTHING}, "runtime-permission"),
        ("ps aux", ENGINE, {"runtime_permissions": frozenset({Permission.VIEW})}, "runtime-permission"),
        ("docker version", ENGINE, {"runtime_permissions": NOTHING}, "runtime-permission"),
        ("docker restart web", ENGINE, {"read_only": True}, "read-only"),
        ("kubectl delete pod web-0", CLUSTER, {"read_only": True}, "read-only"),
        ("rm -rf /", INSIDE, {"read_only": True}, "read-only"),
        ("kubectl delete pod web-0", CLUSTER, {"narrowing": Narrowing(verbs=frozenset({"get"}))}, "site-verb"),
        (
            "kubectl rollout undo deploy/x",
            CLUSTER,
            {"narrowing": Narrowing(verbs=frozenset({"rollout status"}))},
            "site-verb",
        ),
        ("ps aux", ENGINE, {"narrowing": Narrowing(verbs=frozenset({"ps"}))}, "site-verb"),
        ("kubectl get configmaps", CLUSTER, {"narrowing": Narrowing(kinds=frozenset({"pods"}))}, "site-kind"),
        ("kubectl get pods,configmaps", CLUSTER, {"narrowing": Narrowing(kinds=frozenset({"pods"}))}, "site-kind"),
        (
            "kubectl exec deploy/web -- sh",
            CLUSTER,
            {"narrowing": Narrowing(kinds=frozenset({"deployments"}))},
            "site-kind",
        ),
        ("kubectl logs deploy/web", CLUSTER, {"narrowing": Narrowing(kinds=frozenset({"deployments"}))}, "site-kind"),
        (
            "kubectl autoscale deploy x --max=3",
            CLUSTER,
            {"narrowing": Narrowing(kinds=frozenset({"deployments"}))},
            "site-kind",
        ),
        ("kubectl exec web-0 -- sh", CLUSTER, {"narrowing": Narrowing(programs=frozenset({"ls"}))}, "site-program"),
        ("sh -c ls", INSIDE, {"narrowing": Narrowing(programs=frozenset({"ls"}))}, "site-program"),
        ("docker exec web sh", ENGINE, {"narrowing": Narrowing(programs=frozenset())}, "site-program"),
    ],
)
def test_what_somebody_may_not_is_refused_by_its_rule(
    line: str, asked: Asked, changes: dict[str, Any], rule: str
) -> None:
    assert judge(line, asked).allowed
    verdict = judge(line, within(asked, **changes))
    assert (verdict.decision, verdict.rule, bool(verdict.hint)) == (Decision.REFUSE, rule, True)


@pytest.mark.parametrize(
    ("line", "asked", "narrowing"),
    [
        ("kubectl rollout status deploy/x", CLUSTER, Narrowing(verbs=frozenset({"rollout"}))),
        ("kubectl rollout status deploy/x", CLUSTER, Narrowing(verbs=frozenset({"rollout status"}))),
        ("kubectl get po", CLUSTER, Narrowing(verbs=frozenset({"get"}), kinds=frozenset({"pods"}))),
        ("kubectl get pods", CLUSTER, Narrowing(programs=frozenset())),
        ("kubectl exec web-0 -- ls -la", CLUSTER, Narrowing(programs=frozenset({"ls"}))),
        ("ls -la", INSIDE, Narrowing(verbs=frozenset({"exec"}), programs=frozenset({"ls"}))),
        ("ps aux", ENGINE, Narrowing(verbs=frozenset({"host"}))),
        ("ps aux", ENGINE, Narrowing(verbs=frozenset({"host ps"}))),
        ("docker ps", ENGINE, Narrowing(verbs=frozenset({"ps"}))),
    ],
)
def test_a_policy_leaves_what_it_names(line: str, asked: Asked, narrowing: Narrowing) -> None:
    assert judge(line, within(asked, narrowing=narrowing)).allowed


@given(st.sampled_from(REFUSED), st.frozensets(st.sampled_from(["get", "exec", "pods", "sh", "host", "delete"])))
def test_a_policy_never_widens(case: tuple[str, Asked], names: frozenset[str]) -> None:
    line, asked = case
    assert not judge(line, within(asked, narrowing=Narrowing(verbs=names, kinds=names, programs=names))).allowed


TAIL = Shape(
    name="tail", argv=("tail", "-n", "{n}", "{path}"), parameters={"n": "[0-9]{1,4}", "path": "/var/log/[a-z.]+"}
)
RESTART = Shape(
    name="restart",
    argv=("systemctl", "restart", "web"),
    permissions=frozenset({Permission.EXEC, Permission.MANAGE}),
    approved=True,
)
RUNBOOKS = within(ENGINE, shapes=(TAIL, RESTART))


@pytest.mark.parametrize(
    ("line", "decision", "rule"),
    [
        ("tail -n 50 /var/log/syslog", Decision.CONFIRM, "runbook"),
        ("tail '-n' \"50\" /var/log/syslog", Decision.CONFIRM, "runbook"),
        ("systemctl restart web", Decision.ALLOW, "runbook"),
        ("systemctl status web", Decision.ALLOW, "host-shape"),
        ("systemctl restart db", Decision.REFUSE, "host-argument"),
        ("tail -n 50 /etc/passwd", Decision.REFUSE, "runbook-parameter"),
        ("tail -n 50 /var/log/../../etc/passwd", Decision.REFUSE, "runbook-parameter"),
        ("tail -n 50x /var/log/syslog", Decision.REFUSE, "runbook-parameter"),
        ("tail -n -f /var/log/syslog", Decision.REFUSE, "runbook-parameter"),
        ("tail -n 50 /var/log/syslog -f", Decision.REFUSE, "host-program"),
        ("tail -n 50", Decision.REFUSE, "host-program"),
        ("tail -n '{n}' '{path}'", Decision.REFUSE, "runbook-parameter"),
        ("tail -n 50 /var/log/syslog; id", Decision.REFUSE, "line-operator"),
    ],
)
def test_a_runbook_runs_word_for_word(line: str, decision: Decision, rule: str) -> None:
    verdict = judge(line, RUNBOOKS)
    assert (verdict.decision, verdict.rule) == (decision, rule)
    assert not verdict.allowed or (verdict.where, verdict.argv) == (Where.HOST, tuple(shlex.split(line)))


def test_a_runbook_takes_its_permission_and_exec_on_the_runtime() -> None:
    operator = frozenset(Permission) - {Permission.MANAGE}
    assert judge("systemctl restart web", within(RUNBOOKS, permissions=operator)).rule == "permission-manage"
    assert judge("systemctl restart web", within(RUNBOOKS, runtime_permissions=NOTHING)).rule == "runtime-permission"
    assert judge("systemctl restart web", within(RUNBOOKS, read_only=True)).rule == "read-only"


def test_a_value_with_a_dash_is_no_parameter_even_if_the_pattern_says_so() -> None:
    loose = Shape(name="any", argv=("tail", "{x}"), parameters={"x": ".*"})
    assert judge("tail -f", within(ENGINE, shapes=(loose,))).rule == "runbook-parameter"
    assert judge("tail x", within(ENGINE, shapes=(loose,))).rule == "runbook"


@pytest.mark.parametrize(
    ("line", "asked", "suggestion"),
    [
        ("get pods", CLUSTER, "kubectl get pods"),
        ("k get pods", CLUSTER, "kubectl get pods"),
        ("sudo kubectl get pods", CLUSTER, "kubectl get pods"),
        ("/usr/bin/kubectl get pods -o wide", CLUSTER, "kubectl get pods -o wide"),
        ("$ kubectl get pods", CLUSTER, "kubectl get pods"),
        ("kubectl get pods | grep web", CLUSTER, "kubectl get pods"),
        ("kubectl logs web-0 2>&1 | tail", CLUSTER, "kubectl logs web-0"),
        ("kubectl exec web-0 -- ls | wc -l", CLUSTER, "kubectl exec web-0 -- sh -c 'ls | wc -l'"),
        ("kubectl exec web-0 -- echo 'a b' | wc", CLUSTER, "kubectl exec web-0 -- sh -c \"echo 'a b' | wc\""),
        ("kubectl exec web-0 -- ls && kubectl get svc", CLUSTER, ""),
        ("kubectl get pods;", CLUSTER, "kubectl get pods"),
        ("kubectl get pods; kubectl get svc", CLUSTER, ""),
        ("docker exec web ls | wc -l", ENGINE, "docker exec web sh -c 'ls | wc -l'"),
        ("docker exec web ls > /tmp/x", ENGINE, "docker exec web sh -c 'ls > /tmp/x'"),
        ("docker exec pay-db ls | wc -l", ENGINE, ""),
        ("docker logs web | tail", ENGINE, "docker logs web"),
        ("ls | wc -l", INSIDE, "sh -c 'ls | wc -l'"),
        ("logs web", ENGINE, "docker logs web"),
        ("podman logs web", ENGINE, "docker logs web"),
        ("sudo ps aux", ENGINE, "ps aux"),
        ("/bin/ps aux", ENGINE, "ps aux"),
        ("delete nodes x", CLUSTER, ""),
        ("sudo reboot", ENGINE, ""),
        ("systemctl --failed", ENGINE, "systemctl list-units --failed"),
        ("systemctl", ENGINE, "systemctl list-units"),
        ("systemctl --root=/mnt", ENGINE, ""),
        ("kubectl get nodes | cat", CLUSTER, ""),
    ],
)
def test_a_suggestion_is_a_line_that_passes(line: str, asked: Asked, suggestion: str) -> None:
    verdict = judge(line, asked)
    assert (verdict.allowed, verdict.suggestion) == (False, suggestion)


def test_reading_the_world_goes_through() -> None:
    class Gone(Exception):
        pass

    class Unreachable(Known):
        @property
        def own(self) -> Any:  # type: ignore[override]
            raise Gone

    with pytest.raises(Gone):
        judge("docker logs web", replace(ENGINE, world=object.__new__(Unreachable)))


def test_no_container_is_chosen_on_a_cluster() -> None:
    assert judge("ls", replace(CLUSTER, container="web")).rule == "container-on-cluster"
