"""The lines that are offered name what is there, the worst first, and only what this person may run."""

from __future__ import annotations

from datetime import UTC, datetime

from opsmodal.answers import InstanceRow, instance_row
from opsmodal.guard.world import Mode
from opsmodal.operations.offered import OFFERED_MAX, offered
from runtimes.base import Container, Instance, Severity

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def row(name: str, severity: Severity = Severity.OK, *, restarts: int = 0, containers: int = 1) -> InstanceRow:
    made = tuple(Container(name=f"c{number}", image="image") for number in range(containers))
    return instance_row(
        Instance(
            id=name,
            name=name,
            kind="pod",
            status="Running",
            severity=severity,
            ready=severity is Severity.OK,
            ready_containers=containers,
            restarts=restarts,
            age_s=60,
            created_at=None,
            node="node-1",
            image="image",
            containers=made,
        ),
        NOW,
    )


def lines(kind: str, **more: object) -> list[str]:
    return [each.command for each in offered(kind, **more)]  # type: ignore[arg-type]


def test_on_a_cluster_the_worst_pod_is_looked_at_and_a_healthy_one_entered() -> None:
    found = lines("kubernetes", instances=[row("web-1"), row("web-2", Severity.ERROR, restarts=7)])
    assert "kubectl get pods -o wide" in found
    assert "kubectl describe pod web-2" in found
    assert "kubectl logs web-2 --previous --tail=100" in found
    assert "kubectl exec web-1 -- ps aux" in found
    assert not any("exec web-2" in line for line in found)


def test_every_line_of_the_handbook_is_there_with_a_real_name() -> None:
    found = lines("kubernetes", instances=[row("web-1")])
    assert [line for line in found if " exec " in line] == [
        f"kubectl exec web-1 -- {line}" for line in ("ps aux", "free -m", "df -h", "netstat -tlnp")
    ]


def test_who_may_not_read_logs_is_offered_none() -> None:
    assert not any("logs" in line for line in lines("kubernetes", instances=[row("web-1")], logs=False))
    assert not any("logs" in line for line in lines("docker", instances=[row("web")], logs=False))


def test_what_follows_is_meant_for_a_stream() -> None:
    for kind in ("kubernetes", "docker", "podman"):
        modes = {each.command: each.mode for each in offered(kind, instances=[row("web", containers=2)])}
        assert {line for line, mode in modes.items() if mode is Mode.STREAMING} == {
            line for line in modes if " -f " in line
        }


def test_in_a_container_a_line_is_a_program_and_nothing_before_it() -> None:
    found = lines("docker", instances=[row("web")], container="web", hosts=True)
    assert found == ["ps aux", "free -m", "df -h", "netstat -tlnp", "cat /etc/os-release"]


def test_programs_of_the_host_are_offered_where_they_may_run() -> None:
    assert "free -m" in lines("docker", instances=[row("web")], hosts=True)
    assert "free -m" not in lines("docker", instances=[row("web")], hosts=False)
    assert all(line.startswith("podman ") for line in lines("podman", instances=[row("web")]))


def test_a_service_without_instances_is_offered_what_names_none() -> None:
    assert "kubectl get pods -o wide" in lines("kubernetes", instances=[])
    assert not any("None" in line for line in lines("docker", instances=[]))


def test_the_list_stays_short() -> None:
    many = [row(f"web-{number}", Severity.ERROR, restarts=3, containers=3) for number in range(500)]
    assert len(lines("kubernetes", instances=[*many, row("ok")])) <= OFFERED_MAX
