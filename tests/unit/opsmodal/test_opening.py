"""What a connection has to reach: the API server of the chosen context, the pod's own, an engine's socket."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors import Connectors
from opsmodal.opening import Opening
from opsmodal.registry.registry import Registry
from runtimes.errors import Invalid

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: one
clusters:
- {name: one, cluster: {server: "https://10.0.0.5:6443"}}
- {name: two, cluster: {server: "https://api.example:443"}}
users:
- {name: me, user: {token: abc}}
contexts:
- {name: one, context: {cluster: one, user: me}}
- {name: two, context: {cluster: two, user: me}}
"""


@pytest.fixture
def opening(registry: Registry, tmp_path: Path) -> Opening:
    return Opening(registry, Connectors(tmp_path))


def addressed(opening: Opening, registry: Registry, **entry: object) -> str:
    registry.put("runtimes", {"name": "prod", **entry}, {"kubeconfig": KUBECONFIG} if "kubeconfig" in entry else {})
    spec = registry.runtime("prod")
    assert spec is not None
    return opening.address(spec)


def test_a_cluster_is_where_its_context_says(opening: Opening, registry: Registry) -> None:
    config = {"file": "prod.yaml"}
    assert addressed(opening, registry, kind="kubernetes", kubeconfig=config) == "https://10.0.0.5:6443"
    config = {"file": "prod.yaml", "context": "two"}
    assert addressed(opening, registry, kind="kubernetes", kubeconfig=config) == "https://api.example:443"


@pytest.mark.parametrize(
    ("host", "wanted"), [("10.96.0.1", "https://10.96.0.1:443"), ("fd00::1", "https://[fd00::1]:443")]
)
def test_the_cluster_around_us_is_where_the_pod_is_told(
    opening: Opening, registry: Registry, monkeypatch: pytest.MonkeyPatch, host: str, wanted: str
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    assert addressed(opening, registry, kind="kubernetes", inCluster=True) == wanted


def test_outside_of_a_pod_there_is_no_cluster_around_us(
    opening: Opening, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(Invalid, match="does not run in a pod"):
        addressed(opening, registry, kind="kubernetes", inCluster=True)


def test_an_engine_is_at_its_socket(opening: Opening, registry: Registry) -> None:
    assert addressed(opening, registry, kind="docker", socket="/var/run/docker.sock") == "/var/run/docker.sock"
