from __future__ import annotations

import stat
from pathlib import Path

import pytest
import yaml

from opsmodal.cli.machine import kubectl, packages
from opsmodal.demo.cluster import Cluster
from tests.engines import evil as evils
from tests.engines.caddy import Caddy
from tests.engines.containers import ContainerEngine
from tests.unit.opsmodal.cli.programs import Done, run

SERVICES = "services: [{name: shop, runtime: demo, namespace: shop}]\n"


def registered(folder: Path, cluster: Cluster, connections: str = "", *, kubeconfig: str = "") -> Done:
    (folder / "demo.yaml").write_text(kubeconfig or cluster.kubeconfig())
    document = (
        "apiVersion: opsmodal/v1\nruntimes:\n"
        f"- {{name: demo, kind: kubernetes, kubeconfig: demo.yaml{connections}}}\n"
        "- {name: edge, kind: docker, socket: /gone/docker.sock}\n"
    )
    (folder / "registry.yaml").write_text(document + SERVICES)
    applied = run("apply", "-f", folder / "registry.yaml", "--data-dir", folder)
    assert applied.code == 0
    return applied


def doctor(folder: Path, *args: str, kubectl: str = "") -> Done:
    env = {"OPSMODAL_KUBECTL": kubectl or str(program(folder, "v1.32.3"))}
    return run("doctor", "--data-dir", folder, *args, env=env)


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
    assert any(line.startswith("BROKEN kubernetes demo over far (ssh): ") for line in lines)
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
    ("version", "server", "marks"),
    [("v1.32.3", "v1.32.0", ["ok"]), ("v1.32.3", "v1.33.1-eks-1", ["ok"]), ("v1.32.3", "v1.34.0", ["ok", "warn"])],
)
def test_a_kubectl_too_far_from_a_cluster_is_told(tmp_path: Path, version: str, server: str, marks: list[str]) -> None:
    assert [one.mark for one in kubectl(str(program(tmp_path, version)), {"prod": server})] == marks


def test_a_kubectl_too_far_from_many_clusters_is_told_once(tmp_path: Path) -> None:
    servers = {"prod": "v1.34.0", "near": "v1.32.0", "test": "v1.35.1"}
    (_, far) = kubectl(str(program(tmp_path, "v1.32.3")), servers)
    assert "away from prod (v1.34.0), test (v1.35.1)." in far.sentence


def test_a_missing_kubectl_is_a_warning_that_names_the_clusters_once() -> None:
    assert [one.mark for one in kubectl("no-such-program", {})] == ["ok"]
    (finding,) = kubectl("no-such-program", {"prod": "v1.32.0", "test": "v1.33.0"})
    assert (finding.mark, "OPSMODAL_KUBECTL" in finding.hint) == ("warn", True)
    assert "on prod, test" in finding.sentence


def test_a_warning_breaks_nothing(simulated_cluster: Cluster, tmp_path: Path) -> None:
    registered(tmp_path, simulated_cluster)
    told = doctor(tmp_path, "shop", kubectl="no-such-program")
    assert "warn   kubectl: no-such-program is not installed; typed commands on demo will need it." in told.out
    assert told.out.splitlines()[-1].endswith("1 to look at, 0 broken")
    assert told.code == 0


def test_what_an_identity_may_not_do_is_said_for_each_namespace(simulated_cluster: Cluster, tmp_path: Path) -> None:
    registered(tmp_path, simulated_cluster, kubeconfig=simulated_cluster.kubeconfig("narrow", namespace="payments"))
    lines = doctor(tmp_path).out.splitlines()
    (lacking,) = [
        at for at, line in enumerate(lines) if line.startswith("warn   kubernetes demo in shop: This identity")
    ]
    assert "delete pods (no pod can be deleted or restarted)" in lines[lacking]
    assert "Bind a Role" in lines[lacking + 1]
    assert lines[-1].endswith("to look at, 1 broken")


def test_a_cluster_that_anybody_can_be_is_told_once_and_by_no_library(
    simulated_cluster: Cluster, tmp_path: Path
) -> None:
    document = yaml.safe_load(simulated_cluster.kubeconfig())
    document["clusters"][0]["cluster"] = {"server": simulated_cluster.url, "insecure-skip-tls-verify": True}
    applied = registered(tmp_path, simulated_cluster, kubeconfig=yaml.safe_dump(document))
    assert (
        "warning: The runtime demo: the server's certificate is not checked (insecure-skip-tls-verify)." in applied.err
    )
    compared = run("diff", "-f", tmp_path / "registry.yaml", "--data-dir", tmp_path)
    assert (compared.code, "insecure-skip-tls-verify" in compared.err) == (0, True)
    told = doctor(tmp_path, "shop")
    assert (told.code, told.err) == (0, "")
    assert told.out.count("insecure-skip-tls-verify") == 1
    assert "warn   kubernetes demo: The server's certificate is not checked" in told.out


def test_a_kubectl_that_says_nonsense_is_told(tmp_path: Path) -> None:
    path = program(tmp_path, "v1")
    path.write_text("#!/bin/sh\necho hello\n")
    assert [one.ok for one in kubectl(str(path), {})] == [False]


def test_a_kubectl_that_may_hand_over_to_another_is_told(tmp_path: Path) -> None:
    path = program(tmp_path, "v1.32.4-dispatcher")
    (tmp_path / "kubectl.1.30").touch()
    (finding,) = kubectl(str(path), {})
    assert "may hand over to kubectl.1.30" in finding.hint


def test_a_stranger_under_one_of_our_names_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [one.ok for one in packages()] == [True]
    owners = {"runtimes": ["opsmodal", "other-runtimes"], "connectors": ["opsmodal"], "opsmodal": ["opsmodal"]}
    monkeypatch.setattr("opsmodal.cli.machine.packages_distributions", lambda: owners)
    (finding,) = packages()
    assert (finding.ok, "other-runtimes" in finding.sentence) == (False, True)


def test_the_provider_that_people_sign_in_with_is_asked(tmp_path: Path) -> None:
    with evils.started() as provider:
        entry = f"oidc: {{issuer: '{provider.issuer}', clientId: x}}\n"
        (tmp_path / "registry.yaml").write_text(f"apiVersion: opsmodal/v1\n{entry}")
        assert run("apply", "-f", tmp_path / "registry.yaml", "--data-dir", tmp_path).code == 0
        told = doctor(tmp_path)
        assert f"ok     OpenID provider {provider.issuer}: It answers and signs with RS256" in told.out
    gone = doctor(tmp_path)
    assert gone.code == 1
    assert f"BROKEN OpenID provider {provider.issuer}: The provider 127.0.0.1 cannot be reached." in gone.out


def test_the_least_rights_of_a_service_are_a_manifest_that_the_cluster_takes(
    simulated_cluster: Cluster, tmp_path: Path
) -> None:
    registered(tmp_path, simulated_cluster)
    told = doctor(tmp_path, "--rbac", "shop")
    assert (told.code, told.err) == (0, "")
    account, role, binding, lending = yaml.safe_load_all(told.out)
    assert (account["kind"], account["metadata"]) == ("ServiceAccount", {"name": "opsmodal", "namespace": "shop"})
    assert role["kind"] == "Role"
    assert "*" not in str(role["rules"])
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "opsmodal", "namespace": "shop"}]
    assert lending["rules"][0]["resourceNames"] == ["opsmodal"]
    assert "serviceAccount: opsmodal" in told.out


def test_the_least_rights_are_those_of_the_tabs_that_are_wanted(simulated_cluster: Cluster, tmp_path: Path) -> None:
    registered(tmp_path, simulated_cluster)
    told = doctor(tmp_path, "--rbac", "shop", "--tab", "logs", "--read-only")
    role = list(yaml.safe_load_all(told.out))[1]
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    ]


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (["--rbac"], 2, "wants a SERVICE"),
        (["--rbac", "shop", "--tab", "nothing"], 2, "There is no tab 'nothing'"),
        (["--tab", "logs"], 2, "go with --rbac"),
        (["--rbac", "nosuch"], 1, "There is no service 'nosuch'"),
    ],
)
def test_what_is_no_question_about_rights_is_refused(
    simulated_cluster: Cluster, tmp_path: Path, words: list[str], code: int, part: str
) -> None:
    registered(tmp_path, simulated_cluster)
    told = doctor(tmp_path, *words)
    assert told.code == code
    assert part in told.err


def test_the_proxy_of_a_host_is_asked_and_how_to_come_to_one_is_said(
    docker_engine: ContainerEngine, caddy: Caddy, tmp_path: Path
) -> None:
    entry = f"kind: docker, socket: {docker_engine.socket}"
    document = (
        "apiVersion: opsmodal/v1\nruntimes:\n"
        f"- {{name: served, {entry}, proxyAdmin: '{caddy.admin}'}}\n"
        f"- {{name: silent, {entry}, proxyAdmin: 'http://127.0.0.1:1'}}\n"
        f"- {{name: bare, {entry}}}\n"
    )
    (tmp_path / "registry.yaml").write_text(document)
    assert run("apply", "-f", tmp_path / "registry.yaml", "--data-dir", tmp_path).code == 0
    told = doctor(tmp_path)
    lines = told.out.splitlines()
    assert f"ok     proxy of docker served: Caddy answers at {caddy.admin}." in lines
    at = lines.index("ok     proxy of docker bare: No proxy is registered for this host.")
    assert lines[at + 2].strip().startswith("docker run -d --name caddy ")
    (silent,) = [each for each in lines if each.startswith("BROKEN proxy of docker silent: ")]
    assert silent.endswith("Caddy's admin API at http://127.0.0.1:1 does not answer: nobody listens there.")
    assert (told.code, lines[-1][-8:]) == (1, "1 broken")
