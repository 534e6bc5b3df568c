"""What a verdict on a line of kubectl says beside yes and no: what it needs, hits, and what else can be typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Never

import pytest

from opsmodal.cli.policy_file import read_test
from opsmodal.guard.judge import judge
from opsmodal.guard.kubectl import judge_kubectl, manifests
from opsmodal.guard.kubectl.rules import RULES
from opsmodal.guard.line import split
from opsmodal.guard.verdict import Target, Verdict
from opsmodal.guard.world import Asked, Known, Mode
from opsmodal.permissions import Permission
from runtimes.commands import Kind
from tests.unit.guard.policies import FOLDER

EXEC = {Permission.EXEC}
MANAGE = {Permission.EXEC, Permission.MANAGE}
LOGS = {Permission.EXEC, Permission.LOGS}


def verdict(line: str, *, mode: Mode = Mode.ONESHOT, world: Known | None = None) -> Verdict:
    return judge_kubectl(split(line), Asked(kind="kubernetes", mode=mode, world=world or Known(), namespace="shop"))


@pytest.mark.parametrize(
    ("line", "needs", "changes", "long"),
    [
        ("kubectl get pods", EXEC, False, False),
        ("kubectl get events", EXEC, False, True),
        ("kubectl events", EXEC, False, True),
        ("kubectl describe pod web-0", EXEC, False, False),
        ("kubectl wait pod/web-0 --for=delete --timeout=5s", EXEC, False, False),
        ("kubectl rollout status deploy/api", EXEC, False, False),
        ("kubectl set env deploy/api --list", EXEC, False, False),
        ("kubectl auth can-i get pods", EXEC, False, False),
        ("kubectl help", EXEC, False, False),
        ("kubectl logs web-0", LOGS, False, True),
        ("kubectl exec web-0 -- ls", EXEC, True, False),
        ("kubectl get secret", MANAGE, False, False),
        ("kubectl label pod web-0 --list", MANAGE, False, False),
        ("kubectl label pod web-0 a=b", MANAGE, True, False),
        ("kubectl set env deploy/api A=b", MANAGE, True, False),
        ("kubectl scale deploy/api --replicas=2", MANAGE, True, False),
        ("kubectl autoscale deploy/api --max=2", MANAGE, True, False),
        ("kubectl patch deploy api -p '{\"spec\":{}}'", MANAGE, True, False),
        ("kubectl create job x --from=cronjob/y", MANAGE, True, False),
        ("kubectl rollout restart deploy/api", MANAGE, True, False),
        ("kubectl rollout pause deploy/api", MANAGE, True, False),
        ("kubectl delete pod web-0", MANAGE, True, False),
    ],
)
def test_a_line_needs_the_permission_of_its_row(line: str, needs: set[Permission], changes: bool, long: bool) -> None:
    said = verdict(line)
    assert (said.needs, said.changes, said.long) == (needs, changes, long), said


@pytest.mark.parametrize(
    ("line", "verb", "targets", "kinds"),
    [
        (
            "kubectl get deploy/api svc/api",
            "get",
            [("deployment", "api"), ("service", "api")],
            {"deployments", "services"},
        ),
        ("kubectl get po,svc", "get", [("pod", ""), ("service", "")], {"pods", "services"}),
        ("kubectl delete po web-0 web-1", "delete", [("pod", "web-0"), ("pod", "web-1")], {"pods"}),
        ("kubectl delete pods,jobs x", "delete", [("pod", "x"), ("job", "x")], {"pods", "jobs"}),
        ("kubectl delete pods --all", "delete", [("pod", "")], {"pods"}),
        ("kubectl rollout restart deploy", "rollout restart", [("deployment", "")], {"deployments"}),
        ("kubectl logs deploy/api", "logs", [("deployment", "api")], {"deployments"}),
        ("kubectl logs -l app=web", "logs", [("pod", "")], {"pods"}),
        ("kubectl top pod web-0", "top pod", [("pod", "web-0")], {"pods"}),
        ("kubectl create cm x --from-literal=a=b", "create configmap", [("configmap", "x")], {"configmaps"}),
        ("kubectl create job x --from=cj/y", "create job", [("job", "x")], {"jobs", "cronjobs"}),
        ("kubectl get wd", "get", [("widget", "")], {"widgets"}),
    ],
)
def test_a_verdict_names_what_it_is_about(
    line: str, verb: str, targets: list[tuple[str, str]], kinds: set[str]
) -> None:
    said = verdict(line, world=Known(kinds=(Kind(name="widgets", short=("wd",)),)))
    assert (said.verb, list(said.targets), said.kinds) == (verb, [Target(*each) for each in targets], kinds)


@pytest.mark.parametrize(
    ("line", "pod", "container", "inner"),
    [
        ("kubectl exec web-0 -- ls -l", "web-0", "", ["ls", "-l"]),
        ("kubectl exec pod/web-0 -c app -- sh -c 'a; b'", "web-0", "app", ["sh", "-c", "a; b"]),
        ("kubectl exec deploy/api -- env", "deployment/api", "", ["env"]),
        ("kubectl -n shop exec -q web-0 -- ls -- -n other", "web-0", "", ["ls", "--", "-n", "other"]),
    ],
)
def test_an_exec_says_where_its_inner_command_begins(line: str, pod: str, container: str, inner: list[str]) -> None:
    said = verdict(line)
    assert (said.pod, said.pod_container, list(said.argv[said.inner :])) == (pod, container, inner)
    assert said.argv[said.inner - 1] == "--"


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        ("kubectl get po -n shop -owide -l app=web", "kubectl -n shop get po --output=wide --selector=app=web"),
        ("kubectl -nshop logs web-0 -pc app", "kubectl -n shop logs web-0 --previous=true --container=app"),
        (
            "kubectl create cm x --from-literal=a=b --validate",
            "kubectl -n shop create configmap x --from-literal=a=b --validate",
        ),
        ("kubectl delete pod x --dry_run=client", "kubectl -n shop delete pod x --dry-run=client"),
        ("kubectl top po", "kubectl -n shop top pod"),
        ("kubectl get -- pods -A", "kubectl -n shop get -- pods -A"),
        ("kubectl help rollout status", "kubectl -n shop help rollout status"),
        ("kubectl get pods -l ''", "kubectl -n shop get pods --selector="),
    ],
)
def test_the_argv_holds_what_was_understood_and_nothing_else(line: str, argv: str) -> None:
    assert list(verdict(line).argv) == argv.split(" ")


@pytest.mark.parametrize(
    ("line", "suggestion"),
    [
        ("kubectl get pods -A", "kubectl get pods"),
        ("kubectl -A get pods -o wide", "kubectl get pods -o wide"),
        ("kubectl get pods -wA", "kubectl get pods"),
        ("kubectl get pods -n other", "kubectl get pods"),
        ("kubectl exec -it web-0 -- sh", "kubectl exec web-0 -- sh"),
        ("kubectl exec -itcapp web-0 -- sh", "kubectl exec --container=app web-0 -- sh"),
        ("kubectl exec web-0 ls -la", "kubectl exec web-0 -- ls -la"),
        ("kubectl exec -it web-0 sh -c 'a b'", "kubectl exec web-0 -- sh -c 'a b'"),
        ("kubectl exec web-0 -- grep -it x", ""),
        ("kubectl logs -f web-0", "kubectl logs web-0"),
        ("kubectl logs web-0 -pfcapp", "kubectl logs web-0 --previous --container=app"),
        ("kubectl get pods -v=9 --as root", "kubectl get pods"),
        ("kubectl -o wide get pods", "kubectl get -o wide pods"),
        ("kubectl wait pod/x --for=delete", "kubectl wait pod/x --for=delete --timeout=30s"),
        ("kubectl describe secret db", "kubectl get secret db"),
        ("kubectl annotate secret db a=b", "kubectl annotate --overwrite secret db a=b"),
        ("kubectl annotate cm/x secret/db a=b", ""),
        ("kubectl annotate pods web-0 a=b -A", "kubectl annotate pods web-0 a=b"),
        ("kubectl annotate secret db --list", ""),
        ("kubectl logz web-0", "kubectl logs web-0"),
        ("kubectl log web-0", "kubectl logs web-0"),
        ("kubectl attach web-0", "kubectl logs web-0"),
        ("kubectl edit --help", "kubectl help edit"),
        ("kubectl --help", "kubectl help"),
        ("kubectl --version", "kubectl version"),
        ("kubectl", "kubectl help"),
        ("kubectl get nodes", ""),
        ("kubectl apply -f x", ""),
    ],
)
def test_a_refusal_gives_the_line_to_take_over(line: str, suggestion: str) -> None:
    said = judge(line, Asked(kind="kubernetes", mode=Mode.ONESHOT, world=Known(), namespace="shop"))
    assert said.suggestion == suggestion


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("kubectl get secret db -o yaml", True),
        ("kubectl get cm,secret", True),
        ("kubectl get cm", False),
        ("kubectl annotate secret db a=b --overwrite -o yaml", True),
        ("kubectl create secret generic x --from-literal=a=b -o yaml", True),
        ("kubectl create cm x --from-literal=a=b -o yaml", False),
    ],
)
def test_output_that_may_hold_values_of_secrets_is_to_be_masked(line: str, masked: bool) -> None:
    said = verdict(line)
    assert said.allowed
    assert said.masked is masked


def test_each_rule_is_met_by_a_line_of_the_table() -> None:
    world, placed = read_test(FOLDER / "kubernetes.yaml")
    met = {judge(each.case.command, each.case.asked(world)).rule for each in placed}
    met.add(judge("kubectl get pods", Asked(kind="kubernetes", mode=Mode.ONESHOT, world=Known())).rule)
    assert {rule.id for rule in RULES} - met == {manifests.RULE}, "which is for the editor: test_manifests.py"
    for rule in RULES:
        assert rule.sentence.endswith(".")


class Unasked:
    """A world that must not be looked at."""

    def __getattr__(self, name: str) -> Never:
        raise AssertionError(f"{name} was asked for")


@pytest.mark.parametrize("line", ["kubectl get pods", "kubectl logs web-0", "kubectl get nodes", "kubectl exec a -- b"])
def test_the_world_is_not_asked_for_what_a_line_does_not_need(line: str) -> None:
    world: Known = Unasked()  # type: ignore[assignment]
    assert verdict(line, world=world).rule


OTHER = Kind(name="things", singular="thing", group="b.example.com", categories=("stuff",))


@pytest.mark.parametrize(
    ("word", "namespaced", "cluster", "allowed"),
    [
        ("things", [OTHER], [], True),
        ("things", [], [OTHER], False),
        ("thing.b.example.com", [OTHER], [], True),
        ("things.example.com", [OTHER], [], False),
        ("things.b", [OTHER], [], False),
        ("stuff", [OTHER], [], True),
        ("stuff", [OTHER], [Kind(name="others", categories=("stuff",))], False),
        ("things", [OTHER], [Kind(name="things", group="c.example.com")], False),
        ("things.b.example.com", [OTHER], [Kind(name="things", group="c.example.com")], True),
        ("all", [], [Kind(name="others", categories=("all",))], False),
        ("all", [], [], True),
        ("po", [], [], True),
    ],
)
def test_custom_kinds_are_those_that_the_cluster_has_in_namespaces(
    word: str, namespaced: Sequence[Kind], cluster: Sequence[Kind], allowed: bool
) -> None:
    assert verdict(f"kubectl get {word}", world=Known(kinds=namespaced, cluster_kinds=cluster)).allowed is allowed


@pytest.mark.parametrize(
    ("line", "lacks", "rule"),
    [
        ("kubectl get secret db", Permission.MANAGE, "permission-manage"),
        ("kubectl get po,secrets", Permission.MANAGE, "permission-manage"),
        ("kubectl delete pod web-0", Permission.MANAGE, "permission-manage"),
        ("kubectl label pod web-0 --list", Permission.MANAGE, "permission-manage"),
        ("kubectl logs web-0", Permission.LOGS, "permission-logs"),
        ("kubectl get pods", Permission.EXEC, "permission-exec"),
        ("kubectl exec web-0 -- ls", Permission.EXEC, "permission-exec"),
    ],
)
def test_a_line_is_refused_without_the_permission_of_its_row(line: str, lacks: Permission, rule: str) -> None:
    world = Known(permissions=frozenset(Permission) - {lacks})
    assert judge(line, Asked(kind="kubernetes", mode=Mode.ONESHOT, world=world, namespace="shop")).rule == rule


@pytest.mark.parametrize(
    ("scaled", "owners", "line", "allowed"),
    [
        ({"deployment/web"}, {}, "kubectl scale rs/web-6c9f --replicas=2", False),
        ({"deployment/web"}, {}, "kubectl scale rs/webshop-6c9f --replicas=2", True),
        (
            {"deployment/web"},
            {"replicaset/web-6c9f": "deployment/web-6"},
            "kubectl scale rs/web-6c9f --replicas=2",
            True,
        ),
        ({"rollout/web"}, {"replicaset/x": "rollout/web"}, "kubectl scale rs x --replicas=2", False),
        (
            {"widget/w"},
            {"replicaset/x": "deployment/d", "deployment/d": "widget/w"},
            "kubectl scale rs x --replicas=2",
            False,
        ),
        (
            {"a/a"},
            {"replicaset/x": "replicaset/y", "replicaset/y": "replicaset/x"},
            "kubectl scale rs x --replicas=2",
            True,
        ),
        ({"deployment/web"}, {}, "kubectl scale sts/web --replicas=2", True),
        (set(), {}, "kubectl scale rs/web-6c9f --replicas=2", True),
    ],
)
def test_the_lock_follows_who_owns_what(scaled: set[str], owners: dict[str, str], line: str, allowed: bool) -> None:
    assert verdict(line, world=Known(autoscaled=frozenset(scaled), owners=owners)).allowed is allowed


@pytest.mark.parametrize(
    ("line", "allowed"),
    [
        ("kubectl scale deploy/web --replicas=2", True),
        ("kubectl scale deploy web --replicas=0x4", True),
        ("kubectl scale deploy/web --replicas=1", False),
        ("kubectl scale deploy/web --replicas=5", False),
        ("kubectl scale deploy/web --replicas=0", False),
        ("kubectl scale deploy/web deploy/api --replicas=3", False),
        ("kubectl scale rs/web-6c9f --replicas=3", False),
        ("kubectl autoscale deploy/web --max=3", False),
        ("""kubectl patch deploy/web -p '{"spec":{"replicas":3}}'""", False),
        ("""kubectl patch deploy/web --subresource=scale -p '{"spec":{"replicas":3}}'""", False),
    ],
)
def test_what_0_replicas_have_switched_off_is_scaled_within_its_bounds_and_not_otherwise(
    line: str, allowed: bool
) -> None:
    world = Known(
        autoscaled=frozenset({"deployment/web", "deployment/api"}),
        owners={"replicaset/web-6c9f": "deployment/web"},
        switched_off={"deployment/web": (2, 4)},
    )
    found = verdict(line, world=world)
    assert found.allowed is allowed
    assert allowed or found.rule == "kubectl-autoscaled"


SPEC = "/spec/template/spec"


@pytest.mark.parametrize(
    "line",
    [
        (
            """kubectl patch deploy/web -p '{"spec":{"template":{"spec":{"volumes":[{"name":"a","secret":"""
            """{"secretName":"NAME"}}]}}}}'"""
        ),
        (
            f"""kubectl patch deploy/web --type=json -p '[{{"op":"replace","path":"{SPEC}/volumes/0/secret"""
            """/secretName","value":"NAME"}]'"""
        ),
        (
            f"""kubectl patch deploy/web --type=json -p '[{{"op":"add","path":"{SPEC}/containers/0/envFrom","""
            """"value":[{"secretRef":{"name":"NAME"}}]}]'"""
        ),
        "kubectl set env deploy/web --from=secret/NAME",
    ],
)
def test_no_workload_is_given_a_secret_that_holds_a_token(line: str) -> None:
    world = Known(tokens=frozenset({"robot"}))
    assert verdict(line.replace("NAME", "database"), world=world).allowed
    refused = verdict(line.replace("NAME", "robot"), world=world)
    assert (refused.allowed, refused.rule) == (False, "kubectl-token")
    assert "robot" in refused.reason


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("kubectl rollout undo deploy/web", "kubectl-destroy"),
        ("kubectl rollout undo deploy/web --to-revision=0x2", "kubectl-patch-privilege"),
        ("kubectl rollout undo deployments web api --to-revision=2", "kubectl-patch-privilege"),
        ("kubectl rollout undo deploy/web --to-revision=2 --dry-run=server", "kubectl-manage"),
        ("kubectl rollout undo deploy/web --to-revision=3", "kubectl-token"),
        ("kubectl rollout undo deploy/api --to-revision=2", "kubectl-destroy"),
        ("kubectl rollout undo deploy/web --to-revision=last", "kubectl-flag-value"),
        ("kubectl rollout undo deploy -l app=web", "kubectl-arguments"),
    ],
)
def test_what_a_revision_gives_is_judged_before_it_comes_back(line: str, rule: str) -> None:
    def pod(**spec: object) -> dict[str, object]:
        return {"metadata": {"name": "web"}, "spec": {"template": {"spec": spec}}}

    token = pod(containers=[{"name": "a", "envFrom": [{"secretRef": {"name": "robot"}}]}])
    revisions = {("deployment/web", 0): pod(dnsPolicy="None"), ("deployment/web", 2): pod(hostNetwork=True)}
    pairs = {key: (pod(), then) for key, then in (revisions | {("deployment/web", 3): token}).items()}
    assert verdict(line, world=Known(tokens=frozenset({"robot"}), revisions=pairs)).rule == rule
