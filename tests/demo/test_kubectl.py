"""The real kubectl on the simulated cluster: command lines, exit codes and parts of what they print."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest

from opsmodal.demo.cluster import Cluster
from tests.demo.conftest import Client, Kubectl, deployment, loaded, pod, settle

READS: tuple[tuple[str, int, tuple[str, ...]], ...] = (
    ("version", 0, (r"Server Version: v1\.32\.5\+opsmodal-simulated",)),
    ("api-resources", 0, (r"pods +po +v1 +true +Pod", r"deployments +deploy +apps/v1", r"metrics\.k8s\.io/v1beta1")),
    ("api-resources --api-group=batch", 0, (r"cronjobs +cj", r"jobs")),
    ("api-versions", 0, (r"^apps/v1$", r"^v1$")),
    ("get nodes", 0, (r"demo-control-plane +Ready +control-plane", r"demo-worker-1 +Ready +<none>")),
    ("get nodes -o wide", 0, (r"INTERNAL-IP", r"172\.18\.0\.", r"containerd://")),
    ("get ns", 0, (r"shop +Active", r"kube-system +Active")),
    ("get pods -n shop", 0, (r"^NAME +READY +STATUS +RESTARTS +AGE", r"db-0 +1/1 +Running +0 +4\dm")),
    ("get pods -n shop -o wide", 0, (r"IP +NODE +NOMINATED NODE +READINESS GATES", r"10\.244\.\d+\.\d+ +demo-worker-")),
    ("get pods -n payments", 0, (r"worker-\w+-\w+ +0/1 +(CrashLoopBackOff|Error|Running)|1/1", r"\(\S+ ago\)")),
    ("get pods -n reports", 0, (r"generator-\w+-\w+ +0/1 +Pending +0",)),
    ("get pods -A -l app.kubernetes.io/part-of=shop", 0, (r"shop +web-",)),
    ("get pods -n shop -l app.kubernetes.io/component!=web", 0, (r"db-0",)),
    ("get pods -n shop --field-selector status.phase=Failed", 0, ()),
    ("get pods -n shop --show-labels", 0, (r"pod-template-hash=",)),
    ("get pods -n shop --sort-by=.metadata.name", 0, (r"db-0[\s\S]*web-",)),
    ("get pod db-0 -n shop -o jsonpath={.status.qosClass}", 0, (r"^Guaranteed$",)),
    ("get pod db-0 -n shop -o name", 0, (r"^pod/db-0$",)),
    ("get pods -n shop --chunk-size=1", 0, (r"db-0", r"web-")),
    (
        "get deploy,rs,sts,svc,ing,cm,secret,pvc,ep -n shop",
        0,
        (r"deployment.apps/web +3/3 +3 +3", r"shop\.example\.com"),
    ),
    ("get all -n shop", 0, (r"statefulset.apps/db +1/1", r"service/web +ClusterIP")),
    ("get endpointslices -n shop", 0, (r"IPv4 +8080",)),
    ("get pv", 0, (r"Bound +shop/data-db-0 +standard",)),
    ("get sc", 0, (r"standard \(default\)",)),
    ("get clusterroles", 0, (r"cluster-admin",)),
    ("get events -n reports", 0, (r"Warning +FailedScheduling +pod/generator", r"2 Insufficient memory")),
    ("events -n payments --types=Warning", 0, (r"BackOff +Pod/worker",)),
    ("top pods -n shop", 0, (r"web-\S+ +\d+m +\d+Mi",)),
    ("top nodes", 0, (r"demo-worker-1 +\d+m +\d+%",)),
    ("describe pod db-0 -n shop", 0, (r"QoS Class: +Guaranteed", r"ClaimName: +data-db-0", r"Ready +True")),
    (
        "describe deployment web -n shop",
        0,
        (r"3 desired \| 3 updated", r"NewReplicaSet: +web-", r"ScalingReplicaSet|Events"),
    ),
    ("describe node demo-worker-1", 0, (r"Non-terminated Pods", r"Allocated resources")),
    ("describe svc web -n shop", 0, (r"Endpoints: +10\.244\.",)),
    ("describe ingress web -n shop", 0, (r"shop\.example\.com", r"web:8080")),
    ("describe sts db -n shop", 0, (r"1 desired \| 1 total",)),
    ("describe pvc data-db-0 -n shop", 0, (r"Status: +Bound", r"Used By: +db-0")),
    ("describe ns shop", 0, (r"Status: +Active",)),
    ("describe quota -n shop", 0, ()),
    ("describe secret db-credentials -n shop", 0, (r"password: +22 bytes",)),
    ("logs -n shop db-0 --tail=3", 0, (r"LOG: ",)),
    ("logs -n shop deploy/web --since=30s", 0, (r'"(GET|POST) /\S* HTTP/1\.1" \d{3}',)),
    ("logs -n shop -l app.kubernetes.io/component=web --tail=1 --prefix", 0, (r"\[pod/web-\S+/web\] ",)),
    ("logs -n shop db-0 --all-containers --timestamps --tail=1", 0, (r"^20\d\d-\d\d-\d\dT\S+Z ",)),
    ("logs -n payments deploy/worker --previous", 0, (r"Traceback", r"ConnectionError")),
    ("rollout status deploy/web -n shop", 0, (r'deployment "web" successfully rolled out',)),
    ("rollout history deploy/web -n shop", 0, (r"^1 +<none>",)),
    ("rollout history sts/db -n shop", 0, (r"^1 ",)),
    ("auth can-i delete pods -n shop", 0, (r"^yes$",)),
    ("auth whoami", 0, (r"kubernetes-admin",)),
    ("get --raw /healthz", 0, (r"^ok$",)),
)
REFUSALS: tuple[tuple[str, str], ...] = (
    ("get pod nothing -n shop", r'Error from server \(NotFound\): pods "nothing" not found'),
    ("get deploy nothing -n shop", r'Error from server \(NotFound\): deployments\.apps "nothing" not found'),
    ("get nonsense", r'the server doesn\'t have a resource type "nonsense"'),
    ("logs -n shop db-0 -c nothing", r"container nothing is not valid for pod db-0"),
    ("logs -n shop db-0 --previous", r'previous terminated container "db" in pod "db-0" not found'),
    ("get --raw /api/v1/namespaces/shop/pods/db-0/log?tailLines=-1", r'PodLogOptions "db-0" is invalid: tailLines: '),
    ("get pods -n shop -l a=b=c", r"found '=', expected: ',' or 'end of string'"),
    ("get pods -n shop --field-selector spec.x=1", r"field label not supported: spec\.x"),
    ("create ns shop", r'Error from server \(AlreadyExists\): namespaces "shop" already exists'),
    ("create cm x -n nothing", r'namespaces "nothing" not found'),
    ("scale deploy/web -n shop --replicas=-1", r"must be greater than or equal to|should be at least|required"),
    ("exec -n shop db-0 -- nothing", r'exec: "nothing": executable file not found in \$PATH'),
)
NARROW: tuple[tuple[str, int, str], ...] = (
    ("get pods", 0, r"db-0"),
    ("get ns shop", 0, r"shop +Active"),
    ("logs db-0 --tail=1", 0, r"LOG"),
    ("get pods -A", 1, r'cannot list resource "pods" in API group "" at the cluster scope'),
    (
        "get ns",
        1,
        r'namespaces is forbidden: User "system:serviceaccount:shop:narrow" cannot list resource "namespaces"',
    ),
    ("get nodes", 1, r'cannot list resource "nodes" in API group "" at the cluster scope'),
    (
        "get deploy -n payments",
        1,
        r'deployments\.apps is forbidden: .* in API group "apps" in the namespace "payments"',
    ),
    (
        "get pod x -n payments",
        1,
        r'pods "x" is forbidden: .* cannot get resource "pods" .* in the namespace "payments"',
    ),
    ("get ns payments", 1, r'namespaces "payments" is forbidden'),
    ("auth can-i list secrets", 0, r"^yes"),
    ("auth can-i list pods -n payments", 1, r"^no"),
    ("auth can-i --list", 0, r"pods/exec"),
)


@pytest.mark.parametrize(("line", "code", "parts"), READS, ids=[line for line, _, _ in READS])
def test_kubectl_reads(admin: Kubectl, line: str, code: int, parts: tuple[str, ...]) -> None:
    done = admin(line)
    assert done.returncode == code, done.stderr
    for part in parts:
        assert re.search(part, done.stdout, re.MULTILINE), f"{part} is not in:\n{done.stdout}"


@pytest.mark.parametrize(("line", "words"), REFUSALS, ids=[line for line, _ in REFUSALS])
def test_kubectl_is_refused_in_the_right_words(admin: Kubectl, line: str, words: str) -> None:
    done = admin(line)
    assert done.returncode == 1
    assert re.search(words, done.stderr), done.stderr


@pytest.mark.parametrize(("line", "code", "words"), NARROW, ids=[line for line, _, _ in NARROW])
def test_the_narrow_user_holds_one_namespace(narrow: Kubectl, line: str, code: int, words: str) -> None:
    done = narrow(line)
    assert done.returncode == code
    assert re.search(words, done.stdout + done.stderr, re.MULTILINE), done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "typed", "code", "output", "errors"),
    [
        (
            ("sh", "-c", "echo hi; echo oops >&2; exit 3"),
            None,
            3,
            "hi\n",
            "oops\ncommand terminated with exit code 3\n",
        ),
        (("true",), None, 0, "", ""),
        (("false",), None, 1, "", "command terminated with exit code 1\n"),
        (("cat",), "typed\n", 0, "typed\n", ""),
        (("sh", "-c", "echo $HOSTNAME"), None, 0, "db-0\n", ""),
        (("seq", "20000"), None, 0, "".join(f"{number}\n" for number in range(1, 20001)), ""),
    ],
)
def test_kubectl_exec(
    admin: Kubectl, words: tuple[str, ...], typed: str | None, code: int, output: str, errors: str
) -> None:
    done = admin(f"exec -n shop db-0 {'-i' if typed else ''} --", *words, typed=typed)
    assert (done.returncode, done.stdout, done.stderr) == (code, output, errors)


def test_exec_into_a_container_that_does_not_run(admin: Kubectl, cluster: Cluster, client: Client) -> None:
    cluster.create(pod("never", "sh", "-c", "exit 1", restartPolicy="Never"))
    settle(lambda: client.get("/api/v1/namespaces/default/pods/never")["status"]["phase"], lambda p: p == "Failed")
    done = admin("exec never -- true")
    assert done.returncode == 1
    assert re.search("completed pod|container not found", done.stderr)


@pytest.fixture
def web(cluster: Cluster, admin: Kubectl) -> Iterator[str]:
    cluster.create(deployment("web", 2, image="registry.example.com/web:1"))
    admin.said("rollout status deploy/web --timeout=30s")
    yield "web"
    admin.said("delete deploy web --timeout=30s")


def test_a_deployment_lives_through_what_kubectl_does_to_it(admin: Kubectl, web: str) -> None:
    assert "scaled" in admin.said(f"scale deploy/{web} --replicas=4")
    admin.said(f"rollout status deploy/{web} --timeout=30s")
    assert admin.said(f"get deploy {web} -o jsonpath={{.status.readyReplicas}}") == "4"
    admin.said(f"set image deploy/{web} main=registry.example.com/web:2")
    admin.said(f"rollout status deploy/{web} --timeout=30s")
    assert admin.said("get pods -l app=web -o jsonpath={.items[*].spec.containers[0].image}").split() == [
        "registry.example.com/web:2"
    ] * len(admin.said("get pods -l app=web -o name").split())
    admin.said(f"annotate deploy/{web} kubernetes.io/change-cause=second")
    history = settle(lambda: admin.said(f"rollout history deploy/{web}"), lambda text: "second" in text)
    assert re.search(r"^1 +<none>\n2 +second", history, re.MULTILINE)
    admin.said(f"rollout undo deploy/{web}")
    admin.said(f"rollout status deploy/{web} --timeout=30s")
    assert re.search(r"^2 .*\n3 ", admin.said(f"rollout history deploy/{web}"), re.MULTILINE)
    admin.said(f"rollout restart deploy/{web}")
    admin.said(f"rollout status deploy/{web} --timeout=30s")
    admin.said(f"rollout pause deploy/{web}")
    admin.said(f"rollout resume deploy/{web}")
    admin.said(f"label deploy/{web} team=blue")
    assert admin.said("get deploy -l team=blue -o name") == "deployment.apps/web\n"


def test_a_deleted_pod_is_made_again(admin: Kubectl, web: str) -> None:
    before = admin.said(f"get pods -l app={web} -o name").split()
    assert "deleted" in admin.said(f"delete {before[0]} --timeout=30s")
    admin.said(f"rollout status deploy/{web} --timeout=30s")
    after = settle(lambda: admin.said(f"get pods -l app={web} -o name").split(), lambda found: len(found) == 2)
    assert before[0] not in after
    assert before[1] in after


def test_a_pod_can_be_deleted_by_force(admin: Kubectl, cluster: Cluster) -> None:
    cluster.create(pod("stuck", "sleep", "1000"))
    done = admin("delete pod stuck --force --grace-period=0")
    assert done.returncode == 0
    assert "force deleted" in done.stdout
    assert "NotFound" in admin("get pod stuck").stderr


APPLIED = """
apiVersion: v1
kind: ConfigMap
metadata: {name: applied, namespace: default}
data: {a: "1", b: "2"}
---
apiVersion: batch/v1
kind: Job
metadata: {name: once, namespace: default}
spec:
  template:
    spec: {restartPolicy: Never, containers: [{name: main, image: "busybox:1", command: [sh, -c, "echo done"]}]}
"""


def test_manifests_are_applied_and_deleted(admin: Kubectl) -> None:
    assert "configmap/applied created" in admin.said("apply -f -", typed=APPLIED)
    assert "configmap/applied unchanged" in admin.said("apply -f -", typed=APPLIED)
    admin.said("apply -f -", typed=APPLIED.split("---", maxsplit=1)[0].replace(', b: "2"', ""))
    assert loaded(admin.said("get cm applied -o yaml"))["data"] == {"a": "1"}
    admin.said("wait --for=condition=complete job/once --timeout=30s")
    assert admin.said("logs job/once") == "done\n"
    admin.said("delete -f - --timeout=30s", typed=APPLIED)
    assert "No resources found" in settle(lambda: admin("get pods -l job-name=once").stderr, bool)


def test_followed_logs_end_with_the_container(admin: Kubectl, cluster: Cluster, client: Client) -> None:
    script = "for i in 1 2 3; do echo line $i; sleep 10; done"
    cluster.create(pod("counts", "sh", "-c", script, restartPolicy="Never"))
    settle(lambda: client.get("/api/v1/namespaces/default/pods/counts")["status"]["phase"], lambda p: p == "Running")
    assert admin.said("logs -f counts") == "line 1\nline 2\nline 3\n"


def test_a_watch_prints_rows_as_they_change(admin: Kubectl, cluster: Cluster) -> None:
    command = [admin.program, "--kubeconfig", admin.kubeconfig, "get", "pods", "-w", "--request-timeout=8s"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        assert "NAME" in watching.stdout.readline() or watching.poll() is None
        cluster.create(pod("watched", "sleep", "1000"))
        seen = ""
        for row in watching.stdout:
            seen += row
            if re.search(r"watched +1/1 +Running", row):
                break
        watching.terminate()
    assert re.search(r"watched +0/1 +Pending", seen)
    admin.said("delete pod watched --now")


def test_a_node_can_be_drained(admin: Kubectl) -> None:
    done = admin("drain demo-worker-2 --ignore-daemonsets --delete-emptydir-data --force --timeout=40s")
    assert done.returncode == 0, done.stderr
    assert "SchedulingDisabled" in admin.said("get node demo-worker-2")
    assert "demo-worker-2" not in admin.said("get pods -A -o wide")
    admin.said("uncordon demo-worker-2")


def test_a_namespace_goes_with_all_that_is_in_it(admin: Kubectl) -> None:
    admin.said("create ns doomed")
    admin.said("create deploy gone --image=web:1 --replicas=2 -n doomed")
    assert "deleted" in admin.said("delete ns doomed --timeout=40s")
    assert "NotFound" in admin("get ns doomed").stderr
