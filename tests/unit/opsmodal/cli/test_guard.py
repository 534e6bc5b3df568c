"""`opsmodal guard`: verdicts as exit codes, and files of lines that say where they are wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from opsmodal.cli import main

WORLD = """\
world:
  permissions: [view, logs, exec, manage]
  runtimePermissions: [exec]
  autoscaled: [Deployment/web]
  owners: {replicaset/web-5d4f: deployment/web}
  containers: {own: [web, db], other: {pay-db: bbbb}}
  clusterKinds: [{name: tenants, short: [tnt], categories: [platform]}]
  kinds: [{name: backups, singular: backup, group: example.com, versions: [v1], short: [bk]}]
"""
CASES = """\
cases:
  - {id: a, runtime: docker, mode: oneshot, command: "docker ps", expect: allow}
  - {id: 7, runtime: docker, mode: oneshot, command: "docker logs pay-db", expect: deny, why: not own}
  - {id: c, runtime: podman, mode: streaming, container: web, command: "tail -f /x", expect: allow}
  - id: d
    runtime: kubernetes
    mode: oneshot
    namespace: shop
    command: kubectl scale deployment web --replicas=2
    expect: deny
  - {id: e, runtime: kubernetes, mode: oneshot, namespace: shop, command: kubectl get tnt, expect: deny}
  - {id: f, runtime: kubernetes, mode: oneshot, namespace: shop, command: kubectl get bk, expect: allow}
  - {id: g, runtime: kubernetes, mode: oneshot, namespace: shop, command: kubectl delete pod web-0, expect: allow}
"""


def call(*args: str | Path) -> Result:
    return CliRunner().invoke(main, ["guard", *map(str, args)])


def check(*args: str, runtime: str = "kubernetes", mode: str = "oneshot") -> Result:
    return call("check", "--runtime", runtime, "--mode", mode, "--namespace", "shop", *args)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    (tmp_path / "lines.yaml").write_text(WORLD + CASES)
    return tmp_path / "lines.yaml"


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("--", "kubectl get pods"), 0, "allow (kubectl-view)"),
        (("--", "kubectl", "get", "pods"), 0, "runs: kubectl -n shop get pods"),
        (("--", "kubectl delete pod web-0"), 3, "confirm (kubectl-"),
        (("--", "kubectl get pods | cat"), 4, "instead: kubectl get pods"),
        (("--", "kubectl", "exec", "web-0", "--", "sh", "-c", "a | b"), 0, "allow"),
        (("--", "kubectl", "get", "pods", "-A"), 4, "refuse"),
        (("--", ""), 4, "line-empty"),
    ],
)
def test_a_verdict_is_an_exit_code(args: tuple[str, ...], code: int, words: str) -> None:
    result = check(*args)
    assert (result.exit_code, words in result.stdout) == (code, True), result.output


@pytest.mark.parametrize(
    "args",
    [
        ("check", "--runtime", "kubernetes", "--mode", "oneshot", "--", "kubectl get pods"),
        ("check", "--runtime", "nomad", "--mode", "oneshot", "--namespace", "x", "--", "a"),
        ("check", "--runtime", "docker", "--mode", "twice", "--", "a"),
        ("check", "--runtime", "docker", "--mode", "oneshot"),
        ("check", "--runtime", "docker", "--mode", "oneshot", "--world", "/nowhere", "--", "a"),
        ("test",),
        ("test", "/nowhere"),
    ],
)
def test_wrong_usage_is_two(args: tuple[str, ...]) -> None:
    assert call(*args).exit_code == 2


def test_a_verdict_as_json_holds_what_the_api_says() -> None:
    result = check("--json", "--", "kubectl delete pod web-0")
    verdict = json.loads(result.stdout)
    assert (verdict["decision"], verdict["argv"][:3]) == ("confirm", ["kubectl", "-n", "shop"])
    assert verdict["targets"] == [{"kind": "pod", "name": "web-0"}]
    assert {"rule", "reason", "hint", "suggestion", "needs", "where"} <= set(verdict)


def test_a_chosen_container_is_own_unless_a_world_says_otherwise(written: Path) -> None:
    assert check("--container", "any", "--", "ls", runtime="docker").exit_code == 0
    assert check("--container", "any", "--world", str(written), "--", "ls", runtime="docker").exit_code == 4
    assert check("--container", "web", "--world", str(written), "--", "ls", runtime="docker").exit_code == 0


def test_a_world_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "world.yaml").write_text("runtimePermissions: []\n")
    result = check("--world", str(tmp_path / "world.yaml"), "--json", "--", "ps", runtime="docker")
    assert (result.exit_code, json.loads(result.stdout)["rule"]) == (4, "runtime-permission")


def test_a_file_of_lines_passes(written: Path) -> None:
    result = call("test", written, written)
    assert (result.exit_code, result.stdout) == (0, "14 passed, 0 failed\n"), result.output


def test_a_mismatch_is_told_with_its_line_and_its_rule(written: Path) -> None:
    written.write_text(WORLD + CASES.replace("expect: deny, why", "expect: allow, why"))
    result = call("test", written)
    assert result.exit_code == 1
    assert f"{written}:11: 7: expected allow, got refuse" in result.stdout
    assert "'docker logs pay-db'" in result.stdout
    assert "why: not own" in result.stdout
    assert result.stdout.endswith("6 passed, 1 failed\n")


@pytest.mark.parametrize(
    ("wrong", "line", "sentence"),
    [
        ("worlds: {}\ncases: []\n", 1, "“worlds” is not a key that is known here."),
        ("world: {autoscale: []}\ncases: []\n", 1, "“autoscale” is not a key that is known here."),
        ("world: {}\n", 1, "“cases” is missing."),
        (
            "cases:\n- {id: a, runtime: docker, mode: oneshot, command: ps, expect: alow}\n",
            2,
            "must be allow, confirm or deny",
        ),
        ("cases:\n- {id: a, runtime: docker, mode: oneshot, expect: allow}\n", 2, "“command” is missing."),
        (
            "cases:\n- {id: a, runtime: docker, mode: oneshot, command: ps,\n   expects: deny, expect: allow}\n",
            3,
            "“expects”",
        ),
        ("cases:\n- {id: a, runtime: nomad, mode: oneshot, command: ps, expect: allow}\n", 2, "“runtime” must be"),
        ("world: {permissions: [admin]}\ncases: []\n", 1, "must be view, logs, exec or manage"),
        ("cases: {}\n", 1, "“cases” must be a list"),
        ("cases: [\n", 2, "This is not YAML"),
        ("cases: []\ncases: []\n", 2, "stands twice"),
    ],
)
def test_a_file_that_is_wrong_is_told_with_a_sentence_and_its_line(
    tmp_path: Path, wrong: str, line: int, sentence: str
) -> None:
    (tmp_path / "lines.yaml").write_text(wrong)
    result = call("test", tmp_path / "lines.yaml")
    assert result.exit_code == 2
    assert f"{tmp_path / 'lines.yaml'}:{line}: " in result.stderr
    assert sentence in result.stderr
    assert "passed" not in result.output


def test_nothing_is_judged_when_one_of_several_files_is_wrong(written: Path, tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("case: []\n")
    result = call("test", written, tmp_path / "wrong.yaml")
    assert (result.exit_code, result.stdout) == (2, "")
