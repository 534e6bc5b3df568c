"""Says whether there is a real cluster to test on, and how to come by one. `make test-real` asks this first."""

from __future__ import annotations

import shutil
import subprocess
import sys

from tests.engines.cluster import SETTING, real_kubeconfig_path
from tests.engines.process import CannotStart

ANSWER_S = 20.0
NODE_IMAGE = "kindest/node"
OFFER = f"""
`kind` and a node image are here. This makes a cluster, tests on it and takes it away again:

    kind create cluster --name opsmodal-test --kubeconfig kind.kubeconfig
    {SETTING}=$PWD/kind.kubeconfig make test-real
    kind delete cluster --name opsmodal-test --kubeconfig kind.kubeconfig
"""


def main() -> int:
    """Exit 0 with a cluster's kubeconfig, 1 with a sentence."""
    try:
        sys.stdout.write(f"testing on the cluster of {real_kubeconfig_path()}\n")
    except CannotStart as reason:
        sys.stderr.write(f"test-real: {reason}\n{OFFER if _kind_is_ready() else ''}")
        return 1
    return 0


def _kind_is_ready() -> bool:
    if not (shutil.which("kind") and shutil.which("docker")):
        return False
    listing = ["docker", "images", "--quiet", NODE_IMAGE]
    try:
        found = subprocess.run(listing, check=False, capture_output=True, timeout=ANSWER_S)
    except subprocess.TimeoutExpired:
        return False
    return bool(found.stdout.strip())


if __name__ == "__main__":
    sys.exit(main())
