"""Which kubectl is run, and what is said when there is none: vendors' dispatchers are never it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtimes.child import Children
from runtimes.errors import Missing
from runtimes.kubernetes.commands.program import Kubectl, Program, candidates, choose, release, skew
from tests.engines.kubectl import NoKubectl, find_kubectl


@pytest.fixture
def children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Children]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = Children()
    yield made
    made.close()


def only(*folders: Path, tools: Path) -> str:
    """Give a PATH of these folders, and of the programs that keep a child."""
    tools.mkdir(exist_ok=True)
    for name in ("setsid", "sleep", "cat", "env"):
        (tools / name).unlink(missing_ok=True)
        (tools / name).symlink_to(str(shutil.which(name)))
    return os.pathsep.join(map(str, [*folders, tools]))


def installed(folder: Path, name: str, version: str, *, code: int = 0) -> Path:
    """Install a program that says it is kubectl of this version."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    answer = f'{{"clientVersion": {{"gitVersion": "{version}"}}}}'
    path.write_text(f"#!/bin/sh\n[ \"$*\" = 'version --client -o json' ] && echo '{answer}'\nexit {code}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("version", "number"),
    [
        ("v1.32.3", (1, 32)),
        ("v1.31.0+k3s1", (1, 31)),
        ("v1.32.4-dispatcher", None),
        ("v1.34.0-alpha.1", None),
        ("1.32.3", None),
        ("", None),
        ("v1.32", None),
    ],
)
def test_a_release_is_told_from_what_calls_itself_something_else(version: str, number: tuple[int, int] | None) -> None:
    assert release(version) == number


@pytest.mark.parametrize(
    ("client", "server", "far"),
    [
        ("v1.33.1", "v1.33.9", False),
        ("v1.33.1", "v1.32.0-eks-1", False),
        ("v1.33.1", "v1.34.0+k3s1", False),
        ("v1.33.1", "v1.35.0", True),
        ("v1.33.1", "v1.31.0", True),
        ("v1.33.1", "v2.33.0", True),
        ("v1.33.1", "", False),
        ("", "v1.30.0", False),
    ],
)
def test_a_version_that_is_too_far_from_the_servers_is_said(client: str, server: str, *, far: bool) -> None:
    said = skew(client, server)
    assert bool(said) is far
    assert not far or (client in said and server in said)


def test_the_first_that_is_new_enough_is_taken() -> None:
    versions = {Path("a"): "v1.32.4-dispatcher", Path("b"): "v1.30.1", Path("c"): "v1.33.0", Path("d"): "v1.31.0"}
    asked = []

    def version_of(path: Path) -> str:
        asked.append(path)
        return versions[path]

    assert choose(iter(versions), version_of) == Kubectl(Path("c"), "v1.33.0")
    assert Path("d") not in asked, "nobody is asked without need"


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("", "does not tell its version"),
        ("v1.32.4-dispatcher", "no release of kubectl: it may hand over"),
        ("v1.27.3", "too old"),
    ],
)
def test_what_is_wrong_with_the_only_one_is_said(version: str, said: str) -> None:
    assert said in str(choose(iter([Path("/opt/kubectl")]), lambda _: version))


def test_behind_a_dispatcher_the_newest_real_one_is_found(
    children: Children, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sdk, path = tmp_path / "sdk", tmp_path / "path"
    path.mkdir()
    (path / "kubectl").symlink_to(installed(sdk, "kubectl", "v1.32.4-dispatcher"))
    for number in (9, 31, 33):
        installed(sdk, f"kubectl.1.{number}", f"v1.{number}.1")
    monkeypatch.setenv("PATH", only(path, tools=tmp_path / "tools"))
    assert [each.name for each in candidates("kubectl")] == [
        "kubectl",
        "kubectl.1.33",
        "kubectl.1.31",
        "kubectl.1.9",
    ]
    assert Program(children).get() == Kubectl(sdk / "kubectl.1.33", "v1.33.1")
    named = Program(children, str(sdk / "kubectl"))
    assert "may hand over" in named.missing(), "who names one means that one"


def test_a_named_one_may_call_itself_anything(children: Children, tmp_path: Path) -> None:
    path = installed(tmp_path / "opt", "k", "v1.34.0")
    program = Program(children, str(path))
    assert program.missing() == ""
    assert program.get().path == path


def test_what_to_install_is_said_and_noticed_once_it_is_there(
    children: Children, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", only(tmp_path / "bin", tools=tmp_path / "tools"))
    monkeypatch.setattr("runtimes.kubernetes.commands.program.MISSING_KEPT_S", 0.0)
    program = Program(children)
    assert "not installed" in program.missing()
    assert "OPSMODAL_KUBECTL" in program.missing()
    with pytest.raises(Missing, match="not installed") as missing:
        program.get()
    assert "Install kubectl 1.31" in missing.value.hint
    path = installed(tmp_path / "bin", "kubectl", "v1.33.0")
    assert program.get() == Kubectl(path, "v1.33.0")
    path.unlink()
    installed(tmp_path / "bin", "kubectl", "v1.34.10")
    assert program.get().version == "v1.34.10", "another one in its place is asked anew"
    path.unlink()
    assert program.missing()


def test_one_that_fails_is_not_run(children: Children, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    broken = tmp_path / "bin" / "kubectl"
    broken.write_text("#!/bin/sh\necho not json; exit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", only(tmp_path / "bin", tools=tmp_path / "tools"))
    assert "does not tell its version" in Program(children).missing()


def test_tests_and_product_find_a_kubectl_alike(children: Children) -> None:
    try:
        wanted = find_kubectl()
    except NoKubectl as none:
        pytest.fail(str(none))
    assert release(Program(children).get().version) is not None
    assert Program(children, str(wanted)).missing() == ""
