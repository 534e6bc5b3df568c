"""Whatever the way, the API server proves by its own certificate who it is: a tunnel's near end proves nothing."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import yaml

from runtimes.errors import Unavailable
from runtimes.kubernetes.open import open_kubernetes
from tests.contract.test_engine_tls import Authority
from tests.contract.world_kubernetes import KubernetesWorld
from tests.contract.worlds import World

pytestmark = pytest.mark.parametrize("engine", ["simulated"], indirect=True)


def opened(world: World, **cluster: Any) -> str:
    """Open the cluster over the way, with these lines of its kubeconfig changed; give its version."""
    assert isinstance(world, KubernetesWorld)
    config = yaml.safe_load(world.api.kubeconfig)
    config["clusters"][0]["cluster"].update({name.replace("_", "-"): value for name, value in cluster.items()})
    text = yaml.safe_dump(config)
    runtime = open_kubernetes("trusting", kubeconfig=text, context=None, connection=world.connection)
    runtime.close()
    return runtime.identity.version


@pytest.mark.smoke
def test_the_name_in_the_kubeconfig_is_the_one_that_counts(world: World) -> None:
    assert opened(world, server="https://kubernetes:6443")
    assert opened(world, server="https://nowhere.example:6443", tls_server_name="kubernetes")
    for other in ({"server": "https://nowhere.example:6443"}, {"tls_server_name": "nowhere.example"}):
        with pytest.raises(Unavailable, match="is for another name"):
            opened(world, **other)
    with pytest.raises(Unavailable, match="is for another address"):
        opened(world, server="https://127.0.0.9:6443")


def test_a_server_of_another_authority_is_not_spoken_to(world: World) -> None:
    stranger = base64.b64encode(Authority().pem.encode()).decode()
    with pytest.raises(Unavailable, match="cannot be trusted"):
        opened(world, certificate_authority_data=stranger)
