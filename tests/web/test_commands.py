"""The Commands tab, on the simulated cluster with the real kubectl: judged, let through, run, written down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from opsmodal.demo.cluster import start
from tests.engines.kubectl import NoKubectl, find_kubectl
from tests.web.conftest import Installation, Seed, closed, installed


@pytest.fixture(scope="module")
def shop(seed: Seed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Give an installation with a cluster of its own and a kubectl, whose commands change what they like."""
    try:
        kubectl = find_kubectl()
    except NoKubectl as none:
        pytest.skip(str(none))
    cluster = start()
    made = installed(tmp_path_factory.mktemp("commands"), seed, cluster, kubectl=str(kubectl))
    yield made
    closed(made)
    cluster.stop()


def run(made: Installation, command: str, actor: str = "manager", **more: Any) -> Any:
    path = f"/services/{more.pop('service', 'shop')}/commands"
    return made.client(actor).call("POST", path, json={"command": command, "mode": "oneshot", **more})


def test_a_line_is_run_and_its_output_answered(shop: Installation) -> None:
    answer = run(shop, "kubectl get pods", "operator")
    assert answer.status_code == 200, answer.text
    value = answer.json
    assert value["exit_code"] == 0
    assert value["verdict"] == "allow"
    assert "shop-web-" in value["stdout"]
    assert value["stderr"] == ""
    assert (value["timed_out"], value["truncated"]) == (False, False)
    assert value["duration_ms"] > 0
