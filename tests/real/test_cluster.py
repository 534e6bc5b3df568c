"""What must hold on any real cluster before the contract suite says anything about opsmodal."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.engines.kubectl import OLDEST

ANSWER_S = 60.0


def asked(kubectl: Path, kubeconfig: Path, *args: str) -> str:
    done = subprocess.run(
        [kubectl, "--kubeconfig", kubeconfig, *args], check=False, capture_output=True, text=True, timeout=ANSWER_S
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_cluster_is_no_older_than_kubectl_supports(kubectl: Path, real_kubeconfig: Path) -> None:
    version = json.loads(asked(kubectl, real_kubeconfig, "get", "--raw", "/version"))
    assert (int(version["major"]), int(version["minor"].rstrip("+"))) >= OLDEST


def test_a_node_is_ready(kubectl: Path, real_kubeconfig: Path) -> None:
    nodes = json.loads(asked(kubectl, real_kubeconfig, "get", "nodes", "-o", "json"))["items"]
    ready = [
        node
        for node in nodes
        for condition in node["status"]["conditions"]
        if (condition["type"], condition["status"]) == ("Ready", "True")
    ]
    assert ready
