"""How a workload stands, in one of four words, and what its row leaves out for who may not change it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opsmodal.operations.changes import action_of, is_risky, target_of
from opsmodal.operations.deployment_rows import severity_of, workload_row
from runtimes.base import Severity
from runtimes.changes import VERBS, Change, Restart, Rollback, SetManifest, SetReplicas
from runtimes.deployment import Deployed, DeployedContainer, Revision, Run
from runtimes.planning import Progress

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def deployed(**more: Any) -> Deployed:
    given: dict[str, Any] = {"kind": "Deployment", "desired": 3, "ready": 3} | more
    return Deployed(id="deployment.web", name="web", **given)


def progress(state: Any) -> Progress:
    return Progress(state=state, sentence="So it is.")


@pytest.mark.parametrize(
    ("found", "severity"),
    [
        (deployed(), Severity.OK),
        (deployed(ready=1), Severity.PROGRESS),
        (deployed(ready=0), Severity.ERROR),
        (deployed(desired=0, ready=0), Severity.NEUTRAL),
        (deployed(progress=progress("running")), Severity.PROGRESS),
        (deployed(progress=progress("failed")), Severity.ERROR),
        (deployed(progress=progress("paused")), Severity.OK),
        (deployed(kind="CronJob", desired=0, ready=0), Severity.NEUTRAL),
        (deployed(kind="CronJob", runs=(Run(name="a", state="done"), Run(name="b", state="failed"))), Severity.NEUTRAL),
        (deployed(kind="CronJob", runs=(Run(name="a", state="failed"),)), Severity.ERROR),
        (deployed(kind="Job", runs=(Run(name="a", state="running"),)), Severity.OK),
        (deployed(kind="Job", runs=(Run(name="a", state="waiting"),)), Severity.PROGRESS),
    ],
)
def test_a_workload_stands_as_its_rollout_and_its_instances_do(found: Deployed, severity: Severity) -> None:
    assert severity_of(found) is severity


def test_a_row_has_the_verbs_that_both_the_workload_and_the_person_know() -> None:
    found = deployed(verbs=frozenset({"restart", "scale"}), containers=(DeployedContainer(name="web", image="a:1"),))
    row = workload_row(found, NOW, verbs=frozenset({"scale", "image"}))
    assert (row.verbs, row.images, row.revisions) == (("scale",), {"web": "a:1"}, None)
    assert row.containers[0].resources.cpu_limit_cores is None


def test_revisions_have_their_age() -> None:
    revision = Revision(revision=2, images=("a:1",), made_at=NOW - timedelta(minutes=3))
    row = workload_row(
        deployed(), NOW, verbs=frozenset(), revisions=(revision, Revision(revision=1, images=(), made_at=None))
    )
    assert row.revisions is not None
    assert [each.age_s for each in row.revisions] == [180, None]


def manifest(replicas: str) -> SetManifest:
    return SetManifest(workload="deployment.web", text=f"metadata: {{name: web}}\nspec: {{replicas: {replicas}}}")


@pytest.mark.parametrize(
    ("change", "production", "dangerous"),
    [
        (SetReplicas(workload="web", replicas=0), False, True),
        (SetReplicas(workload="web", replicas=1), True, False),
        (Restart(workload="web"), True, True),
        (Restart(workload="web"), False, False),
        (Rollback(workload="web"), False, True),
        (manifest("0"), False, True),
        (manifest("1"), True, False),
        (SetManifest(workload="web", text="["), True, False),
    ],
)
def test_what_is_dangerous_is_so_by_what_it_does_and_where(change: Change, production: bool, dangerous: bool) -> None:
    assert (action_of(change).dangerous or is_risky(change, production=production)) is dangerous


def test_every_change_is_an_action_of_who_manages() -> None:
    for kind in VERBS:
        found = (
            action_of(SetReplicas(workload="w", replicas=1)) if kind is SetReplicas else action_of(kind.__new__(kind))
        )
        assert found.changes
        assert found.permission == "manage"


@pytest.mark.parametrize(
    ("workload", "target"), [("deployment.web", "deployment/web"), ("web", "web"), ("job.a.b", "job/a.b")]
)
def test_a_target_is_written_as_kubectl_does(workload: str, target: str) -> None:
    assert target_of(workload) == target


def test_passwords_in_commands_of_probes_and_in_recorded_lines_are_masked() -> None:
    probe = ("liveness", "The command “mysqladmin ping -uroot --password=hunter22” every 10 s.")
    container = DeployedContainer(name="db", image="mysql:8", probes=(probe, ("readiness", "GET / on port 80.")))
    cause = "kubectl set env deployment/web DB_PASSWORD=hunter22 --record=true"
    revision = Revision(revision=1, images=("mysql:8",), made_at=NOW, change_cause=cause)
    row = workload_row(
        deployed(containers=(container,), change_cause=cause), NOW, verbs=frozenset(), revisions=(revision,)
    )
    assert "hunter22" not in repr(row)
    assert row.containers[0].probes[1] == ("readiness", "GET / on port 80.")
    assert row.change_cause.startswith("kubectl set env deployment/web DB_PASSWORD=")
