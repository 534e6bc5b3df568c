from __future__ import annotations

import stat
from pathlib import Path

import pytest

from opsmodal.cli.machine import kubectl, packages
from opsmodal.demo.cluster import Cluster
from tests.unit.opsmodal.cli.programs import Done, run

SERVICES = "services: [{name: shop, runtime: demo, namespace: shop}]\n"


def registered(folder: Path, cluster: Cluster, connections: str = "") -> None:
    (folder / "demo.yaml").write_text(cluster.kubeconfig())
    document = (
        "apiVersion: opsmodal/v1\nruntimes:\n"
        f"- {{name: demo, kind: kubernetes, kubeconfig: demo.yaml{connections}}}\n"
        "- {name: edge, kind: docker, socket: /gone/docker.sock}\n"
    )
    (folder / "registry.yaml").write_text(document + SERVICES)
    assert run("apply", "-f", folder / "registry.yaml", "--data-dir", folder).code == 0


def doctor(folder: Path, *args: str) -> Done:
    return run("doctor", "--data-dir", folder, *args, env={"OPSMODAL_KUBECTL": str(program(folder, "v1.32.3"))})


def program(folder: Path, version: str) -> Path:
    """A kubectl that tells a version and nothing else."""
    path = folder / "kubectl-that-tells"
    path.write_text(f'#!/bin/sh\necho \'{{"clientVersion": {{"gitVersion": "{version}"}}}}\'\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_what_works_and_what_does_not_is_said_for_each_connection(simulated_cluster: Cluster, tmp_path: Path) -> None:
    way = ", connections: [{name: lan, kind: direct}, {name: far, kind: ssh, host: h, user: u, priority: 200}]"
    registered(tmp_path, simulated_cluster, way)
    told = doctor(tmp_path)
    lines = told.out.splitlines()
    assert told.code == 1
    assert any(line.startswith("ok     kubernetes demo over lan (direct): ") and "v1." in line for line in lines)
    assert any(line.startswith("BROKEN kubernetes demo over far (ssh): ") and "later" in line for line in lines)
    assert any(line.startswith("BROKEN docker edge over direct (direct): ") for line in lines)
    assert lines[-1].endswith("2 broken")
    assert told.err == ""


def test_one_service_is_looked_at_alone_with_what_it_shows(simulated_cluster: Cluster, tmp_path: Path) -> None:
    registered(tmp_path, simulated_cluster)
    told = doctor(tmp_path, "shop")
    assert (told.code, "edge" in told.out) == (0, False)
    assert "4 instances seen" in told.out


def test_a_cluster_that_went_away_is_said_with_what_to_do(simulated_cluster: Cluster, tmp_path: Path) -> None:
    registered(tmp_path, simulated_cluster)
    simulated_cluster.pause()
    told = doctor(tmp_path, "shop")
    assert told.code == 1
    assert "BROKEN kubernetes demo over direct (direct): " in told.out
    assert simulated_cluster.token() not in told.out + told.err


def test_a_service_that_there_is_not_is_said(simulated_cluster: Cluster, tmp_path: Path) -> None:
    registered(tmp_path, simulated_cluster)
    told = doctor(tmp_path, "shpo")
    assert (told.code, told.err) == (1, "opsmodal: There is no service 'shpo'.\n  Did you mean “shop”?\n")


@pytest.mark.parametrize(
    ("version", "server", "ok"),
    [("v1.32.3", "v1.32.0", [True]), ("v1.32.3", "v1.33.1-eks-1", [True]), ("v1.32.3", "v1.34.0", [True, False])],
)
def test_a_kubectl_too_far_from_a_cluster_is_told(tmp_path: Path, version: str, server: str, ok: list[bool]) -> None:
    assert [one.ok for one in kubectl(str(program(tmp_path, version)), [server])] == ok


def test_a_missing_kubectl_is_broken_only_where_a_cluster_needs_it() -> None:
    assert [one.ok for one in kubectl("no-such-program", [])] == [True]
    (finding,) = kubectl("no-such-program", ["v1.32.0"])
    assert (finding.ok, "OPSMODAL_KUBECTL" in finding.hint) == (False, True)


def test_a_kubectl_that_says_nonsense_is_told(tmp_path: Path) -> None:
    path = program(tmp_path, "v1")
    path.write_text("#!/bin/sh\necho hello\n")
    assert [one.ok for one in kubectl(str(path), [])] == [False]


def test_a_kubectl_that_may_hand_over_to_another_is_told(tmp_path: Path) -> None:
    path = program(tmp_path, "v1.32.4-dispatcher")
    (tmp_path / "kubectl.1.30").touch()
    (finding,) = kubectl(str(path), [])
    assert "may hand over to kubectl.1.30" in finding.hint


def test_a_stranger_under_one_of_our_names_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [one.ok for one in packages()] == [True]
    owners = {"runtimes": ["opsmodal", "other-runtimes"], "connectors": ["opsmodal"], "opsmodal": ["opsmodal"]}
    monkeypatch.setattr("opsmodal.cli.machine.packages_distributions", lambda: owners)
    (finding,) = packages()
    assert (finding.ok, "other-runtimes" in finding.sentence) == (False, True)
