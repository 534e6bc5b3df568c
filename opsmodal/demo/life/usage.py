"""What running containers use: invented, but steady, swinging slowly, and the same for the same pod and moment.

A workload whose annotation names a load shares it among its ready pods: more pods carry less each, so that an
autoscaler has something to do. No container uses more CPU than its limit.
"""

from __future__ import annotations

import math
from datetime import datetime

from opsmodal.demo.clock import parsed
from opsmodal.demo.documents import Obj, annotations_of, controller_of, dig, namespace_of, uid_of
from opsmodal.demo.kinds import stored
from opsmodal.demo.life.programs import program_of
from opsmodal.demo.names import share
from opsmodal.demo.quantities import amount
from opsmodal.demo.storage import Storage

FIRST_SAMPLE_S = 15.0
"""metrics-server knows nothing of a container before its first scrape."""
WAVE_S = 600.0
"""How long one swing takes."""
LOAD = "demo.opsmodal.dev/load-cpu"
"""Annotation of a workload: the CPU that its pods use together, `800m`."""
OWNERS = {name: stored(f"{name.lower()}s") for name in ("Deployment", "ReplicaSet", "StatefulSet")}


def _wave(identity: str, now: datetime) -> float:
    """Give a factor around 1 that swings slowly, each container in its own time."""
    phase = share(identity) * 2 * math.pi
    return 1 + 0.35 * math.sin(2 * math.pi * now.timestamp() / WAVE_S + phase) + 0.1 * share(identity, now.minute)


class Usage:
    """Measure pods, as a kubelet does."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def of(self, pod: Obj, now: datetime) -> list[tuple[str, float, int]]:
        """Give (container, CPU cores, memory bytes) of each running container that was measured."""
        specs = {container["name"]: container for container in dig(pod, "spec", "containers") or ()}
        found = []
        load = self._load(pod)
        for status in dig(pod, "status", "containerStatuses") or ():
            started = dig(status, "state", "running", "startedAt")
            if not started or (now - parsed(started)).total_seconds() < FIRST_SAMPLE_S:
                continue
            spec = specs[status["name"]]
            program = program_of(pod, spec)
            swing = _wave(f"{uid_of(pod)}/{status['name']}", now)
            cores = program.cpu_cores * swing if load is None else load / len(specs)
            if limit := dig(spec, "resources", "limits", "cpu"):
                cores = min(cores, float(amount(limit)))
            found.append((status["name"], cores, int(program.memory_bytes * (0.9 + 0.1 * swing))))
        return found

    def _load(self, pod: Obj) -> float | None:
        """Give the pod's share of its workload's load in cores, None when nobody named one."""
        owner, space = controller_of(pod), namespace_of(pod)
        while owner and owner["kind"] in OWNERS:
            record = self._storage.get(OWNERS[owner["kind"]], space, owner["name"])
            if record is None:
                return None
            if load := annotations_of(record.document).get(LOAD):
                ready = dig(record.document, "status", "readyReplicas") or 1
                return float(amount(load)) / ready
            owner = controller_of(record.document)
        return None
