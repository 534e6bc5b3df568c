"""Kubernetes for the tests: the simulated cluster, always there, and a real one where somebody names it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tests.engines.process import CannotStart

if TYPE_CHECKING:
    from opsmodal.demo.cluster import Cluster

SETTING = "OPSMODAL_TEST_KUBECONFIG"


@contextlib.contextmanager
def simulated(*, example: bool = True) -> Iterator[Cluster]:
    """Give a running simulated cluster on a free loopback port; `example` fills it with the demo's services."""
    from opsmodal.demo.cluster import start

    cluster = start(port=0, example=example)
    try:
        yield cluster
    finally:
        cluster.stop()


def real_kubeconfig_path() -> Path:
    """Give the kubeconfig that OPSMODAL_TEST_KUBECONFIG names; raise CannotStart when it names none."""
    named = os.environ.get(SETTING, "")
    if not named:
        raise CannotStart(f"no real cluster: name its kubeconfig in {SETTING}, as `make test-real` does")
    path = Path(named).expanduser()
    if not path.is_file():
        raise CannotStart(f"{SETTING} names {path}, which is not a file")
    return path
