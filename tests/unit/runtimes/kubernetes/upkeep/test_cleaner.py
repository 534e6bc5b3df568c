"""The script that cleans a node, run in a folder tree of its own with a CRI client that writes down its calls."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.kubernetes.upkeep.cleaner import KEPT_AS, REFERENCE, SCRIPT, pod

BUSYBOX = shutil.which("busybox")
RUNS_S = 20.0
CRICTL = """#!/bin/sh
[ "$1" = --version ] && exit 0
echo "$* at $CONTAINER_RUNTIME_ENDPOINT" >>/calls
case "$1" in
  inspecti) grep -qxF -- "$3" /there ;;
  ps) cat /users ;;
  rmi) echo "Deleted: $2" ;;
esac
"""
Ran = tuple[int, str, list[str]]
Run = Callable[..., Ran]

pytestmark = [
    pytest.mark.skipif(BUSYBOX is None, reason="busybox is not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may enter another folder tree"),
]


def tree(folder: Path, *programs: str) -> Path:
    """Make a folder tree with a shell and some programs of busybox."""
    (folder / "bin").mkdir(parents=True)
    shutil.copy(str(BUSYBOX), folder / "bin" / "busybox")
    for name in ("sh", *programs):
        (folder / "bin" / name).symlink_to("busybox")
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Give what runs the script as the pod does: (exit status, output, what the CRI client was called with)."""
    pod_tree = tree(tmp_path / "pod", "chroot")
    host = tree(pod_tree / "host", "grep", "cat")
    (host / "dev").mkdir()
    (host / "dev" / "null").touch()
    (pod_tree / "dev").mkdir()
    (pod_tree / "dev" / "null").touch()

    def run(image: str = "", *, there: str = "", users: str = "", named: str = "usr/bin/crictl", dial: str = "") -> Ran:
        if named:
            program = host / named
            program.parent.mkdir(parents=True, exist_ok=True)
            text = CRICTL if program.name == "crictl" else CRICTL.replace('[ "$1"', 'shift; [ "$1"', 1)
            program.write_text(text)
            program.chmod(0o755)
        (host / "there").write_text(there)
        (host / "users").write_text(users)
        listener = _listening(host / dial) if dial else None
        done = subprocess.run(
            ["chroot", pod_tree, "/bin/sh", "-c", SCRIPT, KEPT_AS, image],
            capture_output=True,
            text=True,
            timeout=RUNS_S,
            check=False,
        )
        if listener is not None:
            listener.close()
        calls = host / "calls"
        return done.returncode, done.stdout, calls.read_text().splitlines() if calls.exists() else []

    return run


def _listening(path: Path) -> socket.socket:
    path.parent.mkdir(parents=True)
    listener = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(path.parent)  # the path of a socket has at most 107 bytes
    try:
        listener.bind(path.name)
    finally:
        os.chdir(here)
    return listener


def test_all_that_is_unused_is_left_to_the_cri_client_to_know(run: Run) -> None:
    assert run() == (0, "Deleted: --prune\n", ["rmi --prune at "])


def test_one_image_goes_when_it_is_there_and_nobody_uses_it(run: Run) -> None:
    code, said, calls = run("web:1", there="web:1\n")
    assert (code, said) == (0, "Deleted: web:1\n")
    assert [call.split(" at ")[0] for call in calls] == ["inspecti -q web:1", "ps -a -q --image web:1", "rmi web:1"]


def test_an_image_in_use_stays(run: Run) -> None:
    code, said, calls = run("web:1", there="web:1\n", users="0a1b2c\n")
    assert (code, said) == (0, "web:1 is in use on this node and stays.\n")
    assert not any(call.startswith("rmi") for call in calls)


def test_an_image_that_is_not_there_is_said(run: Run) -> None:
    code, said, calls = run("web:1", there="web:2\n")
    assert (code, said) == (0, "This node does not have web:1.\n")
    assert len(calls) == 1


def test_a_node_without_a_cri_client_says_so_and_fails(run: Run) -> None:
    code, said, _ = run(named="")
    assert (code, said) == (3, "This node has no crictl, so its images cannot be cleaned from here.\n")


def test_the_one_inside_k3s_is_found(run: Run) -> None:
    code, said, calls = run(named="usr/local/bin/k3s")
    assert (code, said) == (0, "Deleted: --prune\n")
    assert calls == ["rmi --prune at "]


@pytest.mark.parametrize(
    "dial", ["run/containerd/containerd.sock", "run/crio/crio.sock", "run/k3s/containerd/containerd.sock"]
)
def test_the_socket_that_is_there_is_asked(run: Run, dial: str) -> None:
    assert run(dial=dial)[2] == [f"rmi --prune at unix:///{dial}"]


def test_words_of_an_image_are_never_run(run: Run) -> None:
    code, said, calls = run("$(touch /ran);`touch /ran`", there="")
    assert code == 0
    assert said == "This node does not have $(touch /ran);`touch /ran`.\n"
    assert len(calls) == 1


@given(st.from_regex(REFERENCE, fullmatch=True))
def test_what_may_be_an_image_is_no_option_and_means_nothing_to_a_shell(text: str) -> None:
    assert text[0].isalnum()
    assert text.isascii()
    assert shlex.quote(text) == text


def test_the_pod_ends_by_itself_and_may_use_nothing_of_the_cluster() -> None:
    made = pod("node-1", image="busybox:1", cleanup_image="web:1")
    spec = made["spec"]
    assert spec["nodeName"] == "node-1"
    assert spec["restartPolicy"] == "Never"
    assert spec["activeDeadlineSeconds"] > 0
    assert spec["automountServiceAccountToken"] is False
    assert not {"hostPID", "hostNetwork", "hostIPC"} & set(spec)
    assert spec["containers"][0]["command"][-1] == "web:1"
    assert pod("n", image="b", cleanup_image="")["metadata"]["name"] != made["metadata"]["name"]
