"""One runtime that hangs keeps nobody else waiting."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from opsmodal.fleet import GLANCE_THREADS, Fleet, Glance
from opsmodal.opening import Opening
from opsmodal.registry.registry import Registry
from opsmodal.registry.schema import AnyConnection, DockerSpec, RuntimeSpec, ServiceSpec
from runtimes.base import Snapshot


class Runtimes:
    """Opens runtimes whose lists come at once, except on "hanging"."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def signature(self, name: str) -> str:
        return name

    def runtime(self, name: str) -> RuntimeSpec:
        return DockerSpec(name=name, socket="/nowhere")

    def connect(self, spec: RuntimeSpec, way: AnyConnection) -> Any:
        return SimpleNamespace(close=lambda: None)

    def over(self, spec: RuntimeSpec, way: AnyConnection, connection: Any) -> Any:
        name = spec.name

        def instances(_scope: object) -> Snapshot[Any]:
            if name == "hanging":
                self.released.wait(30)
            return Snapshot(items=(), as_of=datetime.now(UTC))

        runtime = SimpleNamespace(
            instances=SimpleNamespace(list=instances),
            overview=SimpleNamespace(desired=lambda _scope: 0),
            close=lambda: None,
        )
        return SimpleNamespace(runtime=runtime, connection=connection, connection_name=way.name)


@pytest.fixture
def runtimes() -> Iterator[Runtimes]:
    runtimes = Runtimes()
    yield runtimes
    runtimes.released.set()


def test_a_runtime_that_hangs_fills_its_own_threads_only(runtimes: Runtimes) -> None:
    fleet = Fleet(cast(Registry, runtimes), cast(Opening, runtimes))
    stuck = [service(f"stuck-{number}", "hanging") for number in range(GLANCE_THREADS * 8)]
    answers = fleet.glances([*stuck, service("shop", "well")], fresh_s=0, wait_s=1.0)
    assert isinstance(answers["shop"], Glance)
    assert [answers[each.name] for each in stuck] == [None] * len(stuck)
    assert sum(thread.name.startswith("glance hanging") for thread in threading.enumerate()) == GLANCE_THREADS
    runtimes.released.set()
    fleet.close()


def service(name: str, runtime: str) -> ServiceSpec:
    return ServiceSpec(name=name, runtime=runtime, namespace=name)
