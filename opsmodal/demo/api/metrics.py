"""CPU and memory of pods and nodes, computed when they are read, as metrics-server would have measured them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from opsmodal.demo.api.lists import Page, list_json, selection
from opsmodal.demo.api.requests import Answer, Request, Target
from opsmodal.demo.clock import stamp
from opsmodal.demo.documents import Obj, labels_of, name_of
from opsmodal.demo.kinds import METRICS, NODES, PODS
from opsmodal.demo.life.registrations import demand_measured
from opsmodal.demo.life.usage import Usage
from opsmodal.demo.problems import not_found
from opsmodal.demo.storage import Record
from opsmodal.demo.world import World

WINDOW = "15.000s"
SYSTEM_CPU_CORES, SYSTEM_MEMORY_BYTES = 0.12, 700 * 2**20
"""What a node uses besides its pods."""


def _quantities(cpu_cores: float, memory_bytes: int) -> Obj:
    return {"cpu": f"{int(cpu_cores * 1e9)}n", "memory": f"{memory_bytes // 1024}Ki"}


class Metrics:
    """Serve metrics.k8s.io."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._usage = Usage(world.storage)

    def serves(self, target: Target) -> bool:
        """Tell whether this is a question for metrics."""
        return target.kind in METRICS

    def answer(self, request: Request, target: Target) -> Answer:
        """Answer one measurement or a list of them; a 503 Problem while the server that measures does not answer."""
        demand_measured(self._world.storage)
        now = self._world.clock.now()
        if target.name:
            return Answer(200, self._one(target, now).raw)
        select = selection(request, target)
        records = [Record(item) for item in self._all(target, now) if select(item)]
        return Answer(200, list_json(target.kind.name, target.kind.api_version, Page(version=0, records=records)))

    def _one(self, target: Target, now: datetime) -> Record:
        source = NODES if target.kind.plural == "nodes" else PODS
        record = self._world.storage.get(source, target.space, target.name)
        found = next(iter(self._measured(source is NODES, [record] if record else [], now)), None)
        if found is None:
            raise not_found(target.kind.plural, "", target.name)
        return Record(found)

    def _all(self, target: Target, now: datetime) -> Iterable[Obj]:
        is_node = target.kind.plural == "nodes"
        records = self._world.storage.records(NODES if is_node else PODS, target.space)[1]
        return self._measured(is_node, records, now)

    def _measured(self, is_node: bool, records: Iterable[Record], now: datetime) -> Iterable[Obj]:
        for record in records:
            head = self._head(record.document, "NodeMetrics" if is_node else "PodMetrics", now)
            if is_node:
                yield head | {"usage": self._node_usage(name_of(record.document), now)}
            elif measured := self._usage.of(record.document, now):
                containers = [{"name": name, "usage": _quantities(cpu, memory)} for name, cpu, memory in measured]
                yield head | {"containers": containers}

    @staticmethod
    def _head(document: Obj, kind: str, now: datetime) -> Obj:
        metadata = {"name": name_of(document), "creationTimestamp": stamp(now), "labels": labels_of(document)}
        metadata |= {"namespace": document["metadata"]["namespace"]} if "namespace" in document["metadata"] else {}
        head: Obj = {"kind": kind, "apiVersion": METRICS[0].api_version, "metadata": metadata}
        return head | {"timestamp": stamp(now), "window": WINDOW}

    def _node_usage(self, node: str, now: datetime) -> Obj:
        cpu, memory = SYSTEM_CPU_CORES, SYSTEM_MEMORY_BYTES
        for pod in self._world.storage.placed(PODS, node):
            for _, cores, used in self._usage.of(pod.document, now):
                cpu, memory = cpu + cores, memory + used
        return _quantities(cpu, memory)
