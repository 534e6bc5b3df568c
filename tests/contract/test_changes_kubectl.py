"""Each change beside the real kubectl: what it leaves behind is what the line leaves behind that its plan prints."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from opsmodal.demo.cluster import start
from runtimes.base import Resources
from runtimes.changes import (
    Change,
    Pause,
    Restart,
    Resume,
    Rollback,
    RunNow,
    SetImage,
    SetManifest,
    SetReplicas,
    SetResources,
    SetStrategy,
    Suspend,
)
from runtimes.kubernetes.changes import apply, plan
from tests.contract.changing import DIGEST, Both, Obj, client_of, plain, workload
from tests.contract.world_kubernetes import Api, settle

NUMBER = "deployment.kubernetes.io/revision"


@pytest.fixture(scope="module")
def kubeconfig() -> Iterator[str]:
    started = start(example=False, speed=10.0)
    yield started.kubeconfig()
    started.stop()


@pytest.fixture(scope="module")
def folder(kubeconfig: str, kubectl: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("bin")
    (made / "kubectl").symlink_to(kubectl)
    (made / "config").write_text(kubeconfig)
    return made


@pytest.fixture
def both(kubeconfig: str, folder: Path) -> Iterator[Both]:
    api, client = Api(kubeconfig), client_of(kubeconfig)
    mark = secrets.token_hex(3)
    made = Both(api, client, folder, f"opsmodal-ours-{mark}", f"opsmodal-theirs-{mark}")
    for namespace in (made.ours, made.theirs):
        api.call("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    yield made
    for namespace in (made.ours, made.theirs):
        api.call("DELETE", f"/api/v1/namespaces/{namespace}")
    client.close()
    api.close()


MORE = Resources(cpu_request_cores=0.25, cpu_limit_cores=2, memory_request_bytes=2**28, memory_limit_bytes=3 * 2**30)
LESS = Resources(cpu_request_cores=0.25)
Case = tuple[str, Obj, Change]
CASES: tuple[Case, ...] = (
    *(
        (f"scale {kind} to {count}", workload(kind), SetReplicas(workload=f"{kind.lower()}.web", replicas=count))
        for kind, count in (("Deployment", 5), ("Deployment", 0), ("StatefulSet", 3), ("ReplicaSet", 1))
    ),
    *(
        (f"image of {kind}", workload(kind), SetImage(workload="web", container="web", image="web:2"))
        for kind in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "CronJob")
    ),
    ("image of one that prepares", workload(), SetImage(workload="web", container="prepare", image="busybox:2")),
    (
        "image with its digest",
        workload(),
        SetImage(workload="web", container="side", image=f"a.example:5/b:1@{DIGEST}"),
    ),
    *(
        (f"restart {kind}", workload(kind), Restart(workload="web"))
        for kind in ("Deployment", "StatefulSet", "DaemonSet")
    ),
    ("pause", workload(), Pause(workload="web")),
    ("resume", workload(paused=True), Resume(workload="web")),
    *(
        (f"resources of {kind}", workload(kind), SetResources(workload="web", container="side", resources=MORE))
        for kind in ("Deployment", "StatefulSet", "DaemonSet", "CronJob")
    ),
    ("fewer resources", workload(), SetResources(workload="web", container="side", resources=LESS)),
    ("no resources", workload(), SetResources(workload="web", container="side", resources=Resources())),
    ("resources of one that has none", workload(), SetResources(workload="web", container="prepare", resources=MORE)),
    ("recreate", workload(), SetStrategy(workload="web", kind="Recreate")),
    ("surge", workload(), SetStrategy(workload="web", kind="RollingUpdate", max_surge="50%", max_unavailable="0")),
    (
        "roll again",
        workload(strategy={"type": "Recreate"}),
        SetStrategy(workload="web", kind="RollingUpdate", max_surge="2"),
    ),
    ("delete by hand", workload("DaemonSet"), SetStrategy(workload="web", kind="OnDelete")),
    ("partition", workload("StatefulSet"), SetStrategy(workload="web", kind="RollingUpdate", partition=1)),
    ("suspend", workload("CronJob"), Suspend(workload="web", suspended=True)),
    ("go on", workload("CronJob", suspend=True), Suspend(workload="web", suspended=False)),
)
SMOKE = (
    *("scale Deployment to 5", "image of CronJob", "image with its digest", "restart StatefulSet", "pause", "resume"),
    *("resources of Deployment", "no resources", "roll again", "partition", "suspend"),
)
SOME = ("scale Deployment to 5", "image of CronJob", "restart StatefulSet", "resources of Deployment", "recreate")
"""With a reason as well: that way is the same for all."""


@pytest.mark.often(*SMOKE)
@pytest.mark.parametrize(("manifest", "change"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_change_leaves_what_its_line_leaves(both: Both, manifest: Obj, change: Change) -> None:
    check_alike(both, manifest, change)


@pytest.mark.parametrize(
    ("manifest", "change"),
    [case[1:] for case in CASES if case[0] in SOME],
    ids=[*(case[0] for case in CASES if case[0] in SOME)],
)
def test_a_reason_is_left_as_its_line_leaves_it(both: Both, manifest: Obj, change: Change) -> None:
    ours = check_alike(both, manifest, replace(change, reason='it\'s "time" $(reboot)'))
    left = ours["metadata"].get("annotations", {}).get("kubernetes.io/change-cause")
    assert left == (None if manifest["kind"] == "CronJob" else 'it\'s "time" $(reboot)')


def check_alike(both: Both, manifest: Obj, change: Change) -> Obj:
    both.make(manifest)
    planned = plan(both.client, both.scope(both.ours), change)
    assert both.read(manifest, both.ours)["metadata"]["generation"] == 1, "planning has changed something"
    done = apply(both.client, both.scope(both.ours), change, revision=planned.revision)
    both.type(plan(both.client, both.scope(both.theirs), change).command)
    ours = both.check_alike(manifest)
    assert not planned.unchanged
    assert planned.differences
    assert done.generation == ours["metadata"]["generation"]
    return ours


@pytest.mark.often("Deployment")
@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_going_back_numbers_revisions_as_its_line_does(both: Both, kind: str) -> None:
    manifest = workload(kind)
    both.make(manifest)
    for number, image in enumerate(("web:2", "web:3"), 2):
        for namespace in (both.ours, both.theirs):
            kept = number - 1
            settle(lambda n=namespace, k=kept: len(history(both, kind, n)) == k, f"revision {kept} of {kind}")
            change = SetImage(workload="web", container="web", image=image, reason=f"to {image}")
            apply(both.client, both.scope(namespace), change)
    for wanted, numbers in ((0, [1, 3, 4]), (1, [3, 4, 5]), (4, [3, 5, 6])):
        for namespace in (both.ours, both.theirs):
            expected = {0: [1, 2, 3], 1: [1, 3, 4], 4: [3, 4, 5]}[wanted]
            settle(lambda n=namespace, e=expected: history(both, kind, n) == e, f"revisions {expected} of {kind}")
        change = Rollback(workload="web", revision=wanted, reason="it was better" if wanted == 4 else "")
        planned = plan(both.client, both.scope(both.ours), change)
        assert "\n+" in planned.diff
        assert "image of web" in {each.what for each in planned.differences}
        apply(both.client, both.scope(both.ours), change, revision=planned.revision)
        both.type(plan(both.client, both.scope(both.theirs), change).command)
        for namespace in (both.ours, both.theirs):
            settle(lambda n=namespace, e=numbers: history(both, kind, n) == e, f"revisions {numbers} of {kind}")
        both.check_alike(manifest)
        already = plan(both.client, both.scope(both.ours), Rollback(workload="web", revision=numbers[-1]))
        assert already.unchanged


def history(both: Both, kind: str, namespace: str) -> list[int]:
    """Give the numbers of the revisions that are kept."""
    resource = "replicasets" if kind == "Deployment" else "controllerrevisions"
    listed = both.api.call("GET", f"/apis/apps/v1/namespaces/{namespace}/{resource}")["items"]
    found = [each.get("revision") or each["metadata"]["annotations"][NUMBER] for each in listed]
    return sorted(map(int, found))


def test_a_run_at_once_is_the_job_that_its_line_makes(both: Both) -> None:
    manifest = workload("CronJob")
    manifest["spec"]["jobTemplate"]["metadata"] = {"labels": {"team": "a"}, "annotations": {"note": "b"}}
    both.make(manifest)
    change = RunNow(workload="cronjob.web")
    done = apply(both.client, both.scope(both.ours), change)
    line = plan(both.client, both.scope(both.theirs), change).command
    both.type(line)
    made = done.made.removeprefix("job/")
    typed = line.split(" job ")[1].split()[0]
    ours, theirs = (
        both.api.call("GET", f"/apis/batch/v1/namespaces/{namespace}/jobs/{name}")
        for namespace, name in ((both.ours, made), (both.theirs, typed))
    )
    assert described(ours) == described(theirs)
    uid = both.read(manifest, both.ours)["metadata"]["uid"]
    assert ours["metadata"]["ownerReferences"][0]["uid"] == uid


def described(job: Obj) -> Obj:
    """Give a Job without what differs between any two."""
    text = (
        yaml.safe_dump(plain(job)).replace(job["metadata"]["name"], "(name)").replace(job["metadata"]["uid"], "(uid)")
    )
    return dict(yaml.safe_load(re.sub(r"uid: [0-9a-f-]{36}", "uid: (owner)", text)))


def test_a_manifest_leaves_what_its_line_leaves(both: Both, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = workload()
    both.make(manifest)
    wanted = json.loads(json.dumps(workload(minReadySeconds=3, replicas=4)))
    wanted["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "A", "value": "yes\nno"}]
    change = SetManifest(workload="web", text=yaml.safe_dump(wanted))
    planned = plan(both.client, both.scope(both.ours), change)
    assert "+  minReadySeconds: 3" in planned.diff
    apply(both.client, both.scope(both.ours), change, revision=planned.revision)
    monkeypatch.chdir(folder)
    line = plan(both.client, both.scope(both.theirs), change).command
    (folder / line.split()[-1]).write_text(change.text)
    both.type(line)
    both.check_alike(manifest)
    again = plan(both.client, both.scope(both.ours), change)
    assert again.unchanged
    assert not again.diff
