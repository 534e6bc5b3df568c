"""A real cluster, where OPSMODAL_TEST_KUBECONFIG names one: a namespace of our own with many pods, removed afterwards.

The pods ask for a node that does not exist and stay Pending: a cluster of one node lists 5,000 of them, and runs none.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.engines.cluster import SETTING
from tests.engines.kubectl import find_kubectl

RUN_S = 600.0
IMAGE = "registry.example.com/shop/shop-web:1.4.2"


def real_kubeconfig() -> Path | None:
    """Give the kubeconfig of a real cluster; None where none is named."""
    named = os.environ.get(SETTING, "")
    return Path(named).expanduser() if named else None


@contextlib.contextmanager
def crowded_really(pods: int) -> Iterator[tuple[Mapping[str, str], str, str]]:
    """Fill a namespace; give where the cluster is, the namespace's name and the server's version."""
    kubeconfig = real_kubeconfig()
    assert kubeconfig is not None
    namespace = f"opsmodal-bench-{secrets.token_hex(3)}"
    version = str(json.loads(kubectl(kubeconfig, "version", "-o", "json"))["serverVersion"]["gitVersion"])
    kubectl(kubeconfig, "create", "namespace", namespace)
    try:
        manifests = {"apiVersion": "v1", "kind": "List", "items": [_pod(number) for number in range(pods)]}
        kubectl(kubeconfig, "create", "-n", namespace, "-f", "-", given=json.dumps(manifests))
        with tempfile.TemporaryDirectory() as folder:
            yield _place(kubeconfig, Path(folder)), namespace, version
    finally:
        kubectl(kubeconfig, "delete", "namespace", namespace, f"--timeout={RUN_S:g}s")


def _pod(number: int) -> dict[str, Any]:
    container = {"name": "web", "image": IMAGE, "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}}}
    spec = {"nodeSelector": {"opsmodal.dev/bench": "nowhere"}, "containers": [container]}
    metadata = {"name": f"crowd-{number:05d}", "labels": {"app": "crowd"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def kubectl(kubeconfig: Path, *args: str, given: str = "") -> str:
    """Run kubectl; give what it prints. Raise RuntimeError with what it said."""
    argv = [str(find_kubectl()), "--kubeconfig", str(kubeconfig), *args]
    done = subprocess.run(argv, check=False, input=given, capture_output=True, text=True, timeout=RUN_S + 30)
    if done.returncode:
        raise RuntimeError(f"kubectl {' '.join(args)}: {done.stderr[-300:]}")
    return done.stdout


def _place(kubeconfig: Path, folder: Path) -> dict[str, str]:
    """Give address and credentials of the current context, for a bare request; certificates become files."""
    shown = kubectl(kubeconfig, "config", "view", "--minify", "--flatten", "--raw", "-o", "yaml")
    document: dict[str, Any] = yaml.safe_load(shown)
    user = document["users"][0]["user"]
    cluster = document["clusters"][0]["cluster"]
    place = {"kubeconfig": shown, "url": cluster["server"], "token": user.get("token", "")}
    place["ca"] = base64.b64decode(cluster.get("certificate-authority-data", "")).decode()
    for key, field in (("cert", "client-certificate-data"), ("key", "client-key-data")):
        if field in user:
            (folder / key).write_bytes(base64.b64decode(user[field]))
            (folder / key).chmod(0o600)
            place[key] = str(folder / key)
    return place
