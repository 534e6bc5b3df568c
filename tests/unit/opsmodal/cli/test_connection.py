from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from opsmodal.cli import main
from opsmodal.registry.reading import read_document
from tests.unit.opsmodal.contexts.test_found import docker_context, podman_json


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a home with a key and an SSH configuration."""
    folder = tmp_path / ".ssh"
    folder.mkdir()
    for name in ("ops", "known_hosts"):
        (folder / name).write_text("what apply reads\n")
    (folder / "config").write_text(
        "Host web\n HostName 10.0.0.5\n User ops\n ProxyJump edge\n IdentityFile ~/.ssh/ops\n"
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def run(*words: str) -> tuple[int, str, str]:
    ran = CliRunner().invoke(main, ["connection", *words])
    return ran.exit_code, ran.stdout, ran.stderr


def test_an_entry_is_printed_that_the_registry_takes(home: Path) -> None:
    code, out, err = run("import", "web")

    assert (code, err) == (0, "")
    (entry,) = yaml.safe_load(out)
    assert (entry["host"], entry["user"]) == ("10.0.0.5", "ops")
    assert entry["identityFile"] == f"{home}/.ssh/ops"
    runtime = {"name": "prod", "kind": "docker", "socket": "/var/run/docker.sock", "connections": [entry]}
    read = read_document(yaml.safe_dump({"apiVersion": "opsmodal/v1", "runtimes": [runtime]}).encode())
    assert read.problems == []


def test_another_file_is_read_and_what_it_leaves_open_is_said(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("HostName 10.0.0.6\nForwardAgent yes\n")

    code, out, err = run("import", "web", "--config", str(tmp_path / "config"))

    assert code == 0
    assert yaml.safe_load(out)[0]["host"] == "10.0.0.6"
    assert "the agent is never forwarded" in err


@pytest.mark.parametrize(
    ("text", "said"), [("ProxyCommand nc %h %p", "reached by a program"), (None, "No such file or directory")]
)
def test_what_cannot_be_taken_over_is_said_and_nothing_printed(tmp_path: Path, text: str | None, said: str) -> None:
    if text:
        (tmp_path / "config").write_text(text)

    code, out, err = run("import", "web", "--config", str(tmp_path / "config"))

    assert (code, out) == (1, "")
    assert said in err


def test_contexts_and_connections_are_printed_as_a_document_that_can_be_applied(home: Path) -> None:
    docker_context(home, "edge", {"Host": "tcp://edge:2376"}, ca="ca", cert="cert", key="key")
    docker_context(home, "broken", {"Host": "npipe:////./pipe/x"})
    podman_json(home, {"core": {"URI": "ssh://core@far/run/podman/podman.sock", "Identity": str(home / ".ssh/ops")}})
    code, out, err = run("suggest")
    assert code == 0
    assert "Docker context broken: An address of the kind “npipe” is not reached from here." in err
    read = read_document(out.encode())
    assert read.problems == []
    edge, core = yaml.safe_load(out)["runtimes"]
    assert Path(edge["tls"]["key"]["file"]).read_text() == "key"
    assert core["connections"][0]["identityFile"] == {"file": str(home / ".ssh/ops")}


def test_a_home_without_any_prints_no_document(home: Path) -> None:
    code, out, err = run("suggest")
    assert (code, out) == (0, "")
    assert "No Docker context" in err
